//! A program with its arguments and environment, and where it is looked for.

use std::convert::Infallible;
use std::ffi::CString;

use rustix::io::Errno;

use super::ExecError;
use crate::plan::landlock::Landlock;
use crate::plan::process::Process;
use crate::sys::bridge::{Bridge, Refusal};
use crate::sys::{SysError, process as own};

/// Where programs are looked for if the environment does not say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a command's name may stand for in the container, in the order in which that is tried.
#[derive(Debug)]
pub(in crate::launch) struct Candidates {
    name: String,
    pub(in crate::launch) programs: Vec<CString>,
    searched: String,
    reach: Reach,
}

/// Which of the files that a command sees it can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    /// What `--landlock` names.
    Some,
}

impl Candidates {
    pub(in crate::launch) fn new(arguments: &[String], environment: &[String]) -> Result<Self, ExecError> {
        // A plan has at least one argument.
        let name = arguments.first().cloned().unwrap_or_default();
        let path = environment.iter().find_map(|one| one.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
        let mut programs = Vec::new();
        let mut searched = String::new();
        if name.contains('/') || name.is_empty() {
            programs.push(text(&name)?);
        } else {
            for directory in path.split(':').filter(|directory| !directory.is_empty()) {
                programs.push(text(&format!("{directory}/{name}"))?);
            }
            searched = format!(" in the container (PATH={path})");
        }
        Ok(Self { name, programs, searched, reach: Reach::All })
    }

    /// The same for a command that can reach no more than that.
    pub(in crate::launch) fn under(self, landlock: &Landlock) -> Self {
        let reach = if landlock.files.is_empty() { Reach::All } else { Reach::Some };
        Self { reach, ..self }
    }

    /// Why none of them runs.
    pub(in crate::launch) fn refused(&self, refusal: Refusal) -> ExecError {
        let command = self.name.clone();
        match refusal {
            Refusal::Missing => ExecError::NotFound { command, searched: self.searched.clone() },
            Refusal::Refused(place, errno) => {
                let program = self.programs.get(place).map(CString::as_c_str).unwrap_or_default();
                let source = SysError::new(format!("execve({program:?})"), errno);
                match self.reach {
                    Reach::Some if errno == Errno::ACCESS => ExecError::OutOfReach { command, source },
                    Reach::Some | Reach::All => ExecError::NotExecutable { command, source },
                }
            }
        }
    }
}

/// All that the kernel is given, in the form that it takes.
pub(super) struct Command {
    candidates: Candidates,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Command {
    pub(super) fn new(process: &Process) -> Result<Self, ExecError> {
        let texts = |texts: &[String]| texts.iter().map(|one| text(one)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            candidates: Candidates::new(&process.arguments, &process.environment)?.under(&process.landlock),
            arguments: texts(&process.arguments)?,
            environment: texts(&process.environment)?,
        })
    }

    /// Becomes the program; a refusal is told on the bridge, or where there is none, is the error.
    pub(super) fn exec(&self, bridge: Option<&Bridge>) -> Result<Infallible, ExecError> {
        if let Some(bridge) = bridge {
            bridge.cross(&self.arguments, &self.environment);
        }
        let mut refusal = Refusal::Missing;
        for (place, program) in self.candidates.programs.iter().enumerate() {
            let errno = own::exec(program, &self.arguments, &self.environment);
            let missing = matches!(errno, Errno::NOENT | Errno::NOTDIR)
                && rustix::fs::access(program, rustix::fs::Access::EXISTS).is_err();
            if !missing && refusal == Refusal::Missing {
                refusal = Refusal::Refused(place, errno);
            }
        }
        Err(self.candidates.refused(refusal))
    }
}

fn text(text: &str) -> Result<CString, ExecError> {
    CString::new(text).map_err(|_| ExecError::Nul(text.to_owned()))
}
