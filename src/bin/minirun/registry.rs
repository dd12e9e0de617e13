//! The verbs about registries.

use std::io::{IsTerminal as _, Read as _, stdin};

use minirun::container::{Access, Engine, PullArguments, PushArguments};
use minirun::plan::registry::auth_file::{Credentials, Kept};
use minirun::plan::source::registry_name;

use crate::arguments::registry::{AccessArgs, AskArgs, LoginArgs, LogoutArgs, PullArgs, PushArgs};
use crate::failure::{Failure, SOME_FAILED};
use crate::image::{limits, platform};
use crate::output::{Output, note};
use crate::progress::{Loudness, Progress};
use crate::prompt;

/// The most bytes of a password.
const PASSWORD_MAX: u64 = 64 << 10;

/// `minirun pull`: goes on with the others when one cannot be had.
pub(crate) fn pull(engine: &Engine, arguments: &PullArgs, output: &mut Output) -> Result<u8, Failure> {
    let access = asking(&arguments.ask)?;
    let platform = platform(engine, arguments.platform.as_deref())?;
    let limits = limits(&arguments.image_limits)?;
    let (names, mut code) = names(engine, (arguments, &access), output);
    for name in &names {
        let request = PullArguments {
            name: registry_name(name).to_owned(),
            platform: platform.clone(),
            limits: limits.clone(),
            access: access.clone(),
        };
        let mut progress = Progress::new(Loudness::of(arguments.quiet));
        let pulled = engine.pull(&request, &mut |event| progress.show(event));
        progress.clear();
        let pulled = match pulled {
            Ok(pulled) => pulled,
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
                continue;
            }
        };
        if !arguments.quiet {
            let status = if pulled.is_new { "Downloaded newer image" } else { "Image is up to date" };
            output.line(format!("Digest: {}", pulled.digest))?;
            output.line(format!("Status: {status} for {}", pulled.reference.familiar()))?;
        }
        output.line(pulled.reference.to_string())?;
        output.flush()?;
    }
    Ok(code)
}

/// What is to be pulled, and the code for what cannot be found out about that.
fn names(
    engine: &Engine,
    (arguments, access): (&PullArgs, &Access),
    output: &mut Output,
) -> (Vec<String>, u8) {
    if !arguments.all_tags {
        return (arguments.names.clone(), 0);
    }
    let (mut names, mut code) = (Vec::new(), 0);
    for name in &arguments.names {
        match engine.remote_tags(name, access) {
            Ok(found) => names.extend(found),
            Err(error) => {
                output.fail(&error.into());
                code = SOME_FAILED;
            }
        }
    }
    (names, code)
}

/// `minirun push`: goes on with the other tags when one cannot be sent.
pub(crate) fn push(engine: &Engine, arguments: &PushArgs, output: &mut Output) -> Result<u8, Failure> {
    if !arguments.all_tags {
        push_one(engine, (&arguments.image, arguments), output)?;
        return Ok(0);
    }
    let mut code = 0;
    for name in engine.names_in_repository(&arguments.image)? {
        match push_one(engine, (&name.to_string(), arguments), output) {
            Ok(()) => output.flush()?,
            Err(failure @ Failure::Output(_)) => return Err(failure),
            Err(failure) => {
                output.fail(&failure);
                code = SOME_FAILED;
            }
        }
    }
    Ok(code)
}

fn push_one(
    engine: &Engine,
    (image, arguments): (&str, &PushArgs),
    output: &mut Output,
) -> Result<(), Failure> {
    let request = PushArguments {
        image: image.to_owned(),
        destination: arguments.destination.clone(),
        access: asking(&arguments.ask)?,
    };
    let mut progress = Progress::new(Loudness::of(arguments.quiet));
    let pushed = engine.push(&request, &mut |event| progress.show(event));
    progress.clear();
    let pushed = pushed?;
    if let Some(path) = &arguments.digest_file {
        let written = std::fs::write(path, pushed.digest.to_string());
        written.map_err(|error| Failure::Write { path: path.clone(), error })?;
    }
    if !arguments.quiet {
        for text in &pushed.notes {
            note(&format!("note: {text}\n"));
        }
        output.line(format!("Digest: {}", pushed.digest))?;
    }
    output.line(pushed.reference.to_string())
}

fn credentials(text: Option<&str>) -> Result<Option<Credentials>, Failure> {
    let parse = |text| Credentials::parse(text).ok_or(Failure::Credentials);
    text.map(parse).transpose()
}

/// `minirun login`.
pub(crate) fn login(engine: &Engine, arguments: &LoginArgs, output: &mut Output) -> Result<u8, Failure> {
    let user = match &arguments.username {
        Some(user) => user.clone(),
        None if stdin().is_terminal() => prompt::line("Username: ").map_err(Failure::Password)?,
        None => return Err(Failure::NoPassword),
    };
    let password = match &arguments.password {
        Some(password) => password.clone(),
        None if arguments.password_stdin => typed()?,
        None if stdin().is_terminal() => prompt::secret("Password: ").map_err(Failure::Password)?,
        None => return Err(Failure::NoPassword),
    };
    let credentials = Credentials::new(&user, &password);
    match engine.log_in(&arguments.registry, &access(&arguments.access, Some(credentials)))? {
        Kept::File(path) => {
            let path = path.display();
            output.line(format!("Login Succeeded; kept in `{path}`, where you alone may read it"))?;
        }
        Kept::Program(program) => output.line(format!("Login Succeeded; kept by `{program}`"))?,
    }
    Ok(0)
}

/// `minirun logout`.
pub(crate) fn logout(engine: &Engine, arguments: &LogoutArgs, output: &mut Output) -> Result<u8, Failure> {
    engine.log_out(&arguments.registry, arguments.auth_file.as_deref())?;
    output.line(format!("Removed login credentials for {}", arguments.registry))?;
    Ok(0)
}

/// How a registry is asked for images, or to take them.
pub(crate) fn asking(arguments: &AskArgs) -> Result<Access, Failure> {
    Ok(access(&arguments.access, credentials(arguments.creds.as_deref())?))
}

fn access(arguments: &AccessArgs, credentials: Option<Credentials>) -> Access {
    let AccessArgs { trust, certificates, auth_file } = arguments;
    Access { trust: *trust, certificates: certificates.clone(), credentials, auth_file: auth_file.clone() }
}

/// The password on standard input, without the end of its line.
fn typed() -> Result<String, Failure> {
    let mut text = String::new();
    stdin().take(PASSWORD_MAX).read_to_string(&mut text).map_err(Failure::Password)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
