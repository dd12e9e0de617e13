//! One record of comma-separated values, RFC 4180: a field is plain or quoted as a whole.

use super::Problem;

/// Splits one record into its fields.
pub(super) fn fields(record: &[u8]) -> Result<Vec<Vec<u8>>, Problem> {
    let mut fields = Vec::new();
    let line = record.strip_suffix(b"\n").unwrap_or(record);
    let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
    loop {
        let (field, after) = match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest)?,
        };
        fields.push(field);
        match after.split_first() {
            None => return Ok(fields),
            Some((b',', next)) => rest = next,
            Some((b'\n', _)) => {
                return Err(Problem::Csv("a line break outside quotes; there may be only one line"));
            }
            Some(_) => {
                return Err(Problem::Csv("text after a closing quote; quote a whole field: `\"src=/a,b\"`"));
            }
        }
    }
}

fn plain_field(text: &[u8]) -> Result<(Vec<u8>, &[u8]), Problem> {
    let end = text.iter().position(|byte| b",\n".contains(byte)).unwrap_or(text.len());
    let (field, after) = text.split_at(end);
    if field.contains(&b'"') {
        return Err(Problem::Csv("a quote inside a plain field; quote a whole field: `\"src=/a,b\"`"));
    }
    Ok((field.to_vec(), after))
}

/// What follows an opening quote; a doubled quote is one quote.
fn quoted_field(mut text: &[u8]) -> Result<(Vec<u8>, &[u8]), Problem> {
    let mut field = Vec::new();
    loop {
        let Some(end) = text.iter().position(|&byte| byte == b'"') else {
            return Err(Problem::Csv("a quote is not closed"));
        };
        let (part, after) = text.split_at(end);
        field.extend_from_slice(part);
        match after {
            [b'"', b'"', next @ ..] => {
                field.push(b'"');
                text = next;
            }
            _ => return Ok((field, after.get(1..).unwrap_or_default())),
        }
    }
}

/// A field as [`fields`] reads it back.
pub(super) fn quote(field: &[u8]) -> Vec<u8> {
    if !field.iter().any(|byte| b",\"\n\r".contains(byte)) {
        return field.to_vec();
    }
    let mut quoted = vec![b'"'];
    for &byte in field {
        if byte == b'"' {
            quoted.push(byte);
        }
        quoted.push(byte);
    }
    quoted.push(b'"');
    quoted
}
