//! What a container's network can be connected to: the program pasta, the device that it needs, the host's addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use thiserror::Error;

use super::{Call, SysError, probe};
use crate::plan::port::Protocol;

/// The device that makes network interfaces of descriptors.
const TUN: &str = "/dev/net/tun";
/// Addresses of nobody, from the ranges for documentation (RFC 5737, RFC 3849): the way to them is the way out.
const ELSEWHERE: (Ipv4Addr, Ipv6Addr) =
    (Ipv4Addr::new(198, 51, 100, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// The way from this machine to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uplink {
    /// Pasta.
    pub program: PathBuf,
    /// The host's own IPv4 address on the way out, if there is one.
    pub ipv4: Option<Ipv4Addr>,
    /// The same for IPv6.
    pub ipv6: Option<Ipv6Addr>,
}

/// Why no container can be connected here.
#[derive(Debug, Error)]
pub enum UplinkError {
    /// There is no pasta.
    #[error("the program `pasta` is not installed")]
    Program,
    /// The device is closed to the caller, or not there.
    #[error("pasta needs `/dev/net/tun`, which cannot be opened")]
    Tun(#[source] SysError),
    /// The machine is alone.
    #[error("this machine has no way out itself: it has no default route")]
    Route,
}

impl UplinkError {
    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Program => "install the package `passt`, or use --network host or --network none",
            Self::Tun(error) if error.errno() == rustix::io::Errno::NOENT => {
                "let root load the kernel's module `tun`, or use --network host or --network none"
            }
            Self::Tun(_) => {
                "let root open it to users: chmod 0666 /dev/net/tun (it gives no rights over the host's network), or \
                 use --network host or --network none"
            }
            Self::Route => "use --network host or --network none",
        };
        hint.to_owned()
    }
}

impl Uplink {
    /// Looks for the way out; sends nothing.
    ///
    /// # Errors
    /// Something is missing.
    pub fn find() -> Result<Self, UplinkError> {
        let program = probe::find_program("pasta").ok_or(UplinkError::Program)?;
        rustix::fs::open(TUN, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map(drop)
            .call(|| format!("open({TUN:?}, RDWR)"))
            .map_err(UplinkError::Tun)?;
        let (ipv4, ipv6) = (own_address(ELSEWHERE.0.into()), own_address(ELSEWHERE.1.into()));
        let uplink = Self {
            program,
            ipv4: ipv4.and_then(|address| match address {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            }),
            ipv6: ipv6.and_then(|address| match address {
                IpAddr::V6(address) => Some(address),
                IpAddr::V4(_) => None,
            }),
        };
        if uplink.ipv4.is_none() && uplink.ipv6.is_none() { Err(UplinkError::Route) } else { Ok(uplink) }
    }
}

/// The address from which something to `destination` would be sent: connecting datagrams sends none.
fn own_address(destination: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match destination {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((destination, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// A port of the host that nobody else has as long as this is held.
#[derive(Debug)]
pub struct HeldPort {
    /// Its number.
    pub number: u16,
    _socket: OwnedFd,
}

/// Takes a port of the host for a moment, to find out whether it is free; port 0 is any.
///
/// # Errors
/// What `bind(2)` says: `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`.
pub fn hold_port(address: SocketAddr, protocol: Protocol) -> Result<HeldPort, SysError> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let (kind, shown) = match protocol {
        Protocol::Tcp => (SocketType::STREAM, "tcp"),
        Protocol::Udp => (SocketType::DGRAM, "udp"),
    };
    let call = || format!("bind({address}/{shown})");
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None).call(call)?;
    if address.is_ipv6() {
        // The IPv4 side is asked for by itself.
        sockopt::set_ipv6_v6only(&socket, true).call(call)?;
    }
    if protocol == Protocol::Tcp {
        // Connections that have just ended are in nobody's way.
        sockopt::set_socket_reuseaddr(&socket, true).call(call)?;
    }
    rustix::net::bind(&socket, &address).call(call)?;
    let bound = rustix::net::getsockname(&socket).call(|| "getsockname()")?;
    let bound = SocketAddr::try_from(bound).call(|| "getsockname()")?;
    Ok(HeldPort { number: bound.port(), _socket: socket })
}
