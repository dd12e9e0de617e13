//! Marks that remove what the layers below have.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
