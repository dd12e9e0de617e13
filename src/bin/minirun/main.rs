//! The command line of minirun.
fn main() {}
