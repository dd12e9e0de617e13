//! The archives around images: what is not an entry of a layer, but a member of the archive.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
