//! Names on one line: as they are where that is clear, else as a string of C, as Git writes them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// `name` as it is, or in double quotes with escapes if it holds a quote, a backslash, a control character or
/// something that is not UTF-8.
#[must_use]
pub fn quoted(name: impl AsRef<OsStr>) -> String {
    let bytes = name.as_ref().as_bytes();
    let is_plain = |letter: char| !letter.is_control() && !matches!(letter, '"' | '\\');
    match std::str::from_utf8(bytes) {
        Ok(text) if text.chars().all(is_plain) => text.to_owned(),
        _ => always_quoted(name),
    }
}

/// `name` in double quotes.
#[must_use]
pub fn always_quoted(name: impl AsRef<OsStr>) -> String {
    let mut text = String::from("\"");
    for chunk in name.as_ref().as_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '"' | '\\' => text.extend(['\\', letter]),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                letter if letter.is_control() => {
                    text.push_str(&octal(letter.encode_utf8(&mut [0; 4]).as_bytes()));
                }
                letter => text.push(letter),
            }
        }
        text.push_str(&octal(chunk.invalid()));
    }
    text.push('"');
    text
}

fn octal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_clear_word() {
        for (name, shown) in [
            (&b"plain name"[..], "plain name"),
            ("\u{fc}".as_bytes(), "\u{fc}"),
            (b"a\nb\tc", "\"a\\nb\\tc\""),
            (b"\"\\", "\"\\\"\\\\\""),
            (b"\x1b[31m\xff", "\"\\033[31m\\377\""),
            ("\u{85}".as_bytes(), "\"\\302\\205\""),
        ] {
            assert_eq!(quoted(OsStr::from_bytes(name)), shown);
        }
        assert_eq!(always_quoted("a"), "\"a\"");
    }
}
