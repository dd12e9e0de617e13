//! Published ports: what `-p` says, and what `port` and `inspect` show.
//!
//! Source: the grammar of Docker's `-p`, `[IP:][HOST:]CONTAINER[/PROTOCOL]` or a list of `key=value`.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The protocols that have ports which can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// A port of a container: `80/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// Its number; not 0.
    pub number: u16,
    /// Of which protocol.
    pub protocol: Protocol,
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.protocol)
    }
}

/// Which port of the host is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPort {
    /// Any that is free.
    Any,
    /// This one.
    Exactly(u16),
    /// The first of these that is free.
    Among(RangeInclusive<u16>),
}

/// One port that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRequest {
    /// Which address of the host; none is all of them.
    pub address: Option<IpAddr>,
    /// Which port there.
    pub host: HostPort,
    /// The container's.
    pub container: Port,
}

/// One port that is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedPort {
    /// The container's.
    pub container: Port,
    /// The address of the host; none is all of them.
    pub address: Option<IpAddr>,
    /// The port there.
    pub host: u16,
}

/// Why a text names no port to publish.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PortError {
    /// The address of the host.
    #[error("`{address}` in `-p {text}` is not an IP address")]
    Address {
        /// The whole value.
        text: String,
        /// The part that is wrong.
        address: String,
    },
    /// No container port at all.
    #[error("`-p {0}` names no port of the container")]
    Missing(String),
    /// A port or range of ports.
    #[error("`{port}` in `-p {text}` is not a port (1 to 65535) or a range of them (FIRST-LAST)")]
    Port {
        /// The whole value.
        text: String,
        /// The part that is wrong.
        port: String,
    },
    /// Two ranges that do not fit.
    #[error("the ranges in `-p {0}` are not equally long")]
    Ranges(String),
    /// A protocol that does not exist.
    #[error("`{protocol}` in `-p {text}` is not a protocol (tcp or udp)")]
    Protocol {
        /// The whole value.
        text: String,
        /// The part that is wrong.
        protocol: String,
    },
    /// A protocol that pasta does not carry.
    #[error("`-p {0}` asks for sctp, which pasta does not carry; only tcp and udp can be published")]
    Sctp(String),
    /// A key of the long form.
    #[error("`{field}` in `-p {text}` is not one of target=, published=, protocol= and mode=")]
    Field {
        /// The whole value.
        text: String,
        /// The part that is wrong.
        field: String,
    },
    /// Two ports of a container at one of the host.
    #[error("port {port} of the host is to be published twice")]
    Twice {
        /// The port.
        port: Port,
    },
}

/// Reads one `-p`, which names several ports where it has ranges.
///
/// # Errors
/// The text has another form, or the ports or the protocol do not exist.
pub fn parse_publish(text: &str) -> Result<Vec<PortRequest>, PortError> {
    let standard = if text.contains('=') { from_fields(text)? } else { text.to_owned() };
    let (address, host, container) = split(&standard);
    let address = address.map(|address| parse_address(text, address)).transpose()?;
    let (numbers, protocol) = container.split_once('/').unwrap_or((container, ""));
    if numbers.is_empty() {
        return Err(PortError::Missing(text.to_owned()));
    }
    let protocol = parse_protocol(text, protocol)?;
    let container = parse_range(text, numbers)?;
    let host = host.filter(|host| !host.is_empty()).map(|host| parse_host(text, host)).transpose()?;
    let length = container.len();
    let hosts = match host.flatten() {
        None => vec![HostPort::Any; length],
        Some(range) if range.len() == length => range.map(HostPort::Exactly).collect(),
        Some(range) if length == 1 => vec![HostPort::Among(range)],
        Some(_) => return Err(PortError::Ranges(text.to_owned())),
    };
    let both = container.zip(hosts);
    Ok(both
        .map(|(number, host)| PortRequest { address, host, container: Port { number, protocol } })
        .collect())
}

/// Reads one `--expose`, or a port of an image's `ExposedPorts`.
///
/// # Errors
/// The ports or the protocol do not exist.
pub fn parse_exposed(text: &str) -> Result<Vec<Port>, PortError> {
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, ""));
    let protocol = parse_protocol(text, protocol)?;
    Ok(parse_range(text, numbers)?.map(|number| Port { number, protocol }).collect())
}

/// Address, host port and container port, from the end, as the address may have colons of its own.
fn split(text: &str) -> (Option<&str>, Option<&str>, &str) {
    match text.rsplit_once(':') {
        None => (None, None, text),
        Some((before, container)) => match before.rsplit_once(':') {
            None => (None, Some(before), container),
            Some((address, host)) => (Some(address), Some(host), container),
        },
    }
}

fn parse_address(text: &str, address: &str) -> Result<IpAddr, PortError> {
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let parsed = match bare {
        Some(inside) => inside.parse().map(IpAddr::V6),
        // Without brackets nobody can say where an IPv6 address ends.
        None => address.parse().map(IpAddr::V4),
    };
    parsed.map_err(|_| PortError::Address { text: text.to_owned(), address: address.to_owned() })
}

fn parse_protocol(text: &str, protocol: &str) -> Result<Protocol, PortError> {
    match protocol.to_ascii_lowercase().as_str() {
        "" | "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Err(PortError::Sctp(text.to_owned())),
        _ => Err(PortError::Protocol { text: text.to_owned(), protocol: protocol.to_owned() }),
    }
}

/// The ports of the host; 0 is any that is free, as it is for `bind(2)`.
fn parse_host(text: &str, host: &str) -> Result<Option<RangeInclusive<u16>>, PortError> {
    if host == "0" { Ok(None) } else { parse_range(text, host).map(Some) }
}

fn parse_range(text: &str, ports: &str) -> Result<RangeInclusive<u16>, PortError> {
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|&number| plain && number != 0)
    };
    let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
    let range = range.map(|(first, last)| first..=last);
    range.ok_or_else(|| PortError::Port { text: text.to_owned(), port: ports.to_owned() })
}

/// The long form in the short one.
fn from_fields(text: &str) -> Result<String, PortError> {
    let (mut published, mut container, mut protocol) = ("", "", "tcp");
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("target", value)) => container = value,
            Some(("published", value)) => published = value,
            Some(("protocol", value)) => protocol = value,
            // There is one host, and its ports are published there.
            Some(("mode", "host" | "ingress")) => {}
            _ => return Err(PortError::Field { text: text.to_owned(), field: field.to_owned() }),
        }
    }
    if container.is_empty() {
        return Err(PortError::Missing(text.to_owned()));
    }
    Ok(format!("{published}:{container}/{protocol}"))
}

/// Refuses two ports of a container at one of the host.
///
/// # Errors
/// There are two.
pub fn check_once(ports: &[PublishedPort]) -> Result<(), PortError> {
    for (index, port) in ports.iter().enumerate() {
        let meets = |other: &PublishedPort| {
            let addresses_meet = match (other.address, port.address) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            };
            other.host == port.host && other.container.protocol == port.container.protocol && addresses_meet
        };
        if ports.iter().take(index).any(meets) {
            let port = Port { number: port.host, protocol: port.container.protocol };
            return Err(PortError::Twice { port });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
