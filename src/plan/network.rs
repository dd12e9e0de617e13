//! A container's way to the outside: what `--network` says, and what the program pasta is told.
//!
//! Pasta gives a network namespace an interface and carries what is sent there through sockets of its own, without any
//! privilege on the host. Source of its words: pasta(1).

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::name::Hostname;
use super::network_file::{Dns, HostEntry};
use super::port::{PortRequest, Protocol, PublishedPort};

/// The container's own address.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 100);
/// Where everything outside of its network is sent.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// Where pasta takes questions for a name server that only the host reaches.
pub const FORWARDER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);
/// The container's interface.
const INTERFACE: &str = "eth0";

/// What `--network` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkMode {
    /// Nothing but the loopback interface.
    None,
    /// The caller's network.
    Host,
    /// A network of its own, connected to the outside by pasta.
    Pasta,
    /// The network of another container, as named.
    Container(String),
}

/// Why a network cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NetworkError {
    /// Not one of the words.
    #[error("`{0}` is not a network that minirun has: none, host, pasta or container:NAME")]
    Word(String),
    /// `container:` and nothing.
    #[error("`container:` names no container")]
    NoContainer,
    /// Something that belongs to the container whose network it is.
    #[error("`{flag}` makes no sense with `--network container:{name}`: that container has decided it")]
    Shared {
        /// The flag.
        flag: &'static str,
        /// The other container, as named.
        name: String,
    },
    /// `host-gateway` where the host has no address.
    #[error("`host-gateway` has no address here: the container has no way to the host")]
    NoGateway,
}

impl NetworkError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Word(word) if word.starts_with("slirp4netns") || word.starts_with("pasta:") => {
                "pasta, without options, does the same"
            }
            Self::Word(_) => {
                "there are no networks with names: containers that are to reach each other share one with \
                 container:NAME, or meet at published ports"
            }
            Self::Shared { .. } => "leave it out",
            Self::NoGateway => "use it with --network pasta or --network host",
            Self::NoContainer => return None,
        };
        Some(hint.to_owned())
    }
}

impl FromStr for NetworkMode {
    type Err = NetworkError;

    /// Docker's and Podman's words for a network of the container's own mean pasta.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        match text {
            "none" => Ok(Self::None),
            "host" => Ok(Self::Host),
            "pasta" | "bridge" | "private" => Ok(Self::Pasta),
            _ => match text.strip_prefix("container:") {
                Some("") => Err(NetworkError::NoContainer),
                Some(name) => Ok(Self::Container(name.to_owned())),
                None => Err(NetworkError::Word(text.to_owned())),
            },
        }
    }
}

/// The flags of `run` about the network.
#[derive(Debug)]
pub struct Flags<'a> {
    /// `--hostname`.
    pub hostname: Option<&'a Hostname>,
    /// `--add-host`.
    pub hosts: &'a [HostEntry],
    /// `--dns` and its kin.
    pub dns: &'a Dns,
    /// `-p`.
    pub ports: &'a [PortRequest],
}

/// Refuses what another container has decided for both.
///
/// # Errors
/// There is such a flag.
pub fn check_shared(name: &str, flags: &Flags<'_>) -> Result<(), NetworkError> {
    let present = [
        (flags.hostname.is_some(), "--hostname"),
        (!flags.hosts.is_empty(), "--add-host"),
        (*flags.dns != Dns::default(), "--dns"),
        (!flags.ports.is_empty(), "-p"),
    ];
    match present.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, flag)) => Err(NetworkError::Shared { flag, name: name.to_owned() }),
        None => Ok(()),
    }
}

/// Whose rights pasta keeps until it has joined the container's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rights {
    /// Those over the container's user namespace.
    UserNamespace,
    /// Root's, as there is no user namespace.
    Root,
}

/// What pasta is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// The program.
    pub program: PathBuf,
    /// The container's IPv4 address; none where the host has no way out by IPv4.
    pub address: Option<Ipv4Addr>,
    /// Ports of the host that lead to ports of the container.
    pub ports: Vec<PublishedPort>,
    /// Whose rights it needs.
    pub rights: Rights,
}

impl Connection {
    /// The command line, beginning with the program's name; `namespace` is a path of the network namespace.
    ///
    /// Nothing is forwarded that nobody asked for: by itself pasta would connect all ports of both sides, and the
    /// gateway's address with the host's loopback interface.
    #[must_use]
    pub fn arguments(&self, namespace: &str) -> Vec<String> {
        let mut words = vec!["pasta", "--config-net", "--quiet", "--no-map-gw", "--no-netns-quit"];
        words.extend(["--tcp-ns", "none", "--udp-ns", "none", "--ns-ifname", INTERFACE]);
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
        if let Some(address) = self.address {
            add("--address", address.to_string());
            add("--netmask", "24".to_owned());
            add("--gateway", GATEWAY.to_string());
            add("--dns-forward", FORWARDER.to_string());
        }
        for (protocol, flag) in [(Protocol::Tcp, "--tcp-ports"), (Protocol::Udp, "--udp-ports")] {
            let of_protocol = self.ports.iter().filter(|port| port.container.protocol == protocol);
            let mut specifications: Vec<String> = of_protocol.map(specification).collect();
            if specifications.is_empty() {
                specifications.push("none".to_owned());
            }
            for one in specifications {
                add(flag, one);
            }
        }
        if self.rights == Rights::Root {
            // It would become nobody before it has joined the namespace, and then may not; it gives up all rights after.
            add("--runas", "0".to_owned());
        }
        add("--netns", namespace.to_owned());
        words
    }
}

fn specification(port: &PublishedPort) -> String {
    let (host, container) = (port.host, port.container.number);
    match port.address {
        Some(address) => format!("{address}/{host}:{container}"),
        None => format!("{host}:{container}"),
    }
}

/// The host's `/etc/resolv.conf` for a container whose questions are carried by pasta: a server on the host's own
/// loopback interface, or none at all, which means the same, becomes the forwarder.
#[must_use]
pub fn reachable_servers(resolv_conf: &str) -> String {
    let forwarder = format!("nameserver {FORWARDER}");
    let mut lines: Vec<String> = Vec::new();
    let mut has_server = false;
    for line in resolv_conf.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            lines.push(line.to_owned());
            continue;
        }
        has_server = true;
        // One with a zone belongs to an interface that the container does not have.
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        let line = match address {
            Some(address) if !address.is_loopback() && !address.is_unspecified() => line.to_owned(),
            _ => forwarder.clone(),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if !has_server {
        lines.push(forwarder);
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::port::Port;

    #[test]
    fn words() {
        for (text, mode) in [
            ("none", NetworkMode::None),
            ("host", NetworkMode::Host),
            ("pasta", NetworkMode::Pasta),
            ("bridge", NetworkMode::Pasta),
            ("container:web", NetworkMode::Container("web".into())),
        ] {
            assert_eq!(text.parse(), Ok(mode), "{text}");
        }
        for bad in ["", "None", "container:", "container", "my-net", "slirp4netns", "pasta:-t,80", "ns:/x"] {
            assert!(bad.parse::<NetworkMode>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_pasta_is_told() {
        let connection = Connection {
            program: "/usr/bin/pasta".into(),
            address: Some(ADDRESS),
            ports: Vec::new(),
            rights: Rights::UserNamespace,
        };
        assert_eq!(
            connection.arguments("/proc/self/fd/0").join(" "),
            "pasta --config-net --quiet --no-map-gw --no-netns-quit --tcp-ns none --udp-ns none --ns-ifname eth0 \
             --address 10.0.2.100 --netmask 24 --gateway 10.0.2.2 --dns-forward 10.0.2.3 --tcp-ports none --udp-ports \
             none --netns /proc/self/fd/0"
        );
        let published = |address: Option<&str>, host, number, protocol| PublishedPort {
            container: Port { number, protocol },
            address: address.map(|address| address.parse().unwrap()),
            host,
        };
        let ports = vec![
            published(None, 8080, 80, Protocol::Tcp),
            published(Some("127.0.0.1"), 81, 81, Protocol::Tcp),
            published(Some("::1"), 5353, 53, Protocol::Udp),
        ];
        let connection = Connection { ports, address: None, rights: Rights::Root, ..connection };
        assert_eq!(
            connection.arguments("/n").join(" "),
            "pasta --config-net --quiet --no-map-gw --no-netns-quit --tcp-ns none --udp-ns none --ns-ifname eth0 \
             --tcp-ports 8080:80 --tcp-ports 127.0.0.1/81:81 --udp-ports ::1/5353:53 --runas 0 --netns /n"
        );
    }

    #[test]
    fn servers_that_a_container_reaches() {
        for (host, wanted) in [
            ("", "nameserver 10.0.2.3\n"),
            ("nameserver 9.9.9.9\nsearch x\n", "nameserver 9.9.9.9\nsearch x\n"),
            ("nameserver 127.0.0.53\noptions edns0\n", "nameserver 10.0.2.3\noptions edns0\n"),
            (
                "nameserver 127.0.0.1\nnameserver ::1\nnameserver 9.9.9.9\n",
                "nameserver 10.0.2.3\nnameserver 9.9.9.9\n",
            ),
            ("nameserver fe80::1%eth0\n", "nameserver 10.0.2.3\n"),
            ("# none\nsearch x", "# none\nsearch x\nnameserver 10.0.2.3\n"),
        ] {
            assert_eq!(reachable_servers(host), wanted, "{host:?}");
        }
    }

    #[test]
    fn a_shared_network_is_decided_already() {
        let (dns, hosts, ports) = (Dns::default(), Vec::new(), Vec::new());
        let flags = Flags { hostname: None, hosts: &hosts, dns: &dns, ports: &ports };
        assert_eq!(check_shared("web", &flags), Ok(()));
        let name: Hostname = "other".parse().unwrap();
        let error = check_shared("web", &Flags { hostname: Some(&name), ..flags }).unwrap_err();
        assert_eq!(error, NetworkError::Shared { flag: "--hostname", name: "web".into() });
    }
}
