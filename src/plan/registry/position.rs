//! Where a document stops making sense, and nothing of what it says there: that may be a password.

use std::fmt;

use serde::de::DeserializeOwned;

/// A place in a document, counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    line: usize,
    column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Reads an object. A list would do for the fields of a structure otherwise.
///
/// # Errors
/// Where it is not JSON of this form.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Position> {
    let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if bytes.get(blank) != Some(&b'{') {
        let before = bytes.get(..blank).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
        return Err(Position { line, column });
    }
    serde_json::from_slice(bytes).map_err(|error| Position { line: error.line(), column: error.column() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_from_one() {
        let read = |text: &str| object::<std::collections::BTreeMap<String, u8>>(text.as_bytes());
        assert!(read(" {\"a\": 1}\n").is_ok());
        for (text, expected) in [
            ("\"hunter2\"", "line 1, column 1"),
            ("\n\n  [1]", "line 3, column 3"),
            ("", "line 1, column 1"),
            ("{\n\"a\": \"hunter2\"}", "line 2, column 14"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), expected, "{text}");
        }
    }
}
