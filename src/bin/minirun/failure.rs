//! Why a command ends without what was asked for, and how that is shown.

mod codes;

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use minirun::container::Error;
use minirun::plan::driver::DriverError;
use minirun::plan::instruction::InstructionError;
use minirun::plan::name::NameError;
use minirun::plan::path::PathError;
use minirun::plan::port::PortError;
use minirun::plan::quote::shortened;
use minirun::plan::snapshot::SnapshotError;
use thiserror::Error;

pub(crate) use self::codes::Codes;
use crate::run::RequestError;
use crate::template::TemplateError;

/// The code for a failure of minirun's own, as Docker has it.
pub(crate) const OWN_FAILURE: u8 = 125;
/// The code of the verbs that go on with the next name after a failure.
pub(crate) const SOME_FAILED: u8 = 1;

/// Why a command ends.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The library could not do it.
    #[error(transparent)]
    Engine(#[from] Error),
    /// The flags of `run` do not make sense.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A name or a label.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The name of a snapshot.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// An archive for the screen.
    #[error("the archive would be written to the terminal")]
    TerminalOutput,
    /// A directory for the screen.
    #[error("`--format oci-dir` wants a directory: nothing says which")]
    NoDirectory,
    /// Two forms for one thing.
    #[error("the word in front of the colon of `-o` and `--format` say different forms")]
    TwoFormats,
    /// A name behind the place of an archive.
    #[error("`{}` has more behind its path: images are saved under their own names", .0.display())]
    SaveName(PathBuf),
    /// A name that promises another format.
    #[error("`{0}` ends like a compression that minirun does not write")]
    Ending(String),
    /// The driver of a volume.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// `--format`.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Nobody says where the store is.
    #[error("there is no place for the store: neither --store nor MINIRUN_STORE nor HOME says one")]
    NoStore,
    /// `-it` without a terminal.
    #[error("`-it` wants a terminal, and standard input is none")]
    NoTerminal,
    /// `--creds`, or what was typed for `login`.
    #[error("a name and a password look otherwise: USER:PASSWORD")]
    Credentials,
    /// `login` without a password.
    #[error("`login` wants a name and a password")]
    NoPassword,
    /// The password on standard input.
    #[error("cannot read what is typed from standard input")]
    Password(#[source] io::Error),
    /// An image to be read from a terminal.
    #[error("standard input is a terminal, and an image is not typed")]
    TerminalInput,
    /// A file of the user's.
    #[error("cannot write `{}`", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        error: io::Error,
    },
    /// An instruction of `commit --change`.
    #[error("cannot use `--change`")]
    Instruction(#[from] InstructionError),
    /// `top` with options, without the program.
    #[error("the options are those of `ps`, which is not installed")]
    NoPs,
    /// What `ps` said to the options.
    #[error("`ps` refused: {0}")]
    Ps(String),
    /// Output of `ps` that does not tell which line is about which process.
    #[error("the output of `ps` has no column PID")]
    NoPidColumn,
    /// `cp` from one container to another.
    #[error("both ends are in containers: copying needs one on the host")]
    TwoContainers,
    /// `cp` without a container.
    #[error("neither end is in a container: one of them is CONTAINER:PATH")]
    NoContainer,
    /// Two sources.
    #[error("both `--input {flag}` and `{positional}` say where the image is")]
    TwoInputs {
        /// The flag's value.
        flag: String,
        /// The other one.
        positional: String,
    },
    /// Neither container nor image.
    #[error("there is no container, image or volume `{0}`")]
    NoObject(String),
    /// A port of the command line.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A port that nothing leads to.
    #[error("no port of this machine leads to port {port} of container `{container}`")]
    NotPublished {
        /// As typed.
        port: String,
        /// The container, as typed.
        container: String,
    },
    /// `mount` as Podman has it.
    #[error("nothing says what to mount into which container")]
    NoMountSpec,
    /// A path in a container.
    #[error("cannot use `{text}` as a path in a container")]
    Destination {
        /// As typed.
        text: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// A value of `--filter`.
    #[error("`--filter {text}` is not one that minirun has: {legal}")]
    Filter {
        /// As typed.
        text: String,
        /// What could stand there.
        legal: &'static str,
    },
    /// `start -a` of several.
    #[error("`start` with -a or -i takes one container")]
    OneContainer,
    /// The value of a `--filter`.
    #[error("`--filter {text}` makes no sense: its value is {legal}")]
    FilterValue {
        /// As typed.
        text: String,
        /// What could stand there.
        legal: &'static str,
    },
    /// `--all` in two ways.
    #[error("`--all` and `--filter all=…` say the same: give one of them")]
    AllTwice,
    /// `system prune --volumes` with a time.
    #[error(
        "`--filter until=…` and `--volumes` do not go together: a volume's files may be newer than the volume"
    )]
    UntilWithVolumes,
    /// `volume update`.
    #[error("`volume update` is for volumes of a cluster, and minirun has none")]
    ClusterOnly,
    /// Standard output.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

impl Failure {
    /// Whether all there is to say is that the reader went away.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Engine(error) => error.exit_code(),
            // What a shell says of a program that SIGPIPE ended.
            Self::Output(_) if self.is_closed_pipe() => 141,
            Self::NoObject(_) | Self::NotPublished { .. } => SOME_FAILED,
            Self::Request(_)
            | Self::Name(_)
            | Self::Snapshot(_)
            | Self::TerminalOutput
            | Self::NoDirectory
            | Self::TwoFormats
            | Self::SaveName(_)
            | Self::Ending(_)
            | Self::Driver(_)
            | Self::Template(_)
            | Self::NoStore
            | Self::TerminalInput
            | Self::Credentials
            | Self::NoPassword
            | Self::Password(_)
            | Self::TwoContainers
            | Self::NoContainer
            | Self::NoPs
            | Self::Ps(_)
            | Self::NoPidColumn
            | Self::Write { .. }
            | Self::Instruction(_)
            | Self::NoTerminal
            | Self::Port(_)
            | Self::NoMountSpec
            | Self::Destination { .. }
            | Self::TwoInputs { .. }
            | Self::Filter { .. }
            | Self::OneContainer
            | Self::FilterValue { .. }
            | Self::AllTwice
            | Self::ClusterOnly
            | Self::UntilWithVolumes
            | Self::Output(_) => OWN_FAILURE,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Request(error) => error.hint(),
            Self::NoMountSpec => Some(
                "minirun mount CONTAINER SOURCE:DEST; a container's root filesystem can be seen only inside, and an \
                 image's with minirun unshare --image IMAGE"
                    .to_owned(),
            ),
            Self::NoStore => Some("give --store DIR".to_owned()),
            Self::NoPassword => Some("pipe it in: minirun login -u USER --password-stdin REGISTRY < FILE".to_owned()),
            Self::TerminalInput => Some("name a file, or pipe it in: minirun … < FILE".to_owned()),
            Self::NoPs => Some("leave the options out".to_owned()),
            Self::NoPidColumn => Some("ask for it: -o pid,…".to_owned()),
            Self::TwoContainers => Some("pipe: minirun cp A:PATH - | minirun cp - B:PATH".to_owned()),
            Self::NoTerminal => Some("leave out -t to pipe into the container".to_owned()),
            Self::NoObject(_) => {
                Some("see `minirun ps -a`, `minirun images` and `minirun volume ls`".to_owned())
            }
            Self::Template(error) => error.hint(),
            Self::Driver(error) => error.hint(),
            Self::NoDirectory => Some("-o DIR".to_owned()),
            Self::TerminalOutput => Some("name a file with -o FILE, or pipe it into a program".to_owned()),
            Self::Ending(_) => Some(
                "endings are .tar, .tar.gz or .tgz, .tar.zst or .tzst, .tar.xz or .txz, .tar.bz2 or .tbz2; --compress \
                 says it for any other name"
                    .to_owned(),
            ),
            Self::ClusterOnly => Some(
                "labels and options of a volume are given when it is made: minirun volume create".to_owned(),
            ),
            Self::NotPublished { container, .. } => Some(format!("see minirun port {container}")),
            Self::SaveName(_) => {
                Some("give it another name by `minirun tag` before; a path with a colon begins with `./`".to_owned())
            }
            Self::Snapshot(_)
            | Self::TwoFormats
            | Self::Name(_)
            | Self::Port(_)
            | Self::TwoInputs { .. }
            | Self::Write { .. }
            | Self::Instruction(_)
            | Self::NoContainer
            | Self::Ps(_)
            | Self::Filter { .. }
            | Self::FilterValue { .. }
            | Self::AllTwice
            | Self::UntilWithVolumes
            | Self::OneContainer
            | Self::Destination { .. }
            | Self::Credentials
            | Self::Password(_)
            | Self::Output(_) => None,
        }
    }
}

/// The text of an error: a sentence, its causes, and what to do.
pub(crate) fn render(failure: &Failure, hint: Option<String>) -> String {
    let mut before = failure.to_string();
    let mut text = format!("error: {before}\n");
    let mut cause = failure.source();
    while let Some(error) = cause {
        let line = error.to_string();
        if line != before {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {}", line.replace('\n', "\n  "));
        }
        before = line;
        cause = error.source();
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "hint: {hint}");
    }
    shortened(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use minirun::plan::mount::parse_volume;

    use super::*;

    fn shown(failure: &Failure) -> String {
        render(failure, failure.hint())
    }

    #[test]
    fn an_error_is_a_sentence_its_causes_and_a_hint() {
        let error = parse_volume("a/b:/data".as_ref()).unwrap_err();
        assert_eq!(
            shown(&Failure::Request(RequestError::Mount(error))),
            "error: cannot use `-v a/b:/data`\n  bad source\n  `a/b` is not a volume name ([a-zA-Z0-9] and then one or \
             more of [a-zA-Z0-9_.-], at most 255)\nhint: a directory of the host begins with `/` or `.`: `./a/b`\n"
        );
        assert_eq!(
            shown(&Failure::NoObject("x".to_owned())),
            "error: there is no container, image or volume `x`\nhint: see `minirun ps -a`, `minirun images` and `minirun volume ls`\n"
        );
    }

    #[test]
    fn a_reader_that_went_away_is_told_apart() {
        assert!(Failure::Output(io::ErrorKind::BrokenPipe.into()).is_closed_pipe());
        assert!(!Failure::Output(io::ErrorKind::StorageFull.into()).is_closed_pipe());
    }
}
