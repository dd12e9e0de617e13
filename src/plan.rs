//! What will be done, as data. Touches no file, clock, environment or kernel, so that it can be tested and printed
//! without any privilege.

pub mod account;
pub mod attachment;
pub mod backing;
pub mod bytes;
pub mod capability;
pub mod collect;
pub mod device;
pub mod digest;
pub mod driver;
pub mod environment;
pub mod evidence;
pub mod exec;
pub mod fence;
pub mod finding;
pub mod from_spec;
pub mod hasher;
pub mod host;
pub mod idmap;
pub mod image_document;
pub mod image_limit;
pub mod image_lock;
pub mod instruction;
pub mod landlock;
pub mod limit;
pub mod mount;
pub mod mount_table;
pub mod name;
pub mod namespace;
pub mod network;
pub mod network_file;
pub mod occurrence;
pub mod path;
pub mod pattern;
pub mod platform;
pub mod port;
pub mod portable;
pub mod process;
pub mod quote;
pub mod reference;
pub mod registry;
pub mod request;
pub mod resources;
pub mod result_record;
pub mod review;
pub mod rootfs;
pub mod seccomp;
pub mod security;
pub mod show;
pub mod signal;
pub mod snapshot;
pub mod source;
pub mod spec;
pub mod step;
pub mod supervision;
pub mod sysctl;
pub mod textdiff;
pub mod userns;

use attachment::Attachment;
use name::ContainerId;
use namespace::Namespaces;
use network::Connection;
use path::ContainerPath;
use process::Process;
use request::RootAccess;
use rootfs::{Fill, Rootfs};

/// Everything that will be asked of the kernel to make one container, in the order in which it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The container.
    pub id: ContainerId,
    /// Its host name.
    pub hostname: String,
    /// Its namespaces.
    pub namespaces: Namespaces,
    /// What connects its network with the outside, where something does.
    pub connection: Option<Connection>,
    /// What `/` is made of.
    pub rootfs: Rootfs,
    /// Whether `/` can be written.
    pub root_access: RootAccess,
    /// Volumes that are filled from the image before anything is mounted.
    pub fills: Vec<Fill>,
    /// The mounts, in order.
    pub mounts: Vec<Attachment>,
    /// Paths whose content is hidden.
    pub masked: Vec<ContainerPath>,
    /// Paths that can only be read.
    pub read_only: Vec<ContainerPath>,
    /// Kernel settings of the container's own namespaces: name with dots, value.
    pub sysctls: Vec<(String, String)>,
    /// The first process.
    pub process: Process,
}
