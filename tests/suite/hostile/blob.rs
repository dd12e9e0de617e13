//! Blobs that are not what their descriptors say, or no files at all.

use super::case::Case;
use super::parts::{Parts, blob_file, plain_layer, sha256};
use super::source::{Files, Node};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::new("plain", "rule 1", |_| Parts::plain().layout())];
    cases.extend(no_files());
    cases
}

/// The name of the only layer's blob of [`Parts::plain`].
fn layer_blob() -> String {
    blob_file(&sha256(&plain_layer().finish()))
}

fn no_files() -> Vec<Case> {
    let replaced =
        |node: Node| Parts::plain().layout_with(move |files: &mut Files| files.put(&layer_blob(), node));
    vec![
        Case::new("blob-fifo", "rule 1", move |_| replaced(Node::Fifo)).refused("is not a regular file"),
        Case::new("blob-directory", "rule 1", move |_| replaced(Node::Directory))
            .refused("is not a regular file"),
        Case::new("blob-symlink", "rule 1", move |canary| {
            replaced(Node::Symlink(canary.join("file").display().to_string()))
        })
        .refused("is not a regular file"),
    ]
}
