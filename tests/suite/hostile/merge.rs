//! What several layers on top of each other show.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
