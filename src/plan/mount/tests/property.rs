//! What holds for every input.

use super::*;

#[test]
fn bytes_that_are_not_utf8_stay_as_they_are() {
    for (flag, text) in [
        (Flag::Volume, &b"/h\xff:/c\xfe"[..]),
        (Flag::Mount, b"type=bind,src=/h\xff,dst=/c\xfe,bind-create-src"),
    ] {
        let request = parse(flag, OsStr::from_bytes(text)).unwrap();
        assert_eq!(request.destination.as_os_str().as_bytes(), b"/c\xfe");
        let MountKind::Bind(bind) = &request.kind else { panic!("{request}") };
        assert_eq!(bind.source.as_os_str().as_bytes(), b"/h\xff");
        let (flag, value) = request.to_flag();
        assert_eq!(parse(flag, &value).unwrap().kind, request.kind);
    }
    let tmpfs = parse_tmpfs(OsStr::from_bytes(b"/t\xff:ro")).unwrap();
    assert_eq!(tmpfs.destination.as_os_str().as_bytes(), b"/t\xff");
    assert!(parse_volume(OsStr::from_bytes(b"v\xff:/c")).is_err());
    assert!(parse_volume(OsStr::from_bytes(b"v1:/c:\xff")).is_err());
    assert!(parse_mount(OsStr::from_bytes(b"\xff=1,dst=/c")).is_err());
}

/// The same numbers on each run: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

#[test]
fn no_input_panics_and_what_parses_prints_and_parses_again() {
    const PIECES: [&[u8]; 36] = [
        b":",
        b",",
        b"=",
        b"/",
        b".",
        b"..",
        b"\"",
        b"\n",
        b" ",
        b"\0",
        b"\xff",
        b"ro",
        b"rw",
        b"z",
        b"O",
        b"v1",
        b"/c",
        b"/h",
        b"type=",
        b"bind",
        b"volume",
        b"tmpfs",
        b"src=",
        b"dst=",
        b"size=",
        b"64m",
        b"%",
        b"exec",
        b"shared",
        b"bind-recursive=",
        b"volume-label=",
        b"tmpfs-size=",
        b"nocopy",
        b"9999999999999999999999",
        "ä".as_bytes(),
        b"tmpcopyup",
    ];
    const SEEDS: [&[u8]; 6] = [
        b"",
        b"/h:/c:ro",
        b"v1:/c:nocopy",
        b"type=bind,src=/h,dst=/c,ro",
        b"src=v1,dst=/c",
        b"/t:size=64m,exec",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut parsed = 0;
    for round in 0..60_000 {
        let mut text = SEEDS[round % SEEDS.len()].to_vec();
        for _ in 0..=random.below(5) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.truncate(at.max(1)),
                _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            }
        }
        for flag in [Flag::Volume, Flag::Mount, Flag::Tmpfs] {
            let Ok(request) = parse(flag, OsStr::from_bytes(&text)) else { continue };
            parsed += 1;
            assert!(!request.destination.is_root());
            let (flag, value) = request.to_flag();
            let again = match parse(flag, &value) {
                // The one thing that `--mount` cannot say.
                Err(MountError::Spec { problem: Problem::Blank(_), .. }) => continue,
                again => again.unwrap_or_else(|error| panic!("{}", explain(&error))),
            };
            assert_eq!((again.destination, again.kind), (request.destination, request.kind), "{value:?}");
        }
    }
    assert!(parsed > 5_000, "only {parsed} texts parsed");
}
