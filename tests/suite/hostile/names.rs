//! Names of entries: absolute, with `..`, through symlinks, not UTF-8, long.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
