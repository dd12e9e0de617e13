//! Two lists of files, and which of their differences are decisions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Who has made the other tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// minirun's own archive of the tree.
    Export,
    /// The same of a container that has a flat copy of the layers.
    Vfs,
    Umoci,
    Tar,
    Tarfile,
}

/// The names of the differences that `docs/layers.md` explains.
pub(super) const DECISIONS: [&str; 9] = [
    "dangling-parents",
    "files-as-parents",
    "links-across-layers",
    "rootless-owners",
    "tarfile-nanoseconds",
    "tarfile-symlink-times",
    "tarfile-xattrs",
    "time-of-changed-directories",
    "time-of-made-directories",
];

impl Peer {
    /// Its name in the list of all trees.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Vfs => "vfs",
            Self::Umoci => "umoci",
            Self::Tar => "tar",
            Self::Tarfile => "tarfile",
        }
    }
}

/// The decision behind another program's refusal of what minirun takes.
#[track_caller]
pub(super) fn refusal(peer: Peer, text: &str) -> &'static str {
    let is_flat = matches!(peer, Peer::Tar | Peer::Tarfile);
    match peer {
        _ if text.contains("ot a directory") => "files-as-parents",
        _ if is_flat && (text.contains("File exists") || text.contains("No such file")) => "dangling-parents",
        _ => panic!("{peer:?}: {text}"),
    }
}

/// What a tree has, by path.
pub(super) struct Listing(BTreeMap<String, Value>);

impl Listing {
    /// The tree of one of those who are in the list; what it says where it has made none.
    pub(super) fn of(who: &str, lines: &str) -> Result<Self, String> {
        let nodes = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut tree = BTreeMap::new();
        for mut node in nodes.filter(|node| node["who"] == who) {
            if let Some(text) = node["failed"].as_str() {
                return Err(text.to_owned());
            }
            node["who"].take();
            tree.insert(node["path"].as_str().unwrap().to_owned(), node);
        }
        assert!(!tree.is_empty(), "there is no tree of {who}");
        // Of a file whose other names something hides one name is left, which is all that shows.
        let firsts: Vec<_> = tree.values().map(|node| node["first"].clone()).collect();
        for node in tree.values_mut() {
            if firsts.iter().filter(|first| **first == node["first"]).count() == 1 {
                node["first"].take();
            }
        }
        Ok(Self(tree))
    }
}

/// What is different between `ours` and `theirs` without being a decision; the names of the others go to `decisions`.
pub(super) fn compare(
    ours: &Listing,
    theirs: &Listing,
    peer: Peer,
    decisions: &mut BTreeSet<&'static str>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, node) in &ours.0 {
        match theirs.0.get(path) {
            None => problems.push(format!("`{path}` is missing: {node}")),
            Some(other) => {
                for field in ["kind", "mode", "owner", "size", "hash", "link", "time", "xattrs", "first"] {
                    if node[field] == other[field] || (field == "mode" && node["kind"] == "l") {
                        continue;
                    }
                    match decision(field, node, other, peer) {
                        Some(name) => drop(decisions.insert(name)),
                        None => problems.push(format!("`{path}`: {field} is\n    {node}\n    {other}")),
                    }
                }
            }
        }
    }
    let too_much = theirs.0.iter().filter(|(path, _)| !ours.0.contains_key(*path));
    problems.extend(too_much.map(|(path, node)| format!("`{path}` is too much: {node}")));
    problems.extend(linked_too_much(ours, theirs));
    problems
}

/// The decision behind a difference.
fn decision(field: &str, ours: &Value, theirs: &Value, peer: Peer) -> Option<&'static str> {
    let is_directory = ours["kind"] == "d";
    match field {
        "owner" | "mode" if peer == Peer::Umoci && is_rootless_owner(ours, theirs) => Some("rootless-owners"),
        "xattrs" if peer == Peer::Umoci && rest(theirs) == ours["xattrs"] => Some("rootless-owners"),
        "xattrs" if peer == Peer::Tarfile && theirs["xattrs"] == json!({}) => Some("tarfile-xattrs"),
        "time" if peer == Peer::Tarfile && is_nearly(&ours["time"], &theirs["time"]) => {
            Some("tarfile-nanoseconds")
        }
        "time" if peer == Peer::Tarfile && ours["kind"] == "l" && is_recent(&theirs["time"]) => {
            Some("tarfile-symlink-times")
        }
        "time"
            if is_directory
                && is_recent(&ours["time"])
                && (peer == Peer::Umoci || is_recent(&theirs["time"])) =>
        {
            Some("time-of-made-directories")
        }
        "time" if is_directory && !matches!(peer, Peer::Export | Peer::Vfs) && is_recent(&theirs["time"]) => {
            Some("time-of-changed-directories")
        }
        // Whether too little is one file is looked at for all of them together.
        "first" if !matches!(peer, Peer::Export | Peer::Vfs) => Some("links-across-layers"),
        _ => None,
    }
}

/// Without IDs to give away umoci notes the owner in an xattr.
fn is_rootless_owner(ours: &Value, theirs: &Value) -> bool {
    !rustix::process::geteuid().is_root()
        && theirs["owner"] == json!([0, 0])
        && ours["mode"] == theirs["mode"]
}

/// The xattrs without those that hold an owner.
fn rest(node: &Value) -> Value {
    let mut xattrs = node["xattrs"].clone();
    xattrs.as_object_mut().unwrap().remove("user.rootlesscontainers");
    xattrs
}

fn is_nearly(one: &Value, other: &Value) -> bool {
    let nanoseconds = |time: &Value| {
        i128::from(time[0].as_i64().unwrap()) * 1_000_000_000 + i128::from(time[1].as_i64().unwrap())
    };
    (nanoseconds(one) - nanoseconds(other)).abs() < 1000
}

/// Within the last hour: a time that somebody's clock gave.
fn is_recent(time: &Value) -> bool {
    let hour = Duration::from_secs(3600);
    let from = (SystemTime::now() - hour).duration_since(UNIX_EPOCH).unwrap().as_secs();
    time[0].as_u64().is_some_and(|seconds| seconds >= from)
}

/// What is one file in our tree, and more than one in the other.
fn linked_too_much(ours: &Listing, theirs: &Listing) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, node) in &ours.0 {
        let Some(first) = node["first"].as_str() else { continue };
        let of = |path: &str| theirs.0.get(path).map(|node| node["first"].clone());
        if of(path) != of(first) {
            problems.push(format!("`{path}` is `{first}` here only"));
        }
    }
    problems
}
