//! Images that are about their layers alone.

use super::archive::Tar;
use super::case::Case;
use super::parts::Parts;

/// An image of these layers, the lowest first.
pub(super) fn stack<const N: usize>(name: impl Into<String>, about: &'static str, layers: [Tar; N]) -> Case {
    Case::new(name, about, move |_| layers.iter().cloned().fold(Parts::new(), Parts::layer).layout())
}

/// The same on top of a system of programs, so that something can be run.
pub(super) fn system<const N: usize>(name: impl Into<String>, about: &'static str, layers: [Tar; N]) -> Case {
    Case::new(name, about, move |_| layers.iter().cloned().fold(Parts::base(), Parts::layer).layout())
}

/// An image of one layer.
pub(super) fn layer(name: impl Into<String>, about: &'static str, tar: Tar) -> Case {
    stack(name, about, [tar])
}
