//! minirun: a rootless container launcher.
//!
//! The story in reading order: [`plan`] thinks, without touching anything; [`sys`] asks the kernel.

pub mod plan;
pub mod sys;
