//! Sends an image whose layers another process packs.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::RegistryError;
use super::client::{ATTEMPTS, Client, wait};
use super::error::RequestError;
use crate::plan::digest::Digest;
use crate::plan::registry::order::{Archive, Delivery, Order, Packed};
use crate::sys::channel::Channel;
use crate::sys::{Call, SysError};

/// The most bytes that a pipe is asked to hold.
const PIPE: usize = 1 << 20;

/// Brings one image to a registry.
#[derive(Debug)]
pub struct Carrier<'c> {
    client: &'c Client,
    /// To the process that packs.
    channel: &'c Channel,
    /// What the image is to be called.
    name: String,
}

/// Why an attempt to send a layer led to nothing.
enum Setback {
    /// The archive cannot be had back.
    Lost,
    Request(RequestError),
    Handover(SysError),
}

impl<'c> Carrier<'c> {
    /// For the image that is to be called `name`, with a process at the other end of `channel` that packs its layers.
    #[must_use]
    pub fn new(client: &'c Client, channel: &'c Channel, name: String) -> Self {
        Self { client, channel, name }
    }

    /// Whether the repository has a blob; one of `repositories` may give it.
    ///
    /// # Errors
    /// The registry does not answer that.
    pub fn has(&self, digest: &Digest, repositories: &[String]) -> Result<bool, RegistryError> {
        let has = || -> Result<bool, RequestError> {
            if self.client.has_blob(digest)? {
                return Ok(true);
            }
            for repository in repositories {
                if self.client.mount(digest, repository)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        has().map_err(|cause| self.failed(cause))
    }

    /// Sends `archive` of a layer, or what will do instead, whose bytes are counted by `progress`; what it was.
    ///
    /// A connection that breaks is begun anew, and so is the packing.
    ///
    /// # Errors
    /// The registry does not take it, or it cannot be packed.
    pub fn send_layer(
        &self,
        (layer, archive): (usize, Archive),
        progress: &mut dyn FnMut(u64),
    ) -> Result<Packed, RegistryError> {
        let mut order = Order { layer, archive };
        let mut attempt = 1;
        loop {
            match self.attempt(&order, progress) {
                Ok(packed) => return Ok(packed),
                Err(Setback::Lost) => {
                    let none = || RegistryError::Handover(SysError::new("recvmsg(packed)", Errno::PIPE));
                    order.archive = order.archive.instead().ok_or_else(none)?;
                }
                Err(Setback::Request(error)) if error.is_passing() && attempt < ATTEMPTS => {
                    wait(attempt, &error);
                    attempt += 1;
                }
                Err(Setback::Request(cause)) => return Err(self.failed(cause)),
                Err(Setback::Handover(cause)) => return Err(RegistryError::Handover(cause)),
            }
        }
    }

    /// Sends the configuration.
    ///
    /// # Errors
    /// The registry does not take it.
    pub fn send_config(&self, digest: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        let send = || {
            if self.client.has_blob(digest)? {
                return Ok(());
            }
            self.client.put_blob(digest, bytes)
        };
        send().map_err(|cause| self.failed(cause))
    }

    /// Sends the manifest, with which the image is there under `tag`.
    ///
    /// # Errors
    /// The registry does not take it, or takes it for another one.
    pub fn send_manifest(
        &self,
        tag: &str,
        media_type: &str,
        (digest, bytes): (&Digest, &[u8]),
    ) -> Result<(), RegistryError> {
        let said = self.client.put_manifest(tag, media_type, bytes).map_err(|cause| self.failed(cause))?;
        match said {
            Some(found) if found != *digest && found.algorithm() == digest.algorithm() => {
                Err(RegistryError::OtherDigest { reference: self.name.clone(), found })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Lets the process that packs end.
    ///
    /// # Errors
    /// It has ended already.
    pub fn finish(self) -> Result<(), RegistryError> {
        self.channel.send(b"end", None).map_err(RegistryError::Handover)
    }

    fn attempt(&self, order: &Order, progress: &mut dyn FnMut(u64)) -> Result<Packed, Setback> {
        let upload = self.client.begin_upload().map_err(Setback::Request)?;
        let pipe = self.order(order).map_err(Setback::Handover)?;
        let mut content = Counted { pipe, bytes: 0, progress };
        let sent = self.client.send_bytes(&upload, &mut content);
        // Whoever packs for nobody else hears it.
        drop(content);
        let delivery = self.delivery().map_err(Setback::Handover)?;
        let sent = match (sent, delivery) {
            (Ok(sent), Delivery::Whole(packed)) => {
                let finished = self.client.finish_upload(&sent, &packed.digest);
                return finished.map(|()| packed).map_err(Setback::Request);
            }
            (Ok(sent), Delivery::Lost | Delivery::Unread) => sent,
            // That its end was not read says nothing about it.
            (Err(_), Delivery::Lost) => upload,
            (Err(error), Delivery::Whole(_) | Delivery::Unread) => return Err(Setback::Request(error)),
        };
        self.client.cancel(&sent);
        Err(Setback::Lost)
    }

    /// Orders an archive, whose bytes come from the pipe.
    fn order(&self, order: &Order) -> Result<File, SysError> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).call(|| "pipe2()")?;
        // Where the user has many pipes, the usual size will do.
        let _ = rustix::pipe::fcntl_setpipe_size(&writer, PIPE);
        // Two words and a number can be written.
        let message = serde_json::to_vec(order).unwrap_or_default();
        self.channel.send(&message, Some(writer.as_fd()))?;
        Ok(reader.into())
    }

    fn delivery(&self) -> Result<Delivery, SysError> {
        let gone = || SysError::new("recvmsg(packed)", Errno::PIPE);
        let (message, _) = self.channel.receive()?.ok_or_else(gone)?;
        serde_json::from_slice(&message).map_err(|_| gone())
    }

    fn failed(&self, cause: RequestError) -> RegistryError {
        RegistryError::Push { reference: self.name.clone(), cause }
    }
}

/// Bytes that are counted while they are sent.
struct Counted<'p> {
    pipe: File,
    bytes: u64,
    progress: &'p mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.pipe.read(buffer)?;
        self.bytes += count as u64;
        (self.progress)(self.bytes);
        Ok(count)
    }
}
