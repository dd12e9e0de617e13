//! What lies where in a store. No other file spells these names.
//!
//! ```text
//! version                         "1": the layout described here
//! images/HEX/                     one image; HEX are the digits of the digest of its configuration
//!     record.json                 layers, sizes and digests, as minirun reads them
//!     config.json                 the configuration, byte for byte
//!     manifest.json               the manifest, byte for byte, when the image came with one
//! references/NAME                 one name of an image; `/` and `%` of the name are percent-encoded
//! layers/OWNERS/HEX/              one unpacked layer; HEX are the digits of its chain ID
//!     tree/                       the files; a lower directory of containers
//!     layer.json                  diff ID, size and number of entries
//!     outline.zst                 the archive without the bytes of its files; see `outline`
//!     packed.json                 what its archive was when it was last packed for a registry
//!     blobs/DIGEST                a blob that it came as, where it was to be kept; empty where that is the bare archive,
//!                                 which outline and tree give
//! containers/ID/                  one container that stays until it is removed
//!     record.json                 what it was made from
//!     config.json                 the same as an OCI runtime specification
//!     supplement.json             what the specification has no words for
//!     started.json                when its command ran last, and how often
//!     status.json                 how it ended
//!     result.json                 the result of its last run
//!     log log.1 …                 what it has written
//!     control                     a socket of whoever runs it
//!     waiting                     only for --rm: it was made and is not to be swept before its first start
//!     owner                       locked by its launcher; which bytes are locked says who that is, and who init is
//!     mounted.json                what was mounted into it while it ran
//!     upper/ work/ merged/        its writable layer, and where the root filesystem is mounted for itself alone
//!     rootfs/                     with the driver vfs: its copy of the image
//!     layers/N/upper/ work/       the layer over the source of its mount N, with `O` and `cow`
//!     layers/N/since              with `cow`: when it was laid, seconds since 1970 with nine decimals, and over which inode
//!     hosts hostname resolv.conf  the files of these names in its /etc
//! ephemeral/ID/                   the same for a container that is removed at its end (--rm)
//! ended/ID/                       such a one that has ended and is about to be gone
//! names/NAME                      which container has this name
//! cgroups/ID                      the cgroup of a container that runs; made when there is the first
//! volumes/NAME/                   one volume
//!     _data/                      its files
//!     volume.json                 labels, options and age
//!     snapshots/NAME/             what the volume had at one moment
//!         _data/                  its files then
//!         snapshot.json           when that was
//! trash/REMOVED-EXPIRES-RANDOM/   one removed volume, as it lay in volumes/, until it expires
//! damaged/PATH-RANDOM/            what `system check --repair` has moved aside; made when there is the first
//! archives/HEX                    which image an archive file was found to hold
//! steps/HEX                       which image a step made; HEX are the digits of its key; made when there is the first
//! events events.1                 what has happened, a line each; the second is the older one
//! tmp/                            what is being made, each under a lock that dies with its process
//! ```

use crate::plan::digest::{Algorithm, Digest};
use crate::plan::hasher::Hasher;

/// The file that says which layout this is.
pub const VERSION_FILE: &str = "version";
/// The layout of this program.
pub const VERSION: &str = "1";
/// The directory of images.
pub const IMAGES: &str = "images";
/// The directory of the names of images.
pub const REFERENCES: &str = "references";
/// The directory of unpacked layers.
pub const LAYERS: &str = "layers";
/// The directory of containers.
pub const CONTAINERS: &str = "containers";
/// The directory of containers that are removed at their end.
pub const EPHEMERAL: &str = "ephemeral";
/// The directory of those of them that have ended and are about to be gone.
pub const ENDED: &str = "ended";
/// The directory of the names of containers.
pub const NAMES: &str = "names";
/// The directory that says which container has which cgroup; made when there is the first.
pub const CGROUPS: &str = "cgroups";
/// The directory of named volumes.
pub const VOLUMES: &str = "volumes";
/// The directory of removed volumes that can be brought back; made when there is the first.
pub const TRASH: &str = "trash";
/// The directory of what was moved aside, as it was damaged; made when there is the first.
pub const DAMAGED: &str = "damaged";
/// The directory of what is known about archive files outside the store.
pub const ARCHIVES: &str = "archives";
/// The directory of what steps have made; made when there is the first.
pub const STEPS: &str = "steps";
/// What has happened, and what had happened before that file was begun.
pub const JOURNALS: [&str; 2] = ["events", "events.1"];
/// The directory of what is being made.
pub const TEMPORARY: &str = "tmp";
/// All directories of a store.
pub const DIRECTORIES: [&str; 10] =
    [IMAGES, REFERENCES, LAYERS, CONTAINERS, EPHEMERAL, ENDED, NAMES, VOLUMES, ARCHIVES, TEMPORARY];

/// In an image: what minirun knows of it.
pub const RECORD: &str = "record.json";
/// In an image: the configuration as it was read.
pub const CONFIG: &str = "config.json";
/// In an image: the manifest as it was read.
pub const MANIFEST: &str = "manifest.json";
/// In a container: the same as an OCI runtime specification.
pub const SPEC: &str = "config.json";
/// In a container: what the specification has no words for.
pub const SUPPLEMENT: &str = "supplement.json";
/// In a container: its last start.
pub const STARTED: &str = "started.json";
/// In a container that goes with its end: it has not been started yet.
pub const WAITING: &str = "waiting";
/// In a container: how it ended.
pub const STATUS: &str = "status.json";
/// In a container: the result of its last run.
pub const RESULT: &str = "result.json";
/// In a container: what was mounted into it while it ran.
pub const MOUNTED: &str = "mounted.json";
/// In a container: why its processes stand still; locked by those that they do so for.
pub const STILL: &str = "still";
/// In a container: locked by the process that runs it, so that the kernel can tell which one that is.
pub const OWNER: &str = "owner";
/// In a container: the layers over the sources of its mounts, by the number of the mount.
pub const MOUNT_LAYERS: &str = "layers";
/// In such a layer: the time when it was laid over its source, and the number of that one's inode.
pub const SINCE: &str = "since";
/// In a volume: its files.
pub const VOLUME_DATA: &str = "_data";
/// In a volume: what minirun knows of it.
pub const VOLUME: &str = "volume.json";
/// In a volume: its snapshots.
pub const SNAPSHOTS: &str = "snapshots";
/// In a snapshot: what minirun knows of it.
pub const SNAPSHOT: &str = "snapshot.json";
/// In a layer: the files.
pub const TREE: &str = "tree";
/// In a layer: what minirun knows of it.
pub const LAYER: &str = "layer.json";
/// In a layer: all of its archive but the bytes of its files; not every layer has one.
pub const OUTLINE: &str = "outline.zst";
/// In a layer: what its archive was when it was last packed for a registry.
pub const PACKED: &str = "packed.json";
/// In a layer: the blobs that are kept of it, by their digests; made when there is the first.
pub const BLOBS: &str = "blobs";

/// The longest file name, in bytes, that file systems take.
const NAME_MAX: usize = 255;

/// The directory of one image, from the store.
#[must_use]
pub fn image(id: &Digest) -> String {
    format!("{IMAGES}/{}", id.hex())
}

/// The directory of one layer, from the store; `owners` is [`super::layer::LayerOwners::directory_name`].
#[must_use]
pub fn layer(owners: &str, chain_id: &Digest) -> String {
    format!("{LAYERS}/{owners}/{}", chain_id.hex())
}

/// The lock, in the temporary directory, of whoever makes a layer.
#[must_use]
pub fn layer_lock(owners: &str, chain_id: &Digest) -> String {
    format!("layer-{owners}-{}.lock", chain_id.hex())
}

/// The lock, in the temporary directory, of whoever fetches what a registry has under this digest.
#[must_use]
pub fn pull_lock(digest: &Digest) -> String {
    format!("pull-{}.lock", digest.hex())
}

/// The lock, in the temporary directory, of whoever does a step.
#[must_use]
pub fn step_lock(key: &Digest) -> String {
    format!("step-{}.lock", key.hex())
}

/// The file of what a step has made, from the store.
#[must_use]
pub fn step(key: &Digest) -> String {
    format!("{STEPS}/{}", key.hex())
}

/// The file of one name of an image, from the store.
#[must_use]
pub fn reference(name: &str) -> String {
    format!("{REFERENCES}/{}", encode(name))
}

/// The file of one container's name, from the store.
#[must_use]
pub fn container_name(name: &str) -> String {
    format!("{NAMES}/{}", encode(name))
}

/// The directory of one volume, from the store.
#[must_use]
pub fn volume(name: &str) -> String {
    format!("{VOLUMES}/{name}")
}

/// The directory of the snapshots of one volume, from the store.
#[must_use]
pub fn snapshots(volume: &str) -> String {
    format!("{VOLUMES}/{volume}/{SNAPSHOTS}")
}

/// The directory of one snapshot, from the store.
#[must_use]
pub fn snapshot(volume: &str, name: &str) -> String {
    format!("{VOLUMES}/{volume}/{SNAPSHOTS}/{name}")
}

/// `name` as one file name of at most 255 bytes: percent-encoded, or its digest when that is too long.
fn encode(name: &str) -> String {
    let encoded = name.replace('%', "%25").replace('/', "%2F");
    if encoded.len() <= NAME_MAX && !encoded.starts_with('.') {
        return encoded;
    }
    digest_of(Algorithm::Sha256, name.as_bytes()).to_string()
}

/// The digest of bytes in memory.
#[must_use]
pub fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_file_name() {
        assert_eq!(
            reference("docker.io/library/busybox:latest"),
            "references/docker.io%2Flibrary%2Fbusybox:latest"
        );
        assert_ne!(encode("a/b"), encode("a%2Fb"));
        let long = encode(&"a/".repeat(200));
        assert!(long.starts_with("sha256:") && long.len() <= NAME_MAX);
        assert!(encode("..").starts_with("sha256:"));
    }
}
