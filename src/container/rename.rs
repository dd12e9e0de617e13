//! Giving a container another name.

use super::{Engine, Error};
use crate::plan::name::ContainerName;
use crate::plan::occurrence::Action;
use crate::store::container::ContainerRecord;

impl Engine {
    /// Gives the container that `text` names another name.
    ///
    /// # Errors
    /// There is none, or the new name is taken.
    pub fn rename(&self, text: &str, name: &ContainerName) -> Result<(), Error> {
        let container = self.store.find_container(text)?;
        self.store.rename_container(&container, name)?;
        let old = format!("/{}", container.record.name);
        let record = ContainerRecord { name: name.clone(), ..container.record };
        self.note_container(&record, &Action::Rename, &[("oldName", old)]);
        Ok(())
    }
}
