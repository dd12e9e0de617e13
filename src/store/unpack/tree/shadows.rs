//! What a layer has only as a copy of what lies below: the directories on the way to a whiteout, and the files that a
//! hard link needed.
//!
//! Overlay wants these copies, the archive does not have them. So what hides the layers below hides them, too, whichever
//! of the two comes first.

use rustix::fs::{FileType, Stat};

use super::{Node, Tree, os, split};
use crate::store::merged::stat_name;
use crate::store::unpack::error::Problem;
use crate::sys::SysError;

impl<'l> Tree<'l> {
    /// Notes that what is at the real path is a mere copy.
    pub(in crate::store::unpack) fn shade(&mut self, path: Vec<u8>) -> Result<(), Problem> {
        self.count_path(&path)?;
        self.shadows.insert(path);
        Ok(())
    }

    /// Notes that the archive itself has something called `name` in the directory, and so all that it lies in.
    pub(in crate::store::unpack) fn claim(&mut self, parent: &Node<'l>, name: &[u8]) {
        let mut path = parent.child(name);
        while !self.shadows.is_empty() {
            self.shadows.remove(&path);
            match path.iter().rposition(|&byte| byte == b'/') {
                Some(slash) => path.truncate(slash),
                None => return,
            }
        }
    }

    /// Whether the real path is a mere copy.
    pub(super) fn is_shadow(&self, path: &[u8]) -> bool {
        self.shadows.contains(path)
    }

    /// Removes the copies below a directory that shows nothing from below any more.
    pub(super) fn remove_shadows(&mut self, directory: &[u8]) -> Result<(), Problem> {
        let below = |range| self.shadows.range::<Vec<u8>, _>(range).cloned().collect();
        for path in super::changes::keys_below(directory, below) {
            // With the directory that it was in it may have gone already.
            let names = split(&path);
            if let Some((name, _)) = names.split_last().filter(|_| self.is_shadow(&path)) {
                let parent = self.at(&path[..path.len() - name.len() - 1])?;
                self.clear_way(&parent, name)?;
            }
        }
        Ok(())
    }

    /// What this layer itself has as `name`, without mere copies, which are removed.
    pub(super) fn own(&mut self, parent: &Node<'l>, name: &[u8]) -> Result<Option<FileType>, Problem> {
        if self.is_shadow(&parent.child(name)) {
            self.clear_way(parent, name)?;
            return Ok(None);
        }
        let kind = |stat: Stat| FileType::from_raw_mode(stat.st_mode);
        let look = |upper| -> Result<_, SysError> { Ok(stat_name(upper, os(name))?.map(kind)) };
        Ok(parent.upper().map(look).transpose()?.flatten())
    }
}
