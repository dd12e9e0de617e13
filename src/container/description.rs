//! What describes a container to a later start: the specification, and what that has no words for.

use std::path::Path;

use oci_spec::runtime::Spec;

use super::{Engine, Error};
use crate::plan::from_spec::Supplement;
use crate::plan::portable::Place;
use crate::store::container::{Bundle, ContainerRecord};
use crate::store::layout;

/// The documents from which a container can be started again, as JSON.
pub(super) struct Description {
    /// The specification, where it can be written so.
    pub(super) config: Option<Vec<u8>>,
    /// What the specification has no words for, likewise.
    pub(super) supplement: Option<Vec<u8>>,
}

impl Engine {
    /// Describes a container whose directory is to be `container`.
    pub(super) fn describe(&self, container: &Path, spec: &Spec, supplement: &Supplement) -> Description {
        let place = Place { store: self.store.path(), container };
        Description {
            config: serde_json::to_vec(&place.written_spec(spec)).ok(),
            supplement: serde_json::to_vec(&supplement.written(place.store)).ok(),
        }
    }

    /// The description of a container that nobody else has in hand.
    pub(super) fn description(
        &self,
        record: &ContainerRecord,
        bundle: &Bundle,
    ) -> Result<(Spec, Supplement), Error> {
        let incomplete = || Error::NoDescription(record.name.to_string());
        let read = |name| self.store.read_bundle(bundle, name)?.ok_or_else(incomplete);
        let spec = self.specification(bundle.directory().path(), &read(layout::SPEC)?);
        let supplement: Option<Supplement> = serde_json::from_slice(&read(layout::SUPPLEMENT)?).ok();
        match (spec, supplement) {
            (Some(spec), Some(supplement)) => Ok((spec, supplement.read(self.store.path()))),
            (None, _) | (_, None) => Err(incomplete()),
        }
    }

    /// The specification of a container whose directory is `container`, from its bytes; none if they are none.
    pub(super) fn specification(&self, container: &Path, bytes: &[u8]) -> Option<Spec> {
        let spec = serde_json::from_slice::<Spec>(bytes).ok()?;
        Some(Place { store: self.store.path(), container }.read_spec(&spec))
    }
}
