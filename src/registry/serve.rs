//! Fetches what another process wants.
//!
//! Each errand gets a pipe. What comes from the registry goes into memory first, a few megabytes at most: so a layer is on
//! its way while the one below it is still unpacked, and a registry that is slow has its time.

use std::fs::File;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Scope, scope};

use rustix::pipe::{PipeFlags, pipe_with};

use super::blob::Demand;
use super::{Client, RegistryError};
use crate::plan::registry::errand::Errand;
use crate::sys::channel::Channel;
use crate::sys::{Call, SysError, thread};

/// How many pieces of a blob wait in memory.
const WAITING: usize = 64;
/// The most bytes that a pipe is asked to hold.
const PIPE: usize = 1 << 20;
/// The most errands of one image: more than it can have documents and layers.
const ERRANDS_MAX: usize = 16 << 10;

/// Makes the client of another place.
type Connect<'a> = &'a (dyn Fn() -> Result<Client, RegistryError> + Sync);

/// Where the blobs of an image are.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// The name of the image.
    pub reference: &'a str,
    /// The place that is asked.
    pub client: &'a Client,
    /// How the registry itself is asked for what a mirror does not give; nothing where it is `client`.
    pub registry: Option<Connect<'a>>,
}

impl std::fmt::Debug for Places<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").field("reference", &self.reference).finish_non_exhaustive()
    }
}

impl Places<'_> {
    fn fetch(&self, errand: &Errand, take: &mut dyn FnMut(Vec<u8>) -> Demand) -> Result<(), RegistryError> {
        let failed = |cause| RegistryError::Pull { reference: self.reference.to_owned(), cause };
        // What a mirror began, the registry goes on with: its digest says what it is.
        let mut given = 0;
        match (self.client.fetch(errand, &mut given, take), self.registry) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(connect)) => connect()?.fetch(errand, &mut given, take).map_err(failed),
            (Err(cause), None) => Err(failed(cause)),
        }
    }
}

/// Does the errands that come on `channel`, until its other end is closed; the first of them that could not be done.
///
/// # Errors
/// Something could not be fetched. Who wanted it finds its pipe closed too early.
pub fn serve(channel: &Channel, places: Places<'_>) -> Result<(), RegistryError> {
    let failure = Mutex::new(None);
    let fail = |error: RegistryError| {
        if let Ok(mut failure) = failure.lock() {
            failure.get_or_insert(error);
        }
    };
    scope(|scope| {
        for _ in 0..ERRANDS_MAX {
            let received = channel.receive().map_err(RegistryError::Handover);
            let errand = match received {
                Ok(Some((message, _))) => serde_json::from_slice::<Errand>(&message).ok(),
                Ok(None) => return,
                Err(error) => return fail(error),
            };
            // Anything but an errand is none of this program's.
            let Some(errand) = errand else { return };
            let fail = &fail;
            let begun =
                begin(scope, channel, move |pieces| places.fetch(&errand, pieces).unwrap_or_else(fail));
            if let Err(cause) = begun {
                return fail(RegistryError::Handover(cause));
            }
        }
    });
    failure.into_inner().ok().flatten().map_or(Ok(()), Err)
}

/// Hands a pipe over, and starts to fill it.
fn begin<'scope>(
    scope: &'scope Scope<'scope, '_>,
    channel: &Channel,
    fetch: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> Demand) + Send + 'scope,
) -> Result<(), SysError> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).call(|| "pipe2()")?;
    // Where the user has many pipes, the usual size will do.
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, PIPE);
    channel.send(b"pipe", Some(std::os::fd::AsFd::as_fd(&reader)))?;
    drop(reader);
    let (give, take) = sync_channel(WAITING);
    let fetch = move || {
        fetch(&mut |piece| if give.send(piece).is_ok() { Demand::More } else { Demand::Nothing });
    };
    let writing = thread::named("hand over").spawn_scoped(scope, move || hand_over(&take, writer.into()));
    let fetching = writing.and_then(|_| thread::named("fetch").spawn_scoped(scope, fetch));
    fetching.map(drop).map_err(|error| SysError::from_io("clone(thread)", &error))
}

/// Writes what was fetched, as long as somebody reads it.
fn hand_over(pieces: &Receiver<Vec<u8>>, mut pipe: File) {
    for piece in pieces {
        if pipe.write_all(&piece).is_err() {
            return;
        }
    }
}
