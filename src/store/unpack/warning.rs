//! What was left out of what an archive asks for.

/// How many warnings are kept.
const WARNINGS: usize = 16;

/// Something of a layer that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A device, which minirun never makes.
    Device {
        /// The entry, with everything unprintable escaped.
        path: String,
    },
    /// File capabilities, which this user may not set.
    Capabilities {
        /// The entry, with everything unprintable escaped.
        path: String,
    },
    /// Owners, as there is one ID only: each is in an xattr.
    Owners,
    /// Xattrs, which the file system of the store does not have.
    XattrsUnsupported,
    /// Labels of `SELinux`, which say what the machine of the archive allowed.
    Labels,
    /// An xattr that this user may not set, or nobody from an archive.
    Xattr {
        /// Its name, with everything unprintable escaped.
        name: String,
        /// The entry, with everything unprintable escaped.
        path: String,
    },
    /// Something in a whiteout.
    Within {
        /// The entry, with everything unprintable escaped.
        path: String,
    },
    /// An entry of a type that only its vendor knows.
    Vendor {
        /// The entry, with everything unprintable escaped.
        path: String,
        /// The type flag, an upper-case letter.
        flag: u8,
    },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Device { path } => write!(f, "left out the device `{path}`"),
            Self::Capabilities { path } => write!(f, "left out the file capabilities of `{path}`"),
            Self::Owners => f.write_str(
                "there is one user ID here: the files are yours, and the owners that the image gives them are in xattrs",
            ),
            Self::Xattr { name, path } => write!(f, "left out the xattr `{name}` of `{path}`"),
            Self::Labels => f.write_str("left out labels of SELinux, which are for the machine that they come from"),
            Self::XattrsUnsupported => f.write_str("left out xattrs, which the file system of the store lacks"),
            Self::Within { path } => write!(f, "left out `{path}`, which would lie in a whiteout"),
            Self::Vendor { path, flag } => {
                write!(f, "left out `{path}`, an entry of the unknown type `{}`", char::from(*flag))
            }
        }
    }
}

/// The first warnings, each once.
#[derive(Default)]
pub(super) struct Warnings(pub(super) Vec<Warning>);

impl Warnings {
    pub(super) fn add(&mut self, warning: Warning) {
        if self.0.len() < WARNINGS && !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }
}
