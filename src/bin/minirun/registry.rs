//! The verbs about registries.

use std::io::{Read as _, stdin};

use minirun::container::{Access, Engine, PullArguments};
use minirun::plan::registry::auth_file::Credentials;

use crate::arguments::registry::{AccessArgs, LoginArgs, LogoutArgs, PullArgs};
use crate::failure::{Failure, SOME_FAILED};
use crate::image::{limits, platform};
use crate::output::Output;
use crate::progress::{Loudness, Progress};

/// The most bytes of a password.
const PASSWORD_MAX: u64 = 64 << 10;

/// `minirun pull`: goes on with the others when one cannot be had.
pub(crate) fn pull(engine: &Engine, arguments: &PullArgs, output: &mut Output) -> Result<u8, Failure> {
    let parse = |text: &String| Credentials::parse(text).ok_or(Failure::Credentials);
    let credentials = arguments.creds.as_ref().map(parse).transpose()?;
    let access = access(&arguments.access, credentials);
    let platform = platform(engine, arguments.platform.as_deref())?;
    let limits = limits(&arguments.image_limits)?;
    let mut code = 0;
    for name in &arguments.names {
        let request = PullArguments {
            name: name.clone(),
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

/// `minirun login`.
pub(crate) fn login(engine: &Engine, arguments: &LoginArgs, output: &mut Output) -> Result<u8, Failure> {
    let password = match &arguments.password {
        Some(password) => password.clone(),
        None if arguments.password_stdin => typed()?,
        None => return Err(Failure::NoPassword),
    };
    let text = format!("{}:{password}", arguments.username);
    let credentials = Credentials::parse(&text).ok_or(Failure::Credentials)?;
    let path = engine.log_in(&arguments.registry, &access(&arguments.access, Some(credentials)))?;
    output.line(format!("Login Succeeded; kept in `{}`, where you alone may read it", path.display()))?;
    Ok(0)
}

/// `minirun logout`.
pub(crate) fn logout(engine: &Engine, arguments: &LogoutArgs, output: &mut Output) -> Result<u8, Failure> {
    engine.log_out(&arguments.registry)?;
    output.line(format!("Removed login credentials for {}", arguments.registry))?;
    Ok(0)
}

fn access(arguments: &AccessArgs, credentials: Option<Credentials>) -> Access {
    Access { trust: arguments.trust, certificates: arguments.certificates.clone(), credentials }
}

/// The password on standard input, without the end of its line.
fn typed() -> Result<String, Failure> {
    let mut text = String::new();
    stdin().take(PASSWORD_MAX).read_to_string(&mut text).map_err(Failure::Password)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
