//! Device nodes: a layer gets none, plain files those that the kernel lets this user make.

use rustix::fs::{FileType, Mode};
use rustix::io::Errno;

use super::Warning;
use super::apply::{Dir, Layer, shown};
use super::error::Problem;
use crate::store::merged::os;
use crate::store::tar::{Entry, EntryKind};

impl<'l> Layer<'l> {
    /// Devices of a layer are never made: in a user namespace they cannot be, and the root filesystem is mounted
    /// `nodev`. What they replace is gone all the same.
    pub(super) fn leave_device_out(
        &mut self,
        parent: &Dir<'l>,
        name: &[u8],
        entry: &Entry,
    ) -> Result<(), Problem> {
        if entry.kind == EntryKind::CharDevice && entry.device == (0, 0) {
            return Err(Problem::WhiteoutDevice);
        }
        self.tree.remove(parent, name)?;
        let path = parent.child(name);
        self.tree.count_path(&path)?;
        self.devices.insert(path);
        self.warnings.add(Warning::Device { path: shown(&entry.path) });
        Ok(())
    }

    /// A device of plain files, where the kernel lets this user make one.
    pub(super) fn make_device(
        &mut self,
        parent: &Dir<'l>,
        name: &[u8],
        entry: &Entry,
    ) -> Result<(), Problem> {
        let device = rustix::fs::makedev(entry.device.0, entry.device.1);
        let is_character = entry.kind == EntryKind::CharDevice;
        let kind = if is_character { FileType::CharacterDevice } else { FileType::BlockDevice };
        let made = self.tree.place(parent, name, "mknodat", |above| {
            rustix::fs::mknodat(above, os(name), kind, Mode::RUSR | Mode::WUSR, device)
        });
        match made {
            Err(Problem::System(error)) if error.errno() == Errno::PERM => {
                self.warnings.add(Warning::Device { path: shown(&entry.path) });
                Ok(())
            }
            made => made.and_then(|()| self.dress_special(parent, name, entry)),
        }
    }
}
