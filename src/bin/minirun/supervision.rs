//! The flags of `run` and `create` about how a container is watched over, typed.

use std::path::Path;

use minirun::container::{AttachOptions, Feeding};
use minirun::plan::request::{Attached, Wanted};
use minirun::plan::supervision::{
    InputEnd, LogPolicy, RestartPolicy, ResultTarget, Supervision, parse_duration,
};

use crate::arguments::run::RunArgs;
use crate::arguments::supervision::SupervisionArgs;
use crate::lifecycle::proxy;
use crate::run::RequestError;

/// Types the words; `working_directory` is the caller's.
pub(crate) fn parse(arguments: &RunArgs, working_directory: &Path) -> Result<Supervision, RequestError> {
    let flags = &arguments.supervision;
    let restart = flags.restart.as_deref().map_or(Ok(RestartPolicy::No), str::parse)?;
    if arguments.remove && restart != RestartPolicy::No {
        return Err(RequestError::RestartRemoved(restart));
    }
    Ok(Supervision {
        restart,
        grace: flags.stop_timeout.as_deref().map(str::parse).transpose()?,
        // Docker's words for no limit are none or 0.
        limit: flags.timeout.as_deref().map(parse_duration).transpose()?.filter(|limit| !limit.is_zero()),
        log: LogPolicy::parse(flags.log_driver.as_deref(), &flags.log_options)?,
        input_end: if flags.detach { InputEnd::Stays } else { InputEnd::Closes },
        pid_file: flags.pidfile.as_ref().map(|path| working_directory.join(path)),
        result: flags.result.as_ref().map(|text| ResultTarget::parse(text, working_directory)).transpose()?,
    })
}

/// Which streams the caller has.
pub(crate) fn attached(flags: &SupervisionArgs) -> Result<Attached, RequestError> {
    if flags.attach.is_empty() {
        return Ok(Attached::default());
    }
    if flags.detach {
        return Err(RequestError::AttachDetached);
    }
    let mut attached = Attached { output: Wanted::No, error: Wanted::No };
    for word in &flags.attach {
        match word.to_ascii_lowercase().as_str() {
            "stdin" => {}
            "stdout" => attached.output = Wanted::Yes,
            "stderr" => attached.error = Wanted::Yes,
            _ => return Err(RequestError::Attach(word.clone())),
        }
    }
    Ok(attached)
}

/// Whether `-i` means the caller's standard input.
pub(crate) fn wants_input(flags: &SupervisionArgs) -> bool {
    flags.attach.is_empty() || flags.attach.iter().any(|word| word.eq_ignore_ascii_case("stdin"))
}

/// How the caller is connected with a container that has a supervisor although it runs in the foreground: only such a
/// one can be left alone, or begin again.
pub(crate) fn session(arguments: &RunArgs) -> Result<Option<AttachOptions>, RequestError> {
    let flags = &arguments.supervision;
    let begins_again = flags.restart.as_deref().is_some_and(|policy| !matches!(policy, "" | "no"));
    if flags.detach_keys.is_none() && !begins_again && flags.sig_proxy {
        return Ok(None);
    }
    Ok(Some(AttachOptions {
        feeding: if arguments.interactive { Feeding::Yes } else { Feeding::No },
        proxy: proxy(flags.sig_proxy),
        detach_keys: flags.detach_keys.as_deref().map(str::parse).transpose()?.unwrap_or_default(),
    }))
}
