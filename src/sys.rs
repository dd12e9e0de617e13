//! Asking the kernel. The only place with unsafe code.

mod error;
pub mod root;

pub use error::{Call, SysError};
