//! Images that aim at whoever runs them.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
