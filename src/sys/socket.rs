//! A socket by which other processes of the same user talk to whoever runs a container: messages with borders, in both
//! directions.
//!
//! It is a name in the container's directory. The path of a socket may have 108 bytes only, so it is reached through
//! the directory's descriptor.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType,
};

use super::{Call, SysError};

/// The longest message, in bytes.
pub const MESSAGE_MAX: usize = 32 * 1024;

/// How many may wait to be let in.
const BACKLOG: i32 = 64;

/// Where others come in.
#[derive(Debug)]
pub struct Listener(OwnedFd);

/// A connection; both ends are closed on `exec`.
#[derive(Debug)]
pub struct Connection(OwnedFd);

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A message.
    Message(Vec<u8>),
    /// Nothing yet.
    Nothing,
    /// The other end is closed.
    End,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Whole,
    /// There is no room now.
    NoRoom,
    /// The other end is closed.
    End,
}

fn address(directory: BorrowedFd<'_>, name: &str) -> Result<SocketAddrUnix, SysError> {
    let path = format!("/proc/self/fd/{}/{name}", directory.as_raw_fd());
    SocketAddrUnix::new(&path).call(|| format!("sockaddr_un({path:?})"))
}

fn socket(flags: SocketFlags) -> Result<OwnedFd, SysError> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC | flags, None)
        .call(|| "socket(AF_UNIX, SOCK_SEQPACKET)")
}

impl Listener {
    /// Makes the socket `name` in `directory`, over one that a process that is gone has left.
    ///
    /// # Errors
    /// What `bind(2)` and `listen(2)` say.
    pub fn bind(directory: BorrowedFd<'_>, name: &str) -> Result<Self, SysError> {
        match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(SysError::new(format!("unlinkat({name:?})"), errno)),
        }
        let listener = socket(SocketFlags::NONBLOCK)?;
        rustix::net::bind(&listener, &address(directory, name)?).call(|| format!("bind({name:?})"))?;
        // Who may enter the directory is the store's user alone; this says the same once more.
        rustix::fs::chmodat(directory, name, Mode::RUSR | Mode::WUSR, AtFlags::empty())
            .call(|| format!("fchmodat({name:?}, 600)"))?;
        rustix::net::listen(&listener, BACKLOG).call(|| format!("listen({name:?})"))?;
        Ok(Self(listener))
    }

    /// Lets the next one in; none if nobody waits.
    ///
    /// # Errors
    /// What `accept(2)` says.
    pub fn accept(&self) -> Result<Option<Connection>, SysError> {
        match rustix::net::accept_with(&self.0, SocketFlags::CLOEXEC) {
            Ok(connection) => Ok(Some(Connection(connection))),
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED) => Ok(None),
            Err(errno) => Err(SysError::new("accept4()", errno)),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Connection {
    /// Connects to the socket `name` in `directory`; none if nobody listens there.
    ///
    /// # Errors
    /// What `connect(2)` says.
    pub fn open(directory: BorrowedFd<'_>, name: &str) -> Result<Option<Self>, SysError> {
        let connection = socket(SocketFlags::empty())?;
        loop {
            match rustix::net::connect(&connection, &address(directory, name)?) {
                Ok(()) => return Ok(Some(Self(connection))),
                Err(Errno::NOENT | Errno::CONNREFUSED) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(SysError::new(format!("connect({name:?})"), errno)),
            }
        }
    }

    /// Sends a message of at most [`MESSAGE_MAX`] bytes, without waiting for room.
    ///
    /// # Errors
    /// What `sendmsg(2)` says otherwise.
    pub fn try_send(&self, message: &[u8]) -> Result<Sent, SysError> {
        self.send_with(message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
    }

    /// Sends a message of at most [`MESSAGE_MAX`] bytes, and waits for room.
    ///
    /// # Errors
    /// What `sendmsg(2)` says otherwise.
    pub fn send(&self, message: &[u8]) -> Result<Sent, SysError> {
        self.send_with(message, SendFlags::NOSIGNAL)
    }

    fn send_with(&self, message: &[u8], flags: SendFlags) -> Result<Sent, SysError> {
        loop {
            let mut control = SendAncillaryBuffer::default();
            match rustix::net::sendmsg(&self.0, &[IoSlice::new(message)], &mut control, flags) {
                Ok(_) => return Ok(Sent::Whole),
                Err(Errno::AGAIN | Errno::NOBUFS) => return Ok(Sent::NoRoom),
                Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => return Ok(Sent::End),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(SysError::new("sendmsg(control)", errno)),
            }
        }
    }

    /// Takes the next message, without waiting for one.
    ///
    /// # Errors
    /// What `recvmsg(2)` says otherwise.
    pub fn try_receive(&self) -> Result<Received, SysError> {
        let mut message = vec![0; MESSAGE_MAX];
        loop {
            let mut space: [MaybeUninit<u8>; 0] = [];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut parts = [IoSliceMut::new(&mut message)];
            let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
            match rustix::net::recvmsg(&self.0, &mut parts, &mut control, flags) {
                Ok(received) if received.bytes == 0 => return Ok(Received::End),
                Ok(received) => {
                    message.truncate(received.bytes);
                    return Ok(Received::Message(message));
                }
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::CONNRESET) => return Ok(Received::End),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(SysError::new("recvmsg(control)", errno)),
            }
        }
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
