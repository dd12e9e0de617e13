//! The same layers for other owners, made from those that are there.
//!
//! A load keeps no blobs unless it is asked to, so a layer that was unpacked for one ID map is copied for the next. The caller runs
//! this in a user namespace that has all IDs of both, and says how an owner becomes another.

mod walk;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;
use thiserror::Error;

use super::copy::{CopyError, copy_tree};
use super::directory::Directory;
use super::image::Image;
use super::layer::{LayerDirectories, LayerOwners, LayerRecord};
use super::load::rename_new;
use super::lock::{self, NameLock};
use super::record::LayerRef;
use super::temporary::Temporary;
use super::unpack::OWNER;
use super::{Store, StoreError, blobs, content, layout};
use crate::plan::digest::Digest;
use crate::sys::{Call, SysError};

use walk::{Place, open_below, walk};

/// Why layers cannot be had for other owners.
#[derive(Debug, Error)]
pub enum VariantError {
    /// The layer is not there for the owners it should be made from.
    #[error("the layer {0} is not in the store for these owners")]
    Absent(Digest),
    /// An owner has no counterpart.
    #[error("the owner {user}:{group} in the layer {layer} is not in the ID map")]
    Owner {
        /// The chain ID of the layer.
        layer: Digest,
        /// The user ID that was to be translated.
        user: u32,
        /// The group ID that was to be translated.
        group: u32,
    },
    /// The files cannot be copied.
    #[error("cannot copy the layer {layer}")]
    Copy {
        /// The chain ID of the layer.
        layer: Digest,
        /// Where it stopped, and why.
        #[source]
        cause: CopyError,
    },
    /// The owners of the copy cannot be set.
    #[error("cannot set the owners of the layer {layer}")]
    Own {
        /// The chain ID of the layer.
        layer: Digest,
        /// The call that was refused.
        #[source]
        cause: SysError,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives the user and group ID of a copy for those of its model; nothing when there are none.
///
/// IDs on a file are as this process sees them. What a squashed layer keeps in an attribute are the container's.
pub type Translate<'a> = &'a mut dyn FnMut(u32, u32) -> Option<(u32, u32)>;

impl Image {
    /// The owners for which all layers are in the store.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn owners(&self, store: &Store) -> Result<Vec<LayerOwners>, StoreError> {
        let mut complete = Vec::new();
        for owners in store.layer_owners()? {
            if let LayerDirectories::Complete(_) = self.layer_directories(store, &owners)? {
                complete.push(owners);
            }
        }
        Ok(complete)
    }
}

impl Store {
    /// Makes the layers of an image for the owners `to` from those for `from`, where they are missing.
    ///
    /// # Errors
    /// A layer is missing for `from`, too; `translate` does not know an owner; or the copy cannot be made.
    pub fn derive_layers(
        &self,
        image: &Image,
        from: &LayerOwners,
        to: &LayerOwners,
        translate: Translate<'_>,
    ) -> Result<(), VariantError> {
        let temporary = Temporary::new(self)?;
        self.make_owners(&temporary, to)?;
        let locks = self.temporary_directory()?;
        for layer in &image.layers {
            let name = layout::layer_lock(&to.directory_name(), &layer.chain_id);
            let lock = NameLock::wait(&locks, &name).map_err(|cause| self.write_error(cause))?;
            if self.layer_record(to, &layer.chain_id)?.is_none() {
                self.derive_layer(&temporary, layer, [from, to], translate)?;
            }
            drop(lock);
        }
        Ok(())
    }

    fn derive_layer(
        &self,
        temporary: &Temporary,
        layer: &LayerRef,
        [from, to]: [&LayerOwners; 2],
        translate: Translate<'_>,
    ) -> Result<(), VariantError> {
        let chain_id = &layer.chain_id;
        let Some(record) = self.layer_record(from, chain_id)? else {
            return Err(VariantError::Absent(chain_id.clone()));
        };
        let read = |cause| self.read_error(cause);
        let write = |cause| self.write_error(cause);
        let own = chain_id.hex();
        let root = self.writable()?;
        let model = lock::pin(root, &layout::layer(&from.directory_name(), chain_id)).map_err(read)?;
        let Some(pin) = model else { return Err(VariantError::Absent(chain_id.clone())) };
        let model = pin.directory(layout::TREE).map_err(read)?;
        temporary.directory().make(own).map_err(write)?;
        let directory = temporary.directory().directory(own).map_err(write)?;
        directory.make(layout::TREE).map_err(write)?;
        let copy = directory.directory(layout::TREE).map_err(write)?;
        copy_as(chain_id, &model, &copy, [from, to], translate)?;
        let content = content::digest(copy.as_fd()).map_err(|error| self.read_error(error.source))?;
        let record = LayerRecord { content: Some(content), ..record };
        if let Some(mut outline) = pin.open_file(layout::OUTLINE).map_err(read)? {
            let mut own = directory.create(layout::OUTLINE).map_err(write)?;
            std::io::copy(&mut outline, &mut own).call(|| "write(outline)").map_err(write)?;
        }
        blobs::share(&pin, &directory).map_err(write)?;
        directory.write(layout::LAYER, record.to_json().as_bytes()).map_err(write)?;
        root.sync().map_err(write)?;
        let name = layout::layer(&to.directory_name(), chain_id);
        rename_new(temporary.directory(), own, root, &name).map_err(write)?;
        Ok(())
    }
}

/// Copies the tree of a layer and gives the copy its owners.
fn copy_as(
    layer: &Digest,
    model: &Directory,
    copy: &Directory,
    [from, to]: [&LayerOwners; 2],
    translate: Translate<'_>,
) -> Result<(), VariantError> {
    let ourselves = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let mut unknown = None;
    let mut known = |user, group| {
        let owner = translate(user, group);
        if owner.is_none() {
            unknown.get_or_insert((user, group));
        }
        // Only until the copy is thrown away.
        owner.unwrap_or(ourselves)
    };
    let squashed = |owners: &LayerOwners| *owners == LayerOwners::Squashed;
    let mut owner_of_copy = |user, group| match (squashed(from), squashed(to)) {
        (_, true) => ourselves,
        // What has no attribute was root's.
        (true, false) => known(0, 0),
        (false, false) => known(user, group),
    };
    copy_tree(model.as_fd(), copy.as_fd(), &mut owner_of_copy)
        .map_err(|cause| VariantError::Copy { layer: layer.clone(), cause })?;
    let owned = match (squashed(from), squashed(to)) {
        (false, true) => walk(copy.as_fd(), &mut |place| place.squash(model.as_fd(), &mut known)),
        (true, false) => walk(copy.as_fd(), &mut |place| place.restore(&mut known)),
        (true, true) | (false, false) => Ok(()),
    };
    owned.map_err(|cause| VariantError::Own { layer: layer.clone(), cause })?;
    match unknown {
        Some((user, group)) => Err(VariantError::Owner { layer: layer.clone(), user, group }),
        None => Ok(()),
    }
}

impl Place<'_> {
    /// Keeps the owner of the model in an attribute, and takes away the bits that would make it ours.
    fn squash(
        &self,
        model: BorrowedFd<'_>,
        known: &mut dyn FnMut(u32, u32) -> (u32, u32),
    ) -> Result<(), SysError> {
        let above = open_below(model, self.above)?;
        let stat = rustix::fs::statat(&above, self.name, AtFlags::SYMLINK_NOFOLLOW)
            .call(|| format!("statat({:?})", self.name))?;
        let (user, group) = known(stat.st_uid, stat.st_gid);
        if (user, group) == (0, 0) {
            return Ok(());
        }
        let Some(inode) = self.open()? else { return Ok(()) };
        let mode = stat.st_mode & 0o7777;
        let value = format!("{user}:{group}:{mode:o}");
        rustix::fs::fchmod(&inode, Mode::from_raw_mode(mode & 0o1777)).call(|| "fchmod")?;
        rustix::fs::fsetxattr(&inode, OWNER, value.as_bytes(), XattrFlags::empty())
            .call(|| format!("fsetxattr({OWNER:?}, {value:?})"))
    }

    /// Gives a file the owner and mode that its attribute says.
    fn restore(&self, known: &mut dyn FnMut(u32, u32) -> (u32, u32)) -> Result<(), SysError> {
        let Some(inode) = self.open()? else { return Ok(()) };
        let mut value = [0; 64];
        let length = match rustix::fs::fgetxattr(&inode, OWNER, &mut value[..]) {
            Ok(length) => length,
            Err(Errno::NODATA | Errno::NOTSUP) => return Ok(()),
            Err(errno) => return Err(SysError::new(format!("fgetxattr({OWNER:?})"), errno)),
        };
        // Nobody but us writes it: what does not parse is not worth more than what is not there.
        let Some((user, group, mode)) = parse_owner(value.get(..length).unwrap_or_default()) else {
            return Ok(());
        };
        let (user, group) = known(user, group);
        rustix::fs::fchown(&inode, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))
            .call(|| format!("fchown({user}, {group})"))?;
        // After the owner, whose change takes the setuid bit away.
        rustix::fs::fchmod(&inode, Mode::from_raw_mode(mode)).call(|| "fchmod")?;
        rustix::fs::fremovexattr(&inode, OWNER).call(|| format!("fremovexattr({OWNER:?})"))
    }

    /// Opens what can have such an attribute: files and directories.
    fn open(&self) -> Result<Option<OwnedFd>, SysError> {
        match FileType::from_raw_mode(self.stat.st_mode) {
            FileType::RegularFile | FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                rustix::fs::openat(self.directory, self.name, flags, Mode::empty())
                    .call(|| format!("openat({:?}, NOFOLLOW)", self.name))
                    .map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// `UID:GID:MODE`, the mode octal.
pub(super) fn parse_owner(value: &[u8]) -> Option<(u32, u32, u32)> {
    let mut parts = std::str::from_utf8(value).ok()?.split(':');
    let (user, group) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let mode = u32::from_str_radix(parts.next()?, 8).ok()?;
    (parts.next().is_none() && mode <= 0o7777).then_some((user, group, mode))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::Path;

    use super::*;
    use crate::store::fixture::{Scratch, layer};
    use crate::store::import::ImportRequest;
    use crate::store::unpack::Limits;

    fn owned_layer() -> Vec<u8> {
        let mut builder = tar::Builder::new(layer(&[("root", "0")]));
        let end = builder.get_ref().len() - 1024;
        builder.get_mut().truncate(end);
        for (name, kind, mode) in
            [("home/", tar::EntryType::Directory, 0o2750), ("home/su", tar::EntryType::Regular, 0o4711)]
        {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(7);
            header.set_gid(8);
            header.set_mtime(1000);
            header.set_size(0);
            builder.append_data(&mut header, name, std::io::empty()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn image(store: &Store, owners: &LayerOwners) -> Image {
        let reference = "x:1".parse().unwrap();
        let request = ImportRequest {
            source_name: "test",
            reference: Some(&reference),
            instructions: &[],
            message: None,
            created: "2024-01-02T03:04:05Z",
            platform: &crate::plan::platform::Platform::new("linux", "amd64", None),
            owners,
            limits: &Limits::default(),
        };
        store.import(Box::new(std::io::Cursor::new(owned_layer())), &request, &mut |_| {}).unwrap();
        store.find_image("x:1").unwrap()
    }

    fn seen(path: &Path) -> (u32, u32, u32, i64) {
        let metadata = path.metadata().unwrap();
        (metadata.uid(), metadata.gid(), metadata.permissions().mode() & 0o7777, metadata.mtime())
    }

    #[test]
    fn owners_go_into_the_attribute_and_come_back() {
        if !rustix::process::geteuid().is_root() {
            let _ = writeln!(std::io::stderr(), "skipped: only root can make files of other owners");
            return;
        }
        let scratch = Scratch::new();
        let store = Store::open(scratch.path()).unwrap();
        let image = image(&store, &LayerOwners::Host);
        let tree = |owners: &LayerOwners| match image.layer_directories(&store, owners).unwrap() {
            LayerDirectories::Complete(trees) => trees[0].clone(),
            LayerDirectories::Missing(missing) => panic!("{missing:?}"),
        };
        let squashed = LayerOwners::Squashed;
        let shifted = LayerOwners::Mapped(crate::plan::idmap::IdMap::single((0, 0), (500, 500)));
        store
            .derive_layers(&image, &LayerOwners::Host, &squashed, &mut |user, group| Some((user, group)))
            .unwrap();
        assert_eq!(seen(&tree(&squashed).join("home/su")), (0, 0, 0o711, 1000));
        assert_eq!(seen(&tree(&squashed).join("home")), (0, 0, 0o750, 1000));
        let mut shift = |user: u32, group: u32| Some((user + 500, group + 500));
        store.derive_layers(&image, &squashed, &shifted, &mut shift).unwrap();
        assert_eq!(seen(&tree(&shifted).join("home/su")), (507, 508, 0o4711, 1000));
        assert_eq!(seen(&tree(&shifted).join("home")), (507, 508, 0o2750, 1000));
        assert_eq!(seen(&tree(&shifted).join("root")).0, 500);
        assert_eq!(image.owners(&store).unwrap().len(), 3);
        let again = LayerOwners::Mapped(crate::plan::idmap::IdMap::single((0, 0), (9, 9)));
        let unknown = store.derive_layers(&image, &shifted, &again, &mut |user, group| {
            (user != 507).then_some((user, group))
        });
        assert!(matches!(unknown, Err(VariantError::Owner { user: 507, group: 508, .. })), "{unknown:?}");
        assert_eq!(image.owners(&store).unwrap().len(), 3);
    }

    #[test]
    fn the_attribute_is_read_strictly() {
        assert_eq!(parse_owner(b"7:8:4711"), Some((7, 8, 0o4711)));
        for bad in [&b""[..], b"7:8", b"7:8:9", b"7:8:10000", b"-1:0:0", b"7:8:1:2", b"7:8:\xff"] {
            assert_eq!(parse_owner(bad), None);
        }
    }
}
