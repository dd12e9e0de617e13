//! What holds a container that runs, and what it can reach all the same: facts that were read from the kernel go in,
//! a report comes out.
//!
//! Nothing here trusts what was planned. What was asked for only serves to find what is different from it.

mod difference;
mod facts;
mod mounts;
mod report;
mod schema;
mod ways;

pub use difference::{AskedFence, AskedMount, Difference};
pub use facts::{Descriptor, DeviceNode, Facts, NamespaceFact, Place};
pub use mounts::{MountPart, Part, host_path};
pub use schema::{
    CapabilityReport, DeviceReport, FilterReport, LimitReport, MountReport, NamespaceReport, ProcessReport,
    RangeReport, Report, ResourceReport, Subject, UserReport,
};
pub use ways::{Severity, Way};
