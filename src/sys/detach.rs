//! A process that lives on when the one that started it has ended: with a session of its own, no parent but the
//! reaper of orphans, and nothing of the caller's but its rights.

use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::FdFlags;
use rustix::pipe::PipeFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::clone;
use super::{Call, SysError, moment, process};

/// By which the new process says how it went, once.
#[derive(Debug)]
pub struct Answer(Option<std::fs::File>);

impl Answer {
    /// Says it. Who asked may be gone.
    pub fn give(&mut self, answer: &impl Serialize) {
        if let Some(mut pipe) = self.0.take() {
            let bytes = serde_json::to_vec(answer).unwrap_or_default();
            let _ = pipe.write_all(&bytes);
            drop(pipe);
            moment("answered");
        }
    }
}

/// Runs `body` in a process that lives on, and waits for its answer; none if it ended without one.
///
/// # Errors
/// The process could not be made.
pub fn detach<T: DeserializeOwned>(body: impl FnOnce(Answer) -> u8) -> Result<Option<T>, SysError> {
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).call(|| "pipe2()")?;
    let between = clone::spawn(CloneFlags::empty(), || {
        let living = || {
            let mut answer = Answer(Some(std::fs::File::from(writer)));
            match leave_caller() {
                Ok(()) => body(answer),
                Err(error) => {
                    answer.give(&super::report::Report::of(&error, None));
                    125
                }
            }
        };
        let started = process::new_session().and_then(|()| clone::spawn(CloneFlags::empty(), living));
        u8::from(started.is_err())
    })?;
    between.wait()?;
    let mut bytes = Vec::new();
    let mut reader = std::fs::File::from(reader);
    reader.read_to_end(&mut bytes).call(|| "read(answer)")?;
    Ok(serde_json::from_slice(&bytes).ok())
}

/// Lets go of streams, directory and descriptors of the caller.
fn leave_caller() -> Result<(), SysError> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .call(|| "open(\"/dev/null\")")?;
    let null = std::os::fd::AsFd::as_fd(&null);
    process::set_stdio(null, null, null)?;
    rustix::process::chdir("/").call(|| "chdir(\"/\")")?;
    close_inherited()
}

/// Closes what this program was started with beyond its streams: all it opens itself is closed on exec, so that what
/// is not was there before.
fn close_inherited() -> Result<(), SysError> {
    let mut inherited = Vec::new();
    let entries = std::fs::read_dir("/proc/self/fd").call(|| "readdir(\"/proc/self/fd\")")?;
    for entry in entries {
        let entry = entry.call(|| "readdir(\"/proc/self/fd\")")?;
        inherited.extend(
            entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()).filter(|fd| *fd > 2),
        );
    }
    inherited.into_iter().for_each(close_if_inherited);
    Ok(())
}

#[expect(unsafe_code, reason = "descriptors that no value owns are known by number only")]
fn close_if_inherited(number: i32) {
    // SAFETY: the number is looked at in one call, which names no other descriptor if it is closed by now.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    let is_ours = rustix::io::fcntl_getfd(file).is_ok_and(|flags| flags.contains(FdFlags::CLOEXEC));
    if !is_ours && rustix::io::fcntl_getfd(file).is_ok() {
        // SAFETY: no value of this program owns a descriptor that exec would not close, so this one closes it once.
        drop(unsafe { OwnedFd::from_raw_fd(file.as_raw_fd()) });
    }
}
