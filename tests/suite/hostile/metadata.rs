//! Owners, modes, times and extended attributes.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
