//! Asking the kernel. The only place with unsafe code.

pub mod channel;
pub mod clone;
pub mod detach;
mod error;
pub mod hosttree;
pub mod mount;
pub mod network;
pub mod owner;
pub mod probe;
pub mod process;
pub mod report;
pub mod root;
pub mod socket;
pub mod userns;

pub use error::{Call, SysError};
