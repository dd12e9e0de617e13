//! One command that is killed again and again.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::fs::{FlockOperation, flock};

use crate::support::{Call, IMAGE, Outcome, Scratch, processes_called, processes_with, unique_seconds};

/// Room for the moments of one command.
const ROOM: usize = 1 << 18;
/// How many kills there are altogether, if nobody says.
const KILLS: usize = 140;
/// How many tests share them.
const TESTS: usize = 30;
/// How many times one moment is a chosen one.
const SAME_MOMENT: usize = 5;
/// How long what is left of a killed command may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store with an image and a volume with a file.
pub(super) struct Scene {
    pub(super) scratch: Scratch,
    pub(super) seconds: String,
    moments: PathBuf,
}

/// Who is killed, and when.
#[derive(Debug, Clone)]
enum Fate {
    /// Whoever passes this moment.
    Moment(String),
    /// Any process, this long after the start; the number chooses one.
    Random(Duration, u64),
}

/// Numbers that look random and come again with their seed.
struct Numbers(Cell<u64>);

impl Numbers {
    fn next(&self) -> u64 {
        let mut number = self.0.get();
        number ^= number << 13;
        number ^= number >> 7;
        number ^= number << 17;
        self.0.set(number);
        number
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Kills `command` at many moments; each time it begins with what `before` makes and ends with `after`.
pub(super) fn crash(
    name: &str,
    before: &dyn Fn(&Scene),
    command: &dyn Fn(&Scene) -> Vec<String>,
    after: &dyn Fn(&Scene),
) {
    let scene = Scene::new();
    before(&scene);
    let began = Instant::now();
    scene.start(command, None).wait();
    let took = began.elapsed();
    let passed = scene.passed();
    after(&scene);
    scene.assert_in_order("nothing");
    let seed = setting("MINIRUN_TEST_SEED").unwrap_or(1);
    let fates = fates(
        &passed,
        took,
        seed ^ name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte)),
    );
    for fate in fates {
        let context = format!("{name}, seed {seed}: {fate:?}");
        before(&scene);
        scene.suffer(command, &fate);
        scene.assert_nothing_left(&context);
        scene.assert_next_works(&context);
        scene.assert_in_order(&context);
        after(&scene);
        scene.assert_data_kept(&context);
    }
}

/// Chooses: all moments, or as many as there are kills for; what is left are random ones.
fn fates(passed: &[String], took: Duration, seed: u64) -> Vec<Fate> {
    let kills = setting("MINIRUN_TEST_KILLS").map_or(KILLS, |kills| usize::try_from(kills).unwrap());
    let kills = kills.div_ceil(TESTS);
    let numbers = Numbers(Cell::new(seed | 1));
    let mut chosen = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for moment in passed {
        *counts.entry(moment).or_default() += 1;
    }
    for (moment, count) in counts {
        let step = count.div_ceil(SAME_MOMENT).max(1);
        chosen.extend((1..=count).step_by(step).map(|count| format!("{moment}#{count}")));
    }
    // The larger part at chosen moments, as many as there are.
    while chosen.len() > kills * 3 / 4 {
        let at = usize::try_from(numbers.next() % chosen.len() as u64).unwrap();
        chosen.swap_remove(at);
    }
    let mut fates: Vec<_> = chosen.into_iter().map(Fate::Moment).collect();
    while fates.len() < kills {
        let micros = numbers.next() % (u64::try_from(took.as_micros()).unwrap() + 1);
        fates.push(Fate::Random(Duration::from_micros(micros), numbers.next()));
    }
    fates
}

impl Scene {
    fn new() -> Self {
        let scratch = Scratch::with_image();
        let moments = scratch.path("moments");
        let scene = Self { scratch, seconds: unique_seconds(), moments };
        scene.run(&["run", "--rm", "-v", "data:/data", IMAGE, "sh", "-c", "echo kept >/data/keep"]);
        scene
    }

    /// `minirun words…`, found again by its command line.
    fn call(&self, words: &[impl AsRef<str>]) -> Call {
        let store = self.scratch.store();
        let words = words.iter().map(AsRef::as_ref);
        self.scratch.minirun(["--store", store.to_str().unwrap()]).args(words)
    }

    /// A command that works; what it says.
    #[track_caller]
    pub(super) fn run(&self, words: &[&str]) -> String {
        self.call(words).run().success()
    }

    /// A command that may fail.
    pub(super) fn ignore(&self, words: &[&str]) {
        self.call(words).run();
    }

    /// Whether a command fails.
    pub(super) fn fails(&self, words: &[&str]) -> bool {
        self.call(words).run().code != Some(0)
    }

    fn start(&self, command: &dyn Fn(&Self) -> Vec<String>, end_at: Option<&str>) -> crate::support::Running {
        fs::write(&self.moments, vec![0; ROOM]).unwrap();
        let mut call = self.call(&command(self)).env("MINIRUN_MOMENTS", &self.moments);
        if let Some(moment) = end_at {
            call = call.env("MINIRUN_END_AT", moment);
        }
        call.start()
    }

    /// The moments that the last command has passed.
    fn passed(&self) -> Vec<String> {
        let bytes = fs::read(&self.moments).unwrap();
        let full = usize::from_ne_bytes(bytes[..8].try_into().unwrap());
        let text = String::from_utf8_lossy(&bytes[8..8 + full]).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    fn suffer(&self, command: &dyn Fn(&Self) -> Vec<String>, fate: &Fate) -> Outcome {
        match fate {
            Fate::Moment(moment) => self.start(command, Some(moment)).wait(),
            Fate::Random(delay, choice) => {
                let running = self.start(command, None);
                std::thread::sleep(*delay);
                let processes = self.processes();
                if !processes.is_empty() {
                    let one = processes[usize::try_from(choice % processes.len() as u64).unwrap()];
                    let _ = kill(Pid::from_raw(one), Signal::SIGKILL);
                }
                running.wait()
            }
        }
    }

    /// The processes of minirun with this store, and of its container.
    fn processes(&self) -> Vec<i32> {
        let store = self.scratch.store();
        let (store, own) = (store.to_str().unwrap(), std::process::id().cast_signed());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            if pid != own && (line.contains(store) || line.contains(&self.seconds)) {
                found.push(pid);
            }
        }
        found.sort_unstable();
        found
    }

    /// Whether somebody has what is being made, or is about to be removed: a process that was killed has no command line
    /// any more, and still its locks, for as long as the machine lets it wait for its end.
    fn is_busy(&self) -> bool {
        let is_held = |path: &Path| {
            File::open(path).is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
        };
        let names =
            |directory| fs::read_dir(self.scratch.store().join(directory)).into_iter().flatten().flatten();
        ["ended", "tmp"].into_iter().flat_map(names).any(|entry| is_held(&entry.path()))
    }

    /// Waits until there are no more processes than the containers that run need: two of minirun's for each.
    fn assert_nothing_left(&self, context: &str) {
        let deadline = Instant::now() + PATIENCE;
        let store = self.scratch.store();
        loop {
            let running = self.run(&["ps", "-q"]).lines().count();
            let ours = processes_with(store.to_str().unwrap());
            let theirs = processes_called(&["sleep", &self.seconds]);
            if ours == 2 * running && theirs == running && !self.is_busy() {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{context}: {running} containers run, with {ours} processes of minirun and {theirs} of theirs"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        self.scratch.assert_nothing_left_running();
    }

    fn assert_next_works(&self, context: &str) {
        let outcome = self.call(&["run", "--rm", "-v", "data:/data", IMAGE, "cat", "/data/keep"]).run();
        assert_eq!((outcome.code, outcome.stdout().as_str()), (Some(0), "kept\n"), "{context}: {outcome}");
    }

    fn assert_data_kept(&self, context: &str) {
        let outcome = self.call(&["volume", "export", "data"]).run();
        assert!(outcome.code == Some(0) && outcome.stdout().contains("kept\n"), "{context}: {outcome}");
    }

    /// The store is in order, and a repair leaves nothing to be said of it.
    fn assert_in_order(&self, context: &str) {
        const IN_ORDER: &str = "the store is in order";
        let first = self.call(&["system", "check"]).run();
        assert_eq!(first.code, Some(0), "{context}: {first}");
        if first.stdout().trim_end() != IN_ORDER {
            let repaired = self.call(&["system", "check", "--repair"]).run();
            let second = self.call(&["system", "check"]).run();
            assert_eq!(second.stdout().trim_end(), IN_ORDER, "{context}: {first}\n{repaired}\n{second}");
        }
    }
}
