//! Images, their names, and what is known of archives and steps.

use super::{Flaw, Inspection, Remedy, digest, in_full};
use crate::plan::digest::{Algorithm, Digest};
use crate::plan::reference::Reference;
use crate::store::document::{self, RECORD_MAX};
use crate::store::layer::chain_ids;
use crate::store::layout;
use crate::store::record::Record;
use crate::store::step::StepRecord;
use crate::sys::SysError;

impl Inspection<'_> {
    /// Each name leads to an image. Names come before images, as an image goes after its last name.
    pub(super) fn references(&mut self) -> Result<(), SysError> {
        for name in self.entries(layout::REFERENCES)? {
            let path = format!("{}/{name}", layout::REFERENCES);
            let Some(bytes) = self.root.read(&path, RECORD_MAX)? else { continue };
            match parse_reference(&bytes) {
                Some((reference, _)) if layout::reference(&reference.to_string()) != path => {
                    let flaw = Flaw::Damaged(format!("it says to be the name `{reference}`"));
                    self.found(path, flaw, Remedy::MoveAside);
                }
                Some((_, id)) if !self.is_there(&layout::image(&id)) => {
                    self.found(path, Flaw::Dangling(format!("image {id}")), Remedy::Remove);
                }
                Some(_) => {}
                None => {
                    let flaw = Flaw::Damaged("it does not name an image".to_owned());
                    self.found(path, flaw, Remedy::MoveAside);
                }
            }
        }
        Ok(())
    }

    /// Each image is what its ID says, and has its layers.
    pub(super) fn images(&mut self) -> Result<(), SysError> {
        for hex in self.entries(layout::IMAGES)? {
            let path = format!("{}/{hex}", layout::IMAGES);
            let Some(id) = digest(&hex) else {
                self.found(path, Flaw::Unknown, Remedy::MoveAside);
                continue;
            };
            match self.image(&path, &id) {
                Err(flaw) if self.is_there(&path) => self.found(path, flaw, Remedy::MoveAside),
                Err(_) => {}
                Ok(record) if self.has_layers(&record)? => {}
                Ok(_) => {
                    let advice = "load the image again".to_owned();
                    self.found(path, Flaw::Dangling("a layer".to_owned()), Remedy::Advice(advice));
                }
            }
        }
        Ok(())
    }

    fn image(&self, path: &str, id: &Digest) -> Result<Record, Flaw> {
        let record: Record = self.record(&format!("{path}/{}", layout::RECORD), "the record of an image")?;
        if record.id != *id {
            return Err(Flaw::Damaged(format!("{} is that of {}", layout::RECORD, record.id)));
        }
        let config = self.document(path, layout::CONFIG)?;
        let config = config.ok_or_else(|| Flaw::Damaged(format!("{} is missing", layout::CONFIG)))?;
        compare(layout::CONFIG, &config, id)?;
        let manifest = self.document(path, layout::MANIFEST)?;
        if let (Some(manifest), Some(expected)) = (manifest, record.manifest_digests.first()) {
            compare(layout::MANIFEST, &manifest, expected)?;
        }
        let config = document::checked_configuration(&config)
            .map_err(|error| Flaw::Damaged(format!("{}: {}", layout::CONFIG, in_full(&error))))?;
        let diff_ids: Vec<Digest> = config.rootfs().diff_ids().iter().flat_map(|id| id.parse()).collect();
        let recorded: Vec<_> = record.layers.iter().map(|layer| layer.chain_id.clone()).collect();
        if chain_ids(&diff_ids) != recorded {
            return Err(Flaw::Damaged(format!("{} has other layers", layout::RECORD)));
        }
        Ok(record)
    }

    fn document(&self, path: &str, name: &str) -> Result<Option<Vec<u8>>, Flaw> {
        let read = self.root.read(&format!("{path}/{name}"), RECORD_MAX);
        read.map_err(|error| Flaw::Unreadable(error.to_string()))
    }

    /// Whether all layers are there for some owners, from which those for others can be made.
    fn has_layers(&self, record: &Record) -> Result<bool, SysError> {
        let has_all = |owners: &String| {
            record.layers.iter().all(|layer| {
                self.is_there(&format!("{}/{}", layout::layer(owners, &layer.chain_id), layout::TREE))
            })
        };
        Ok(record.layers.is_empty() || self.root.names_in(layout::LAYERS)?.iter().any(has_all))
    }

    /// What is known of archives leads to images.
    pub(super) fn archives(&mut self) -> Result<(), SysError> {
        for name in self.entries(layout::ARCHIVES)? {
            let path = format!("{}/{name}", layout::ARCHIVES);
            let Some(bytes) = self.root.read(&path, RECORD_MAX)? else { continue };
            let id = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse::<Digest>().ok());
            match id {
                Some(id) if self.is_there(&layout::image(&id)) => {}
                // Whoever looks for it finds no image, and reads the archive again.
                Some(_) | None => self.found(path, Flaw::Unused, Remedy::Remove),
            }
        }
        Ok(())
    }

    /// What steps have made is there.
    pub(super) fn steps(&mut self) -> Result<(), SysError> {
        for name in self.entries(layout::STEPS)? {
            let path = format!("{}/{name}", layout::STEPS);
            if !self.is_there(&path) {
                continue;
            }
            match self.record::<StepRecord>(&path, "the record of a step") {
                Ok(record) if self.is_there(&layout::image(&record.image)) => {}
                // The step is done again then.
                Ok(_) | Err(_) => self.found(path, Flaw::Unused, Remedy::Remove),
            }
        }
        Ok(())
    }
}

fn parse_reference(bytes: &[u8]) -> Option<(Reference, Digest)> {
    let (reference, id) = std::str::from_utf8(bytes).ok()?.trim_end().split_once('\n')?;
    Some((reference.parse().ok()?, id.parse().ok()?))
}

fn compare(name: &str, bytes: &[u8], expected: &Digest) -> Result<(), Flaw> {
    let algorithm =
        if expected.to_string().starts_with("sha512:") { Algorithm::Sha512 } else { Algorithm::Sha256 };
    let found = layout::digest_of(algorithm, bytes);
    if found == *expected {
        Ok(())
    } else {
        Err(Flaw::Damaged(format!("{name} has the digest {found}, and not {expected}")))
    }
}
