//! The keys of `--mount`: which type of mount each goes with, and what it sets.

use super::Field;
use crate::plan::driver;
use crate::plan::mount::draft::{Draft, Writing};
use crate::plan::mount::view::parse_layer_path;
use crate::plan::mount::word::{self, Layer, Type};
use crate::plan::mount::{
    Access, Content, Links, Missing, Ownership, Problem, Recursion, Rule, TmpfsKey, parse_destination,
};
use crate::plan::name::Label;

/// Does what a field says.
pub(super) type Setter = fn(&mut Draft, &Field) -> Result<(), Problem>;

const ANY: &[Type] = &Type::ALL;
const BIND: &[Type] = &[Type::Bind];
const BINDS: &[Type] = &[Type::Bind, Type::Glob];
const VOLUME: &[Type] = &[Type::Volume];
const LAYERED: &[Type] = &[Type::Bind, Type::Volume];
const HOSTED: &[Type] = &[Type::Bind, Type::Volume, Type::Glob];
const SOURCED: &[Type] = &[Type::Bind, Type::Volume, Type::Image, Type::Glob];
const OWNED: &[Type] = &[Type::Bind, Type::Volume, Type::Tmpfs, Type::Ramfs, Type::Glob];
const SUBPATH: &[Type] = &[Type::Volume, Type::Image];
const IMAGE: &[Type] = &[Type::Image];
const TMPFS: &[Type] = &[Type::Tmpfs];
const MEMORY: &[Type] = &[Type::Tmpfs, Type::Ramfs];
const DEVPTS: &[Type] = &[Type::Devpts];
const PROPAGATED: &[Type] = &[Type::Bind, Type::Tmpfs, Type::Glob];

/// Every key.
const KEYS: &[(&str, &[Type], Setter)] = &[
    ("type", ANY, |_, _| Ok(())),
    ("source", SOURCED, source),
    ("src", SOURCED, source),
    ("target", ANY, destination),
    ("dst", ANY, destination),
    ("dest", ANY, destination),
    ("destination", ANY, destination),
    ("readonly", ANY, read_only),
    ("ro", ANY, read_only),
    ("rw", ANY, read_write),
    ("readwrite", IMAGE, read_write),
    ("consistency", ANY, |_, field| field.text("any word").map(drop)),
    ("bind-propagation", BINDS, |draft, field| set(&mut draft.propagation, field.propagation())),
    ("bind-recursive", BINDS, |draft, field| field.recursion().map(|recursion| draft.recursion = recursion)),
    ("bind-nonrecursive", BINDS, |draft, field| {
        let recursion = field.choose(Recursion::Disabled, Recursion::Enabled);
        recursion.map(|recursion| draft.recursion = recursion)
    }),
    ("bind-create-src", BIND, |draft, field| {
        set(&mut draft.missing, field.choose(Missing::Create, Missing::Refuse))
    }),
    ("no-dereference", BINDS, |draft, field| {
        field.choose(Links::Copy, Links::Follow).map(|links| draft.links = links)
    }),
    ("cow", BIND, |draft, field| layer(draft, field, Layer::Review)),
    ("O", LAYERED, |draft, field| layer(draft, field, Layer::Overlay)),
    ("upperdir", LAYERED, |draft, field| {
        set(&mut draft.upper, parse_layer_path("upperdir", field.bytes("a directory of the host")?))
    }),
    ("workdir", LAYERED, |draft, field| {
        set(&mut draft.work, parse_layer_path("workdir", field.bytes("a directory of the host")?))
    }),
    ("U", OWNED, ownership),
    ("chown", OWNED, ownership),
    ("relabel", BINDS, |_, field| field.relabel()),
    ("z", HOSTED, |_, field| field.flag(())),
    ("idmap", HOSTED, unprivileged),
    ("volume-driver", VOLUME, |_, field| field.driver()),
    ("volume-opt", VOLUME, driver_option),
    ("volume-label", VOLUME, label),
    ("volume-nocopy", VOLUME, |draft, field| {
        set(&mut draft.content, field.choose(Content::Empty, Content::Image))
    }),
    ("volume-subpath", VOLUME, |draft, field| set(&mut draft.subpath, field.subpath())),
    ("nocreate", VOLUME, |draft, field| {
        set(&mut draft.missing, field.choose(Missing::Refuse, Missing::Create))
    }),
    ("image-subpath", IMAGE, |draft, field| set(&mut draft.subpath, field.subpath())),
    ("subpath", SUBPATH, |draft, field| set(&mut draft.subpath, field.rooted_subpath())),
    ("tmpfs-size", TMPFS, |draft, field| tmpfs(draft, TmpfsKey::Size, field.size())),
    ("tmpfs-mode", MEMORY, |draft, field| tmpfs(draft, TmpfsKey::Mode, field.mode())),
    ("tmpcopyup", MEMORY, |draft, field| set(&mut draft.content, field.flag(Content::Image))),
    ("notmpcopyup", MEMORY, |draft, field| set(&mut draft.content, field.flag(Content::Empty))),
    ("noswap", MEMORY, unprivileged),
    ("uid", DEVPTS, |draft, field| devpts(draft, "uid", field.id())),
    ("gid", DEVPTS, |draft, field| devpts(draft, "gid", field.id())),
    ("mode", DEVPTS, |draft, field| devpts(draft, "mode", field.octal().map(|mode| format!("{mode:04o}")))),
    ("ptmxmode", DEVPTS, |draft, field| {
        devpts(draft, "ptmxmode", field.octal().map(|mode| format!("{mode:04o}")))
    }),
    ("max", DEVPTS, |draft, field| devpts(draft, "max", field.number())),
    // Since Linux 4.7 every devpts is a new one.
    ("newinstance", DEVPTS, |_, field| field.truth().map(drop)),
    ("exec", ANY, |draft, field| field.flag(Rule::Allow).map(|rule| draft.exec = rule)),
    ("noexec", ANY, |draft, field| field.flag(Rule::Deny).map(|rule| draft.exec = rule)),
    ("suid", ANY, |draft, field| field.flag(Rule::Allow).map(|rule| draft.suid = rule)),
    ("nosuid", ANY, |draft, field| field.flag(Rule::Deny).map(|rule| draft.suid = rule)),
    ("dev", ANY, |draft, field| field.flag(Rule::Allow).map(|rule| draft.dev = rule)),
    ("nodev", ANY, |draft, field| field.flag(Rule::Deny).map(|rule| draft.dev = rule)),
    ("private", PROPAGATED, propagation),
    ("rprivate", PROPAGATED, propagation),
    ("shared", PROPAGATED, propagation),
    ("rshared", PROPAGATED, propagation),
    ("slave", PROPAGATED, propagation),
    ("rslave", PROPAGATED, propagation),
    ("unbindable", PROPAGATED, propagation),
    ("runbindable", PROPAGATED, propagation),
];

/// What `key` does to a mount of this type.
pub(super) fn setter(key: &str, of: Type) -> Result<Setter, Problem> {
    let found = KEYS.iter().find(|(name, _, _)| name.eq_ignore_ascii_case(key));
    let (word, kind) = (key.to_owned(), of.article());
    match found {
        Some((_, types, setter)) if types.contains(&of) => Ok(*setter),
        Some(_) => Err(Problem::WrongKind { word, kind, legal: legal(of) }),
        None => Err(Problem::Unknown { word, kind, legal: legal(of) }),
    }
}

/// The keys of a mount of this type.
fn legal(of: Type) -> String {
    let ours = KEYS.iter().filter(|(_, types, _)| types.contains(&of));
    // There to be refused with a better reason.
    let named = ours.map(|(name, _, _)| *name).filter(|name| word::unprivileged(name).is_none());
    named.collect::<Vec<_>>().join(" ")
}

fn set<T>(slot: &mut Option<T>, value: Result<T, Problem>) -> Result<(), Problem> {
    *slot = Some(value?);
    Ok(())
}

fn source(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    let source = field.bytes("a path, or the name of a volume or image")?;
    draft.source = Some(source.to_vec());
    Ok(())
}

fn destination(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    set(&mut draft.destination, parse_destination(field.bytes("an absolute path")?))
}

fn read_only(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    set(&mut draft.access, field.choose(Access::ReadOnly, Access::ReadWrite))
}

fn read_write(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    draft.writing = field.choose(Writing::Asked, Writing::Unasked)?;
    set(&mut draft.access, field.choose(Access::ReadWrite, Access::ReadOnly))
}

fn ownership(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    draft.ownership = field.choose(Ownership::User, Ownership::Kept)?;
    Ok(())
}

fn layer(draft: &mut Draft, field: &Field, layer: Layer) -> Result<(), Problem> {
    draft.layer = field.choose(Some(layer), None)?;
    Ok(())
}

fn unprivileged(_: &mut Draft, field: &Field) -> Result<(), Problem> {
    word::unprivileged(&field.key).map_or(Ok(()), Err)
}

/// A propagation word alone.
fn propagation(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    draft.propagation = field.flag(word::propagation(&field.key.to_lowercase()))?;
    Ok(())
}

fn label(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    let problem = |source| Problem::Label { key: field.key.clone(), source };
    let label: Label = field.text("KEY or KEY=VALUE")?.parse().map_err(problem)?;
    draft.labels.retain(|other| other.key != label.key);
    draft.labels.push(label);
    Ok(())
}

fn driver_option(draft: &mut Draft, field: &Field) -> Result<(), Problem> {
    let legal = "type=VALUE device=VALUE o=VALUE";
    draft.driver.extend([driver::parse_option(field.text(legal)?)]);
    Ok(())
}

/// `None` is a value that counts as not given.
fn tmpfs(draft: &mut Draft, key: TmpfsKey, value: Result<Option<String>, Problem>) -> Result<(), Problem> {
    match value? {
        Some(value) => drop(draft.tmpfs.insert(key, value)),
        None => drop(draft.tmpfs.remove(&key)),
    }
    Ok(())
}

fn devpts(draft: &mut Draft, key: &str, value: Result<String, Problem>) -> Result<(), Problem> {
    draft.devpts.insert(key.to_owned(), value?);
    Ok(())
}
