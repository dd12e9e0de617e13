//! What changed between two texts, as the unified diff that `patch` and `git apply` take.
//!
//! Texts are bytes: lines need not be UTF-8. What is no text, or too much of it, is named so instead of shown.

mod edit;

use edit::Edit;

/// The largest text that is compared, in bytes.
pub const TEXT_MAX: usize = 8 << 20;
/// How many equal lines stand around a change.
const CONTEXT: usize = 3;

/// What changed between two contents of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// No line: both are equal, or one is missing and the other is empty.
    Unchanged,
    /// One of the two holds a NUL byte: it is no text.
    Binary,
    /// One of the two has more than [`TEXT_MAX`] bytes.
    TooLarge,
    /// The unified diff: two lines of names, then the changed places.
    Text(Vec<u8>),
}

/// Compares two contents; one that is missing is called `/dev/null`, as those who read patches expect.
#[must_use]
pub fn unified(old: Option<&[u8]>, new: Option<&[u8]>, old_name: &[u8], new_name: &[u8]) -> Patch {
    let (old_text, new_text) = (old.unwrap_or_default(), new.unwrap_or_default());
    if old_text == new_text {
        return Patch::Unchanged;
    }
    if old_text.len().max(new_text.len()) > TEXT_MAX {
        return Patch::TooLarge;
    }
    if old_text.contains(&0) || new_text.contains(&0) {
        return Patch::Binary;
    }
    let (old_lines, new_lines) = (lines(old_text), lines(new_text));
    let mut patch = Vec::new();
    write_name(&mut patch, b"---", old.map(|_| old_name));
    write_name(&mut patch, b"+++", new.map(|_| new_name));
    for hunk in hunks(&edit::edits(&old_lines, &new_lines)) {
        write_hunk(&mut patch, hunk, &old_lines, &new_lines);
    }
    Patch::Text(patch)
}

/// The lines with their ends; the last one may have none.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

/// The edits in groups whose surroundings do not touch.
fn hunks(edits: &[Edit]) -> impl Iterator<Item = &[Edit]> {
    edits.chunk_by(|one, next| next.old.start - one.old.end <= 2 * CONTEXT)
}

fn write_hunk(patch: &mut Vec<u8>, hunk: &[Edit], old: &[&[u8]], new: &[&[u8]]) {
    let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { return };
    let before = first.old.start.min(CONTEXT);
    let after = (old.len() - last.old.end).min(CONTEXT);
    let (old_start, new_start) = (first.old.start - before, first.new.start - before);
    let old_range = range(old_start, last.old.end + after);
    let new_range = range(new_start, last.new.end + after);
    patch.extend(format!("@@ -{old_range} +{new_range} @@\n").bytes());
    let mut at = old_start;
    for edit in hunk {
        write_lines(patch, b' ', &old[at..edit.old.start]);
        write_lines(patch, b'-', &old[edit.old.clone()]);
        write_lines(patch, b'+', &new[edit.new.clone()]);
        at = edit.old.end;
    }
    write_lines(patch, b' ', &old[at..at + after]);
}

/// Line numbers begin with 1; those of an empty range are of the line before it.
fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

fn write_lines(patch: &mut Vec<u8>, mark: u8, lines: &[&[u8]]) {
    for line in lines {
        patch.push(mark);
        patch.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            patch.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

fn write_name(patch: &mut Vec<u8>, mark: &[u8], name: Option<&[u8]>) {
    let name = name.unwrap_or(b"/dev/null");
    patch.extend_from_slice(mark);
    patch.push(b' ');
    let is_special = |&byte: &u8| byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f);
    let ends_early = name.ends_with(b" ") || name.windows(2).any(|pair| pair == b"  ");
    if name.iter().any(is_special) || ends_early {
        write_quoted(patch, name);
    } else {
        patch.extend_from_slice(name);
        if name.contains(&b' ') {
            // Ends the name for `patch`, which would take the first blank for it.
            patch.push(b'\t');
        }
    }
    patch.push(b'\n');
}

/// A name as a string of C, which is how Git and GNU patch write those that would break a line.
fn write_quoted(patch: &mut Vec<u8>, name: &[u8]) {
    patch.push(b'"');
    for &byte in name {
        match byte {
            b'"' | b'\\' => patch.extend_from_slice(&[b'\\', byte]),
            b'\n' => patch.extend_from_slice(b"\\n"),
            b'\t' => patch.extend_from_slice(b"\\t"),
            0..b' ' | 0x7f.. => patch.extend(format!("\\{byte:03o}").bytes()),
            _ => patch.push(byte),
        }
    }
    patch.push(b'"');
}

#[cfg(test)]
mod tests;
