//! Images that aim at whoever runs them.

mod accounts;
mod places;
mod words;

use serde_json::Value;

use super::archive::Tar;
use super::case::Case;
use super::parts::Parts;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = places::cases();
    cases.extend(accounts::cases());
    cases.extend(words::cases());
    cases
}

/// The base image with one more layer.
fn over(layer: impl Fn() -> Tar + 'static, name: &str, about: &'static str) -> Case {
    Case::new(name, about, move |_| Parts::base().layer(layer()).layout())
}

/// The same with a field of the configuration.
fn with(
    name: &str,
    about: &'static str,
    (field, value): (&'static str, Value),
    layer: impl Fn() -> Tar + 'static,
) -> Case {
    Case::new(name, about, move |_| Parts::base().layer(layer()).field(field, value.clone()).layout())
}
