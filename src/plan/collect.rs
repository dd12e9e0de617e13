//! Which images go when the store is to be smaller.

use std::collections::HashMap;

use super::digest::Digest;

/// An image of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its ID.
    pub id: Digest,
    /// Its layers by their chain IDs, and the bytes of their files and blobs.
    pub layers: Vec<(Digest, u64)>,
    /// Whether a container has it.
    pub is_used: bool,
    /// When something was made of it last, or it came; nanoseconds since 1970.
    pub last_use: i128,
}

/// The images that go until what is left has at most `limit` bytes of layers: the least recently used first, and none that
/// a container has. What is left may still be more. One whose layers others need goes as well when it is its turn: it
/// makes room together with those.
#[must_use]
pub fn choose(images: &[Stored], limit: u64) -> Vec<Digest> {
    let mut layers: HashMap<&Digest, (u64, usize)> = HashMap::new();
    for (chain_id, size) in images.iter().flat_map(|image| &image.layers) {
        layers.entry(chain_id).or_insert((*size, 0)).1 += 1;
    }
    let mut left: u64 = layers.values().map(|(size, _)| *size).fold(0, u64::saturating_add);
    let mut unused: Vec<&Stored> = images.iter().filter(|image| !image.is_used).collect();
    unused.sort_by_key(|image| (image.last_use, &image.id));
    let mut gone = Vec::new();
    for image in unused {
        if left <= limit {
            break;
        }
        for (chain_id, _) in &image.layers {
            if let Some((size, images)) = layers.get_mut(chain_id) {
                *images -= 1;
                left -= if *images == 0 { *size } else { 0 };
            }
        }
        gone.push(image.id.clone());
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Digest {
        format!("sha256:{}", format!("{number:02x}").repeat(32)).parse().unwrap()
    }

    fn image(number: u8, layers: &[(u8, u64)], last_use: i128) -> Stored {
        let layers = layers.iter().map(|(layer, size)| (digest(*layer), *size)).collect();
        Stored { id: digest(number), layers, is_used: false, last_use }
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let images =
            [image(1, &[(1, 10), (2, 5)], 300), image(2, &[(1, 10), (3, 7)], 100), image(3, &[(4, 20)], 200)];
        let chosen = |limit| choose(&images, limit);
        assert!(chosen(42).is_empty());
        assert_eq!(chosen(41), [digest(2)]);
        assert_eq!(chosen(35), [digest(2)]);
        assert_eq!(chosen(34), [digest(2), digest(3)]);
        assert_eq!(chosen(14), [digest(2), digest(3), digest(1)]);
        assert_eq!(chosen(0).len(), 3);
        assert!(choose(&[], 0).is_empty());
    }

    #[test]
    fn what_a_container_has_stays() {
        let used = Stored { is_used: true, ..image(1, &[(1, 10)], 0) };
        assert_eq!(choose(&[used, image(2, &[(1, 10)], 5)], 0), [digest(2)]);
    }
}
