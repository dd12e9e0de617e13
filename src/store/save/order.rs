//! Packs layers for another process, which talks to a registry.

use std::fs::File;
use std::io::{self, Write};

use super::layer::Source;
use super::{SaveError, SaveItem};
use crate::plan::registry::order::{Archive, Delivery, Order, Packed};
use crate::store::compress::Compression;
use crate::store::temporary::Temporary;
use crate::store::{Store, layout};
use crate::sys::channel::Channel;

impl Store {
    /// Packs layers of an image into the pipes that come on `channel`, until something comes that is no order. The caller is
    /// inside the user namespace of the layers.
    ///
    /// # Errors
    /// A layer is not in the store, or cannot be read.
    pub fn pack_on_order(&self, item: &SaveItem, channel: &Channel) -> Result<(), SaveError> {
        while let Some((message, Some(pipe))) = channel.receive().map_err(SaveError::Handover)? {
            let Ok(order) = serde_json::from_slice::<Order>(&message) else { break };
            let delivery = self.deliver(item, &order, pipe.into())?;
            // Digests and texts can be written.
            let message = serde_json::to_vec(&delivery).unwrap_or_default();
            channel.send(&message, None).map_err(SaveError::Handover)?;
        }
        Ok(())
    }

    fn deliver(&self, item: &SaveItem, order: &Order, pipe: File) -> Result<Delivery, SaveError> {
        let Some(layer) = item.image.layers.get(order.layer) else { return Ok(Delivery::Lost) };
        let source = Source::open(self, layer, &item.owners)?;
        let mut pipe = Watched { pipe, is_closed: false };
        let written = match &order.archive {
            Archive::Kept(digest) => match self.kept_blob(item, order.layer)? {
                Some(kept) if kept.blob.digest != *digest => Ok(None),
                Some(kept) if kept.is_bare() => source.rebuilt(Compression::None, &mut pipe),
                Some(kept) => kept.write(&mut pipe),
                None => Ok(None),
            },
            Archive::Original => source.rebuilt(Compression::Gzip, &mut pipe),
            Archive::Anew => source.packed_anew(Compression::Gzip, &mut pipe).map(Some),
        };
        match written {
            Err(_) if pipe.is_closed => Ok(Delivery::Unread),
            Err(error) => Err(error),
            Ok(None) => Ok(Delivery::Lost),
            Ok(Some(packed)) if matches!(order.archive, Archive::Kept(_)) => Ok(Delivery::Whole(packed)),
            Ok(Some(packed)) => {
                let name = layout::layer(&item.owners.directory_name(), &layer.chain_id);
                self.remember(&format!("{name}/{}", layout::PACKED), &packed);
                Ok(Delivery::Whole(packed))
            }
        }
    }

    /// Keeps what a layer was packed as, so that next time a registry can be asked for it first.
    fn remember(&self, name: &str, packed: &Packed) {
        let bytes = serde_json::to_vec(packed).unwrap_or_default();
        // Where it cannot be kept, the layer is packed again next time.
        let _ = Temporary::new(self).and_then(|temporary| temporary.replace_file(self, name, &bytes));
    }
}

/// A pipe of which it is known whether anybody reads it.
struct Watched {
    pipe: File,
    is_closed: bool,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.pipe.write(bytes);
        self.is_closed |= written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
