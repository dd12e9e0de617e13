//! What the user asked for, typed but not resolved against the machine or the image.

use std::path::PathBuf;

use super::account::UserSpec;
use super::capability::{self, CapabilitySet};
use super::device::DeviceRequest;
use super::environment::Setting;
use super::image_limit::ImageLimits;
use super::landlock::Landlock;
use super::limit::{DEFAULT_SHM_SIZE, Ulimit};
use super::mount::{Donor, ImageVolumes, MountRequest};
use super::name::{ContainerName, Hostname, Label};
use super::network::NetworkMode;
use super::network_file::{Dns, HostEntry};
use super::path::ContainerPath;
use super::platform::Platform;
use super::port::PortRequest;
use super::process::{CallerGroups, FirstProcess, Input, NewPrivileges, Streams, Umask};
use super::registry::policy::PullPolicy;
use super::resources::{Limit, Strictness};
use super::rootfs::Lifetime;
use super::seccomp::SeccompRequest;
use super::security::SystemPaths;
use super::signal::SignalNumber;
use super::source::ImageSource;
use super::supervision::Supervision;
use super::sysctl::Sysctl;
use super::userns::UsernsMode;

/// How a container's root filesystem comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driver {
    /// Overlay, and a copy where the kernel refuses it.
    #[default]
    Auto,
    /// Overlay or an error.
    Overlay,
    /// A private copy of the image.
    Vfs,
}

/// Whether the container may write to its root filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootAccess {
    /// Into the writable layer.
    ReadWrite,
    /// Only where something else is mounted (`--read-only`).
    ReadOnly,
}

/// Where programs can leave temporary files below a read-only root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scratch {
    /// Nowhere but where the user mounts something.
    #[default]
    None,
    /// In `/tmp`, `/run` and `/var/tmp`, in memory, beginning with the image's files.
    Tmpfs,
}

/// Which streams the caller of a container that runs in the foreground has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// Standard output.
    pub output: Wanted,
    /// Standard error.
    pub error: Wanted,
}

impl Default for Attached {
    fn default() -> Self {
        Self { output: Wanted::Yes, error: Wanted::Yes }
    }
}

/// Whether the caller wants a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What `minirun run` was asked to do.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Which image.
    pub image: ImageSource,
    /// The same as typed; what is not UTF-8 in it is replaced.
    pub image_text: String,
    /// Which platform of it; the machine's own if not said.
    pub platform: Option<Platform>,
    /// `--pull`: when a registry is asked for it.
    pub pull: PullPolicy,
    /// `--image-limit`: how much it may ask for if it is not loaded yet.
    pub image_limits: ImageLimits,
    /// What follows the image: the command, or the arguments of the entrypoint.
    pub command: Vec<String>,
    /// `--entrypoint`; an empty one resets the image's.
    pub entrypoint: Option<String>,
    /// `--name`.
    pub name: Option<ContainerName>,
    /// `--hostname`.
    pub hostname: Option<Hostname>,
    /// The lines of every `--env-file`.
    pub environment_files: Vec<Setting>,
    /// `--env`, which beats the files whatever the order.
    pub environment: Vec<Setting>,
    /// `--workdir`.
    pub working_directory: Option<ContainerPath>,
    /// `--user`: names are the image's.
    pub user: Option<UserSpec>,
    /// `--group-add`, as typed.
    pub extra_groups: Vec<String>,
    /// `--group-add keep-groups`.
    pub caller_groups: CallerGroups,
    /// `--umask`.
    pub umask: Umask,
    /// `--landlock`.
    pub landlock: Landlock,
    /// `--device`.
    pub devices: Vec<DeviceRequest>,
    /// `-v`, `--mount`, `--tmpfs`.
    pub mounts: Vec<MountRequest>,
    /// `--volumes-from`, in order.
    pub donors: Vec<Donor>,
    /// `--image-volume`: what becomes of the image's `VOLUME`s.
    pub image_volumes: ImageVolumes,
    /// `--read-only-tmpfs`: whether a read-only root has `/tmp`, `/run` and `/var/tmp` in memory.
    pub scratch: Scratch,
    /// `--read-only`.
    pub root_access: RootAccess,
    /// `-i`, `-t`.
    pub streams: Streams,
    /// `--init`.
    pub first: FirstProcess,
    /// `--stop-signal`, which beats the image's.
    pub stop_signal: Option<SignalNumber>,
    /// `--rm`.
    pub lifetime: Lifetime,
    /// `--network`; none is the best that the machine has.
    pub network: Option<NetworkMode>,
    /// `-p`.
    pub ports: Vec<PortRequest>,
    /// `--cap-add` and `--cap-drop`, resolved.
    pub capabilities: CapabilitySet,
    /// `--security-opt no-new-privileges`.
    pub new_privileges: NewPrivileges,
    /// `--security-opt seccomp`, `--abi32`, `--security`.
    pub seccomp: SeccompRequest,
    /// `--security-opt systempaths`, `mask` and `unmask`.
    pub system_paths: SystemPaths,
    /// `--userns`.
    pub userns: UsernsMode,
    /// `--driver`.
    pub driver: Driver,
    /// `--label`.
    pub labels: Vec<Label>,
    /// `--ulimit`.
    pub limits: Vec<Ulimit>,
    /// `--restart`, `--stop-timeout`, `--timeout`, `--log-driver` and their kin.
    pub supervision: Supervision,
    /// `-a`, or what stands for it.
    pub attached: Attached,
    /// `--memory` and the other limits of the whole container.
    pub resources: Vec<Limit>,
    /// `--limits`: what is done about those that cannot be enforced.
    pub strictness: Strictness,
    /// `--oom-score-adj`.
    pub oom_score_adjustment: Option<i32>,
    /// `--sysctl`.
    pub sysctls: Vec<Sysctl>,
    /// `--shm-size`, bytes.
    pub shm_size: u64,
    /// `--cidfile`, already absolute.
    pub cid_file: Option<PathBuf>,
    /// `--add-host`.
    pub extra_hosts: Vec<HostEntry>,
    /// `--dns` and its kin.
    pub dns: Dns,
}

impl RunRequest {
    /// A run of an image in which nothing was asked for; `image_text` is the image as typed.
    #[must_use]
    pub fn of(image: ImageSource, image_text: String) -> Self {
        Self {
            image,
            image_text,
            platform: None,
            pull: PullPolicy::default(),
            image_limits: ImageLimits::default(),
            command: Vec::new(),
            entrypoint: None,
            name: None,
            hostname: None,
            environment_files: Vec::new(),
            environment: Vec::new(),
            working_directory: None,
            user: None,
            extra_groups: Vec::new(),
            caller_groups: CallerGroups::default(),
            umask: Umask::default(),
            landlock: Landlock::default(),
            devices: Vec::new(),
            mounts: Vec::new(),
            donors: Vec::new(),
            image_volumes: ImageVolumes::default(),
            scratch: Scratch::None,
            root_access: RootAccess::ReadWrite,
            streams: Streams::Launcher { input: Input::Empty },
            first: FirstProcess::Command,
            stop_signal: None,
            lifetime: Lifetime::Kept,
            network: None,
            ports: Vec::new(),
            capabilities: capability::DEFAULT.into_iter().collect(),
            new_privileges: NewPrivileges::default(),
            seccomp: SeccompRequest::default(),
            system_paths: SystemPaths::default(),
            userns: UsernsMode::default(),
            driver: Driver::default(),
            labels: Vec::new(),
            limits: Vec::new(),
            supervision: Supervision::default(),
            attached: Attached::default(),
            resources: Vec::new(),
            strictness: Strictness::default(),
            oom_score_adjustment: None,
            sysctls: Vec::new(),
            shm_size: DEFAULT_SHM_SIZE,
            cid_file: None,
            extra_hosts: Vec::new(),
            dns: Dns::default(),
        }
    }
}
