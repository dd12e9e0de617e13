//! The leaf of every error chain: one kernel request that said no.

use std::fmt;

use rustix::io::Errno;

/// A system call with its arguments as a reader would write them, and what the kernel answered.
///
/// Prints like a line of strace: `open_tree("/srv", CLONE|RECURSIVE): EACCES (Permission denied)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysError {
    call: String,
    errno: Errno,
}

impl SysError {
    /// Names the call that failed; `call` reads `name(arguments)`.
    pub fn new(call: impl Into<String>, errno: impl Into<Errno>) -> Self {
        Self { call: call.into(), errno: errno.into() }
    }

    /// Wraps an error of the standard library's file and process functions.
    #[must_use]
    pub fn from_io(call: impl Into<String>, error: &std::io::Error) -> Self {
        Self::new(call, Errno::from_io_error(error).unwrap_or(Errno::IO))
    }

    /// Wraps an error of `nix`.
    #[must_use]
    pub fn from_nix(call: impl Into<String>, errno: nix::errno::Errno) -> Self {
        Self::new(call, Errno::from_raw_os_error(errno as i32))
    }

    /// The call, as it prints.
    #[must_use]
    pub fn call(&self) -> &str {
        &self.call
    }

    /// What the kernel answered.
    #[must_use]
    pub fn errno(&self) -> Errno {
        self.errno
    }
}

impl fmt::Display for SysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = self.errno.raw_os_error();
        let name = nix::errno::Errno::from_raw(raw);
        write!(f, "{}: {name:?} ({})", self.call, name.desc())
    }
}

impl std::error::Error for SysError {}

/// Gives a failed call its name: `openat2(…).call(|| format!("openat2({path:?})"))`.
pub trait Call<T> {
    /// Turns the error into a [`SysError`] that prints `call`.
    ///
    /// # Errors
    /// The same failure, named.
    fn call<S: Into<String>>(self, call: impl FnOnce() -> S) -> Result<T, SysError>;
}

impl<T> Call<T> for Result<T, Errno> {
    fn call<S: Into<String>>(self, call: impl FnOnce() -> S) -> Result<T, SysError> {
        self.map_err(|errno| SysError::new(call(), errno))
    }
}

impl<T> Call<T> for Result<T, nix::errno::Errno> {
    fn call<S: Into<String>>(self, call: impl FnOnce() -> S) -> Result<T, SysError> {
        self.map_err(|errno| SysError::from_nix(call(), errno))
    }
}

impl<T> Call<T> for std::io::Result<T> {
    fn call<S: Into<String>>(self, call: impl FnOnce() -> S) -> Result<T, SysError> {
        self.map_err(|error| SysError::from_io(call(), &error))
    }
}
