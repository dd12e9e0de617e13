//! The loopback interface of a new network namespace.

use std::os::fd::AsRawFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::{Call, SysError};

/// `linux/sockios.h`; the type of the C library's own differs from that of the call's argument in some.
const SIOCSIFFLAGS: libc::Ioctl = 0x8914;

/// Brings `lo` up, which gives it 127.0.0.1 and `::1`.
///
/// # Errors
/// What `socket(2)` or the ioctls of `netdevice(7)` say.
#[expect(unsafe_code, reason = "the interface ioctls have no safe wrapper")]
pub fn bring_loopback_up() -> Result<(), SysError> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
        .call(|| "socket(AF_INET, SOCK_DGRAM)")?;
    // SAFETY: ifreq is plain integers and a union of such, for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    let up = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or_default();
    request.ifr_ifru.ifru_flags = up;
    // SAFETY: the request is a whole ifreq with a name that ends in NUL, and outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), SIOCSIFFLAGS, &raw const request) };
    if result == 0 {
        return Ok(());
    }
    Err(SysError::from_io("ioctl(lo, SIOCSIFFLAGS, IFF_UP)", &std::io::Error::last_os_error()))
}
