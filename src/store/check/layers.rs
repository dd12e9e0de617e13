//! Unpacked layers.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;

use super::{Depth, Finding, Flaw, Inspection, Remedy, digest};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::hasher::Hasher;
use crate::store::directory::Directory;
use crate::store::layer::{LayerOwners, LayerRecord, OWNERS_FILE};
use crate::store::outline::rebuild;
use crate::store::record::Record;
use crate::store::{content, layout};
use crate::sys::{Call, SysError};

/// The beginning of what is said about a layer whose files are others.
const OTHER_CONTENT: &str = "its files have the digest ";

/// The beginning of what is said about an outline that does not give the archive.
const OTHER_ARCHIVE: &str = "the archive that it gives with the layer's files";

/// The beginning of what is said about a blob that is another one.
const OTHER_BLOB: &str = "it has the digest ";

/// Whether a finding comes from reading all of a layer.
pub(super) fn is_about_content(finding: &Finding) -> bool {
    let begins =
        |text: &str| [OTHER_CONTENT, OTHER_ARCHIVE, OTHER_BLOB].iter().any(|other| text.starts_with(other));
    matches!(&finding.flaw, Flaw::Damaged(text) if begins(text))
}

impl Inspection<'_> {
    /// Each layer is whole, and some image has it.
    pub(super) fn layers(&mut self) -> Result<(), SysError> {
        let used = self.used_layers()?;
        for owners in self.entries(layout::LAYERS)? {
            let directory = format!("{}/{owners}", layout::LAYERS);
            self.owners(&directory, &owners);
            for hex in self.entries(&directory)? {
                let path = format!("{directory}/{hex}");
                if hex == OWNERS_FILE {
                    continue;
                }
                if digest(&hex).is_none() {
                    self.found(path, Flaw::Unknown, Remedy::MoveAside);
                    continue;
                }
                match self.layer(&path) {
                    Err(_) if !self.is_there(&path) => {}
                    Err(flaw) => self.found(path, flaw, Remedy::MoveAside),
                    Ok(()) if !used.contains(&hex) => self.found(path, Flaw::Unused, Remedy::Remove),
                    Ok(()) => {
                        self.outline(&path);
                        self.blobs(&path)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// An outline and the tree give the archive that the layer was. Without it `save` packs the layer anew.
    fn outline(&mut self, path: &str) {
        if self.depth != Depth::Digests {
            return;
        }
        let rebuilt = || -> Option<(LayerRecord, Option<Digest>)> {
            let record = self.record(&format!("{path}/{}", layout::LAYER), "the record of a layer").ok()?;
            let directory = self.root.directory(path).ok()?;
            let outline = directory.open_file(layout::OUTLINE).ok()??;
            let tree = directory.directory(layout::TREE).ok()?;
            let found = archive_digest(outline, &tree, &record);
            Some((record, found))
        };
        let Some((record, found)) = rebuilt() else { return };
        if found.as_ref() != Some(&record.diff_id) {
            let found = found.map_or_else(|| "cannot be read".to_owned(), |found| format!("is {found}"));
            let flaw = Flaw::Damaged(format!("{OTHER_ARCHIVE} {found}, and not {}", record.diff_id));
            self.found(format!("{path}/{}", layout::OUTLINE), flaw, Remedy::Remove);
        }
    }

    /// Each blob that was kept is the one that its name says. Without it `save` packs the layer anew.
    fn blobs(&mut self, layer: &str) -> Result<(), SysError> {
        for name in self.entries(&format!("{layer}/{}", layout::BLOBS))? {
            let path = format!("{layer}/{}/{name}", layout::BLOBS);
            let Ok(expected) = name.parse::<Digest>() else {
                self.found(path, Flaw::Unknown, Remedy::MoveAside);
                continue;
            };
            if self.depth != Depth::Digests {
                continue;
            }
            match self.blob(&path, expected.algorithm()) {
                // An empty one stands for what outline and tree give.
                Ok(Some((found, bytes)))
                    if found == expected || (bytes == 0 && self.is_bare(layer, &expected)) => {}
                Ok(Some((found, _))) => {
                    let flaw = Flaw::Damaged(format!("{OTHER_BLOB}{found}, and not that of its name"));
                    self.found(path, flaw, Remedy::Remove);
                }
                Ok(None) => {}
                Err(error) => self.found(path, Flaw::Unreadable(error.to_string()), Remedy::Remove),
            }
        }
        Ok(())
    }

    /// The digest and size of a file; none of one that is gone.
    fn blob(&self, path: &str, algorithm: Algorithm) -> Result<Option<(Digest, u64)>, SysError> {
        let Some(mut file) = self.root.open_file(path)? else { return Ok(None) };
        let mut content = Hashing(Hasher::new(algorithm));
        let bytes = io::copy(&mut file, &mut content).call(|| format!("read({path:?})"))?;
        Ok(Some((content.0.finish(), bytes)))
    }

    /// Whether a blob of the layer would be its archive itself.
    fn is_bare(&self, layer: &str, digest: &Digest) -> bool {
        let record = self.record(&format!("{layer}/{}", layout::LAYER), "the record of a layer");
        record.is_ok_and(|record: LayerRecord| record.diff_id == *digest)
    }

    fn used_layers(&self) -> Result<HashSet<String>, SysError> {
        let mut used = HashSet::new();
        for hex in self.root.names_in(layout::IMAGES)? {
            let path = format!("{}/{hex}/{}", layout::IMAGES, layout::RECORD);
            // One that cannot be read is told of with the images.
            let record = self.record::<Record>(&path, "the record of an image");
            let layers = record.map(|record| record.layers).unwrap_or_default();
            used.extend(layers.iter().map(|layer| layer.chain_id.hex().to_owned()));
        }
        Ok(used)
    }

    /// The file that says whose the layers are.
    fn owners(&mut self, directory: &str, name: &str) {
        let path = format!("{directory}/{OWNERS_FILE}");
        let advice = || Remedy::Advice("the next load writes it again".to_owned());
        match self.record::<LayerOwners>(&path, "the owners of layers") {
            Ok(owners) if owners.directory_name() == name => {}
            Ok(_) => {
                let flaw = Flaw::Damaged("it speaks of the layers of others".to_owned());
                self.found(path, flaw, Remedy::MoveAside);
            }
            // A load was killed before it came to the first layer.
            Err(_) if !self.is_there(&path) => self.found(path, Flaw::Unfinished, advice()),
            Err(flaw) => self.found(path, flaw, Remedy::MoveAside),
        }
    }

    fn layer(&self, path: &str) -> Result<(), Flaw> {
        let record: LayerRecord =
            self.record(&format!("{path}/{}", layout::LAYER), "the record of a layer")?;
        let tree = format!("{path}/{}", layout::TREE);
        let tree = match self.root.directory(&tree) {
            Ok(tree) => tree,
            Err(error) if error.errno() == rustix::io::Errno::NOENT => {
                return Err(Flaw::Damaged("its files are missing".to_owned()));
            }
            Err(error) => return Err(Flaw::Unreadable(error.to_string())),
        };
        let (Depth::Digests, Some(expected)) = (self.depth, record.content) else { return Ok(()) };
        match content::digest(tree.as_fd()) {
            Ok(found) if found == expected => Ok(()),
            Ok(found) => Err(Flaw::Damaged(format!("{OTHER_CONTENT}{found}, and not {expected}"))),
            Err(error) => Err(Flaw::Unreadable(format!("{error}: {}", error.source))),
        }
    }
}

/// The digest of what outline and tree give; none where they give nothing.
fn archive_digest(outline: File, tree: &Directory, record: &LayerRecord) -> Option<Digest> {
    let mut archive = Hashing(Hasher::new(record.diff_id.algorithm()));
    rebuild(outline, tree.as_fd(), &mut archive).ok()?;
    Some(archive.0.finish())
}

/// Takes an archive in and keeps nothing but its digest.
struct Hashing(Hasher);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
