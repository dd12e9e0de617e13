//! What holds for every input.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::*;
use crate::plan::name::Label;
use crate::plan::path::Subpath;

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

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// One time in four.
    fn seldom<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(4) == 0).then(|| value(self))
    }

    /// Bytes that may stand in a path, odd ones more often than not; no blank at either end.
    fn name(&mut self) -> Vec<u8> {
        const ODD: &[u8] = b"ab,=\"'\n\r\t :;\\$*?[]{}\x01\xff\xc3\xa4~-.";
        let mut name = vec![b'n'];
        name.extend((0..self.below(6)).map(|_| self.pick(ODD)));
        name.push(b'z');
        name
    }

    fn path(&mut self, beginning: &[&[u8]]) -> Vec<u8> {
        let mut path = self.pick(beginning).to_vec();
        path.extend(self.name());
        for _ in 0..self.below(3) {
            path.push(b'/');
            path.extend(self.name());
        }
        path
    }

    fn host_path(&mut self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.path(&[b"/", b"./", b"../", b"."])))
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.name()).into_owned()
    }

    fn destination(&mut self) -> ContainerPath {
        ContainerPath::parse(OsString::from_vec(self.path(&[b"/"]))).unwrap()
    }

    fn subpath(&mut self) -> Option<Subpath> {
        self.seldom(|random| Subpath::parse(OsString::from_vec(random.path(&[b""]))).unwrap())
    }

    /// What `--mount` can say about permissions; what is left out is `default`.
    fn attributes(&mut self, default: Attributes) -> Attributes {
        let mut rule =
            |default: Rule| self.seldom(|random| random.pick(&[Rule::Allow, Rule::Deny])).unwrap_or(default);
        let (exec, suid, dev) = (rule(default.exec), rule(default.suid), rule(default.dev));
        Attributes { access: self.pick(&[Access::ReadOnly, Access::ReadWrite]), exec, suid, dev, ..default }
    }

    fn ownership(&mut self) -> Ownership {
        self.pick(&[Ownership::Kept, Ownership::User])
    }

    fn content(&mut self) -> Content {
        self.pick(&[Content::Empty, Content::Image])
    }

    fn layer(&mut self) -> View {
        View::Layer { upper: self.host_path(), work: self.host_path() }
    }
}

fn random_bind(random: &mut Random) -> Bind {
    let attributes = random.attributes(Attributes::default());
    let mut bind = Bind {
        source: random.host_path(),
        missing: Missing::Refuse,
        recursion: random.pick(&[Recursion::Enabled, Recursion::Disabled]),
        attributes,
        propagation: random.pick(&Propagation::ALL),
        view: View::Direct,
        ownership: random.ownership(),
        links: random.pick(&[Links::Follow, Links::Copy]),
    };
    if attributes.access == Access::ReadOnly && random.below(2) == 0 {
        bind.recursion = random.pick(&[Recursion::Writable, Recursion::ReadOnlyForced]);
        bind.propagation = Propagation::Rprivate;
    }
    bind
}

/// A bind with something between container and source.
fn random_layered(random: &mut Random) -> Bind {
    let layer = random.layer();
    let mut bind = random_bind(random);
    bind.attributes.access = Access::ReadWrite;
    bind.recursion = Recursion::Enabled;
    bind.propagation = Propagation::Rprivate;
    bind.links = Links::Follow;
    bind.view = random.pick(&[View::Review, View::Discarded, layer]);
    if bind.view == View::Review {
        bind.ownership = Ownership::Kept;
    }
    bind
}

fn random_volume(random: &mut Random) -> Volume {
    let layer = random.layer();
    let mut volume = Volume {
        name: random.pick(&["v1", "data", "A_.-9"]).parse().ok(),
        missing: random.pick(&[Missing::Create, Missing::Refuse]),
        content: random.content(),
        labels: random.seldom(|random| Label { key: "k".into(), value: random.text() }).into_iter().collect(),
        options: BTreeMap::new(),
        subpath: random.subpath(),
        attributes: random.attributes(Attributes::default()),
        view: View::Direct,
        ownership: random.ownership(),
    };
    if random.below(4) == 0 {
        volume.attributes.access = Access::ReadWrite;
        volume.view = random.pick(&[View::Discarded, layer]);
    }
    if random.below(4) == 0 {
        let option = |key: &str, value: String| (key.to_owned(), value);
        volume.options.extend([option("type", random.text()), option("device", random.text())]);
        volume.options.extend(random.seldom(|random| option("o", random.text())));
    }
    if random.below(4) == 0 {
        volume = Volume { name: None, missing: Missing::Create, subpath: None, ..volume };
    }
    volume
}

fn random_tmpfs(random: &mut Random) -> Tmpfs {
    let values = ["64m", "1777", "5", "6", "1k", "8", "bind:0-1", "always"];
    let options = TmpfsKey::ALL.into_iter().zip(values.map(str::to_owned));
    let mut attributes = random.attributes(super::super::parse_tmpfs::DEFAULT_ATTRIBUTES);
    attributes.atime = random.pick(&[Atime::Inherit, Atime::Relatime, Atime::Noatime, Atime::Strictatime]);
    attributes.diratime = random.pick(&[Rule::Inherit, Rule::Allow, Rule::Deny]);
    Tmpfs {
        options: options.filter(|_| random.below(3) == 0).collect(),
        flags: [TmpfsFlag::Sync, TmpfsFlag::Dirsync].into_iter().filter(|_| random.below(3) == 0).collect(),
        content: random.content(),
        attributes,
        propagation: random.pick(&Propagation::ALL),
        ownership: random.ownership(),
    }
}

/// A tmpfs that `--mount` can say, for a destination that `--tmpfs` cannot.
fn random_short_tmpfs(random: &mut Random) -> Tmpfs {
    let mut tmpfs = random_tmpfs(random);
    tmpfs.options = random.seldom(|_| (TmpfsKey::Size, "65536".to_owned())).into_iter().collect();
    tmpfs.options.extend(random.seldom(|_| (TmpfsKey::Mode, "0700".to_owned())));
    tmpfs.flags.clear();
    tmpfs.attributes.atime = Atime::Inherit;
    tmpfs.attributes.diratime = Rule::Inherit;
    tmpfs
}

fn random_new(random: &mut Random) -> MountKind {
    use super::super::{draft, parse_tmpfs};
    match random.below(3) {
        0 => MountKind::Image(ImageMount {
            image: random.pick(&["alpine", "example.test/a:1", "oci:./a b,c:d", "host"]).to_owned(),
            subpath: random.subpath(),
            attributes: random.attributes(draft::IMAGE_ATTRIBUTES),
        }),
        1 => MountKind::Devpts(Devpts {
            options: [("uid", "0"), ("gid", "5"), ("mode", "0620"), ("ptmxmode", "0666"), ("max", "9")]
                .into_iter()
                .filter(|_| random.below(2) == 0)
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            attributes: random.attributes(draft::DEVPTS_ATTRIBUTES),
        }),
        _ => MountKind::Ramfs(Ramfs {
            mode: random.seldom(|_| "0750".to_owned()),
            content: random.content(),
            attributes: random.attributes(parse_tmpfs::DEFAULT_ATTRIBUTES),
            ownership: random.ownership(),
        }),
    }
}

fn random_request(random: &mut Random) -> MountRequest {
    let mut destination = random.destination();
    let kind = match random.below(6) {
        0 => {
            let mut bind = if random.below(2) == 0 { random_bind(random) } else { random_layered(random) };
            bind.missing = random.pick(&[Missing::Create, Missing::Refuse]);
            MountKind::Bind(bind)
        }
        1 => {
            destination = random.pick(&[ContainerPath::root(), destination]);
            MountKind::Glob(random_bind(random))
        }
        2 | 3 => MountKind::Volume(random_volume(random)),
        4 if destination.as_os_str().as_bytes().contains(&b':') => {
            MountKind::Tmpfs(random_short_tmpfs(random))
        }
        4 => MountKind::Tmpfs(random_tmpfs(random)),
        _ => random_new(random),
    };
    MountRequest { origin: Origin { flag: Flag::Mount, text: OsString::new() }, destination, kind }
}

#[test]
fn what_is_printed_means_the_same() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..10_000 {
        let request = random_request(&mut random);
        let (flag, value) = request.to_flag();
        let again = parse(flag, &value).unwrap_or_else(|error| panic!("{request:?}: {}", explain(&error)));
        assert_eq!((&again.destination, &again.kind), (&request.destination, &request.kind), "{value:?}");
        assert_eq!(again.to_flag(), (flag, value), "the shortest spelling is its own");
        let json = serde_json::to_string(&again).unwrap();
        assert_eq!(serde_json::from_str::<MountRequest>(&json).unwrap(), again, "{json}");
    }
}

/// Parsed with every flag; what parses must print, and parse again to the same.
fn survives(text: &[u8]) -> usize {
    let _ = std::str::from_utf8(text).map(parse_donor).map(|parsed| parsed.map_err(|error| explain(&error)));
    let mut parsed = 0;
    for flag in [Flag::Volume, Flag::Mount, Flag::Tmpfs] {
        let request = match parse(flag, OsStr::from_bytes(text)) {
            Ok(request) => request,
            Err(error) => {
                assert!(explain(&error).starts_with(&format!("cannot use `{flag} ")));
                continue;
            }
        };
        parsed += 1;
        assert!(!request.destination.is_root() || matches!(request.kind, MountKind::Glob(_)));
        let (flag, value) = request.to_flag();
        let again = match parse(flag, &value) {
            // The one thing that `--mount` cannot say.
            Err(MountError::Spec { problem: Problem::Blank(_), .. }) => continue,
            again => again.unwrap_or_else(|error| panic!("{}", explain(&error))),
        };
        assert_eq!((again.destination, again.kind), (request.destination, request.kind), "{value:?}");
    }
    parsed
}

#[test]
fn no_bytes_panic() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    for _ in 0..10_000 {
        let text: Vec<u8> = (0..random.below(24)).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        survives(&text);
    }
}

#[test]
fn no_beginning_of_what_is_right_panics() {
    for seed in SEEDS {
        for end in 0..=seed.len() {
            survives(&seed[..end]);
            survives(&seed[end..]);
        }
    }
}

const SEEDS: [&[u8]; 12] = [
    b"",
    b"/h:/c:ro",
    b"v1:/c:nocopy",
    b"./h:/c:O,upperdir=/u,workdir=./w,U",
    b"type=bind,src=/h,dst=/c,ro,bind-recursive=readonly,bind-propagation=rprivate",
    b"src=v1,dst=/c,volume-subpath=a/b,volume-opt=type=nfs,volume-opt=device=:/x,\"volume-opt=o=a,b\"",
    b"type=image,src=alpine,dst=/c,rw,subpath=/etc",
    b"type=devpts,dst=/c,uid=0,mode=620,max=9",
    b"type=glob,src=/h/*,no-dereference,chown=true",
    b"type=tmpfs,dst=/c:d,tmpfs-size=1.5KiB,tmpfs-mode=0700,U",
    b"/t:size=64m,exec,huge=always,mpol=bind:0-1",
    b"web:ro,z",
];

const PIECES: [&[u8]; 44] = [
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
    b"cow",
    b"U",
    b"v1",
    b"/c",
    b"/h",
    b"type=",
    b"bind",
    b"volume",
    b"tmpfs",
    b"image",
    b"glob",
    b"src=",
    b"dst=",
    b"size=",
    b"64m",
    b"%",
    b"exec",
    b"shared",
    b"upperdir=",
    b"workdir=",
    b"subpath=",
    b"bind-recursive=",
    b"volume-label=",
    b"volume-opt=",
    b"tmpfs-size=",
    b"nocopy",
    b"9999999999999999999999",
    "\u{e4}".as_bytes(),
    b"tmpcopyup",
];

#[test]
fn what_is_almost_right_does_not_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut parsed = 0;
    for round in 0..30_000 {
        let mut text = SEEDS[round % SEEDS.len()].to_vec();
        for _ in 0..=random.below(5) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.truncate(at.max(1)),
                _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            }
        }
        parsed += survives(&text);
    }
    assert!(parsed > 2_000, "only {parsed} texts parsed");
}
