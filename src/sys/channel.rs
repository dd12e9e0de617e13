//! Messages between the launcher and the processes it starts: one datagram each, with at most one descriptor.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use super::{Call, SysError};

/// The largest message; longer ones are cut, which only a long error text could be.
const LARGEST: usize = 32 * 1024;

/// What one end sends at once: bytes, and perhaps a descriptor.
pub type Message = (Vec<u8>, Option<OwnedFd>);

/// One end of a pair of connected sockets that keep message borders.
#[derive(Debug)]
pub struct Channel(OwnedFd);

impl Channel {
    /// Two connected ends, both closed on `exec`.
    ///
    /// # Errors
    /// What `socketpair(2)` says.
    pub fn pair() -> Result<(Self, Self), SysError> {
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map(|(one, other)| (Self(one), Self(other)))
            .call(|| "socketpair(AF_UNIX, SOCK_SEQPACKET)")
    }

    /// Another descriptor of the same end, which is closed when all are.
    ///
    /// # Errors
    /// What `fcntl(2)` says.
    pub fn try_clone(&self) -> Result<Self, SysError> {
        self.0.try_clone().map(Self).call(|| "fcntl(DUPFD_CLOEXEC)")
    }

    /// Sends `message`, with a copy of `file` if there is one.
    ///
    /// # Errors
    /// What `sendmsg(2)` says; `EPIPE` when the other end is gone.
    pub fn send(&self, message: &[u8], file: Option<BorrowedFd<'_>>) -> Result<(), SysError> {
        let message = &message[..message.len().min(LARGEST)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = file.as_slice();
        if !files.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(files));
        }
        rustix::net::sendmsg(&self.0, &[IoSlice::new(message)], &mut control, SendFlags::NOSIGNAL)
            .map(drop)
            .call(|| "sendmsg(channel)")
    }

    /// Makes sure that the other end still exists.
    ///
    /// # Errors
    /// `EPIPE` if it does not.
    pub fn check_open(&self) -> Result<(), SysError> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut watched = [PollFd::new(&self.0, PollFlags::empty())];
        poll(&mut watched, Some(&Timespec::default())).call(|| "poll(channel)")?;
        if watched[0].revents().contains(PollFlags::HUP) {
            return Err(SysError::new("poll(channel)", Errno::PIPE));
        }
        Ok(())
    }

    /// Waits for a message; `None` when the other end is closed.
    ///
    /// # Errors
    /// What `recvmsg(2)` says.
    pub fn receive(&self) -> Result<Option<Message>, SysError> {
        // Most messages are a few bytes, for which the room for the largest need not be filled with zeros.
        let mut message = vec![0; self.next_length()?.min(LARGEST)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut parts = [IoSliceMut::new(&mut message)];
            match rustix::net::recvmsg(&self.0, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                // The other end has gone without reading everything. That is told once, and before what it has sent
                // itself: the last word of a monitor whose init was killed early comes after it.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                result => break result.call(|| "recvmsg(channel)")?,
            }
        };
        if received.bytes == 0 {
            return Ok(None);
        }
        message.truncate(received.bytes);
        let file = control.drain().find_map(|ancillary| match ancillary {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        Ok(Some((message, file)))
    }
}

impl Channel {
    /// Waits for a message and says how long it is, which stays; 0 when the other end is closed.
    fn next_length(&self) -> Result<usize, SysError> {
        let flags = RecvFlags::PEEK | RecvFlags::TRUNC;
        loop {
            let mut nothing: [u8; 0] = [];
            match rustix::net::recv(&self.0, &mut nothing[..], flags) {
                Err(Errno::INTR | Errno::CONNRESET) => {}
                result => return result.map(|(_, length)| length).call(|| "recv(channel, PEEK)"),
            }
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
