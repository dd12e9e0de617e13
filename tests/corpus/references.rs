//! Names of images, containers, volumes and blobs: what is taken is printed, read again as the same, and no path.

use std::ffi::OsStr;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt as _;
use std::str::FromStr;

use minirun::plan::digest::Digest;
use minirun::plan::name::{ContainerId, ContainerName, Hostname, Label, VolumeName};
use minirun::plan::reference::{ImageName, Reference};
use minirun::plan::snapshot::{SnapshotName, VolumeRef};
use minirun::plan::source::ImageSource;

/// Reads the text as everything that has a name.
pub(crate) fn check(text: &[u8]) {
    drop(ImageSource::parse(OsStr::from_bytes(text)).map_err(|error| (error.to_string(), error.hint())));
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string().parse(), Ok(reference.clone()), "{text}");
        assert_eq!(reference.familiar().parse(), Ok(reference.clone()), "{text}");
        assert!(!reference.name().split('/').any(|part| matches!(part, "" | "." | "..")), "{text}");
    }
    drop(text.parse::<ImageName>().map_err(|error| error.to_string()));
    drop(text.parse::<VolumeRef>().map_err(|error| error.to_string()));
    drop(text.parse::<SnapshotName>().map(|name| assert_is_file_name(name.as_str())));
    drop(text.parse::<Label>().map(|label| assert_same(&label)));
    for name in [same::<ContainerName>(text), same::<ContainerId>(text), same::<VolumeName>(text)] {
        name.as_deref().into_iter().for_each(assert_is_file_name);
    }
    same::<Hostname>(text);
    if same::<Digest>(text).is_some() {
        assert_is_file_name(text.parse::<Digest>().unwrap().hex());
    }
}

/// What a text that is taken is printed as: itself.
fn same<T: FromStr + Display>(text: &str) -> Option<String> {
    let printed = text.parse::<T>().ok()?.to_string();
    assert_eq!(printed, text);
    Some(printed)
}

fn assert_same(label: &Label) {
    assert_eq!(label.to_string().parse().as_ref(), Ok(label));
}

fn assert_is_file_name(name: &str) {
    assert!(
        !name.is_empty() && name.len() <= 255 && !matches!(name, "." | "..") && !name.contains(['/', '\0'])
    );
}
