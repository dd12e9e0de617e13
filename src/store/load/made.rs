//! Layers that are made here, of no image yet.

use super::layer::LayerError;
use super::stage::Stage;
use crate::plan::digest::Digest;
use crate::store::StoreError;
use crate::store::layer::chain_ids;
use crate::store::unpack::LayerBlob;
use crate::sys::SysError;

impl Stage<'_> {
    /// Unpacks a layer on top of those whose diff IDs are `below`; its own diff ID, and what could not be kept.
    pub(in crate::store) fn import(
        &mut self,
        blob: LayerBlob<'_>,
        below: &[Digest],
        bytes: &mut dyn FnMut(u64),
    ) -> Result<(Digest, Vec<String>), LayerError> {
        let (staged, warnings) = self.unpack(blob, &chain_ids(below), bytes)?;
        let diff_id = staged.record.diff_id.clone();
        let chain = chain_ids(&[below, std::slice::from_ref(&diff_id)].concat());
        if let Some(chain_id) = chain.into_iter().next_back() {
            self.layers.insert(chain_id, staged);
        }
        Ok((diff_id, warnings))
    }

    /// Keeps the layers with these diff IDs in the store; the chain ID of the first that is not there.
    pub(in crate::store) fn pin_layers(&mut self, diff_ids: &[Digest]) -> Result<Option<Digest>, StoreError> {
        for chain_id in chain_ids(diff_ids) {
            if !self.find_layer(&chain_id)? {
                return Ok(Some(chain_id));
            }
        }
        Ok(None)
    }

    /// A file without a name for the archive of a layer.
    pub(in crate::store) fn spool(&self) -> Result<std::fs::File, SysError> {
        self.temporary.spool()
    }
}
