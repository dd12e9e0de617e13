//! Blobs of a registry that are on their way while the layer below them is unpacked, and layers that were: whoever is
//! killed does not fetch those again.

use std::time::{Duration, Instant};

use super::LoadError;
use super::candidate::{Candidate, LayerSource};
use super::source::Opened;
use super::stage::Stage;
use crate::plan::digest::Digest;
use crate::store::layer::chain_ids;

/// How many blobs of a registry are on their way at once: the one that is unpacked, and those behind it.
const AHEAD: usize = 4;
/// How much of its time a pull may lose when it is killed. Bringing layers to the disk takes some, too.
const LOST_MAX: Duration = Duration::from_secs(2);
/// A blob of so many bytes is here before it is needed, as a rule.
const SMALL: u64 = 8 << 20;

impl Stage<'_> {
    /// Has a registry begin with the blobs that are needed after the layer at `index`, which is about to be unpacked.
    pub(super) fn look_ahead(
        &mut self,
        opened: &Opened,
        candidate: &Candidate,
        index: usize,
    ) -> Result<(), LoadError> {
        let Some(remote) = opened.blobs.registry() else { return Ok(()) };
        let diff_ids: Vec<Digest> = candidate.layers.iter().map(|layer| layer.diff_id.clone()).collect();
        let chain = chain_ids(&diff_ids);
        let mut wanted = Vec::with_capacity(AHEAD);
        for (layer, chain_id) in candidate.layers.iter().zip(&chain).skip(index) {
            if wanted.len() < AHEAD && !self.layers.contains_key(chain_id) && !self.find_layer(chain_id)? {
                wanted.extend(layer.digest.as_ref().zip(layer.size));
            }
        }
        let ahead = remote.look_ahead(&wanted);
        ahead.map_err(|cause| LoadError::Fetch { source_name: opened.name.clone(), cause })
    }

    /// Makes the layers visible that are complete, if fetching them took its time, or if the next one will: a pull that is
    /// begun again after this one was killed, or has failed, finds them. Until then no image has them, and whoever removes
    /// an image takes them along.
    pub(super) fn keep_fetched(
        &mut self,
        opened: &Opened,
        next: Option<&LayerSource>,
    ) -> Result<(), LoadError> {
        let is_long = |since: Instant| since.elapsed() >= LOST_MAX;
        let is_large = next.and_then(|layer| layer.size).is_some_and(|size| size > SMALL);
        let is_time = is_long(self.begun) && (is_large || self.kept.is_none_or(is_long));
        if opened.blobs.registry().is_some() && is_time {
            self.publish_layers()?;
            self.kept = Some(Instant::now());
        }
        Ok(())
    }
}
