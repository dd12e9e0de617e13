use super::kernel::{EXECUTE, IOCTL_DEV, READ_DIR, READ_FILE, WRITE_FILE};
use super::*;

fn parse(flags: &[&str]) -> Result<Landlock, LandlockError> {
    let flags: Vec<String> = flags.iter().map(|&flag| flag.to_owned()).collect();
    Landlock::parse(&flags)
}

#[test]
fn words_are_read_and_said_again() {
    for (flags, words) in [
        (&[][..], ""),
        (&["ro=/usr,ro=/etc,rw=/work"][..], "ro=/usr ro=/etc rw=/work"),
        (&["connect=443", "bind=8080,connect=80", "connect=443"], "connect=443 connect=80 bind=8080"),
        (&["connect=none,bind=none,bind=none"], "connect=none bind=none"),
        (&["rw=/work/../work/", "best-effort"], "rw=/work best-effort"),
        (&["scope=signals,scope=abstract-sockets,scope=signals"], "scope=signals scope=abstract-sockets"),
        (&["rw=/a,ro=/a/b,rw=/a/c,ro=/ab"], "rw=/a ro=/ab"),
        (&["ro=/a,rw=/a,rw=/a,ro=/a"], "rw=/a"),
        (&["ro=/a,rw=/a/b,ro=/a"], "ro=/a rw=/a/b"),
    ] {
        let landlock = parse(flags).unwrap();
        assert_eq!(landlock.words().join(" "), words, "{flags:?}");
        assert_eq!(parse(&[&landlock.words().join(",")]).ok(), (!words.is_empty()).then_some(landlock));
    }
}

#[test]
fn nonsense_is_refused() {
    for flag in [
        "",
        ",",
        "ro",
        "ro=",
        "ro=relative",
        "rx=/usr",
        "connect=",
        "connect=0",
        "connect=65536",
        "connect=+80",
        "connect=80-90",
        "bind=http",
        "bind=none,bind=80",
        "connect=80,connect=none",
        "scope=",
        "scope=network",
        "best-effort",
        "ro=/usr,",
        "strict",
    ] {
        assert!(parse(&[flag]).is_err(), "{flag}");
    }
}

#[test]
fn what_a_kernel_cannot_do_is_known() {
    let landlock = parse(&["ro=/usr,connect=443,scope=signals"]).unwrap();
    for (abi, lacks) in [(None, 1), (Some(1), 3), (Some(3), 2), (Some(4), 1), (Some(6), 0), (Some(99), 0)] {
        assert_eq!(landlock.lacks(abi.map(Abi)).len(), lacks, "{abi:?}");
    }
    assert!(Landlock::default().lacks(None).is_empty());
    assert_eq!(parse(&["ro=/"]).unwrap().lacks(Some(Abi(3))), []);
    assert_eq!(landlock.enforced(Some(Abi(4))), ["ro=/usr", "connect=443"]);
    assert!(landlock.enforced(None).is_empty());
}

#[test]
fn only_what_was_named_is_restricted() {
    let handled = |flag: &str, abi| parse(&[flag]).unwrap().handled(Abi(abi));
    assert_eq!(handled("ro=/usr", 1), Handled { files: 0x1fff, network: 0, scopes: 0 });
    assert_eq!(handled("ro=/usr", 7), Handled { files: 0xffff, network: 0, scopes: 0 });
    assert_eq!(handled("connect=none", 7), Handled { files: 0, network: CONNECT_TCP, scopes: 0 });
    assert_eq!(handled("connect=none", 3), Handled::default());
    assert_eq!(handled("bind=80,scope=signals", 6), Handled { files: 0, network: BIND_TCP, scopes: 2 });
}

#[test]
fn a_file_has_no_rights_of_a_directory() {
    assert_eq!(FileRights::USE.bits(Abi(7), Beneath::Directory), EXECUTE | READ_FILE | READ_DIR);
    assert_eq!(FileRights::USE.bits(Abi(7), Beneath::File), EXECUTE | READ_FILE);
    assert_eq!(FileRights::ALL.bits(Abi(2), Beneath::File), EXECUTE | WRITE_FILE | READ_FILE);
    assert_eq!(FileRights::KEEP.bits(Abi(7), Beneath::Directory) & (EXECUTE | IOCTL_DEV), 0);
}
