//! Names on one line: as they are where that is clear, else as a string of C, as Git writes them.

use std::borrow::Cow;
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

/// `text` with a `…` for the middle of every word that is longer than names and paths are: what is in an image may be as
/// long as it likes.
#[must_use]
pub fn shortened(text: &str) -> Cow<'_, str> {
    /// Of how many bytes a word may be, and how many stay at its beginning and at its end.
    const LONGEST: usize = 512;
    const KEPT: usize = 120;
    let is_border = |letter: char| letter.is_whitespace() || letter == '`';
    if text.split(is_border).all(|word| word.len() <= LONGEST) {
        return Cow::Borrowed(text);
    }
    let shorten = |word: &str| {
        let (name, rest) = word.split_at(word.find(is_border).unwrap_or(word.len()));
        if name.len() <= LONGEST { word.to_owned() } else { without_middle(name, KEPT) + rest }
    };
    Cow::Owned(text.split_inclusive(is_border).map(shorten).collect())
}

/// `text` with a `…` for what is more than `kept` bytes from both of its ends.
#[must_use]
pub fn without_middle(text: &str, kept: usize) -> String {
    let is_kept = |end: usize| end <= kept;
    let before: String = text
        .char_indices()
        .take_while(|(at, letter)| is_kept(at + letter.len_utf8()))
        .map(|one| one.1)
        .collect();
    let after =
        text.char_indices().find(|(at, _)| is_kept(text.len() - at)).map_or("", |(at, _)| &text[at..]);
    if before.len() + after.len() < text.len() { format!("{before}…{after}") } else { text.to_owned() }
}

fn octal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\{byte:03o}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_longer_than_names_are_cut() {
        let path = "/name".repeat(60);
        for text in ["", "cannot read `a`: `b`\n", &format!("cannot read `{path}`"), &"a b".repeat(1000)] {
            assert_eq!(shortened(text), text);
        }
        let long =
            format!("cannot `{}\u{fc}{}z` or {}", "x".repeat(119), "y".repeat(2000), "\u{fc}".repeat(400));
        let kept = "\u{fc}".repeat(60);
        let expected = format!("cannot `{}…{}z` or {kept}…{kept}", "x".repeat(119), "y".repeat(119));
        assert_eq!(shortened(&long), expected);
    }

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
