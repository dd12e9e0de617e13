//! Blobs of a registry that are on their way while the layer below them is unpacked.

use super::LoadError;
use super::candidate::Candidate;
use super::source::Opened;
use super::stage::Stage;
use crate::plan::digest::Digest;
use crate::store::layer::chain_ids;

/// How many blobs of a registry are on their way at once: the one that is unpacked, and those behind it.
const AHEAD: usize = 3;

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
}
