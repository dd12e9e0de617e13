//! What the name of an entry asks for.

use super::Limits;
use super::error::Problem;
use crate::store::merged::link_names;

/// What every whiteout begins with.
const WHITEOUT: &[u8] = b".wh.";

/// A name of an archive, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'e> {
    /// The root directory.
    Root,
    /// Something in a directory.
    Item { parents: Vec<&'e [u8]>, name: &'e [u8] },
    /// Hides `name` of the lower layers.
    Whiteout { parents: Vec<&'e [u8]>, name: &'e [u8] },
    /// Hides everything that the lower layers have in the directory.
    Opaque { directory: Vec<&'e [u8]> },
    /// Bookkeeping of AUFS that means nothing here.
    Ignored,
    /// Something in a whiteout, which is no directory.
    Within,
}

impl<'e> Target<'e> {
    /// Takes the name of an entry of plain files apart.
    pub(super) fn plain(path: &'e [u8], limits: &Limits) -> Result<Self, Problem> {
        let mut parents = components(path, limits)?;
        Ok(match parents.pop() {
            Some(name) => Self::Item { parents, name },
            None => Self::Root,
        })
    }

    /// Takes the name of an entry of a layer apart.
    pub(super) fn parse(path: &'e [u8], limits: &Limits) -> Result<Self, Problem> {
        let mut parents = components(path, limits)?;
        let Some(name) = parents.pop() else { return Ok(Self::Root) };
        let is_aufs = |name: &[u8]| name.starts_with(b".wh..wh.");
        if parents.iter().any(|name| is_aufs(name)) {
            return Ok(Self::Ignored);
        }
        if parents.iter().any(|name| is_reserved(name)) {
            return Ok(Self::Within);
        }
        Ok(match name.strip_prefix(WHITEOUT) {
            _ if name == b".wh..wh..opq" => Self::Opaque { directory: parents },
            _ if is_aufs(name) => Self::Ignored,
            Some(b"" | b"." | b"..") => return Err(Problem::Whiteout),
            Some(name) => Self::Whiteout { parents, name },
            None => Self::Item { parents, name },
        })
    }
}

/// Whether a name is kept for whiteouts, so that nothing may be called so.
pub(super) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(WHITEOUT)
}

/// The names of the first name of a hard link, which must be one. A `..` is a name among them, to be gone as the kernel
/// goes it; more of them than there are directories before are refused.
pub(super) fn link_components<'e>(path: &'e [u8], limits: &Limits) -> Result<Vec<&'e [u8]>, Problem> {
    if path.is_empty() {
        return Err(Problem::Name("is empty"));
    }
    let names = split(path, limits)?;
    let mut depth = 0_usize;
    for name in &names {
        depth = if *name == b".." {
            depth.checked_sub(1).ok_or(Problem::Name("leads out of the root by a `..`"))?
        } else {
            check(name, limits)?;
            depth + 1
        };
    }
    Ok(names)
}

/// The names of a path, without empty ones and `.`; `..` is refused, and none at all is the root.
fn components<'e>(path: &'e [u8], limits: &Limits) -> Result<Vec<&'e [u8]>, Problem> {
    let names = split(path, limits)?;
    for name in &names {
        check(name, limits)?;
    }
    Ok(names)
}

fn split<'e>(path: &'e [u8], limits: &Limits) -> Result<Vec<&'e [u8]>, Problem> {
    let names: Vec<&[u8]> = link_names(path).collect();
    if names.len() > limits.depth { Err(Problem::Deep) } else { Ok(names) }
}

/// Whether something may be called so.
pub(super) fn check(name: &[u8], limits: &Limits) -> Result<(), Problem> {
    match name {
        b".." => Err(Problem::Name("has a `..`")),
        // A whiteout may be longer by its prefix than what it hides.
        name if name.strip_prefix(WHITEOUT).unwrap_or(name).len() > limits.component => {
            Err(Problem::Name("has a part that is too long"))
        }
        name if name.contains(&0) => Err(Problem::Name("holds a NUL byte")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let limits = Limits::default();
        let parse = |path: &'static str| Target::parse(path.as_bytes(), &limits).ok();
        let item = |parents: &[&'static str], name: &'static str| Target::Item {
            parents: parents.iter().map(|name| name.as_bytes()).collect(),
            name: name.as_bytes(),
        };
        for (path, target) in [
            ("a", Some(item(&[], "a"))),
            ("./a//b/", Some(item(&["a"], "b"))),
            ("/a/./b", Some(item(&["a"], "b"))),
            ("/", Some(Target::Root)),
            ("./", Some(Target::Root)),
            ("", Some(Target::Root)),
            ("a/../b", None),
            ("..", None),
            ("a/.wh.b", Some(Target::Whiteout { parents: vec![b"a"], name: b"b" })),
            (".wh..b", Some(Target::Whiteout { parents: vec![], name: b".b" })),
            ("a/.wh..wh..opq", Some(Target::Opaque { directory: vec![b"a"] })),
            (".wh..wh.plnk", Some(Target::Ignored)),
            (".wh..wh.plnk/x", Some(Target::Ignored)),
            (".wh.", None),
            (".wh..", None),
            (".wh...", None),
            (".wh.a/b", Some(Target::Within)),
            ("a/.wh.../.wh.b", Some(Target::Within)),
        ] {
            assert_eq!(parse(path), target, "{path:?}");
        }
        assert!(components(&[b'x'; 256], &limits).is_err());
        let whiteout = [&b".wh."[..], &[b'x'; 255]].concat();
        assert!(components(&whiteout, &limits).is_ok());
        assert!(components(&[&whiteout[..], b"x"].concat(), &limits).is_err());
        assert!(link_components(b"", &limits).is_err());
        for (path, names) in [
            ("/d/../a", Some(vec!["d", "..", "a"])),
            ("d/./e/..//../a", Some(vec!["d", "e", "..", "..", "a"])),
            ("../a", None),
            ("d/../../d/a", None),
            ("/..", None),
        ] {
            let names = names.map(|names| names.into_iter().map(str::as_bytes).collect());
            assert_eq!(link_components(path.as_bytes(), &limits).ok(), names, "{path}");
        }
        assert!(components(&b"x/".repeat(1001), &limits).is_err());
    }
}
