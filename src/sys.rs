//! Asking the kernel. The only place with unsafe code.

pub mod bridge;
pub mod cgroup;
pub mod channel;
pub mod clock;
pub mod clone;
pub mod consumption;
pub mod detach;
mod error;
pub mod evidence;
pub mod handover;
pub mod hosttree;
pub mod join;
pub mod landlock;
pub mod moment;
pub mod mount;
pub mod mountinfo;
pub mod network;
pub mod observe;
pub mod owner;
pub mod ownership;
pub mod probe;
pub mod process;
pub mod procfs;
pub mod report;
pub mod root;
pub mod running;
pub mod sealed;
pub mod seccomp;
pub mod socket;
pub mod table;
pub mod uplink;
pub mod userns;
pub mod whole_file;
pub mod writeback;

pub use error::{Call, SysError};
pub use moment::moment;
