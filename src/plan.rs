//! What will be done, as data. Touches no file, clock, environment or kernel.

pub mod digest;
pub mod idmap;
pub mod path;
