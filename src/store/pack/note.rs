//! What is not in an archive as it is in the tree.

/// Something that is not in the archive as it is in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackNote {
    /// A socket: archives have none.
    Socket(String),
    /// A name that removes another one when it stands in a layer.
    Whiteout(String),
    /// A file that became shorter while it was read; zeros stand for the rest.
    Shrunk(String),
}

impl std::fmt::Display for PackNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "left out the socket `{path}`, as archives hold none"),
            Self::Whiteout(path) => {
                write!(f, "left out `{path}`: in a layer such a name removes another file")
            }
            Self::Shrunk(path) => {
                write!(f, "`{path}` became shorter while it was read: zeros stand for the rest")
            }
        }
    }
}
