use super::*;
use crate::plan::digest::Algorithm;

fn digest(byte: u8) -> Digest {
    Digest::from_bytes(Algorithm::Sha256, &[byte; 32])
}

fn locked(id: u8, digests: &[u8]) -> Locked {
    Locked { id: digest(id), digests: digests.iter().map(|byte| digest(*byte)).collect() }
}

fn name(text: &str) -> Reference {
    text.parse().unwrap()
}

#[test]
fn a_document_is_read_as_it_was_written() {
    let mut lock = ImageLock::default();
    lock.insert(&name("alpine"), locked(1, &[2, 3]));
    lock.insert(&name("quay.io/a/b:1"), locked(4, &[]));
    let text = lock.to_json();
    assert_eq!(ImageLock::parse(text.as_bytes()).unwrap(), lock);
    assert!(text.ends_with("}\n") && text.contains("\"docker.io/library/alpine:latest\""), "{text}");
    assert_eq!(lock.names().count(), 2);
}

#[test]
fn one_way_to_the_same_image_is_enough() {
    let mut lock = ImageLock::default();
    lock.insert(&name("alpine"), locked(1, &[2, 3]));
    for (found, is_same) in [
        (locked(1, &[2]), true),
        (locked(1, &[]), true),
        (locked(9, &[8, 3]), true),
        (locked(9, &[8]), false),
        (locked(9, &[]), false),
        (locked(2, &[]), false),
    ] {
        assert_eq!(lock.check(&name("alpine:latest"), &found).is_ok(), is_same, "{found:?}");
    }
    let drift = lock.check(&name("alpine"), &locked(9, &[8])).unwrap_err();
    assert_eq!(drift, Drift::Other { name: "alpine:latest".into(), locked: digest(2), found: digest(8) });
    assert_eq!(lock.check(&name("alpine:3"), &locked(1, &[])), Err(Drift::Unknown("alpine:3".into())));
}

#[test]
fn nothing_else_is_a_lock_file() {
    let entry = |key: &str| format!(r#""{key}": {{"id": "{}", "digests": []}}"#, digest(1));
    let full = |images: &str| format!(r#"{{"version": 1, "images": {{{images}}}}}"#);
    let one = entry("docker.io/library/a:1");
    assert!(ImageLock::parse(full(&one).as_bytes()).is_ok());
    for text in [
        String::new(),
        "[]".to_owned(),
        full(&one) + "x",
        full(&format!("{one}, {one}")),
        full(&entry("a:1")),
        full(&entry("docker.io/library/a")),
        full(&entry(&format!("docker.io/library/a@{}", digest(1)))),
        full(r#""docker.io/library/a:1": {"id": "sha256:1", "digests": []}"#),
        full(&one).replace("\"digests\"", "\"more\": 1, \"digests\""),
        full(&one).replace("\"version\": 1", "\"version\": 2"),
        full(&one).replace("\"version\": 1", "\"version\": 1, \"version\": 1"),
        full(&one).replace("\"version\": 1", "\"version\": 1, \"other\": 1"),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        assert!(ImageLock::parse(text.as_bytes()).is_err(), "{text}");
    }
    let many: Vec<String> = (0..=DIGESTS_MAX).map(|_| format!("\"{}\"", digest(1))).collect();
    let many = full(&one).replace("[]", &format!("[{}]", many.join(",")));
    assert!(matches!(ImageLock::parse(many.as_bytes()), Err(ImageLockError::TooMuch(_))));
}
