//! The hash functions that digests are made with: hand-written code for each processor, where every byte of an image
//! passes through twice.

use ring::digest::{Context, SHA256, SHA512};

use super::digest::{Algorithm, Digest};

/// Bytes on their way to a digest.
#[derive(Clone)]
pub struct Hasher {
    algorithm: Algorithm,
    context: Context,
}

impl Hasher {
    /// No bytes so far.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let function = match algorithm {
            Algorithm::Sha256 => &SHA256,
            Algorithm::Sha512 => &SHA512,
        };
        Self { algorithm, context: Context::new(function) }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.context.update(bytes.as_ref());
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest::from_bytes(self.algorithm, self.context.finish().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        let examples = [
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de"),
            (Algorithm::Sha512, "ddaf35a193617abacc417349"),
        ];
        for (algorithm, begin) in examples {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert!(hasher.finish().hex().starts_with(begin));
        }
    }
}
