//! The documents around an image: index, manifest, configuration, Docker's manifest; and a runtime specification.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use minirun::plan::Plan;
use minirun::plan::digest::Digest;
use minirun::plan::from_spec::Supplement;
use minirun::plan::host::{Authority, CgroupLayout, Host, SetGroups};
use minirun::plan::idmap::IdRange;
use minirun::plan::name::ContainerId;
use minirun::plan::namespace::Network;
use minirun::plan::platform::Platform;
use minirun::plan::process::{FirstProcess, Input};
use minirun::plan::registry::policy::BlobPolicy;
use minirun::plan::rootfs::Rootfs;
use minirun::store::Store;
use minirun::store::document;
use minirun::store::layer::LayerOwners;
use minirun::store::load::{LoadChoice, LoadFormat, LoadRequest, LoadSource, Naming};
use minirun::store::unpack::Limits;
use oci_spec::runtime::Spec;
use sha2::{Digest as _, Sha256};

use super::scratch::Scratch;

/// The configuration that a manifest of the corpus can name: it is always there.
const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// Reads a document; the first byte says which.
pub(crate) fn check(input: &[u8]) {
    let Some((&kind, document)) = input.split_first() else { return };
    match kind {
        b'i' => peek(LoadFormat::Oci, |layout| layout.index(document)),
        b'm' => peek(LoadFormat::Oci, |layout| layout.manifest(document)),
        b'c' => peek(LoadFormat::Oci, |layout| layout.config(document)),
        b'd' => peek(LoadFormat::Docker, |layout| layout.docker(document)),
        b's' => specification(document),
        _ => {}
    }
}

/// An image layout being written.
struct Layout<'a>(&'a Path);

impl Layout<'_> {
    fn blob(&self, content: &[u8]) -> String {
        let mut hex = String::new();
        Sha256::digest(content).iter().for_each(|byte| write!(hex, "{byte:02x}").unwrap());
        fs::write(self.0.join("blobs/sha256").join(&hex), content).unwrap();
        format!("sha256:{hex}")
    }

    fn descriptor(&self, content: &[u8], media_type: &str) -> String {
        let digest = self.blob(content);
        let size = content.len();
        format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
    }

    fn index(&self, index: &[u8]) {
        let config = self.descriptor(CONFIG.as_bytes(), CONFIG_TYPE);
        self.descriptor(
            format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#).as_bytes(),
            MANIFEST_TYPE,
        );
        fs::write(self.0.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::write(self.0.join("index.json"), index).unwrap();
    }

    fn manifest(&self, manifest: &[u8]) {
        let manifest = self.descriptor(manifest, MANIFEST_TYPE);
        self.index(format!(r#"{{"schemaVersion":2,"manifests":[{manifest}]}}"#).as_bytes());
    }

    fn config(&self, config: &[u8]) {
        let config = self.descriptor(config, CONFIG_TYPE);
        self.manifest(format!(r#"{{"schemaVersion":2,"config":{config},"layers":[]}}"#).as_bytes());
    }

    fn docker(&self, manifest: &[u8]) {
        fs::write(self.0.join("config.json"), CONFIG).unwrap();
        fs::write(self.0.join("layer.tar"), [0; 1024]).unwrap();
        fs::write(self.0.join("manifest.json"), manifest).unwrap();
    }
}

/// Reads an image up to its configuration, from a directory or from an archive of it.
fn peek(format: LoadFormat, write: impl FnOnce(&Layout<'_>)) {
    let scratch = Scratch::new();
    let layout = scratch.path().join("layout");
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    write(&Layout(&layout));
    let source = match format {
        LoadFormat::Docker => archive(&scratch, &layout),
        LoadFormat::Oci | LoadFormat::Any => layout,
    };
    let store = Store::open(scratch.path().join("store")).unwrap();
    let request = LoadRequest {
        source: LoadSource::Path(source),
        format,
        choice: LoadChoice::Only,
        platform: &Platform::new("linux", "amd64", None),
        owners: &LayerOwners::Squashed,
        limits: &Limits::default(),
        naming: Naming::FromSource,
        lock: None,
        blobs: BlobPolicy::default(),
    };
    if let Ok(Some(image)) = store.peek(&request) {
        assert!(image.id.to_string().parse::<Digest>().is_ok());
    }
    assert!(!scratch.path().join("store").exists(), "reading has written");
}

fn archive(scratch: &Scratch, directory: &Path) -> std::path::PathBuf {
    let path = scratch.path().join("archive.tar");
    let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
    for name in ["manifest.json", "config.json", "layer.tar"] {
        builder.append_path_with_name(directory.join(name), name).unwrap();
    }
    builder.finish().unwrap();
    path
}

fn specification(document: &[u8]) {
    let Ok(spec) = document::parse::<Spec>(document, "a specification") else { return };
    let all = |first| vec![IdRange { container: 0, host: first, size: 65_536 }];
    let host = Host {
        uid: 1000,
        gid: 1000,
        bounding: minirun::plan::capability::CapabilitySet::all(),
        user_name: None,
        authority: Authority::User,
        subordinate_users: Vec::new(),
        subordinate_groups: Vec::new(),
        newuidmap: None,
        newgidmap: None,
        own_users: all(0),
        own_groups: all(0),
        set_groups: SetGroups::Allowed,
        working_directory: "/".into(),
        hostname: "host".to_owned(),
        cgroups: CgroupLayout::Unified,
        throttles: Vec::new(),
        kernel: (6, 1),
        resolv_conf: Vec::new(),
    };
    let supplement = Supplement {
        id: ContainerId::from_bytes([1; 32]),
        rootfs: Rootfs::Directory { path: "/root".into(), merged: "/merged".into() },
        fills: Vec::new(),
        additions: std::collections::BTreeMap::new(),
        first: FirstProcess::Command,
        input: Input::Empty,
        network: Network::None,
        connection: None,
        landlock: minirun::plan::landlock::Landlock::default(),
        caller_groups: minirun::plan::process::CallerGroups::default(),
    };
    if let Ok(plan) = Plan::from_spec(&spec, supplement, &host) {
        drop(plan.to_string());
    }
}
