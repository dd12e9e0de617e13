//! Giving a container another name.

use super::{Engine, Error};
use crate::plan::name::ContainerName;

impl Engine {
    /// Gives the container that `text` names another name.
    ///
    /// # Errors
    /// There is none, or the new name is taken.
    pub fn rename(&self, text: &str, name: &ContainerName) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        Ok(self.store.rename_container(&container, name)?)
    }
}
