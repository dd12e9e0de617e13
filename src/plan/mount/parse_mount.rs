//! `--mount KEY=VALUE,…`, one record of comma-separated values.

mod field;
mod key;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use self::field::Field;
use super::draft::Draft;
use super::word::Type;
use super::{Flag, MountError, MountKind, MountRequest, Problem, csv, glob};
use crate::plan::path::ContainerPath;

/// Types that other tools know and minirun cannot have.
const OTHER_TYPES: [(&str, &str); 3] = [
    ("artifact", "unpack it and use `type=bind`"),
    ("cluster", "`type=volume`; there are no clusters here"),
    ("npipe", "named pipes are for Windows; `type=bind` binds a socket or fifo"),
];

/// Reads the value of `--mount`.
///
/// # Errors
/// The value has no meaning, or one that minirun cannot have.
pub fn parse_mount(text: &OsStr) -> Result<MountRequest, MountError> {
    super::request(Flag::Mount, text, parse(text.as_bytes()))
}

fn parse(text: &[u8]) -> Result<(ContainerPath, MountKind), Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    let fields = csv::fields(text)?.iter().map(|field| Field::split(field)).collect::<Result<Vec<_>, _>>()?;
    let of = find_type(&fields)?;
    let mut draft = Draft::default();
    for field in &fields {
        // A repeated key replaces what it said before, except for labels and options.
        key::setter(&field.key, of)?(&mut draft, field)?;
    }
    let destination = match (draft.destination.take(), of) {
        (Some(destination), _) => destination,
        (None, Type::Glob) => glob::no_destination(),
        (None, _) => return Err(Problem::NoDestination),
    };
    Ok((destination, draft.finish(of)?))
}

/// The last `type`; a volume if there is none.
fn find_type(fields: &[Field]) -> Result<Type, Problem> {
    let Some(field) = fields.iter().rev().find(|field| field.key.eq_ignore_ascii_case("type")) else {
        return Ok(Type::Volume);
    };
    let legal = "bind volume tmpfs image devpts ramfs glob";
    let value = field.text(legal)?.to_lowercase();
    if let Some(found) = Type::ALL.into_iter().find(|known| known.name() == value) {
        return Ok(found);
    }
    match OTHER_TYPES.iter().find(|(name, _)| *name == value) {
        Some((_, instead)) => Err(Problem::Unsupported { word: format!("type={value}"), instead }),
        None => Err(field.bad(legal)),
    }
}
