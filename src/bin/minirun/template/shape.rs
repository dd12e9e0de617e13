//! What JSON does not tell of a value, and Go's types do.

/// Fields that are lists: without value they are shown as empty ones.
pub(super) const LISTS: [&str; 16] = [
    "Args",
    "Binds",
    "CapAdd",
    "CapDrop",
    "Cmd",
    "Devices",
    "Entrypoint",
    "Env",
    "ExecIDs",
    "ExtraHosts",
    "GroupAdd",
    "Links",
    "Mounts",
    "OnBuild",
    "SecurityOpt",
    "VolumesFrom",
];

/// What an object is to whoever asks for a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It has these fields and no others.
    Struct,
    /// It may have any.
    Map,
    /// It has places instead.
    List,
}
