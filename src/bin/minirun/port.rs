//! `minirun port`: which ports of the host lead to a container.

use minirun::container::Engine;
use minirun::plan::port::{PublishedPort, parse_exposed};

use crate::arguments::container::PortArgs;
use crate::failure::{Failure, SOME_FAILED};
use crate::output::Output;

/// Lists all, or those that lead to one port of the container.
pub(crate) fn list(engine: &Engine, arguments: &PortArgs, output: &mut Output) -> Result<u8, Failure> {
    let published = match engine.published_ports(&arguments.container) {
        Ok(published) => published,
        Err(error) => {
            output.fail(&error.into());
            return Ok(SOME_FAILED);
        }
    };
    let Some(text) = &arguments.port else {
        for port in &published {
            output.line(format!("{} -> {}", port.container, host_side(port)))?;
        }
        return Ok(0);
    };
    let wanted = parse_exposed(text)?;
    let found: Vec<_> = published.iter().filter(|port| wanted.contains(&port.container)).collect();
    if found.is_empty() {
        let (port, container) = (text.clone(), arguments.container.clone());
        output.fail(&Failure::NotPublished { port, container });
        return Ok(SOME_FAILED);
    }
    found.into_iter().try_for_each(|port| output.line(host_side(port)))?;
    Ok(0)
}

/// For a table: `0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`.
pub(crate) fn summary(published: &[PublishedPort]) -> String {
    let one = |port: &PublishedPort| format!("{}->{}", host_side(port), port.container);
    published.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn host_side(port: &PublishedPort) -> String {
    match port.address {
        Some(address) => std::net::SocketAddr::new(address, port.host).to_string(),
        None => format!("*:{}", port.host),
    }
}
