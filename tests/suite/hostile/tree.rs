//! What files an image has: what they should be, and what a container sees of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use serde_json::{Value, json};
use tar::EntryType;

use crate::support::{Caller, Outcome};

/// Everything that a case says about one file; what it does not say may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    kind: &'static str,
    content: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    mode: Option<u32>,
    owner: Option<(u64, u64)>,
    time: Option<u64>,
}

/// The files that an image has to have, and no others. What is not mentioned of a file is not looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    nodes: BTreeMap<Vec<u8>, Node>,
    last: Vec<u8>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn file(self, path: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let content = Some(content.as_ref().to_vec());
        self.node(path.as_ref(), Node { kind: "file", content, ..Node::default() })
    }

    pub(super) fn directory(self, path: impl AsRef<[u8]>) -> Self {
        self.node(path.as_ref(), Node { kind: "directory", ..Node::default() })
    }

    pub(super) fn symlink(self, path: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        let link = Some(to.as_ref().to_vec());
        self.node(path.as_ref(), Node { kind: "symlink", link, ..Node::default() })
    }

    pub(super) fn fifo(self, path: impl AsRef<[u8]>) -> Self {
        self.node(path.as_ref(), Node { kind: "fifo", ..Node::default() })
    }

    /// Two names of one file; the first in the order of bytes is the file, which has to be given as such.
    pub(super) fn hardlink(self, path: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Self {
        let link = Some(to.as_ref().to_vec());
        self.node(path.as_ref(), Node { kind: "hardlink", link, ..Node::default() })
    }

    /// The permission bits of the last node.
    pub(super) fn mode(mut self, mode: u32) -> Self {
        self.last_node().mode = Some(mode);
        self
    }

    /// The owner of the last node; a caller with one ID sees none but itself, there it is not looked at.
    pub(super) fn owner(mut self, uid: u64, gid: u64) -> Self {
        self.last_node().owner = Some((uid, gid));
        self
    }

    /// The time of the last node.
    pub(super) fn time(mut self, seconds: u64) -> Self {
        self.last_node().time = Some(seconds);
        self
    }

    fn node(mut self, path: &[u8], node: Node) -> Self {
        self.last = path.to_vec();
        self.nodes.insert(path.to_vec(), node);
        self
    }

    fn last_node(&mut self) -> &mut Node {
        self.nodes.get_mut(&self.last).expect("a node is there before its attributes")
    }

    /// What `tar` packed inside a container.
    pub(super) fn seen(outcome: &Outcome) -> Self {
        let bytes = outcome.stdout_bytes();
        let mut tree = Self::new();
        for entry in tar::Archive::new(bytes).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let header = entry.header();
            let kind = match header.entry_type() {
                EntryType::Regular | EntryType::Continuous => "file",
                EntryType::Directory => "directory",
                EntryType::Symlink => "symlink",
                EntryType::Link => "hardlink",
                EntryType::Fifo => "fifo",
                EntryType::Char | EntryType::Block => "device",
                _ => "something else",
            };
            let node = Node {
                kind,
                content: (kind == "file").then_some(content),
                link: entry.link_name_bytes().map(|link| match kind {
                    "hardlink" => bare(&link),
                    _ => link.into_owned(),
                }),
                mode: Some(header.mode().unwrap() & 0o7777),
                owner: Some((header.uid().unwrap(), header.gid().unwrap())),
                time: Some(header.mtime().unwrap()),
            };
            tree.nodes.insert(bare(&entry.path_bytes()), node);
        }
        tree.in_order()
    }

    /// Makes the first name of each file the file: which one `tar` met first depends on the file system.
    fn in_order(mut self) -> Self {
        let mut firsts: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (path, node) in &self.nodes {
            if node.kind == "hardlink"
                && let Some(of) = &node.link
            {
                let first = firsts.entry(of.clone()).or_insert_with(|| of.clone());
                if path < first {
                    first.clone_from(path);
                }
            }
        }
        for (packed, first) in firsts {
            let Some(node) = self.nodes.get(&packed).cloned() else { continue };
            let link = Node { kind: "hardlink", link: Some(first.clone()), content: None, ..node.clone() };
            for other in self.nodes.values_mut() {
                if other.kind == "hardlink" && other.link.as_ref() == Some(&packed) {
                    *other = link.clone();
                }
            }
            if first != packed {
                self.nodes.insert(packed, link);
                self.nodes.insert(first, node);
            }
        }
        self
    }

    /// How `seen` differs from this; `Err` has a line for each difference.
    pub(super) fn compare(&self, seen: &Self) -> Result<(), String> {
        let mut text = String::new();
        for (path, node) in &self.nodes {
            match seen.nodes.get(path) {
                None => writeln!(text, "missing: {}", line(path, node)).unwrap(),
                Some(found) if !node.fits(found) => {
                    writeln!(text, "wrong: {}\n   is: {}", line(path, node), line(path, found)).unwrap();
                }
                Some(_) => {}
            }
        }
        for (path, node) in seen.nodes.iter().filter(|(path, _)| !self.nodes.contains_key(*path)) {
            if !path.is_empty() {
                writeln!(text, "too much: {}", line(path, node)).unwrap();
            }
        }
        if text.is_empty() { Ok(()) } else { Err(text) }
    }

    /// For readers outside of these tests.
    pub(super) fn to_json(&self) -> Value {
        let node = |(path, node): (&Vec<u8>, &Node)| {
            json!({
                "path": path.escape_ascii().to_string(), "kind": node.kind,
                "content": node.content.as_ref().filter(|content| content.len() < 4096)
                    .map(|content| content.escape_ascii().to_string()),
                "link": node.link.as_ref().map(|link| link.escape_ascii().to_string()),
                "mode": node.mode.map(|mode| format!("{mode:o}")), "owner": node.owner, "time": node.time,
            })
        };
        self.nodes.iter().map(node).collect()
    }
}

impl Node {
    fn fits(&self, found: &Self) -> bool {
        let many_ids = Caller::detect().has_many_ids();
        // Who cannot keep owners keeps no bits that act for them.
        let bits = if many_ids { 0o7777 } else { 0o1777 };
        let mode = self.mode.is_none_or(|mode| found.mode.is_some_and(|found| found & bits == mode & bits));
        self.kind == found.kind
            && mode
            && (self.content.is_none() || self.content == found.content)
            && (self.link.is_none() || self.link == found.link)
            && (self.owner.is_none() || !many_ids || self.owner == found.owner)
            && (self.time.is_none() || self.time == found.time)
    }
}

fn line(path: &[u8], node: &Node) -> String {
    let mut text = format!("{} {}", node.kind, path.escape_ascii());
    if let Some(link) = &node.link {
        write!(text, " -> {}", link.escape_ascii()).unwrap();
    }
    if let Some(mode) = node.mode {
        write!(text, " mode {mode:o}").unwrap();
    }
    if let Some((uid, gid)) = node.owner {
        write!(text, " owner {uid}:{gid}").unwrap();
    }
    if let Some(time) = node.time {
        write!(text, " time {time}").unwrap();
    }
    if let Some(content) = &node.content {
        let shown = &content[..content.len().min(60)];
        write!(text, " {} bytes \"{}\"", content.len(), shown.escape_ascii()).unwrap();
    }
    text
}

/// Without `./` in front and `/` behind.
fn bare(path: &[u8]) -> Vec<u8> {
    let path = path.strip_prefix(b".").unwrap_or(path);
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/')
}
