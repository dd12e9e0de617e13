//! The network of a container in the shape that Docker's `inspect` has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::{Engine, Error};
use crate::plan::port::{Port, PublishedPort, parse_exposed};
use crate::store::container::{Container, ContainerRecord, State};

impl Engine {
    /// The ports of the host that lead to the container that `text` names; none if it does not run.
    ///
    /// # Errors
    /// There is no such container, or the store cannot be read.
    pub fn published_ports(&self, text: &str) -> Result<Vec<PublishedPort>, Error> {
        Ok(published(&self.store.find_container(text)?))
    }
}

/// The ports that lead to a container now.
pub(super) fn published(container: &Container) -> Vec<PublishedPort> {
    match container.state {
        State::Running | State::Paused => {
            let mut ports = container.record.ports.clone();
            ports.sort();
            ports
        }
        State::Created | State::Restarting(_) | State::Exited(_) | State::Dead => Vec::new(),
    }
}

/// The ports that a container's image or its user says it listens on; what is published is among them.
pub(super) fn exposed(record: &ContainerRecord) -> Vec<Port> {
    let declared = record.config.exposed_ports().iter().flatten();
    // What another tool wrote there and is no port says nothing.
    let declared = declared.filter_map(|text| parse_exposed(text).ok()).flatten();
    let published = record.ports.iter().map(|port| port.container);
    declared.chain(published).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `NetworkSettings`.
pub(super) fn settings(container: &Container) -> Value {
    let is_running = container.state.has_processes();
    let address = container.record.address.filter(|_| is_running);
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let name = container.record.network.as_str();
    json!({
        "IPAddress": address,
        "Networks": { name: { "IPAddress": address } },
        "Ports": by_port(&published(container)),
    })
}

/// `HostConfig.PortBindings`.
pub(super) fn bindings(record: &ContainerRecord) -> Value {
    by_port(&record.ports)
}

fn by_port(ports: &[PublishedPort]) -> Value {
    let mut bindings: BTreeMap<Port, Vec<Value>> = BTreeMap::new();
    for port in ports {
        let address = port.address.map(|address| address.to_string()).unwrap_or_default();
        let binding = json!({ "HostIp": address, "HostPort": port.host.to_string() });
        bindings.entry(port.container).or_default().push(binding);
    }
    bindings.into_iter().map(|(port, list)| (port.to_string(), list.into())).collect::<Map<_, _>>().into()
}
