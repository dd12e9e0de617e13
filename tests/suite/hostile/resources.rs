//! Images that want more of the machine than an image needs.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
