//! What is known about machine and store as a whole.

use rustix::fs::statfs;
use serde_json::{Value, json};

use super::{Engine, Error};
use crate::plan::host::{Authority, CgroupLayout};
use crate::plan::landlock::Abi;
use crate::sys::landlock;

/// The magic numbers of file systems that cannot hold the upper layer of an overlay: another overlay, NFS, 9P.
const NO_UPPER: [i64; 3] = [0x794c_7630, 0x6969, 0x0102_1997];

impl Engine {
    /// Facts about machine and store, under the names that Docker's `info` has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn info(&self) -> Result<Value, Error> {
        let containers = self.store.containers()?;
        let running = containers.iter().filter(|container| container.state.is_alive()).count();
        let system = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let memory = rustix::system::sysinfo();
        let landlock = landlock::abi();
        let rootless = self.host.authority != Authority::Root;
        Ok(json!({
            "Containers": containers.len(),
            "ContainersRunning": running,
            "ContainersPaused": 0,
            "ContainersStopped": containers.len() - running,
            "Images": self.store.image_directories()?.len(),
            "Driver": self.storage_driver(),
            "DriverStatus": [],
            "Plugins": { "Volume": ["local"], "Network": ["host", "none"] },
            "CgroupVersion": match self.host.cgroups {
                CgroupLayout::Unified => "2",
                CgroupLayout::Legacy => "1",
            },
            "KernelVersion": text(system.release()),
            "OSType": "linux",
            "Architecture": text(system.machine()),
            "NCPU": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            "MemTotal": u64::from(memory.mem_unit).saturating_mul(memory.totalram),
            "DockerRootDir": self.store.path().to_string_lossy(),
            "Name": self.host.hostname,
            "SecurityOptions": security_options(rootless.then_some("name=rootless"), landlock),
            "Landlock": {
                "Abi": landlock.map(|abi| abi.0),
                "Unpacking": landlock.is_some_and(|abi| abi >= Abi::RENAMES),
            },
            "Rootless": rootless,
            "ServerVersion": env!("CARGO_PKG_VERSION"),
        }))
    }

    /// The driver that `--driver auto` comes to on the store's file system, by Docker's name for it.
    fn storage_driver(&self) -> &'static str {
        let path = self.store.path().ancestors().find(|path| path.exists());
        let magic = path.and_then(|path| statfs(path).ok()).map(|stat| stat.f_type);
        if magic.is_some_and(|magic| NO_UPPER.contains(&magic)) { "vfs" } else { "overlay2" }
    }
}

fn security_options(rootless: Option<&str>, landlock: Option<Abi>) -> Vec<String> {
    // It is there with `CONFIG_SECCOMP_FILTER` alone.
    let has_filters = std::path::Path::new("/proc/sys/kernel/seccomp").exists();
    let seccomp = has_filters.then(|| "name=seccomp,profile=builtin".to_owned());
    let landlock = landlock.map(|abi| format!("name=landlock,abi={}", abi.0));
    rootless.map(str::to_owned).into_iter().chain(seccomp).chain(landlock).collect()
}
