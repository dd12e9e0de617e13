//! minirun: a rootless container launcher.
//!
//! The story in reading order: [`plan`] thinks, without touching anything; [`sys`] asks the kernel; [`store`] keeps
//! images, layers, volumes and containers on disk; [`launch`] turns a plan into processes in namespaces.

pub mod launch;
pub mod plan;
pub mod store;
pub mod sys;
