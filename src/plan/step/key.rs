//! What makes steps equal.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::StepRequest;
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::environment::Setting;
use crate::plan::hasher::Hasher;
use crate::plan::mount::{MountKind, MountRequest};

/// The meaning of keys: another one where the same request would mean something else.
const VERSION: &str = "minirun step 2";

/// Parts, each with its length, so that none can be taken for another.
struct Parts(Hasher);

impl Parts {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// A value as this program describes it. Where a later one describes it otherwise, the step runs once more.
    fn value(&mut self, name: &str, value: &dyn Debug) {
        self.bytes(name.as_bytes());
        self.bytes(format!("{value:?}").as_bytes());
    }
}

impl StepRequest {
    /// The key, given the ID of the image, what each of [`Self::inputs`] was found to be, and the caller's environment.
    ///
    /// The sources of mounts do not count, but for what they hold: another checkout of the same files is the same step.
    /// Nor does what limits the command, or says how its image is got.
    #[must_use]
    pub fn key(
        &self,
        image: &Digest,
        inputs: &[Option<Digest>],
        variable: impl Fn(&str) -> Option<String>,
    ) -> Digest {
        let mut parts = Parts(Hasher::new(Algorithm::Sha256));
        let run = &self.run;
        parts.bytes(VERSION.as_bytes());
        parts.bytes(image.to_string().as_bytes());
        parts.value("command", &run.command);
        parts.value("entrypoint", &run.entrypoint);
        parts.value("environment", &self.environment(variable));
        parts.value("working directory", &run.working_directory);
        parts.value("user", &run.user);
        parts.value("groups", &(&run.extra_groups, run.caller_groups));
        parts.value("umask", &run.umask);
        parts.value("hostname", &run.hostname);
        parts.value("network", &(&run.network, &run.extra_hosts, &run.dns));
        parts.value("rights", &(&run.capabilities, run.new_privileges, &run.landlock));
        parts.value("calls", &run.seccomp);
        parts.value("system paths", &run.system_paths);
        parts.value("root", &(run.root_access, run.scratch, run.userns));
        parts.value("devices", &run.devices);
        parts.value("settings", &(&run.sysctls, run.shm_size, &run.limits));
        parts.value("changes", &self.changes);
        for (mount, content) in run.mounts.iter().zip(inputs) {
            parts.value("mount", &described(mount));
            parts.value("content", content);
        }
        for cache in &self.caches {
            parts.value("cache", &cache.destination);
        }
        parts.0.finish()
    }

    /// What the flags make of the environment, in the order of names; a variable that the caller does not have is none.
    fn environment(&self, variable: impl Fn(&str) -> Option<String>) -> BTreeMap<&str, String> {
        let mut all = BTreeMap::new();
        for setting in self.run.environment_files.iter().chain(&self.run.environment) {
            match setting {
                Setting::Set(name, value) => {
                    all.insert(name.as_str(), value.clone());
                }
                Setting::Inherit(name) => {
                    // As where the environment is made: one that the caller lacks leaves what was said before.
                    if let Some(value) = variable(name) {
                        all.insert(name.as_str(), value);
                    }
                }
            }
        }
        all
    }
}

/// All that can be said about a mount without its source.
fn described(mount: &MountRequest) -> String {
    let destination = &mount.destination;
    match &mount.kind {
        MountKind::Bind(bind) => format!(
            "{destination:?} {:?}",
            (bind.recursion, bind.attributes, bind.propagation, &bind.view, bind.ownership, bind.links)
        ),
        MountKind::Image(image) => format!("{destination:?} {:?}", (&image.subpath, image.attributes)),
        MountKind::Tmpfs(_)
        | MountKind::Devpts(_)
        | MountKind::Ramfs(_)
        | MountKind::Volume(_)
        | MountKind::Glob(_) => format!("{destination:?} {:?}", mount.kind),
    }
}
