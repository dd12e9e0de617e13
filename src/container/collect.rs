//! Images that go so that the store does not grow for ever.

use super::{Engine, Error};
use crate::plan::collect::{Stored, choose};
use crate::plan::digest::Digest;
use crate::store::container::Container;
use crate::store::list::ImageSummary;

impl Engine {
    /// The images that would have to go so that the layers, with the blobs that are kept of them, take at most `limit`
    /// bytes, the least recently used first; none that a container has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn surplus_images(&self, limit: u64) -> Result<Vec<ImageSummary>, Error> {
        let containers = self.store.containers()?;
        let used: Vec<&Digest> = containers.iter().flat_map(Container::images).collect();
        let kept = self.store.kept_bytes()?;
        let bytes = |id: &Digest, size| size + kept.get(id).copied().unwrap_or_default();
        let mut stored = Vec::new();
        for record in self.store.records()? {
            // One that is gone by now was removed since.
            let Some(last_use) = self.store.last_use(&record.id)? else { continue };
            let layers = record.layers.into_iter();
            let layers = layers.map(|layer| (layer.chain_id.clone(), bytes(&layer.chain_id, layer.size)));
            let layers = layers.collect();
            stored.push(Stored { is_used: used.contains(&&record.id), id: record.id, layers, last_use });
        }
        let mut summaries = self.store.images()?;
        let mut surplus = Vec::new();
        for id in choose(&stored, limit) {
            if let Some(index) = summaries.iter().position(|summary| summary.id == id) {
                surplus.push(summaries.swap_remove(index));
            }
        }
        Ok(surplus)
    }
}
