//! minirun: a rootless container launcher.
#![cfg_attr(test, allow(missing_docs, reason = "tests explain themselves"))]

pub mod plan;
pub mod store;
pub mod sys;
