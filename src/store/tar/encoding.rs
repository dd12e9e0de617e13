//! The two encodings in the xattr records of libarchive, both ways.

/// Undoes `%41` for `A`.
pub(super) fn percent(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            plain.push(hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)?);
        } else {
            plain.push(byte);
        }
    }
    Some(plain)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Undoes base64, with or without its padding.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    if text.len() - digits > 2 || digits % 4 == 1 {
        return None;
    }
    let mut plain = Vec::with_capacity(digits / 4 * 3 + 2);
    for group in text[..digits].chunks(4) {
        let mut bits = 0_u32;
        for &digit in group {
            bits = bits << 6 | sextet(digit)?;
        }
        bits <<= 6 * (4 - group.len());
        plain.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(plain)
}

/// The digits of base64, by their values.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes base64 without padding, as libarchive does.
pub(super) fn to_base64(plain: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(plain.len().div_ceil(3) * 4);
    for group in plain.chunks(3) {
        let mut bytes = [0; 4];
        bytes[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bytes);
        let digit = |shift: usize| DIGITS[(bits >> shift) as usize & 63];
        text.extend([18, 12, 6, 0].into_iter().take(group.len() + 1).map(digit));
    }
    text
}

/// Writes `%3D` for what is not plain in a key.
pub(super) fn to_percent(plain: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(plain.len());
    for &byte in plain {
        if byte.is_ascii_graphic() && !matches!(byte, b'%' | b'=') {
            text.push(byte);
        } else {
            text.extend(format!("%{byte:02X}").bytes());
        }
    }
    text
}

fn sextet(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        for (text, plain) in
            [("", ""), ("YQ", "a"), ("YQ==", "a"), ("YWI=", "ab"), ("YWJj", "abc"), ("YWJjZA", "abcd")]
        {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(plain.as_bytes()), "{text}");
        }
        for plain in ["", "a", "ab", "abc", "abcd", "\0\u{fc}=%"] {
            assert_eq!(base64(&to_base64(plain.as_bytes())).as_deref(), Some(plain.as_bytes()));
            assert_eq!(percent(&to_percent(plain.as_bytes())).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(base64(b"Y"), None);
        assert_eq!(base64(b"Y Q="), None);
        assert_eq!(base64(b"YQ==="), None);
        assert_eq!(percent(b"user.%41%2f").as_deref(), Some(&b"user.A/"[..]));
        assert_eq!(percent(b"%4"), None);
        assert_eq!(percent(b"%zz"), None);
    }
}
