//! Moments at which a test may end a process, to see whether the next one finds everything in order, or have it stand
//! still, to see what others make of that.
//!
//! Wherever a process has just changed the store or the kernel's state, it passes a moment with a name. In a program
//! that is built for release that is nothing at all. Otherwise two variables of the environment count, and only those
//! that the program was started with:
//!
//! - `MINIRUN_MOMENTS=FILE`: every process of the command writes the moments that it passes into this file, which must
//!   be there: eight bytes that say up to where it is full, as the machine has its numbers, and the names, a line each.
//! - `MINIRUN_END_AT=NAME#COUNT`: whoever passes the moment of this name as the COUNT-th is killed there.
//! - `MINIRUN_STAND_AT=NAME#COUNT`: whoever passes that one stands still until it gets SIGCONT.

#[cfg(not(debug_assertions))]
mod recorder {
    /// Passes a moment.
    #[inline]
    pub fn moment(_name: &'static str) {}
}

#[cfg(debug_assertions)]
mod recorder {
    use std::ffi::OsStr;
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

    use rustix::process::Signal;

    use crate::sys::{clone, probe};

    /// The bytes at the beginning that are a number.
    const HEAD: usize = std::mem::size_of::<AtomicUsize>();
    /// The code of a process that the kernel does not let kill itself.
    const KILLED: u8 = 137;

    /// What the processes of one command write to. In memory, as they close their files and change their root.
    struct Recorder {
        full: &'static AtomicUsize,
        names: &'static [AtomicU8],
        end_at: Option<Chosen>,
        stand_at: Option<Chosen>,
    }

    /// A moment among those of the same name.
    struct Chosen {
        name: String,
        count: usize,
    }

    impl Chosen {
        /// What a variable of the environment says.
        fn of(variable: &str) -> Option<Self> {
            let text = probe::text_variable(variable)?;
            let (name, count) = text.rsplit_once('#')?;
            Some(Self { name: name.to_owned(), count: count.parse().ok()? })
        }
    }

    static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();

    /// Passes a moment.
    pub fn moment(name: &'static str) {
        if let Some(recorder) = RECORDER.get_or_init(Recorder::open) {
            recorder.pass(name);
        }
    }

    impl Recorder {
        fn open() -> Option<Self> {
            let path = probe::variable(OsStr::new("MINIRUN_MOMENTS"))?;
            let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
            let size = usize::try_from(file.metadata().ok()?.len()).ok().filter(|size| *size > HEAD)?;
            let (full, names) = map(&file, size)?;
            Some(Self {
                full,
                names,
                end_at: Chosen::of("MINIRUN_END_AT"),
                stand_at: Chosen::of("MINIRUN_STAND_AT"),
            })
        }

        fn pass(&self, name: &str) {
            let line = format!("{name}\n");
            let start = self.full.fetch_add(line.len(), Ordering::SeqCst);
            let end = start + line.len();
            let Some(room) = self.names.get(start..end) else { return };
            for (place, byte) in room.iter().zip(line.bytes()) {
                place.store(byte, Ordering::SeqCst);
            }
            let is_now = |chosen: &Chosen| chosen.name == name && self.count(name, end) == chosen.count;
            if self.end_at.as_ref().is_some_and(is_now) {
                die();
            }
            if self.stand_at.as_ref().is_some_and(is_now) {
                // There is nobody to tell that it cannot.
                let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::STOP);
            }
        }

        /// How often a moment has been passed up to this place.
        fn count(&self, name: &str, end: usize) -> usize {
            let names = self.names.get(..end).unwrap_or_default();
            let bytes: Vec<u8> = names.iter().map(|byte| byte.load(Ordering::SeqCst)).collect();
            bytes.split(|byte| *byte == b'\n').filter(|line| *line == name.as_bytes()).count()
        }
    }

    fn die() -> ! {
        // Whoever catches no signal cannot be killed by itself either, if it is the first of a PID namespace.
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
        clone::leave(KILLED)
    }

    #[expect(unsafe_code, reason = "a file that is shared with copies of this process is mapped memory")]
    fn map(file: &File, size: usize) -> Option<(&'static AtomicUsize, &'static [AtomicU8])> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel chooses a place that nothing else has.
        let address = unsafe {
            libc::mmap(std::ptr::null_mut(), size, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if address == libc::MAP_FAILED {
            return None;
        }
        // SAFETY: the mapping begins at a page, has more bytes than the number, is never unmapped, and is only reached
        // through atomics.
        let full = unsafe { &*address.cast::<AtomicUsize>() };
        // SAFETY: HEAD is less than `size`.
        let names = unsafe { address.cast::<AtomicU8>().add(HEAD) };
        // SAFETY: from there to the end of the same mapping.
        Some((full, unsafe { std::slice::from_raw_parts(names, size - HEAD) }))
    }
}

pub use recorder::moment;
