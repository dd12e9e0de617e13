//! An error on its way between two processes: the texts of its chain, and the hint.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::plan::quote::{shortened, without_middle};

/// How many bytes are kept of each end of a text, so that all of them fit into a message.
const KEPT: usize = 1000;

/// The text of an error and of each of its causes, as another process sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    message: String,
    cause: Option<Box<Report>>,
    hint: Option<String>,
}

impl Report {
    /// Takes the texts of `error` and its causes, as far as they fit into a message.
    #[must_use]
    pub fn of(error: &dyn Error, hint: Option<String>) -> Self {
        let cause = error.source().map(|cause| Box::new(Self::of(cause, None)));
        Self { message: without_middle(&shortened(&error.to_string()), KEPT), cause, hint }
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Report {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn Error + 'static))
    }
}
