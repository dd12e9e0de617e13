//! Indexes, manifests and configurations that are not what they should be.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
