//! The keys that leave a container or a command in it alone.

/// The keys, as far as they have been typed.
#[derive(Debug)]
pub(super) struct Keys {
    /// None for no such keys.
    sequence: Vec<u8>,
    matched: usize,
}

/// What was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Typed {
    /// Something for the program.
    #[default]
    Input,
    /// At last, all of the keys.
    DetachKeys,
}

impl Keys {
    pub(super) fn new(sequence: Vec<u8>) -> Self {
        Self { sequence, matched: 0 }
    }

    /// What of `typed` goes to the program; what follows a complete sequence does not.
    pub(super) fn filter(&mut self, typed: &[u8]) -> (Vec<u8>, Typed) {
        let mut passed = Vec::with_capacity(typed.len());
        for &key in typed {
            if self.sequence.get(self.matched) == Some(&key) {
                self.matched += 1;
                if self.matched == self.sequence.len() {
                    return (passed, Typed::DetachKeys);
                }
                continue;
            }
            passed.extend_from_slice(&self.sequence[..self.matched]);
            self.matched = usize::from(self.sequence.first() == Some(&key));
            if self.matched == 0 {
                passed.push(key);
            }
        }
        (passed, Typed::Input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_held_back_until_they_are_something_else() {
        let mut keys = Keys::new(vec![16, 17]);
        for (typed, passed, found) in [
            (&b"a\x10"[..], &b"a"[..], Typed::Input),
            (b"b", b"\x10b", Typed::Input),
            (b"\x10\x10", b"\x10", Typed::Input),
            (b"\x11", b"", Typed::DetachKeys),
        ] {
            assert_eq!(keys.filter(typed), (passed.to_vec(), found), "{typed:?}");
        }
        assert_eq!(Keys::new(vec![16, 17]).filter(b"x\n\x10\x11y"), (b"x\n".to_vec(), Typed::DetachKeys));
        assert_eq!(Keys::new(Vec::new()).filter(b"\x10\x11"), (b"\x10\x11".to_vec(), Typed::Input));
    }
}
