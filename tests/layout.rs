//! The shape of the source tree: imports point down only, and unsafe code stays in `sys`.
//!
//! bin → container → error → { store, launch, registry } → sys → plan; those three never meet: what a registry gives comes
//! to the store through a pipe, in another process.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each part of the library and the parts it may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("plan", &[]),
    ("sys", &["plan"]),
    ("store", &["sys", "plan"]),
    ("launch", &["sys", "plan"]),
    ("registry", &["sys", "plan"]),
    ("error", &["store", "launch", "registry", "sys", "plan"]),
    ("container", &["error", "store", "launch", "registry", "sys", "plan"]),
];

/// What would let `plan` touch a file, the environment, the clock or the kernel.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "ToSocketAddrs",
    "std::process",
    "std::thread",
    "std::io::",
    "std::os::fd",
    "std::time::Instant",
    "SystemTime",
    "rustix",
    "nix::",
    "libc::",
    "std::{fs",
    "std::{env",
];

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The part of the library that a file belongs to: `sys` for `src/sys.rs` and `src/sys/…`.
fn part(file: &Path) -> String {
    let inside = file.strip_prefix(source_root()).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file: comments gone, so that a doc link is no import.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first names behind every `crate::` of `code`, also those of a group in braces.
fn named_parts(code: &str) -> Vec<String> {
    let identifier = |text: &str| {
        text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>()
    };
    let mut names = Vec::new();
    for (_, rest) in code.match_indices("crate::").map(|(at, found)| (at, &code[at + found.len()..])) {
        match rest.strip_prefix('{') {
            None => names.push(identifier(rest)),
            Some(group) => {
                // The names at the outermost level of the group.
                let mut depth = 0;
                let mut name = String::new();
                for letter in group.chars() {
                    match letter {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => names.push(identifier(std::mem::take(&mut name).trim())),
                        letter if depth == 0 => name.push(letter),
                        _ => {}
                    }
                }
                names.push(identifier(name.trim()));
            }
        }
    }
    names
}

/// Whether `code` has `path` with nothing in front that would make it another name (`unix::` for `nix::`).
fn has_path(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for file in sources(&source_root()) {
        let part = part(&file);
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == part) else { continue };
        for name in named_parts(&code(&file)) {
            let known = MAY_USE.iter().any(|(other, _)| *other == name);
            if known && name != part && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: {part} names crate::{name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_part_is_known() {
    let known = ["lib", "bin"].into_iter().chain(MAY_USE.iter().map(|(name, _)| *name)).collect::<Vec<_>>();
    for file in sources(&source_root()) {
        let part = part(&file);
        assert!(known.contains(&part.as_str()), "{} is in no part that has rules", file.display());
    }
}

#[test]
fn the_plan_touches_nothing() {
    let mut wrong = Vec::new();
    for file in sources(&source_root()).iter().filter(|file| part(file) == "plan") {
        let code = code(file);
        for word in IMPURE.iter().filter(|word| has_path(&code, word)) {
            wrong.push(format!("{}: {word}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn heavy_crates_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for file in sources(&source_root()) {
        let code = code(&file);
        let (part, in_bin) = (part(&file), file.starts_with(source_root().join("bin")));
        let is_registry = part == "registry";
        for (name, allowed) in [
            ("clap", in_bin),
            ("fdeflate", part == "store"),
            ("flate2", part == "store"),
            ("zstd", part == "store"),
            ("ureq", is_registry),
            ("rustls", is_registry),
        ] {
            if has_path(&code, &format!("{name}::")) && !allowed {
                wrong.push(format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_is_in_sys_alone() {
    for file in sources(&source_root()).iter().filter(|file| part(file) != "sys") {
        let code = code(file);
        let words = code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        assert!(words.into_iter().all(|word| word != "unsafe"), "{}", file.display());
    }
}

/// The tests that a document names: `module::function` in backquotes.
fn named_tests(document: &str) -> Vec<&str> {
    let is_name = |text: &&str| {
        let parts: Vec<&str> = text.split("::").collect();
        let is_identifier = |part: &&str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit())
        };
        parts.len() > 1 && parts.iter().all(is_identifier)
    };
    // Every other piece between backquotes is inside of a pair, as long as no pair spans lines.
    document.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_name).collect()
}

/// Whether there is such a test.
fn is_test(name: &str) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: String| fs::read_to_string(root.join(path)).unwrap_or_default();
    let is_in = |text: &str, function: &str| {
        let parts: Vec<&str> = text.split("#[test]").skip(1).collect();
        let head = format!("fn {function}()");
        parts.iter().any(|part| part.lines().take(4).any(|line| line.trim_start().starts_with(&head)))
    };
    let parts: Vec<&str> = name.split("::").collect();
    match parts[..] {
        ["layout", function] => is_in(&read("tests/layout.rs".to_owned()), function),
        // Each topic of hostile images is one test, made by a macro.
        ["hostile", topic] => {
            let topics = read("tests/suite/hostile.rs".to_owned());
            topics.lines().any(|line| line.trim() == format!("{topic},"))
        }
        ["crash", scene] => read("tests/suite/crash.rs".to_owned()).contains(scene),
        [ref module @ .., "tests"] => {
            let path = format!("src/{}", module.join("/"));
            read(format!("{path}.rs")).contains("mod tests") || root.join(format!("{path}/tests.rs")).exists()
        }
        [ref module @ .., function] => is_in(&read(format!("tests/suite/{}.rs", module.join("/"))), function),
        [] => false,
    }
}

#[test]
fn documented_tests_exist() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let document = fs::read_to_string(document).unwrap();
    let names = named_tests(&document);
    assert!(names.len() > 50, "{names:?}");
    let missing: Vec<_> = names.into_iter().filter(|name| !is_test(name)).collect();
    assert!(missing.is_empty(), "docs/security.md names tests that there are not: {}", missing.join(" "));
}

#[test]
fn names_of_tests_are_found_in_documents() {
    let document = "| `a::b_c`, `A::b`, `a` | ``` `::` `x y::z` |\n`d::e::f`";
    assert_eq!(named_tests(document), ["a::b_c", "d::e::f"]);
    assert!(is_test("layout::names_of_tests_are_found_in_documents"));
    assert!(!is_test("layout::named_tests") && !is_test("layout::nothing") && !is_test("nowhere::nothing"));
}

#[test]
fn functions_of_groups_are_found() {
    let code =
        "use crate::{sys::{Call, root}, plan::path};\nuse crate::store::layer;\nfn f() { crate::sys::g() }";
    assert_eq!(named_parts(code), ["sys", "plan", "store", "sys"]);
}
