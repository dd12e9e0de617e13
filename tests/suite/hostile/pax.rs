//! Extension headers: PAX records, long names of GNU tar.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
