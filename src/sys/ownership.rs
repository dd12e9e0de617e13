//! Whose a file may be that others could have put there.

use std::sync::OnceLock;

/// Whether a file's owner is neither this process's user nor root. In a user namespace that lacks the machine's root, that
/// is whoever owns `/`.
#[must_use]
pub fn is_foreign(owner: u32) -> bool {
    static MACHINE: OnceLock<Option<u32>> = OnceLock::new();
    let machine = MACHINE.get_or_init(|| rustix::fs::stat("/").ok().map(|stat| stat.st_uid));
    owner != 0 && owner != rustix::process::geteuid().as_raw() && Some(owner) != *machine
}
