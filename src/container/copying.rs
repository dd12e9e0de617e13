//! The copying that processes in containers have done for them by the store.

use crate::launch::Copying;
use crate::plan::rootfs::FillPart;
use crate::store::copy::dress::dress_like;
use crate::store::copy::{CopyError, LeftOut, copy_tree};
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
            filled.map(|left_out| left_out_notice(&left_out)).map_err(|error| report(error.into()))
        },
        copy: &|source, destination| copied(copy_tree(source, destination, &mut |user, group| (user, group))),
        fill_inside: &|source, destination| {
            let filled = volume::fill_inside(destination, source);
            filled.map(|left_out| left_out_notice(&left_out)).map_err(|error| report(error.into()))
        },
        dress: &|source, destination| copied(dress_like(source, destination)),
        own: &|tree, user| own_tree(tree, user.uid, user.gid).map_err(|error| Report::of(&error, None)),
    })
}

/// What a volume does not have of the image's files, in words.
fn left_out_notice(left_out: &LeftOut) -> Option<String> {
    let owners = left_out.owners.then(|| {
        "there is one user ID here: the files in a new volume are yours, and the owners that the image gives them are in \
         xattrs"
            .to_owned()
    });
    let devices = left_out.devices.first().map(|first| {
        let others = match left_out.devices.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        format!("left `{first}`{others} out of a volume: a user namespace may not make device nodes")
    });
    let notices: Vec<String> = devices.into_iter().chain(owners).collect();
    (!notices.is_empty()).then(|| notices.join("; "))
}
