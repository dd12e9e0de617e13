//! Where a container's network comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{Engine, Error, Event, Events};
use crate::error::link::LinkError;
use crate::plan::name::Hostname;
use crate::plan::namespace::Network;
use crate::plan::network::{self, ADDRESS, Connection, Flags, NetworkError, NetworkMode, Rights};
use crate::plan::network_file;
use crate::plan::port::{self, HostPort, PortRequest, PublishedPort};
use crate::plan::request::RunRequest;
use crate::plan::userns::UsernsMode;
use crate::store::container::ContainerRecord;
use crate::sys::SysError;
use crate::sys::running::Processes;
use crate::sys::uplink::{self, HeldPort, Uplink};

/// The generated files of `/etc`.
pub(super) const GENERATED: [&str; 3] = ["hosts", "hostname", "resolv.conf"];
/// The address by which a container without another knows its own name.
const NAMESAKE: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);
/// How often a port that is free on one kind of address and not on the other is given up for another.
const ATTEMPTS: usize = 16;

/// What a container's network is, decided.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) network: Network,
    pub(super) connection: Option<Connection>,
    /// The container whose network it shares.
    pub(super) donor: Option<Donor>,
    /// What is to be said about it on a terminal.
    pub(super) remark: Option<String>,
    /// The container's own address.
    own: IpAddr,
    /// The host's, as the container sees it.
    gateway: Option<IpAddr>,
    /// What stands for all addresses of the host.
    wildcards: Vec<IpAddr>,
}

/// Another container, whose network is shared.
#[derive(Debug)]
pub(super) struct Donor {
    pub(super) record: ContainerRecord,
    /// Where the generated files are that both have.
    pub(super) files: PathBuf,
}

impl Link {
    fn plain(network: Network) -> Self {
        let gateway = match network {
            Network::Host => Some(Ipv4Addr::LOCALHOST.into()),
            Network::None | Network::Pasta | Network::Container => None,
        };
        Self {
            network,
            connection: None,
            donor: None,
            remark: None,
            own: NAMESAKE.into(),
            gateway,
            wildcards: Vec::new(),
        }
    }

    /// The word of `--network` for it, with the whole ID of another container.
    pub(super) fn word(&self) -> String {
        match &self.donor {
            Some(donor) => format!("container:{}", donor.record.id),
            None => self.network.to_string(),
        }
    }

    /// The ports of the host that lead to it, with every address.
    pub(super) fn ports(&self) -> Vec<PublishedPort> {
        let ports = self.connection.iter().flat_map(|connection| &connection.ports);
        ports
            .flat_map(|port| {
                let addresses = port.address.map_or_else(|| self.wildcards.clone(), |address| vec![address]);
                addresses.into_iter().map(|address| PublishedPort { address: Some(address), ..*port })
            })
            .collect()
    }

    /// Its IPv4 address on a network of its own.
    pub(super) fn address(&self) -> Option<Ipv4Addr> {
        self.connection.as_ref().and_then(|connection| connection.address)
    }

    /// The directory with the generated files of its `/etc`, if that is another container's.
    pub(super) fn shared_files(&self) -> Option<&Path> {
        self.donor.as_ref().map(|donor| donor.files.as_path())
    }

    /// The namespace that its IDs are in, if another container has decided that.
    fn shared_userns(&self) -> Option<UsernsMode> {
        let donor = self.donor.as_ref().filter(|_| self.network == Network::Container)?;
        Some(donor.record.userns.parse().unwrap_or_default())
    }

    /// Which user namespace the container has.
    pub(super) fn userns(&self, request: &RunRequest) -> Result<UsernsMode, Error> {
        match self.shared_userns() {
            None => Ok(request.userns),
            Some(shared) if request.userns == shared || request.userns == UsernsMode::default() => Ok(shared),
            Some(shared) => Err(LinkError::Userns { asked: request.userns, shared }.into()),
        }
    }
}

impl Engine {
    /// Decides where the network comes from.
    pub(super) fn link(&self, request: &RunRequest, events: Events<'_>) -> Result<Link, Error> {
        let link = match &request.network {
            None => match Uplink::find() {
                Ok(uplink) => self.connected(request, uplink)?,
                Err(error) if !request.ports.is_empty() => return Err(LinkError::from(error).into()),
                Err(error) => {
                    let remark = format!(
                        "no network but loopback: {} (see --network; --network none says nothing)",
                        super::run::chain(&error)
                    );
                    Link { remark: Some(remark), ..Link::plain(Network::None) }
                }
            },
            Some(NetworkMode::None) => Link::plain(Network::None),
            Some(NetworkMode::Host) => Link::plain(Network::Host),
            Some(NetworkMode::Pasta) => self.connected(request, Uplink::find().map_err(LinkError::from)?)?,
            Some(NetworkMode::Container(name)) => self.shared(name, request)?,
        };
        if link.connection.is_none() && !request.ports.is_empty() {
            let network = link.network;
            events(Event::Notice(format!("-p is left out: no port is published with --network {network}")));
        }
        Ok(link)
    }

    fn connected(&self, request: &RunRequest, uplink: Uplink) -> Result<Link, Error> {
        let has_user_namespace = self.namespace(request.userns)?.0.is_some();
        let rights = if has_user_namespace { Rights::UserNamespace } else { Rights::Root };
        let wildcards = wildcards(&uplink);
        let ports = publish(&request.ports, &wildcards)?;
        let address = uplink.ipv4.map(|_| ADDRESS);
        let connection = Connection { program: uplink.program, address, ports, rights };
        Ok(Link {
            connection: Some(connection),
            wildcards,
            own: address.unwrap_or(NAMESAKE).into(),
            gateway: uplink.ipv4.map(IpAddr::V4).or(uplink.ipv6.map(IpAddr::V6)),
            ..Link::plain(Network::Pasta)
        })
    }

    /// The network of a container that runs.
    fn shared(&self, name: &str, request: &RunRequest) -> Result<Link, Error> {
        let flags = Flags {
            hostname: request.hostname.as_ref(),
            hosts: &request.extra_hosts,
            dns: &request.dns,
            ports: &request.ports,
        };
        network::check_shared(name, &flags).map_err(LinkError::from)?;
        let container = self.running(name)?;
        let record = container.record.clone();
        let files = record.network_files.as_ref().map_or(&container.path, |files| &files.0).clone();
        let network = match record.rights.network {
            Network::Host => Network::Host,
            Network::None | Network::Pasta | Network::Container => Network::Container,
        };
        Ok(Link { donor: Some(Donor { record, files }), ..Link::plain(network) })
    }

    /// The processes of the container whose network namespace `record`'s container is to be in; none where that is not
    /// another container's.
    pub(super) fn network_donor(&self, record: &ContainerRecord) -> Result<Option<Processes>, Error> {
        match (record.rights.network, record.network.parse().map_err(LinkError::from)?) {
            (Network::Container, NetworkMode::Container(donor)) => {
                let donor = self.running(&donor)?;
                Ok(Some(self.processes(&donor)?))
            }
            (_, NetworkMode::None | NetworkMode::Host | NetworkMode::Pasta | NetworkMode::Container(_)) => {
                Ok(None)
            }
        }
    }

    /// The generated files of `/etc`; none where another container has them.
    pub(super) fn generated_files(
        &self,
        request: &RunRequest,
        hostname: &Hostname,
        link: &Link,
    ) -> Result<Vec<(&'static str, Vec<u8>)>, Error> {
        if link.donor.is_some() {
            return Ok(Vec::new());
        }
        let of_host = String::from_utf8_lossy(&self.host.resolv_conf);
        let inherited = match link.network {
            Network::Host => of_host.into_owned(),
            Network::Pasta => network::reachable_servers(&of_host),
            Network::None | Network::Container => String::new(),
        };
        let extra = network_file::addresses(&request.extra_hosts, link.gateway);
        let extra = extra.ok_or(LinkError::Network(NetworkError::NoGateway))?;
        let file = |name| {
            let text = match name {
                "hosts" => network_file::hosts(Some(link.own), hostname, &extra),
                "hostname" => network_file::hostname(hostname),
                _ => network_file::resolv_conf(&inherited, &request.dns),
            };
            (name, text.into_bytes())
        };
        Ok(GENERATED.into_iter().map(file).collect())
    }
}

/// Finds a port of the host for each that is to be published.
fn publish(requests: &[PortRequest], wildcards: &[IpAddr]) -> Result<Vec<PublishedPort>, LinkError> {
    let mut published: Vec<PublishedPort> = Vec::new();
    // Held until all are found, so that none is found twice.
    let mut held = Vec::new();
    for request in requests {
        let addresses = request.address.map_or_else(|| wildcards.to_vec(), |address| vec![address]);
        let (host, sockets) = find_port(request, &addresses)
            .map_err(|cause| LinkError::Publish { port: request.container, cause })?;
        held.extend(sockets);
        published.push(PublishedPort { container: request.container, address: request.address, host });
        // Said before the kernel would say it of the port that is held.
        port::check_once(&published)?;
    }
    Ok(published)
}

/// What stands for all addresses of a host that has a way out by these protocols.
fn wildcards(uplink: &Uplink) -> Vec<IpAddr> {
    let ipv4 = uplink.ipv4.map(|_| Ipv4Addr::UNSPECIFIED.into());
    let ipv6 = uplink.ipv6.map(|_| Ipv6Addr::UNSPECIFIED.into());
    [ipv4, ipv6].into_iter().flatten().collect()
}

fn find_port(request: &PortRequest, addresses: &[IpAddr]) -> Result<(u16, Vec<HeldPort>), SysError> {
    let hold = |number| hold(request, addresses, number);
    let candidates: Vec<u16> = match &request.host {
        HostPort::Exactly(number) => vec![*number],
        HostPort::Among(range) => range.clone().collect(),
        HostPort::Any => vec![0; ATTEMPTS],
    };
    let mut failure = SysError::new("bind()", Errno::ADDRINUSE);
    for candidate in candidates {
        match hold(candidate) {
            Ok(found) => return Ok(found),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Takes one port at all `addresses`.
fn hold(
    request: &PortRequest,
    addresses: &[IpAddr],
    mut number: u16,
) -> Result<(u16, Vec<HeldPort>), SysError> {
    let mut held = Vec::new();
    for address in addresses {
        let port = uplink::hold_port(SocketAddr::new(*address, number), request.container.protocol)?;
        number = port.number;
        held.push(port);
    }
    Ok((number, held))
}
