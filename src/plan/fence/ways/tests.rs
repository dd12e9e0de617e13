use super::super::{AskedFence, Descriptor, DeviceNode, Facts, NamespaceFact, Place, Report, Subject};
use super::Severity;
use crate::plan::capability::DEFAULT;
use crate::plan::evidence::Evidence;
use crate::plan::idmap::{IdMap, IdRange};
use crate::plan::namespace::Network;

const STATUS: &str = "Uid:\t1001\t1001\t1001\t1001\nGid:\t1001\t1001\t1001\t1001\nGroups:\t1001 \n\
    CapInh:\t0\nCapPrm:\t800405fb\nCapEff:\t800405fb\nCapBnd:\t800405fb\nCapAmb:\t0\n\
    NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";
const MAP: &str = "0 1001 1\n1 100000 65536\n";
const HOST: &str = "27 1 254:0 / / rw - ext4 /dev/vda rw\n23 27 0:22 / /sys rw - sysfs sysfs rw\n\
    24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n";
const MOUNTS: &str = "66 42 0:40 / / rw,nodev - overlay overlay rw,lowerdir+=/s/layers/m/1/tree,upperdir=/s/containers/1/upper\n\
    67 66 0:42 / /proc rw,nosuid - proc proc rw\n68 66 0:43 / /dev rw,nosuid - tmpfs tmpfs rw\n\
    69 68 0:6 /null /dev/null rw - devtmpfs d rw\n78 66 0:46 / /sys ro - sysfs sysfs rw\n\
    82 66 254:0 /s/containers/1/hosts /etc/hosts rw - ext4 /dev/vda rw\n\
    87 67 0:6 /null /proc/keys ro - devtmpfs d rw\n93 67 0:42 /sys /proc/sys ro - proc proc rw\n";

fn facts() -> Facts {
    let own = |kind, inode| NamespaceFact { kind, inode: Some(inode), own: Some(1) };
    Facts {
        evidence: Evidence {
            status: Some(STATUS.to_owned()),
            uid_map: Some(MAP.to_owned()),
            gid_map: Some(MAP.to_owned()),
            mounts: Some(MOUNTS.as_bytes().to_vec()),
            ..Evidence::default()
        },
        namespaces: vec![own("user", 2), own("net", 3), own("pid", 4), own("mnt", 5), own("time", 1)],
        host_mounts: HOST.as_bytes().to_vec(),
        sensitive: ["/proc/sys", "/proc/keys", "/sys/firmware"].map(str::to_owned).to_vec(),
        ..Facts::default()
    }
}

fn asked() -> AskedFence {
    let range = |container, host, size| IdRange { container, host, size };
    let map = vec![range(0, 1001, 1), range(1, 100_000, 65536)];
    AskedFence {
        store: "/s".into(),
        directory: "/s/containers/1".into(),
        caller: 1001,
        precious: vec!["/home/a".into()],
        capabilities: DEFAULT.into_iter().collect(),
        map: Some(IdMap { users: map.clone(), groups: map }),
        ..AskedFence::default()
    }
}

fn report(facts: &Facts, asked: &AskedFence) -> Report {
    let subject = Subject { id: "1".to_owned(), name: "one".to_owned(), pid: 7 };
    Report::new(subject, facts, asked)
}

fn sentences(facts: &Facts, asked: &AskedFence) -> Vec<String> {
    let ways = report(facts, asked).ways;
    ways.iter().map(|way| format!("{}: {}", way.severity.word(), way.text)).collect()
}

/// The sentences with one more line in the mount table, and what is at the top of that mount.
fn with_mount(line: &str, place: Option<Place>) -> Vec<String> {
    let mut facts = facts();
    let table = format!("{MOUNTS}99 66 {line}\n");
    // `/sys/firmware` is not covered there, as the container cannot see it.
    facts.sensitive.pop();
    facts.evidence.mounts = Some(table.into_bytes());
    facts.places.extend(place.map(|place| (99, place)));
    sentences(&facts, &asked())
}

fn directory(uid: u32, mode: u32) -> Place {
    Place { uid, gid: uid, mode: 0o040_000 | mode, device: (0, 0), is_confirmed: Some(true) }
}

#[test]
fn the_default_has_no_way_out() {
    let mut facts = facts();
    facts.sensitive.pop();
    assert_eq!(sentences(&facts, &asked()), [""; 0]);
    assert_eq!(report(&facts, &asked()).differences, []);
}

#[test]
fn mounts_of_the_host() {
    for (line, place, wanted) in [
        (
            "254:0 /srv/x /data rw - ext4 d rw",
            Some(directory(1001, 0o755)),
            "serious: can write to the host directory /srv/x through /data, as uid 1001",
        ),
        (
            "254:0 /srv/x /data ro - ext4 d rw",
            Some(directory(1001, 0o755)),
            "moderate: can read the host directory /srv/x through /data",
        ),
        (
            "254:0 /srv/x /data rw - ext4 d ro",
            Some(directory(1001, 0o755)),
            "moderate: can read the host directory /srv/x through /data",
        ),
        (
            "254:0 /usr /u rw - ext4 d rw",
            Some(directory(0, 0o755)),
            "moderate: can read the host directory /usr through /u, and write where the permissions in it let uid 1001",
        ),
        (
            "254:0 /home /h rw - ext4 d rw",
            Some(directory(1001, 0o755)),
            "critical: can write to the host directory /home through /h, as uid 1001: what it leaves there runs outside, as uid 1001",
        ),
        (
            "254:0 /run/x.sock /x ro - ext4 d rw",
            Some(Place { mode: 0o140_777, ..directory(0, 0) }),
            "serious: can talk to the host's service behind the socket /run/x.sock through /x",
        ),
        (
            "0:22 / /host-sys rw - sysfs d rw",
            None,
            "moderate: sees the host's sysfs at /host-sys, writable where its permissions let uid 1001",
        ),
        (
            "0:6 / /d rw - devtmpfs d rw",
            None,
            "moderate: sees all devices of the host at /d, and can use what their permissions let uid 1001",
        ),
        (
            "254:0 / /h rw - ext4 d rw\n98 99 0:22 / /h/sys rw - sysfs d rw",
            Some(directory(0, 0o755)),
            "critical: can read the host directory / through /h, and write where the permissions in it let uid 1001: \
             what it leaves there runs outside, as uid 1001",
        ),
        (
            "0:77 / /usr rw - overlay o rw,lowerdir+=/usr,upperdir=/s/containers/1/u",
            None,
            "moderate: can read the host directory /usr through /usr; what it writes stays in a layer",
        ),
        (
            "0:78 / /n rw - nfs server:/x rw",
            None,
            "serious: can write to the nfs file system server:/x through /n",
        ),
    ] {
        assert_eq!(with_mount(line, place), [wanted], "{line}");
    }
    assert_eq!(with_mount("254:0 /s/volumes/v/_data /v rw - ext4 d rw", None), [""; 0]);
    let shared = with_mount("254:0 /srv /data ro shared:1 - ext4 d rw", Some(directory(0, 0o755)));
    assert_eq!(
        shared[0],
        "serious: what it mounts below /data appears on the host below /srv, and the other way round"
    );
}

#[test]
fn what_is_shared_and_switched_off() {
    let mut facts = facts();
    facts.sensitive.pop();
    facts.namespaces[1].inode = Some(1);
    let status = STATUS.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0").replace("Seccomp:\t2", "Seccomp:\t0");
    facts.evidence.status = Some(status.replace("CapBnd:\t800405fb", "CapBnd:\t802405fb"));
    let mut asked = asked();
    let found = sentences(&facts, &asked);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("serious: shares the host's network: it reaches services on 127.0.0.1"));
    assert!(found[1].starts_with("moderate: seccomp is off"));
    assert!(found[2].starts_with("slight: holds SYS_ADMIN over its own namespaces"));
    assert!(found[3].starts_with("slight: no_new_privs is off"));
    let differences = report(&facts, &asked).differences;
    let what: Vec<_> = differences.iter().map(|one| (one.what.as_str(), one.weaker)).collect();
    assert_eq!(what, [("capabilities", true), ("no_new_privs", true), ("net namespace", true)]);
    asked.network = Network::Host;
    assert_eq!(report(&facts, &asked).differences.len(), 2);
}

#[test]
fn root_of_the_host_is_said_to_be_it() {
    let mut facts = facts();
    facts.namespaces[0].inode = Some(1);
    let status = STATUS.replace("1001", "0").replace("800405fb", "1fffeffffff");
    facts.evidence.status = Some(status);
    facts.evidence.uid_map = Some("0 0 4294967295\n".to_owned());
    facts.evidence.mounts = Some(MOUNTS.replace("/proc/sys ro", "/elsewhere rw").into_bytes());
    let found = sentences(&facts, &asked());
    assert!(found[0].starts_with("critical: holds DAC_READ_SEARCH, SYS_MODULE, SYS_RAWIO"), "{found:?}");
    assert!(found[1].starts_with("critical: can make device nodes"), "{found:?}");
    assert!(found[2].starts_with("critical: can change the whole machine there: /proc/sys can"), "{found:?}");
    assert!(
        found[3].starts_with("serious: has no user namespace: root in the container is root"),
        "{found:?}"
    );
}

#[test]
fn devices_and_descriptors() {
    let mut facts = facts();
    facts.sensitive.pop();
    let node = |path: &str, kind: u32, (uid, mode), device| DeviceNode {
        path: path.into(),
        place: Place { uid, gid: uid, mode: kind | mode, device, is_confirmed: None },
    };
    facts.devices = vec![
        node("/dev/null", 0o020_000, (0, 0o666), (1, 3)),
        node("/dev/kvm", 0o020_000, (0, 0o666), (10, 232)),
        node("/dev/fuse", 0o020_000, (0, 0o600), (10, 229)),
        node("/dev/vda", 0o060_000, (1001, 0o600), (254, 0)),
    ];
    let leads =
        |name: &str, path: &str, mount| Descriptor { name: name.to_owned(), leads_to: path.into(), mount };
    facts.descriptors = vec![
        leads("0", "/dev/null", 69),
        leads("1", "/home/a/log", 27),
        leads("2", "pipe:[1]", 12),
        leads("9", "/etc", 27),
        leads("cwd", "/", 66),
        leads("root", "/", 66),
    ];
    assert_eq!(
        sentences(&facts, &asked()),
        [
            "critical: can use the disk /dev/vda: all that is on it",
            "critical: holds /etc of the host open, as its descriptor 9",
            "moderate: can use the device /dev/kvm",
            "slight: has the device /dev/fuse, whose permissions 0600 keep uid 1001 out",
            "slight: its descriptor 1 is /home/a/log of the host",
        ]
    );
}

#[test]
fn the_filter_is_the_one_that_was_installed() {
    let (mut facts, mut asked) = (facts(), asked());
    asked.filter = Some("sha256:1".to_owned());
    let filter = report(&facts, &asked).seccomp.unwrap();
    assert_eq!((filter.hash.as_deref(), filter.hash_from.as_deref()), (Some("sha256:1"), Some("record")));
    assert_eq!(report(&facts, &asked).differences, []);
    facts.filters = vec!["sha256:0".to_owned(), "sha256:1".to_owned()];
    assert_eq!(report(&facts, &asked).differences, []);
    facts.filters = vec!["sha256:2".to_owned()];
    let found = report(&facts, &asked);
    assert_eq!(found.seccomp.unwrap().hash_from.as_deref(), Some("kernel"));
    let [difference] = &found.differences[..] else { panic!("{:?}", found.differences) };
    assert!(difference.weaker && difference.asked == "sha256:1" && difference.found == "sha256:2");
    let status = facts.evidence.status.unwrap().replace("Seccomp:\t2", "Seccomp:\t0");
    facts.evidence.status = Some(status);
    assert_eq!(report(&facts, &asked).differences[0].found, "none");
}

#[test]
fn others_may_not_do_more() {
    let mut facts = facts();
    facts.sensitive.pop();
    let status =
        STATUS.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0").replace("CapBnd:\t800405fb", "CapBnd:\t802405fb");
    facts.others =
        vec![(8, facts.evidence.clone()), (9, Evidence { status: Some(status), ..Evidence::default() })];
    let found = report(&facts, &asked()).ways;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].severity, Severity::Moderate);
    assert_eq!(
        found[0].text,
        "its process 9 has more than the first one: the capabilities SYS_ADMIN; gaining rights by a program"
    );
}

#[test]
fn kernel_files_that_are_not_covered() {
    let found = sentences(&facts(), &asked());
    assert_eq!(found, ["slight: sees what is hidden usually: /sys/firmware"]);
    let mut facts = facts();
    facts.evidence.mounts = Some(MOUNTS.replace("/proc/sys ro", "/proc/sys rw").into_bytes());
    assert_eq!(
        sentences(&facts, &asked())[0],
        "slight: /proc/sys can be written where the kernel asks for no more than its own rights"
    );
}
