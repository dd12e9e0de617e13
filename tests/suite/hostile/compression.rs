//! Layers compressed in every way, well and badly.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
