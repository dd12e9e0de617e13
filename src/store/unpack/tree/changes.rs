//! What a layer changes: directories made and copied up, names put in, and names hidden.

use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{AtFlags, FileType, Mode, XattrFlags};
use rustix::io::Errno;

use super::{Node, Pending, Seen, Tree, open, split, vanished};
use crate::store::copy::inode;
use crate::store::merged::{MergedDir, OPAQUE, os};
use crate::store::remove::remove_tree;
use crate::store::unpack::error::Problem;
use crate::store::unpack::{Form, name};
use crate::sys::{Call, SysError};

impl<'l> Tree<'l> {
    /// A directory that the archive has no entry for, or not yet.
    pub(super) fn make_parent(
        &mut self,
        node: &Rc<Node<'l>>,
        name: &[u8],
        seen: &Seen<'l>,
    ) -> Result<Rc<Node<'l>>, Problem> {
        // The name may come from a symlink, which no one has checked.
        name::check(name, self.limits)?;
        if self.manner.form == Form::Layer && name::is_reserved(name) {
            return Err(Problem::Name("leads to a name of whiteouts"));
        }
        let made = self.make_directory(node, name, seen)?;
        self.keep(&made.path, Pending { mode: 0o755, mtime: None })?;
        Ok(made)
    }

    /// Makes a directory in this layer where [`Tree::look`] has found `seen`, which is none.
    pub(in crate::store::unpack) fn make_directory(
        &mut self,
        parent: &Rc<Node<'l>>,
        name: &[u8],
        seen: &Seen<'l>,
    ) -> Result<Rc<Node<'l>>, Problem> {
        // Symlinks lead deeper than the name says.
        if split(&parent.path).len() >= self.limits.depth {
            return Err(Problem::Name("is too deep"));
        }
        self.raise(parent)?;
        let Some(above) = parent.upper() else { return Err(vanished(&parent.path).into()) };
        if matches!(seen, Seen::Upper(_) | Seen::Whiteout) {
            self.clear_way(parent, name)?;
        }
        let upper = mkdir(above, name)?;
        let path = parent.child(name);
        match self.manner.form {
            _ if matches!(seen, Seen::Nothing) => {}
            Form::Layer => set_opaque(upper.as_fd())?,
            Form::Plain => drop(self.opaques.insert(path.clone())),
        }
        self.forget(&path);
        Ok(self.remember(path, Some(upper), MergedDir::default()))
    }

    /// Makes sure that this layer has the directory, as a copy of the one below; its directories above, too.
    pub(in crate::store::unpack) fn raise(&mut self, node: &Rc<Node<'l>>) -> Result<(), Problem> {
        if node.upper().is_some() {
            return Ok(());
        }
        let mut names = split(&node.path);
        let last = names.pop();
        let mut parent = self.root();
        for name in names {
            let next = self.directory(&parent, name)?;
            self.raise_one(&parent, name, &next)?;
            parent = next;
        }
        match last {
            Some(name) => self.raise_one(&parent, name, node),
            None => Ok(()),
        }
    }

    fn raise_one(&mut self, parent: &Node<'l>, name: &[u8], node: &Node<'l>) -> Result<(), Problem> {
        if node.upper().is_some() {
            return Ok(());
        }
        let Some(above) = parent.upper() else { return Err(vanished(&parent.path).into()) };
        let upper = match mkdir(above, name) {
            Ok(upper) => {
                if let Some(below) = node.lower().parts.first() {
                    let stat = rustix::fs::fstat(below).call(|| "fstat(lower directory)")?;
                    let owner = self.manner.of(&stat);
                    inode::copy_owner_and_xattrs(below.as_fd(), upper.as_fd(), owner)?;
                    self.keep(&node.path, Pending::of(&stat))?;
                }
                self.shade(node.path.clone())?;
                upper
            }
            Err(error) if error.errno() == Errno::EXIST => open(above, name)?,
            Err(error) => return Err(error.into()),
        };
        // A second time is no harm: both descriptors are of the same directory.
        let _ = node.upper.set(upper);
        Ok(())
    }

    /// Removes what this layer has as `name`.
    pub(in crate::store::unpack) fn clear_way(
        &mut self,
        parent: &Node<'l>,
        name: &[u8],
    ) -> Result<(), Problem> {
        let Some(above) = parent.upper() else { return Ok(()) };
        let path = parent.child(name);
        // What was only a mark or a copy had no body of this layer's.
        self.lost_files |= !self.whiteouts.contains(&path) && !self.shadows.contains(&path);
        remove_tree(above, os(name))?;
        self.whiteouts.remove(&path);
        self.pending.remove(&path);
        self.shadows.remove(&path);
        self.opaques.retain(|opaque| !is_at_or_below(opaque, &path));
        let shadows = |range| self.shadows.range::<Vec<u8>, _>(range).cloned().collect();
        for below in keys_below(&path, shadows) {
            self.shadows.remove(&below);
        }
        for below in
            keys_below(&path, |range| self.pending.range(range).map(|(path, _)| path.clone()).collect())
        {
            self.pending.remove(&below);
        }
        for below in self.whiteouts_below(&path) {
            self.whiteouts.remove(&below);
        }
        self.forget(&path);
        Ok(())
    }

    /// Runs `make` in the directory of this layer, where `name` must be new, and removes what is in its way.
    pub(in crate::store::unpack) fn place<T>(
        &mut self,
        parent: &Rc<Node<'l>>,
        name: &[u8],
        call: &'static str,
        mut make: impl FnMut(BorrowedFd<'_>) -> Result<T, Errno>,
    ) -> Result<T, Problem> {
        self.raise(parent)?;
        let Some(above) = parent.upper() else { return Err(vanished(&parent.path).into()) };
        let mut result = make(above);
        if matches!(result, Err(Errno::EXIST)) {
            self.clear_way(parent, name)?;
            result = make(above);
        }
        self.forget(&parent.child(name));
        Ok(result.call(|| format!("{call}({:?})", os(name)))?)
    }

    /// Hides what the layers below have as `name`; what this layer has stays.
    pub(in crate::store::unpack) fn white_out(
        &mut self,
        parent: &Rc<Node<'l>>,
        name: &[u8],
    ) -> Result<(), Problem> {
        if parent.lower().find(os(name))?.is_none() {
            return Ok(());
        }
        match self.own(parent, name)? {
            Some(FileType::Directory) => {
                let directory = self.directory(parent, name)?;
                self.make_opaque(&directory)
            }
            Some(_) => Ok(()),
            None => {
                self.place(parent, name, "mknodat", |above| {
                    rustix::fs::mknodat(above, os(name), FileType::CharacterDevice, Mode::empty(), 0)
                })?;
                let path = parent.child(name);
                self.count_path(&path)?;
                self.whiteouts.insert(path);
                Ok(())
            }
        }
    }

    /// Hides everything that the layers below have in the directory; what this layer has stays.
    pub(in crate::store::unpack) fn make_opaque(&mut self, node: &Rc<Node<'l>>) -> Result<(), Problem> {
        if node.lower().parts.is_empty() {
            return Ok(());
        }
        self.raise(node)?;
        if node.path.is_empty() {
            // The mark means nothing on the root of a layer: the caller leaves the lower layers out.
            let upper = node.upper().map(|upper| open(upper, b".")).transpose()?;
            let upper = upper.map_or_else(OnceCell::new, OnceCell::from);
            let root = Node { path: Vec::new(), upper, shared: None, owned: MergedDir::default() };
            self.root = Rc::new(root);
        } else if let Some(upper) = node.upper() {
            set_opaque(upper)?;
        }
        self.forget_all();
        // Where nothing is below, a whiteout would be seen as the device that it is.
        for path in self.whiteouts_below(&node.path) {
            let slash = path.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            let parent = self.at(&path[..slash])?;
            if let Some(upper) = parent.upper() {
                let name = os(&path[slash + 1..]);
                rustix::fs::unlinkat(upper, name, AtFlags::empty()).call(|| format!("unlinkat({name:?})"))?;
            }
            self.whiteouts.remove(&path);
        }
        self.remove_shadows(&node.path)
    }

    /// Removes what this layer has as `name` and hides what the layers below have.
    pub(in crate::store::unpack) fn remove(
        &mut self,
        parent: &Rc<Node<'l>>,
        name: &[u8],
    ) -> Result<(), Problem> {
        self.clear_way(parent, name)?;
        self.white_out(parent, name)
    }

    /// Gives the directories their modes and times, the deepest first.
    pub(in crate::store::unpack) fn complete(&mut self) -> Result<(), Problem> {
        while let Some((path, pending)) = self.pending.pop_last() {
            let node = self.at(&path)?;
            let Some(upper) = node.upper() else { return Err(vanished(&path).into()) };
            let shown = || os(&path);
            rustix::fs::fchmod(upper, Mode::from_raw_mode(pending.mode))
                .call(|| format!("fchmod({:?}, {:04o})", shown(), pending.mode))?;
            if let Some((seconds, nanoseconds)) = pending.mtime {
                let times = inode::timestamps(seconds, i64::from(nanoseconds));
                rustix::fs::futimens(upper, &times).call(|| format!("futimens({:?})", shown()))?;
            }
        }
        Ok(())
    }

    fn whiteouts_below(&self, path: &[u8]) -> Vec<Vec<u8>> {
        keys_below(path, |range| self.whiteouts.range(range).cloned().collect())
    }
}

fn is_at_or_below(path: &[u8], top: &[u8]) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The keys between `path/` and the first key that cannot begin so: `0` is the byte behind `/`.
pub(super) fn keys_below(
    path: &[u8],
    range: impl FnOnce(std::ops::Range<Vec<u8>>) -> Vec<Vec<u8>>,
) -> Vec<Vec<u8>> {
    range([path, b"/"].concat()..[path, b"0"].concat())
}

fn mkdir(parent: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, SysError> {
    rustix::fs::mkdirat(parent, os(name), Mode::RWXU).call(|| format!("mkdirat({:?})", os(name)))?;
    open(parent, name)
}

fn set_opaque(directory: BorrowedFd<'_>) -> Result<(), SysError> {
    rustix::fs::fsetxattr(directory, OPAQUE, b"y", XattrFlags::empty())
        .call(|| format!("fsetxattr({OPAQUE:?})"))
}
