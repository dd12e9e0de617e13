//! Landlock (5.13): a thread gives up what it does not need, for itself and all that it starts, and for good.
//!
//! Source: `landlock(7)`, `linux/landlock.h`.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::{Call, SysError};
use crate::plan::landlock::{Abi, Beneath, FileRights, Handled, PortUse};

/// Asks `landlock_create_ruleset` for the version.
const VERSION: u32 = 1 << 0;
/// `LANDLOCK_RULE_PATH_BENEATH`.
const PATH_BENEATH: u32 = 1;
/// `LANDLOCK_RULE_NET_PORT`.
const NET_PORT: u32 = 2;

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

/// `struct landlock_net_port_attr`.
#[repr(C)]
struct NetPort {
    allowed: u64,
    port: u64,
}

/// The version of this kernel's Landlock; none where it has none, or it is switched off.
#[must_use]
#[expect(unsafe_code, reason = "landlock_create_ruleset has no safe wrapper")]
pub fn abi() -> Option<Abi> {
    let no_rules = std::ptr::null::<u64>();
    // SAFETY: with this flag the kernel takes a null pointer and no size, and makes nothing.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, no_rules, 0_usize, VERSION) };
    u32::try_from(version).ok().filter(|version| *version > 0).map(Abi)
}

/// What is forbidden, and what is not.
#[derive(Debug)]
pub struct Ruleset {
    file: OwnedFd,
    abi: Abi,
}

impl Ruleset {
    /// Forbids all of this.
    ///
    /// # Errors
    /// What `landlock_create_ruleset(2)` says.
    #[expect(unsafe_code, reason = "landlock_create_ruleset has no safe wrapper")]
    pub fn new(handled: Handled, abi: Abi) -> Result<Self, SysError> {
        let attributes = [handled.files, handled.network, handled.scopes];
        // SAFETY: the kernel reads three numbers; one that knows fewer wants the others to be zero, and they are.
        let file = unsafe {
            libc::syscall(
                libc::SYS_landlock_create_ruleset,
                attributes.as_ptr(),
                std::mem::size_of_val(&attributes),
                0_u32,
            )
        };
        let error = std::io::Error::last_os_error();
        let file = i32::try_from(file).ok().filter(|file| *file >= 0);
        let file = file.ok_or_else(|| SysError::from_io("landlock_create_ruleset()", &error))?;
        // SAFETY: the kernel has just made this descriptor, and nobody else owns it.
        Ok(Self { file: unsafe { OwnedFd::from_raw_fd(file) }, abi })
    }

    /// Allows `rights` to a file, or to all that a directory holds, whatever is mounted there.
    ///
    /// # Errors
    /// What `landlock_add_rule(2)` says.
    pub fn allow_files(&self, place: impl AsFd, rights: FileRights) -> Result<(), SysError> {
        let place = place.as_fd();
        let stat = rustix::fs::fstat(place).call(|| "fstat()")?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Beneath::Directory,
            _ => Beneath::File,
        };
        let allowed = rights.bits(self.abi, kind);
        let rule = PathBeneath { allowed, parent: place.as_raw_fd() };
        match self.add((&raw const rule).cast(), PATH_BENEATH) {
            // Pipes, sockets and files in memory alone are on no path and are never forbidden.
            Err(error) if error.errno() == Errno::BADFD => Ok(()),
            result => result,
        }
    }

    /// Allows a TCP port.
    ///
    /// # Errors
    /// What `landlock_add_rule(2)` says.
    pub fn allow_port(&self, port: u16, how: PortUse) -> Result<(), SysError> {
        let rule = NetPort { allowed: how.bit(), port: u64::from(port) };
        self.add((&raw const rule).cast(), NET_PORT)
    }

    #[expect(unsafe_code, reason = "landlock_add_rule has no safe wrapper")]
    fn add(&self, rule: *const libc::c_void, kind: u32) -> Result<(), SysError> {
        // SAFETY: each caller points to a whole rule of this kind, which the kernel only reads.
        let result =
            unsafe { libc::syscall(libc::SYS_landlock_add_rule, self.file.as_raw_fd(), kind, rule, 0_u32) };
        answer(result, "landlock_add_rule()")
    }

    /// Lets this thread, and whatever it starts from now on, do only what is allowed.
    ///
    /// # Errors
    /// `EPERM` for a thread that neither has `CAP_SYS_ADMIN` in its user namespace nor has given up to gain rights; what
    /// `landlock_restrict_self(2)` says otherwise.
    #[expect(unsafe_code, reason = "landlock_restrict_self has no safe wrapper")]
    pub fn enforce(self) -> Result<(), SysError> {
        // SAFETY: the call takes integers only.
        let result = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, self.file.as_raw_fd(), 0_u32) };
        answer(result, "landlock_restrict_self()")
    }
}

fn answer(result: libc::c_long, call: &str) -> Result<(), SysError> {
    if result == 0 {
        return Ok(());
    }
    Err(SysError::from_io(call, &std::io::Error::last_os_error()))
}

/// Lets this thread reach nothing but what it has open, the files in `kept`, and those in `read`, which it cannot change:
/// no other file, no TCP port, no abstract socket and no process outside, as far as the kernel can forbid that.
///
/// False where the kernel has no Landlock, or one that forbids renames from one directory to another (before 5.19).
///
/// # Errors
/// What the calls say, as where a filter of system calls forbids them.
pub fn keep_to(kept: &[BorrowedFd<'_>], read: &[OwnedFd]) -> Result<bool, SysError> {
    let Some(abi) = abi().filter(|abi| *abi >= Abi::RENAMES) else { return Ok(false) };
    let rules = Ruleset::new(Handled::everything(abi), abi)?;
    for place in kept {
        rules.allow_files(place, FileRights::KEEP)?;
    }
    for place in read {
        rules.allow_files(place, FileRights::READ)?;
    }
    rustix::thread::set_no_new_privs(true).call(|| "prctl(PR_SET_NO_NEW_PRIVS)")?;
    rules.enforce()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A thread is restricted alone, so that the others of a test program stay as they are.
    #[test]
    fn a_thread_that_is_kept_to_a_directory_reaches_nothing_else() {
        let Some(abi) = abi().filter(|abi| *abi >= Abi::RENAMES) else { return };
        let scratch = std::env::temp_dir().join(format!("minirun-landlock-{}", std::process::id()));
        let [store, outside, input] = ["store", "outside", "input"].map(|name| scratch.join(name));
        for directory in [&store, &outside, &input] {
            fs::create_dir_all(directory).unwrap();
            fs::write(directory.join("file"), "text").unwrap();
        }
        fs::create_dir(store.join("other")).unwrap();
        fs::copy("/bin/true", store.join("program")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn({
            let (store, outside, input) = (store.clone(), outside.clone(), input.clone());
            move || {
                let open = |path| OwnedFd::from(fs::File::open(path).unwrap());
                assert!(keep_to(&[open(&store).as_fd()], &[open(&input)]).unwrap());
                fs::write(store.join("new"), "text").unwrap();
                fs::rename(store.join("new"), store.join("other/new")).unwrap();
                assert_eq!(fs::read_to_string(input.join("file")).unwrap(), "text");
                let refused = |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied);
                refused(fs::write(input.join("file"), "changed").unwrap_err());
                refused(fs::write(outside.join("new"), "text").unwrap_err());
                refused(fs::read(outside.join("file")).unwrap_err());
                refused(fs::remove_file(outside.join("file")).unwrap_err());
                refused(fs::create_dir(outside.join("directory")).unwrap_err());
                refused(fs::read(store.join("../outside/file")).unwrap_err());
                refused(std::process::Command::new(store.join("program")).spawn().unwrap_err());
                if abi >= Abi::PORTS {
                    refused(TcpStream::connect(address).unwrap_err());
                    refused(TcpListener::bind("127.0.0.1:0").unwrap_err());
                }
            }
        });
        thread.join().unwrap();
        fs::write(outside.join("new"), "the other threads are not restricted").unwrap();
        fs::remove_dir_all(&scratch).unwrap();
    }
}
