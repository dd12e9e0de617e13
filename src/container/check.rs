//! Looking whether the store is as it should be.

use super::{Engine, Error, now};
use crate::store::check::{Depth, Finding};
use crate::sys::process::DescriptorLimit;

/// What to do with what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repair {
    /// Nothing is changed.
    #[default]
    None,
    /// What can be mended is mended.
    All,
}

impl Engine {
    /// Looks at everything in the store; what is not as it should be.
    ///
    /// # Errors
    /// The store's own directories cannot be read.
    pub fn check(&self, depth: Depth, repair: Repair) -> Result<Vec<Finding>, Error> {
        let namespace = self.own_namespace()?;
        super::within(namespace.as_ref(), || -> Result<_, Error> {
            let _limit = DescriptorLimit::raise().map_err(Error::Probe)?;
            let mut findings = self.store.find_flaws(depth, now())?;
            if repair == Repair::All {
                self.store.repair(&mut findings);
            }
            Ok(findings)
        })
    }
}
