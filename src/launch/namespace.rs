//! Settings that belong to the container's own namespaces.

use rustix::io::Errno;

use super::init::InitError;
use crate::plan::namespace::Network;
use crate::sys::procfs::Procfs;
use crate::sys::{Call, SysError, network};

pub(super) fn set_hostname(hostname: &str) -> Result<(), InitError> {
    nix::unistd::sethostname(hostname)
        .call(|| format!("sethostname({hostname:?})"))
        .map_err(|source| InitError::Setting { what: format!("the host name `{hostname}`"), source })
}

pub(super) fn bring_network_up(network: Network) -> Result<(), InitError> {
    match network {
        Network::Host | Network::Container => Ok(()),
        Network::None | Network::Pasta => network::bring_loopback_up().map_err(|source| InitError::Setting {
            what: "the loopback interface to be up".to_owned(),
            source,
        }),
    }
}

/// Writes kernel settings through a procfs that nothing of the container has touched.
///
/// Inside another container it may be that one's procfs, where they are read-only or covered: then the text says so.
pub(super) fn set_sysctls(procfs: &Procfs, sysctls: &[(String, String)]) -> Result<Vec<String>, InitError> {
    let mut notices = Vec::new();
    for (name, value) in sysctls {
        match write_sysctl(procfs, name, value) {
            Ok(()) => {}
            Err(error) if matches!(error.errno(), Errno::ROFS | Errno::XDEV) => {
                notices.push(format!("left {name} as it is ({error})"));
            }
            Err(source) => {
                return Err(InitError::Sysctl { setting: format!("{name}={value}"), source });
            }
        }
    }
    Ok(notices)
}

pub(super) fn sysctl_hint(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::NOENT => Some("this kernel has no such setting, or the container has none of its own"),
        Errno::INVAL | Errno::RANGE => Some("the kernel does not take this value"),
        Errno::ACCESS | Errno::PERM => Some("the kernel lets only root of the machine change it"),
        _ => None,
    }
}

fn write_sysctl(procfs: &Procfs, name: &str, value: &str) -> Result<(), SysError> {
    if name == "kernel.domainname" {
        // Its file is root's alone, whoever owns the namespace.
        return rustix::system::setdomainname(value.as_bytes()).call(|| format!("setdomainname({value:?})"));
    }
    procfs.write(&format!("sys/{}", name.replace('.', "/")), value)
}
