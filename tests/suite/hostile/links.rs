//! Hard links and symbolic links as entries of layers.

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![]
}
