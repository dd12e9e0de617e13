//! minirun: a rootless container launcher.
//!
//! The story in reading order: [`plan`] thinks, without touching anything; [`sys`] asks the kernel; [`store`] keeps
//! images, layers, volumes and containers on disk; [`registry`] fetches images and sends them; [`launch`] turns a plan
//! into processes in namespaces; and [`container`] joins them to what a user asks for. The binary talks.

pub mod container;
mod error;
pub mod launch;
pub mod plan;
pub mod registry;
pub mod store;
pub mod sys;
