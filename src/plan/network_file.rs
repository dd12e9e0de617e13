//! The contents of `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf` that a container gets.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use super::name::Hostname;

/// Why a text says nothing about names on the network.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NetworkFileError {
    /// `--add-host` has another form.
    #[error("`--add-host {0}` is not NAME:ADDRESS or NAME=ADDRESS")]
    HostShape(String),
    /// `--add-host` with a bad name.
    #[error("`{name}` in `--add-host {text}` is not a host name ([a-zA-Z0-9_.-]+)")]
    HostName {
        /// The whole value.
        text: String,
        /// The name.
        name: String,
    },
    /// `--add-host` with a bad address.
    #[error("`{address}` in `--add-host {text}` is not an IP address")]
    HostAddress {
        /// The whole value.
        text: String,
        /// The address.
        address: String,
    },
    /// `--dns` without an address.
    #[error("`--dns {0}` is not an IP address")]
    Server(String),
    /// `--dns-search` without a domain.
    #[error("`--dns-search {0}` is not a domain ([a-zA-Z0-9_.-]+, or `.` for none)")]
    Search(String),
    /// `--dns-option` with blanks or nothing.
    #[error("`--dns-option {0}` is not an option of resolv.conf(5) such as `ndots:2`")]
    DnsOption(String),
}

/// Where a name of `--add-host` leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAddress {
    /// To this address.
    Given(IpAddr),
    /// To the host (`host-gateway`).
    Gateway,
}

/// One `--add-host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// The name.
    pub name: String,
    /// Where it is.
    pub address: HostAddress,
}

impl fmt::Display for HostEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            HostAddress::Given(address) => write!(f, "{}:{address}", self.name),
            HostAddress::Gateway => write!(f, "{}:host-gateway", self.name),
        }
    }
}

fn is_domain(text: &str) -> bool {
    let inside = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    inside && !text.is_empty() && text.len() <= 253
}

impl FromStr for HostEntry {
    type Err = NetworkFileError;

    /// Splits at the first `=` or `:`, so that an IPv6 address needs no brackets; it may have them.
    fn from_str(text: &str) -> Result<Self, NetworkFileError> {
        let parts = text.split_once(['=', ':']).filter(|(_, address)| !address.is_empty());
        let (name, address) = parts.ok_or_else(|| NetworkFileError::HostShape(text.to_owned()))?;
        if !is_domain(name) {
            return Err(NetworkFileError::HostName { text: text.to_owned(), name: name.to_owned() });
        }
        if address == "host-gateway" {
            return Ok(Self { name: name.to_owned(), address: HostAddress::Gateway });
        }
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let parsed = match bare {
            Some(inside) => inside.parse().map(IpAddr::V6),
            None => address.parse(),
        };
        match parsed {
            Ok(address) => Ok(Self { name: name.to_owned(), address: HostAddress::Given(address) }),
            Err(_) => {
                Err(NetworkFileError::HostAddress { text: text.to_owned(), address: address.to_owned() })
            }
        }
    }
}

/// The container's `/etc/hosts`: the local names, its own, then `--add-host` in order.
///
/// `own` is the container's address; without a network give a loopback one, so that its own name is known.
#[must_use]
pub fn hosts(own: Option<IpAddr>, hostname: &Hostname, extra: &[(String, IpAddr)]) -> String {
    let mut text = "127.0.0.1\tlocalhost\n\
        ::1\tlocalhost ip6-localhost ip6-loopback\n\
        fe00::\tip6-localnet\n\
        ff00::\tip6-mcastprefix\n\
        ff02::1\tip6-allnodes\n\
        ff02::2\tip6-allrouters\n"
        .to_owned();
    if let Some(own) = own {
        let _ = writeln!(text, "{own}\t{hostname}");
    }
    for (name, address) in extra {
        let _ = writeln!(text, "{address}\t{name}");
    }
    text
}

/// The names of `--add-host` with their addresses; none if one is to lead to the host, and `gateway` is none.
#[must_use]
pub fn addresses(entries: &[HostEntry], gateway: Option<IpAddr>) -> Option<Vec<(String, IpAddr)>> {
    let one = |entry: &HostEntry| {
        let address = match entry.address {
            HostAddress::Given(address) => Some(address),
            HostAddress::Gateway => gateway,
        };
        address.map(|address| (entry.name.clone(), address))
    };
    entries.iter().map(one).collect()
}

/// The container's `/etc/hostname`.
#[must_use]
pub fn hostname(name: &Hostname) -> String {
    format!("{name}\n")
}

/// What `--dns`, `--dns-search` and `--dns-option` say; an empty list says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dns {
    servers: Vec<IpAddr>,
    searches: Vec<String>,
    options: Vec<String>,
}

impl Dns {
    /// The name servers, as `--dns` named them.
    #[must_use]
    pub fn servers(&self) -> &[IpAddr] {
        &self.servers
    }

    /// The domains of `--dns-search`.
    #[must_use]
    pub fn searches(&self) -> &[String] {
        &self.searches
    }

    /// The words of `--dns-option`.
    #[must_use]
    pub fn options(&self) -> &[String] {
        &self.options
    }

    /// Reads the values of the three flags.
    ///
    /// # Errors
    /// A server is no address, or a domain or option has a character that would make another line of it.
    pub fn parse(
        servers: &[String],
        searches: &[String],
        options: &[String],
    ) -> Result<Self, NetworkFileError> {
        let server = |text: &String| text.parse().map_err(|_| NetworkFileError::Server(text.clone()));
        let servers = servers.iter().map(server).collect::<Result<_, _>>()?;
        if let Some(bad) = searches.iter().find(|domain| !is_domain(domain)) {
            return Err(NetworkFileError::Search(bad.clone()));
        }
        let is_option = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if let Some(bad) = options.iter().find(|option| !is_option(option)) {
            return Err(NetworkFileError::DnsOption(bad.clone()));
        }
        Ok(Self { servers, searches: searches.to_vec(), options: options.to_vec() })
    }
}

/// The container's `/etc/resolv.conf`.
///
/// `inherited` is the host's text where the container uses the host's network, and empty where it has none. Each
/// flag replaces the lines of its kind; a search for `.` alone is a search for nothing.
#[must_use]
pub fn resolv_conf(inherited: &str, dns: &Dns) -> String {
    let is_replaced = |line: &str| match line.split_whitespace().next() {
        Some("nameserver") => !dns.servers.is_empty(),
        Some("search" | "domain") => !dns.searches.is_empty(),
        Some("options") => !dns.options.is_empty(),
        _ => false,
    };
    let mut text: String =
        inherited.lines().filter(|line| !is_replaced(line)).map(|line| format!("{line}\n")).collect();
    for server in &dns.servers {
        let _ = writeln!(text, "nameserver {server}");
    }
    if !dns.searches.is_empty() && dns.searches != ["."] {
        let _ = writeln!(text, "search {}", dns.searches.join(" "));
    }
    if !dns.options.is_empty() {
        let _ = writeln!(text, "options {}", dns.options.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_entries() {
        for (text, name, address) in [
            ("a:1.2.3.4", "a", "1.2.3.4"),
            ("a=1.2.3.4", "a", "1.2.3.4"),
            ("a:::1", "a", "::1"),
            ("a=::1", "a", "::1"),
            ("a:[::1]", "a", "::1"),
            ("db.x_y-z:fe80::2", "db.x_y-z", "fe80::2"),
        ] {
            let address = HostAddress::Given(address.parse().unwrap());
            assert_eq!(text.parse(), Ok(HostEntry { name: name.into(), address }));
        }
        for bad in [
            "",
            "a",
            "a:",
            "a=",
            ":1.2.3.4",
            "a:1.2.3",
            "a:b",
            "a b:1.2.3.4",
            "a\n:1.2.3.4",
            "a:1.2.3.4\n",
            "a:[1.2.3.4]",
            "a:[::1",
            "a#:1.2.3.4",
        ] {
            assert!(bad.parse::<HostEntry>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn hosts_and_hostname() {
        let name: Hostname = "web".parse().unwrap();
        let gateway: IpAddr = "192.0.2.2".parse().unwrap();
        let entries = ["db:10.0.0.1".parse().unwrap(), "up:host-gateway".parse().unwrap()];
        assert_eq!(addresses(&entries, None), None);
        let extra = addresses(&entries, Some(gateway)).unwrap();
        let text = hosts(Some("10.0.2.100".parse().unwrap()), &name, &extra);
        assert!(
            text.starts_with("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
            "{text}"
        );
        assert!(
            text.ends_with("ff02::2\tip6-allrouters\n10.0.2.100\tweb\n10.0.0.1\tdb\n192.0.2.2\tup\n"),
            "{text}"
        );
        assert_eq!(hosts(None, &name, &[]).lines().count(), 6);
        assert_eq!(hostname(&name), "web\n");
    }

    #[test]
    fn resolv_confs() {
        let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let dns = |servers: &[&str], searches: &[&str], options: &[&str]| {
            Dns::parse(&own(servers), &own(searches), &own(options))
        };
        let host = "# by hand\nnameserver 9.9.9.9\ndomain old\nsearch x y\noptions rotate\n";
        for (inherited, flags, wanted) in [
            ("", dns(&[], &[], &[]), ""),
            ("", dns(&["1.1.1.1", "::1"], &[], &[]), "nameserver 1.1.1.1\nnameserver ::1\n"),
            (host, dns(&[], &[], &[]), host),
            (
                host,
                dns(&["1.1.1.1"], &[], &[]),
                "# by hand\ndomain old\nsearch x y\noptions rotate\nnameserver 1.1.1.1\n",
            ),
            (host, dns(&[], &["."], &[]), "# by hand\nnameserver 9.9.9.9\noptions rotate\n"),
            (
                host,
                dns(&[], &["a.b", "c"], &["ndots:2"]),
                "# by hand\nnameserver 9.9.9.9\nsearch a.b c\noptions ndots:2\n",
            ),
        ] {
            assert_eq!(resolv_conf(inherited, &flags.unwrap()), wanted);
        }
        assert!(dns(&["ns.example"], &[], &[]).is_err());
        assert!(dns(&[], &["a b"], &[]).is_err());
        assert!(dns(&[], &[""], &[]).is_err());
        assert!(dns(&[], &[], &["a\nnameserver 6.6.6.6"]).is_err());
    }
}
