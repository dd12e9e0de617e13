//! `--volumes-from`.

use super::*;

#[test]
fn volumes_from_accepts() {
    for (text, container, access) in [
        ("web", "web", None),
        ("web:rw", "web", None),
        ("web:ro", "web", Some(Access::ReadOnly)),
        ("web:z", "web", None),
        ("web:Z,ro,cached", "web", Some(Access::ReadOnly)),
        ("web:ro,delegated", "web", Some(Access::ReadOnly)),
        ("a1b2c3:consistent", "a1b2c3", None),
    ] {
        assert_eq!(parse_donor(text), Ok(Donor { container: container.to_owned(), access }), "{text}");
    }
}

#[test]
fn volumes_from_refuses() {
    for (text, part) in [
        ("", "no container"),
        (":ro", "no container"),
        (":", "no container"),
        ("web:", "empty word"),
        ("web:ro,", "empty word"),
        ("web:ro,ro", "same thing"),
        ("web:ro,rw", "`ro` and `rw`"),
        ("web:z,Z", "`z` and `Z`"),
        ("web:cached,delegated", "same thing"),
        ("web:shared", "`shared` does not go with volumes of another container; legal are ro rw z Z"),
        ("web:rprivate", "does not go with"),
        ("web:nocopy", "`nocopy` does not go with"),
        ("web:copy", "does not go with"),
        ("web:O", "does not go with"),
        ("web:U", "does not go with"),
        ("web:noexec", "does not go with"),
        ("web:nocreate", "does not go with"),
        ("web:/data", "`/data` is unknown for volumes of another container"),
        ("web:RO", "in lower case: `ro`"),
        ("web:ro:rw", "`ro:rw` is unknown"),
    ] {
        let message = explain(&parse_donor(text).unwrap_err());
        assert!(message.contains(part), "{text}: {message}");
        let shown = if text.is_empty() { "''" } else { text };
        assert!(message.starts_with(&format!("cannot use `--volumes-from {shown}`")), "{message}");
    }
}
