//! Sparse files in all the forms that archives have for them.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
