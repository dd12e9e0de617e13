//! OCI image layouts: `index.json` leads to manifests, by way of further indexes, and to the images.
//!
//! Source: OCI image specification, image-layout.md, image-index.md.

use std::cell::RefCell;

use super::LoadError;
use super::blob::{BlobError, Blobs, blob_name};
use super::candidate::{Candidate, Configuration, Names};
use super::remote::Remote;
use super::wire::{self, Descriptor, Document, Kind, ManifestError};
use crate::plan::digest::Digest;
use crate::plan::platform::Platform;
use crate::store::document;

/// The document that lists the images of a layout.
pub(super) const INDEX: &str = "index.json";
/// The document that makes a directory a layout.
pub(super) const LAYOUT: &str = "oci-layout";

/// How deep indexes may lie inside `index.json`.
const DEPTH_MAX: usize = 4;
/// The most documents that are looked at: more would be a bomb of indexes.
const DOCUMENTS_MAX: usize = 4096;

const CONTAINERD_NAME: &str = "io.containerd.image.name";
const REFERENCE_NAME: &str = "org.opencontainers.image.ref.name";

/// What one or more entries of `index.json` with the same name offer.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) names: Names,
    leaves: Vec<Leaf>,
}

/// What is kept beside an image as one that runs nowhere.
const NOWHERE: &str = "manifests of the platform `unknown`";

/// A manifest, and the way to it.
#[derive(Debug)]
struct Leaf {
    manifest: Descriptor,
    indexes: Vec<Digest>,
}

/// Reads a layout.
pub(super) struct Layout<'a> {
    pub(super) blobs: &'a Blobs,
    pub(super) source_name: &'a str,
    /// The types of what was passed over, as it is no image.
    pub(super) others: RefCell<Vec<String>>,
}

impl Layout<'_> {
    /// The named images, whatever their platforms.
    pub(super) fn groups(&self) -> Result<Vec<Group>, LoadError> {
        let entries = match self.blobs.registry() {
            Some(remote) => vec![root(remote)?],
            None => self.listed()?,
        };
        let mut groups: Vec<Group> = Vec::new();
        let mut documents = 0;
        for entry in entries {
            let names = names(&entry);
            let mut leaves = Vec::new();
            self.collect(entry, &mut Vec::new(), &mut leaves, &mut documents)?;
            match groups.iter_mut().find(|group| group.names == names) {
                Some(group) => group.leaves.append(&mut leaves),
                None => groups.push(Group { names, leaves }),
            }
        }
        Ok(groups)
    }

    /// What `index.json` lists.
    fn listed(&self) -> Result<Vec<Descriptor>, LoadError> {
        self.check_layout()?;
        let bytes =
            self.blobs.document(INDEX, self.blobs.limits().document).map_err(|cause| self.blob(cause))?;
        match parse(&bytes, INDEX, Some("application/vnd.oci.image.index.v1+json"))? {
            Document::Index(entries) => Ok(entries),
            Document::Manifest { .. } => Err(LoadError::NotAnImage(self.source_name.to_owned())),
        }
    }

    /// The image of the group that fits `wanted` best, or the platforms that there are.
    pub(super) fn pick(
        &self,
        group: &Group,
        wanted: &Platform,
    ) -> Result<Result<Candidate, Vec<String>>, LoadError> {
        let (mut platforms, mut leaves) = (Vec::new(), Vec::new());
        for leaf in &group.leaves {
            platforms.extend(match &leaf.manifest.platform {
                Some(said) => Some(Platform::new(&said.os, &said.architecture, said.variant.as_deref())),
                None => self.own_platform(group, leaf)?,
            });
            leaves.extend((platforms.len() > leaves.len()).then_some(leaf));
        }
        let Some(leaf) = wanted.choose(&platforms).and_then(|index| leaves.get(index)) else {
            return Ok(Err(platforms.iter().map(ToString::to_string).collect()));
        };
        let candidate = self.candidate(group, leaf)?;
        // What the index promises must be what the image says of itself; many leave the variant out there.
        let of = |platform: &Platform| (platform.os().to_owned(), platform.architecture().to_owned());
        if of(&candidate.platform) != of(wanted) {
            return Ok(Err(vec![candidate.platform.to_string()]));
        }
        Ok(Ok(candidate))
    }

    /// What an image says of itself; nothing where it turns out to be something else that is kept as an image.
    fn own_platform(&self, group: &Group, leaf: &Leaf) -> Result<Option<Platform>, LoadError> {
        match self.candidate(group, leaf) {
            Ok(candidate) => Ok(Some(candidate.platform)),
            Err(LoadError::Manifest { cause: ManifestError::Artifact(found), .. }) => {
                self.others.borrow_mut().push(found);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn check_layout(&self) -> Result<(), LoadError> {
        let bytes =
            self.blobs.document(LAYOUT, self.blobs.limits().document).map_err(|cause| self.blob(cause))?;
        let layout: oci_spec::image::OciLayout = document::parse(&bytes, "the header of an OCI image layout")
            .map_err(|cause| LoadError::Document { name: LAYOUT.to_owned(), cause })?;
        if layout.image_layout_version() == "1.0.0" {
            return Ok(());
        }
        let version = layout.image_layout_version().clone();
        Err(LoadError::LayoutVersion { source_name: self.source_name.to_owned(), version })
    }

    fn collect(
        &self,
        entry: Descriptor,
        indexes: &mut Vec<Digest>,
        leaves: &mut Vec<Leaf>,
        documents: &mut usize,
    ) -> Result<(), LoadError> {
        *documents += 1;
        if *documents > DOCUMENTS_MAX || indexes.len() > DEPTH_MAX {
            return Err(LoadError::TooManyDocuments(DOCUMENTS_MAX));
        }
        let kind = Kind::of(&entry.media_type);
        match kind {
            Kind::Manifest if is_image(&entry) => {
                leaves.push(Leaf { manifest: entry, indexes: indexes.clone() });
            }
            Kind::Index => {
                let Document::Index(entries) = self.document(&entry)? else {
                    return Err(LoadError::NotAnImage(self.source_name.to_owned()));
                };
                indexes.push(entry.digest);
                for entry in entries {
                    self.collect(entry, indexes, leaves, documents)?;
                }
                indexes.pop();
            }
            // Signatures, bills of materials and whatever else is kept beside images.
            Kind::Manifest | Kind::Config | Kind::Layer | Kind::Unknown => {
                let what = match (entry.artifact_type, kind) {
                    (Some(artifact_type), _) => artifact_type,
                    (None, Kind::Manifest) => NOWHERE.to_owned(),
                    (None, Kind::Index | Kind::Config | Kind::Layer | Kind::Unknown) => entry.media_type,
                };
                self.others.borrow_mut().push(what);
            }
        }
        Ok(())
    }

    fn candidate(&self, group: &Group, leaf: &Leaf) -> Result<Candidate, LoadError> {
        let of = &leaf.manifest;
        let bytes = self.verified(of)?;
        let Document::Manifest { config, layers } =
            parse(&bytes, &blob_name(&of.digest), Some(&of.media_type))?
        else {
            return Err(LoadError::NotAnImage(self.source_name.to_owned()));
        };
        let config = Configuration::read(self.blobs, &config, self.source_name)?;
        let blob = |layer: Descriptor| (blob_name(&layer.digest), Some(layer.digest), Some(layer.size));
        let layers = config.layers(layers.into_iter().map(blob).collect())?;
        let mut manifest_digests = vec![of.digest.clone()];
        manifest_digests.extend(leaf.indexes.iter().rev().cloned());
        Ok(Candidate {
            id: config.id,
            config_bytes: config.bytes,
            manifest_bytes: Some(bytes),
            manifest_digests,
            layers,
            platform: config.platform,
            names: group.names.clone(),
        })
    }

    fn verified(&self, of: &Descriptor) -> Result<Vec<u8>, LoadError> {
        let limit = self.blobs.limits().document;
        self.blobs.manifest(&of.digest, of.size, limit).map_err(|cause| self.blob(cause))
    }

    fn document(&self, of: &Descriptor) -> Result<Document, LoadError> {
        let bytes = self.verified(of)?;
        parse(&bytes, &blob_name(&of.digest), Some(&of.media_type))
    }

    fn blob(&self, cause: BlobError) -> LoadError {
        LoadError::Blob { source_name: self.source_name.to_owned(), cause }
    }
}

/// What a registry gave for a name. It is what it says of itself; the registry is asked where it says nothing.
fn root(remote: &Remote) -> Result<Descriptor, LoadError> {
    let (digest, bytes) = remote.root();
    let is_known = Kind::of(remote.media_type()) != Kind::Unknown;
    let said = is_known.then_some(remote.media_type());
    let media_type = match parse(bytes, &blob_name(digest), said)? {
        Document::Index(_) => "application/vnd.oci.image.index.v1+json",
        Document::Manifest { .. } => "application/vnd.oci.image.manifest.v1+json",
    };
    Ok(Descriptor {
        media_type: media_type.to_owned(),
        digest: digest.clone(),
        size: bytes.len() as u64,
        platform: None,
        annotations: None,
        artifact_type: None,
    })
}

fn parse(bytes: &[u8], name: &str, media_type: Option<&str>) -> Result<Document, LoadError> {
    wire::parse(bytes, media_type).map_err(|cause| LoadError::Manifest { name: name.to_owned(), cause })
}

fn is_image(entry: &Descriptor) -> bool {
    let unknown =
        |platform: &wire::DescriptorPlatform| platform.os == "unknown" || platform.architecture == "unknown";
    entry.artifact_type.is_none() && !entry.platform.as_ref().is_some_and(unknown)
}

fn names(entry: &Descriptor) -> Names {
    let annotation = |key| entry.annotations.as_ref().and_then(|all| all.get(key)).cloned();
    Names { full: annotation(CONTAINERD_NAME).into_iter().collect(), short: annotation(REFERENCE_NAME) }
}
