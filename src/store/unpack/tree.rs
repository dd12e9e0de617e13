//! The tree that a layer is applied to: what its directory has so far, over the layers below.
//!
//! A directory is known by its real path, without symlinks. It is made in this layer only when something is
//! put into it, and then looks like the one below that it covers.

mod changes;
mod node;
mod shadows;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::error::Problem;
use super::{Form, Limits, Manner};
use crate::store::copy::inode;
use crate::store::merged::{
    Found, LINK_LIMIT, Merged, MergedDir, is_opaque, is_whiteout, link_names, open_directory, os, stat_name,
};
use crate::sys::{Call, SysError};

pub(super) use node::{Missing, Node, Pending, Seen};
use node::{Resolved, Step};

/// How many descriptors known directories may hold before the oldest are forgotten.
const DESCRIPTORS: usize = 256;

/// How many resolved names are kept; archives go to and fro between a few directories at most.
const RECENT: usize = 8;

/// The tree while a layer is applied to it.
pub(super) struct Tree<'l> {
    root: Rc<Node<'l>>,
    /// Directories by their real paths.
    nodes: HashMap<Vec<u8>, Rc<Node<'l>>>,
    /// The keys of these, the oldest first.
    ages: VecDeque<Vec<u8>>,
    descriptors: usize,
    recent: VecDeque<Resolved<'l>>,
    /// How many directories were opened.
    pub(super) lookups: u64,
    pending: BTreeMap<Vec<u8>, Pending>,
    /// Bytes of the paths that are kept until the layer is complete.
    kept: usize,
    whiteouts: BTreeSet<Vec<u8>>,
    /// In plain files, the directories that hide what is below; a layer has a mark on disk.
    opaques: BTreeSet<Vec<u8>>,
    /// What is here only as a copy of what lies below.
    shadows: BTreeSet<Vec<u8>>,
    /// Whether something that the archive had is in the tree no more.
    pub(super) lost_files: bool,
    pub(super) manner: Manner,
    limits: &'l Limits,
}

impl<'l> Tree<'l> {
    /// The tree of the layers below, with `into` as the still empty directory of this layer.
    pub(super) fn new(
        into: BorrowedFd<'_>,
        lowers: &'l Merged,
        manner: Manner,
        limits: &'l Limits,
    ) -> Result<Self, Problem> {
        let upper = open_directory(into, os(b".")).call(|| "openat(\".\")")?;
        let below = lowers.root.parts.first();
        let mut pending = Pending { mode: 0o755, mtime: None };
        if let Some(below) = below {
            let stat = rustix::fs::fstat(below).call(|| "fstat(lower root)")?;
            inode::copy_owner_and_xattrs(below.as_fd(), upper.as_fd(), manner.of(&stat))?;
            pending = Pending::of(&stat);
        }
        let root = Node {
            path: Vec::new(),
            upper: upper.into(),
            shared: Some(&lowers.root),
            owned: MergedDir::default(),
        };
        Ok(Self {
            root: Rc::new(root),
            nodes: HashMap::new(),
            ages: VecDeque::new(),
            descriptors: 0,
            recent: VecDeque::new(),
            lookups: 0,
            pending: BTreeMap::from([(Vec::new(), pending)]),
            kept: 0,
            whiteouts: BTreeSet::new(),
            opaques: BTreeSet::new(),
            shadows: BTreeSet::new(),
            lost_files: false,
            manner,
            limits,
        })
    }

    /// Keeps a directory's mode and time until the layer is complete.
    pub(super) fn keep(&mut self, path: &[u8], pending: Pending) -> Result<(), Problem> {
        if self.pending.insert(path.to_vec(), pending).is_none() {
            self.count_path(path)?;
        }
        Ok(())
    }

    /// Symlinks make long paths out of short names, so that the archive's size is no bound for them.
    pub(super) fn count_path(&mut self, path: &[u8]) -> Result<(), Problem> {
        self.kept += path.len();
        if self.kept > self.limits.paths { Err(Problem::Paths(self.limits.paths)) } else { Ok(()) }
    }

    /// The root directory.
    pub(super) fn root(&self) -> Rc<Node<'l>> {
        Rc::clone(&self.root)
    }

    /// What `name` is in the directory `node`.
    pub(super) fn look(&mut self, node: &Node<'l>, name: &[u8]) -> Result<Seen<'l>, SysError> {
        let path = node.child(name);
        if let Some(known) = self.nodes.get(&path) {
            return Ok(Seen::Directory(Rc::clone(known)));
        }
        if let Some(upper) = node.upper()
            && let Some(stat) = stat_name(upper, os(name))?
        {
            if is_whiteout(&stat) {
                return Ok(Seen::Whiteout);
            }
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Ok(Seen::Upper(stat));
            }
            let upper = open(upper, name)?;
            let lower = match node.lower().find(os(name))? {
                Some(Found::Directory(lower)) if !self.hides_lower(&path, upper.as_fd())? => lower,
                _ => MergedDir::default(),
            };
            return Ok(Seen::Directory(self.remember(path, Some(upper), lower)));
        }
        Ok(match node.lower().find(os(name))? {
            None => Seen::Nothing,
            Some(Found::Directory(lower)) => Seen::Directory(self.remember(path, None, lower)),
            Some(Found::Other(place, stat)) => Seen::Lower(place, stat),
        })
    }

    /// Whether a directory of this layer shows nothing of those below.
    fn hides_lower(&self, path: &[u8], upper: BorrowedFd<'_>) -> Result<bool, SysError> {
        match self.manner.form {
            Form::Layer => is_opaque(upper),
            Form::Plain => Ok(self.opaques.contains(path)),
        }
    }

    /// The directory that `names` lead to, symlinks followed; `None` where it is missing and not to be made.
    pub(super) fn walk(
        &mut self,
        names: &[&[u8]],
        missing: Missing,
    ) -> Result<Option<Rc<Node<'l>>>, Problem> {
        if let Some(known) = self.recent.iter().find(|known| known.names == names) {
            return Ok(Some(Rc::clone(&known.node)));
        }
        let mut queue: VecDeque<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
        let mut node = self.skip_known(&self.root(), &mut queue);
        let mut links = Vec::new();
        while let Some(name) = queue.pop_front() {
            if self.lookups > self.limits.lookups {
                return Err(Problem::Lookups(self.limits.lookups));
            }
            let target = match self.step(&node, &name, missing)? {
                Step::Into(next) => {
                    node = next;
                    continue;
                }
                Step::Missing => return Ok(None),
                Step::Link(target) => target,
            };
            links.push(node.child(&name));
            if links.len() > LINK_LIMIT as usize {
                return Err(Problem::Loop);
            }
            if target.starts_with(b"/") {
                node = self.root();
            }
            for name in link_names(&target).rev() {
                queue.push_front(name.to_vec());
            }
            node = self.skip_known(&node, &mut queue);
        }
        // What lies on such a way and is left again would have to be remembered, too.
        if names.contains(&&b".."[..]) {
            return Ok(Some(node));
        }
        let names = names.iter().map(|name| name.to_vec()).collect();
        self.recent.truncate(RECENT - 1);
        self.recent.push_front(Resolved { names, node: Rc::clone(&node), links });
        Ok(Some(node))
    }

    /// The deepest directory on the way from `node` that is known already; the names that lead there leave the queue. A
    /// real path has no symlinks in it, so that none of these names can be one.
    fn skip_known(&self, node: &Rc<Node<'l>>, queue: &mut VecDeque<Vec<u8>>) -> Rc<Node<'l>> {
        let mut path = node.path.clone();
        let mut ends = Vec::with_capacity(queue.len());
        for name in queue.iter().take_while(|name| *name != b"..") {
            path.push(b'/');
            path.extend(name);
            ends.push(path.len());
        }
        let known = ends.iter().enumerate().rev();
        let known = known.filter_map(|(index, &end)| Some((index, self.nodes.get(&path[..end])?)));
        match known.map(|(index, known)| (index, Rc::clone(known))).next() {
            Some((index, known)) => {
                queue.drain(..=index);
                known
            }
            None => Rc::clone(node),
        }
    }

    fn step(&mut self, node: &Rc<Node<'l>>, name: &[u8], missing: Missing) -> Result<Step<'l>, Problem> {
        if name == b".." {
            return Ok(Step::Into(self.parent(node)?));
        }
        Ok(match self.look(node, name)? {
            Seen::Directory(next) => Step::Into(next),
            Seen::Upper(stat) if is_symlink(&stat) => Step::Link(read_upper_link(node, name)?),
            Seen::Lower(place, stat) if is_symlink(&stat) => {
                Step::Link(node.lower().read_link(place, os(name))?)
            }
            _ if missing == Missing::Stop => Step::Missing,
            // A hard link needed a copy of what is below, which is replaced as that is.
            seen @ Seen::Upper(_) if self.is_shadow(&node.child(name)) => {
                Step::Into(self.make_parent(node, name, &seen)?)
            }
            Seen::Upper(_) => return Err(Problem::Parent(node.child(name).escape_ascii().to_string())),
            seen => Step::Into(self.make_parent(node, name, &seen)?),
        })
    }

    fn directory(&mut self, parent: &Node<'l>, name: &[u8]) -> Result<Rc<Node<'l>>, SysError> {
        match self.look(parent, name)? {
            Seen::Directory(node) => Ok(node),
            _ => Err(vanished(&parent.child(name))),
        }
    }

    /// The directory of a real path, which exists.
    fn at(&mut self, path: &[u8]) -> Result<Rc<Node<'l>>, SysError> {
        let mut names = split(path).into_iter().map(<[u8]>::to_vec).collect();
        let mut node = self.skip_known(&self.root(), &mut names);
        for name in names {
            node = self.directory(&node, &name)?;
        }
        Ok(node)
    }

    fn parent(&mut self, node: &Node<'l>) -> Result<Rc<Node<'l>>, SysError> {
        let slash = node.path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        self.at(&node.path[..slash])
    }

    fn remember(&mut self, path: Vec<u8>, upper: Option<OwnedFd>, lower: MergedDir) -> Rc<Node<'l>> {
        self.lookups += 1;
        self.descriptors += 1 + lower.parts.len();
        while self.descriptors > DESCRIPTORS
            && let Some(oldest) = self.ages.pop_front()
        {
            if let Some(node) = self.nodes.remove(&oldest) {
                self.descriptors -= 1 + node.owned.parts.len();
            }
        }
        let upper = upper.map_or_else(OnceCell::new, OnceCell::from);
        let node = Rc::new(Node { path: path.clone(), upper, shared: None, owned: lower });
        self.ages.push_back(path.clone());
        self.nodes.insert(path, Rc::clone(&node));
        node
    }

    /// Forgets what was known if the real path `path`, which has changed, had a part in it.
    fn forget(&mut self, path: &[u8]) {
        let is_within = |other: &[u8]| {
            other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let mut recent = self.recent.iter();
        if self.nodes.contains_key(path)
            || recent
                .any(|known| is_within(&known.node.path) || known.links.iter().any(|link| is_within(link)))
        {
            self.forget_all();
        }
    }

    fn forget_all(&mut self) {
        self.nodes.clear();
        self.ages.clear();
        self.descriptors = 0;
        self.recent.clear();
    }
}

fn split(path: &[u8]) -> Vec<&[u8]> {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).collect()
}

fn is_symlink(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Symlink
}

fn read_upper_link(node: &Node<'_>, name: &[u8]) -> Result<Vec<u8>, SysError> {
    let Some(upper) = node.upper() else { return Err(vanished(&node.path)) };
    let target = rustix::fs::readlinkat(upper, os(name), Vec::new());
    Ok(target.call(|| format!("readlinkat({:?})", os(name)))?.into_bytes())
}

fn open(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, SysError> {
    open_directory(parent, os(name)).call(|| format!("openat({:?}, DIRECTORY|NOFOLLOW)", os(name)))
}

/// Somebody else changes the directory that the caller keeps private.
fn vanished(path: &[u8]) -> SysError {
    SysError::new(format!("openat({:?})", os(path)), Errno::NOENT)
}
