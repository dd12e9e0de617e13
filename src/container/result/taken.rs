//! What a run took, as far as that is known.

use super::Witness;
use crate::launch::Ended;
use crate::plan::result_record::Usage;
use crate::sys::cgroup::CgroupUsage;
use crate::sys::clone::ProcessUsage;

/// What is said where only a cgroup would know.
const NO_CGROUP: &str = "the container has no cgroup of its own";
/// What is said where its cgroup does not know.
const NO_CONTROLLER: &str = "the container's cgroup lacks the controller";

/// What the run took: by its cgroup, else by what was waited for.
pub(super) fn taken(seen: &Witness, ended: Option<&Ended>, counted: Option<&CgroupUsage>) -> Usage {
    let mut usage =
        Usage { wall_seconds: seen.clock.map(|begun| begun.elapsed().as_secs_f64()), ..Usage::default() };
    let processes = ended.map(|ended| ended.usage);
    if let Some(counted) = counted {
        usage.source = Some("cgroup".to_owned());
        (usage.user_seconds, usage.system_seconds) =
            (Some(seconds(counted.user)), Some(seconds(counted.system)));
    } else if let Some(processes) = processes {
        usage.source = Some("processes".to_owned());
        (usage.user_seconds, usage.system_seconds) =
            (Some(seconds(processes.user)), Some(seconds(processes.system)));
    }
    match (counted.and_then(|counted| counted.peak), processes) {
        (Some(peak), _) => {
            (usage.peak_memory_bytes, usage.peak_memory_of) = (Some(peak), Some("all-processes".to_owned()));
        }
        (None, Some(processes)) => {
            usage.peak_memory_bytes = Some(processes.largest);
            usage.peak_memory_of = Some("largest-process".to_owned());
        }
        (None, None) => {}
    }
    usage.read_bytes = disk(counted.and_then(|counted| counted.read), processes, |one| one.read);
    usage.written_bytes = disk(counted.and_then(|counted| counted.written), processes, |one| one.written);
    explain(&mut usage, counted);
    usage
}

fn disk(
    counted: Option<u64>,
    processes: Option<ProcessUsage>,
    field: impl Fn(ProcessUsage) -> u64,
) -> Option<u64> {
    counted.or(processes.map(field))
}

/// Says why something is not known.
pub(super) fn explain(usage: &mut Usage, counted: Option<&CgroupUsage>) {
    let lost = "nobody could wait for the container's processes";
    let known = [
        ("wallSeconds", usage.wall_seconds.is_some(), "the command did not begin"),
        ("userSeconds", usage.user_seconds.is_some(), lost),
        ("systemSeconds", usage.system_seconds.is_some(), lost),
        ("peakMemoryBytes", usage.peak_memory_bytes.is_some(), lost),
        ("readBytes", usage.read_bytes.is_some(), lost),
        ("writtenBytes", usage.written_bytes.is_some(), lost),
        (
            "outOfMemory",
            counted.is_some_and(|counted| counted.oom_kills.is_some()),
            if counted.is_some() { NO_CONTROLLER } else { NO_CGROUP },
        ),
    ];
    usage.unknown = known
        .into_iter()
        .filter(|(_, is_known, _)| !is_known)
        .map(|(name, _, why)| (name.to_owned(), why.to_owned()))
        .collect();
}

#[expect(clippy::cast_precision_loss, reason = "a double has microseconds for centuries")]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}
