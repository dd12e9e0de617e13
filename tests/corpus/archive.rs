//! The archive around an image: whatever is in it, only an image that is whole comes into the store.

use std::fs;

use minirun::plan::platform::Platform;
use minirun::plan::registry::policy::BlobPolicy;
use minirun::store::Store;
use minirun::store::layer::LayerOwners;
use minirun::store::load::{LoadChoice, LoadFormat, LoadRequest, LoadSource, Naming};
use minirun::store::unpack::Limits;

use super::layer::{REPAIRED, limits, repair};
use super::scratch::Scratch;

/// Loads the input; its first byte says whether its checksums are made right first.
pub(crate) fn check(input: &[u8]) {
    let Some((&how, archive)) = input.split_first() else { return };
    let mut archive = archive.to_vec();
    if how & REPAIRED != 0 {
        repair(&mut archive);
    }
    let scratch = Scratch::new();
    let source = scratch.path().join("archive");
    fs::write(&source, &archive).unwrap();
    let store = Store::open(scratch.path().join("store")).unwrap();
    let count = load(&store, LoadSource::Path(source));
    let images = store.images().map_or(0, |images| images.len());
    assert_eq!(images, count, "the store has something else than was loaded");
    let mut names: Vec<_> =
        fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| name != "store");
    assert_eq!(names, ["archive"], "something lies beside the store");
    assert_eq!(fs::read(scratch.path().join("archive")).unwrap(), archive, "the source has changed");
}

/// How many images were loaded.
fn load(store: &Store, source: LoadSource) -> usize {
    let request = LoadRequest {
        source,
        format: LoadFormat::Any,
        choice: LoadChoice::All,
        platform: &Platform::new("linux", "amd64", None),
        owners: &LayerOwners::Squashed,
        limits: &Limits { ..limits() },
        naming: Naming::FromSource,
        lock: None,
        blobs: BlobPolicy::Kept,
    };
    let loaded = store.load(&request, &mut |_| {}).unwrap_or_default();
    let mut ids: Vec<_> = loaded.into_iter().map(|loaded| loaded.id).collect();
    ids.sort();
    ids.dedup();
    ids.len()
}
