use super::*;
use crate::plan::limit::Resource;

/// The files with their values, one on each line.
fn files(words: Words<'_>) -> Result<String, ResourceError> {
    let limits = parse(&words)?;
    Ok(limits
        .iter()
        .map(|limit| format!("{}={}", limit.file.name(), limit.value))
        .collect::<Vec<_>>()
        .join("; "))
}

#[test]
fn memory_and_swap() {
    let words = |memory, swap, reservation| Words { memory, swap, reservation, ..Words::default() };
    for (given, wanted) in [
        (words(None, None, None), ""),
        (words(Some("0"), None, None), ""),
        (words(Some("6m"), None, None), "memory.max=6291456; memory.swap.max=6291456"),
        (words(Some("1g"), Some("1g"), None), "memory.max=1073741824; memory.swap.max=0"),
        (words(Some("1g"), Some("3g"), None), "memory.max=1073741824; memory.swap.max=2147483648"),
        (words(Some("1g"), Some("-1"), None), "memory.max=1073741824; memory.swap.max=max"),
        (words(Some("1g"), Some("0"), None), "memory.max=1073741824; memory.swap.max=1073741824"),
        (words(None, None, Some("1m")), "memory.low=1048576"),
        (
            words(Some("8m"), Some("8m"), Some("8m")),
            "memory.max=8388608; memory.swap.max=0; memory.low=8388608",
        ),
    ] {
        assert_eq!(files(given).as_deref(), Ok(wanted), "{given:?}");
    }
    for bad in [
        words(Some("5m"), None, None),
        words(Some("1"), None, None),
        words(Some("-1"), None, None),
        words(Some("many"), None, None),
        words(None, Some("1g"), None),
        words(None, Some("-1"), None),
        words(Some("1g"), Some("512m"), None),
        words(Some("1g"), Some("-2"), None),
        words(Some("8m"), None, Some("9m")),
    ] {
        assert!(files(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn processors() {
    for (text, wanted) in [
        ("1", "cpu.max=100000 100000"),
        ("1.5", "cpu.max=150000 100000"),
        (".5", "cpu.max=50000 100000"),
        ("0.01", "cpu.max=1000 100000"),
        ("2.123456789", "cpu.max=212345 100000"),
    ] {
        assert_eq!(files(Words { cpus: Some(text), ..Words::default() }).as_deref(), Ok(wanted), "{text}");
    }
    for bad in ["", ".", "0", "0.001", "-1", "1,5", "1e3", "+1", "99999999999999999999", "one"] {
        assert!(files(Words { cpus: Some(bad), ..Words::default() }).is_err(), "{bad:?}");
    }
    for (text, wanted) in [
        ("0", ""),
        ("2", "cpu.weight=1"),
        ("512", "cpu.weight=20"),
        ("1024", "cpu.weight=39"),
        ("262144", "cpu.weight=10000"),
    ] {
        assert_eq!(files(Words { shares: Some(text), ..Words::default() }).as_deref(), Ok(wanted), "{text}");
    }
    for bad in ["1", "262145", "-1", ""] {
        assert!(files(Words { shares: Some(bad), ..Words::default() }).is_err(), "{bad:?}");
    }
    for (text, wanted) in [("0", "cpuset.cpus=0"), ("3,0-1", "cpuset.cpus=0,1,3"), ("7-7", "cpuset.cpus=7")] {
        let words = Words { cpuset_cpus: Some(text), ..Words::default() };
        assert_eq!(files(words).as_deref(), Ok(wanted), "{text}");
    }
    for bad in ["", "a", "1-", "-1", "2-1", "0,,1", "0-99999"] {
        assert!(files(Words { cpuset_mems: Some(bad), ..Words::default() }).is_err(), "{bad:?}");
    }
}

#[test]
fn processes_and_disks() {
    for (text, wanted) in [("-1", ""), ("0", ""), ("1", "pids.max=1"), ("100", "pids.max=100")] {
        assert_eq!(files(Words { pids: Some(text), ..Words::default() }).as_deref(), Ok(wanted), "{text}");
    }
    for (text, wanted) in [
        ("0", ""),
        ("10", "io.weight=default 1"),
        ("500", "io.weight=default 4950"),
        ("1000", "io.weight=default 10000"),
    ] {
        assert_eq!(files(Words { weight: Some(text), ..Words::default() }).as_deref(), Ok(wanted), "{text}");
    }
    for bad in ["9", "1001", "x", "-1"] {
        assert!(files(Words { weight: Some(bad), ..Words::default() }).is_err(), "{bad:?}");
    }
    assert!(files(Words { pids: Some("-2"), ..Words::default() }).is_err());
}

#[test]
fn what_is_read_back_is_compared() {
    let words = Words {
        memory: Some("10000001"),
        cpus: Some("1"),
        cpuset_cpus: Some("0-3,5"),
        weight: Some("500"),
        ..Words::default()
    };
    let limits = parse(&words).unwrap();
    let limit = |file: &str| limits.iter().find(|limit| limit.file.name() == file).unwrap();
    for (file, text, holds) in [
        ("memory.max", "9998336\n", true),
        ("memory.max", "max\n", false),
        ("memory.max", "10002432\n", false),
        ("cpu.max", "100000 100000\n", true),
        ("cpu.max", "max 100000\n", false),
        ("cpuset.cpus", "0-3,5\n", true),
        ("cpuset.cpus", "0-3\n", false),
        ("io.weight", "default 4950\n", true),
    ] {
        assert_eq!(limit(file).is_in_force(text, 4096), holds, "{file} {text}");
    }
}

#[test]
fn best_effort_says_what_it_does() {
    let words = Words {
        memory: Some("64m"),
        cpus: Some("1"),
        pids: Some("50"),
        cpuset_cpus: Some("0"),
        ..Words::default()
    };
    let limits = parse(&words).unwrap();
    let done = BestEffort::of(&limits, &[], Counting::Namespace);
    let shown: Vec<String> = done.limits.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["data=67108864:67108864", "nproc=50:50"]);
    let texts: Vec<String> = done.enforcements.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts[0].starts_with("--memory 64m: RLIMIT_DATA=67108864 (for each process"), "{texts:?}");
    assert!(texts[1].starts_with("--cpus 1: not limited (no limit of a process"), "{texts:?}");
    let given = ["data=1".parse().unwrap()];
    let done = BestEffort::of(&limits, &given, Counting::Nobody);
    assert!(
        done.limits.iter().all(|limit| limit.resource != Resource::Nproc && limit.resource != Resource::Data)
    );
    assert_eq!(done.enforcements[0].enforced, None);
}
