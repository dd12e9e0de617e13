//! The copying that processes in containers have done for them by the store.

use crate::launch::Copying;
use crate::plan::rootfs::FillPart;
use crate::store::copy::{CopyError, copy_tree, dress_like};
use crate::store::own::own_tree;
use crate::store::volume;
use crate::sys::report::Report;

use super::Error;

/// Does `work` with everything that it may have to have copied.
pub(super) fn with<T>(work: impl FnOnce(Copying<'_>) -> T) -> T {
    let report = |error: Error| Report::of(&error, error.hint());
    let copied = |result: Result<(), CopyError>| result.map_err(|error| Report::of(&error, None));
    work(Copying {
        fill: &|source, fill| {
            let filled = match &fill.part {
                FillPart::Volume => volume::fill(&fill.data, source),
                FillPart::Directory(subpath) => volume::fill_directory(&fill.data, subpath, source),
            };
            filled.map_err(|error| report(error.into()))
        },
        copy: &|source, destination| copied(copy_tree(source, destination, &mut |user, group| (user, group))),
        fill_inside: &|source, destination| {
            volume::fill_inside(destination, source).map_err(|error| report(error.into()))
        },
        dress: &|source, destination| copied(dress_like(source, destination)),
        own: &|tree, user| own_tree(tree, user.uid, user.gid).map_err(|error| Report::of(&error, None)),
    })
}
