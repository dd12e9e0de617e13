//! The word that somebody meant who typed another.

/// The most letters of a word that is looked for.
const LONGEST: usize = 32;

/// The word of `legal` that `typed` is nearest to, if it is near: of three letters one may be wrong. Only lists of single
/// words are searched; a sentence names none.
pub(super) fn nearest<'l>(typed: &str, legal: &'l str) -> Option<&'l str> {
    let typed = typed.split_once('=').map_or(typed, |(name, _)| name).to_lowercase();
    if legal.contains(", ") || typed.is_empty() || typed.len() > LONGEST {
        return None;
    }
    let words = legal.split(' ').map(|word| word.trim_end_matches('='));
    let far = |word: &str| distance(typed.as_bytes(), word.to_lowercase().as_bytes());
    let allowed = (typed.len() / 3).clamp(usize::from(typed.len() > 1), 2);
    let near = words.filter(|word| word.len() > 1).map(|word| (far(word), word));
    near.filter(|(far, _)| *far <= allowed).min_by_key(|(far, _)| *far).map(|(_, word)| word)
}

/// How many letters have to be put in, taken out, replaced or exchanged with their neighbour.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (above, letter) in one.iter().enumerate() {
        let mut row = vec![above + 1];
        for (left, wanted) in other.iter().enumerate() {
            let mut least = (rows[above][left] + usize::from(letter != wanted))
                .min(rows[above][left + 1] + 1)
                .min(row[left] + 1);
            let are_exchanged =
                above > 0 && left > 0 && *letter == other[left - 1] && one[above - 1] == *wanted;
            if are_exchanged {
                least = least.min(rows[above - 1][left - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_near() {
        let keys = "type source src target dst readonly ro bind-propagation tmpfs-size= z";
        for (typed, meant) in [
            ("scr", Some("src")),
            ("typ", Some("type")),
            ("Source", Some("source")),
            ("readonyl", Some("readonly")),
            ("bind-propogation", Some("bind-propagation")),
            ("tmpfs-sise=1m", Some("tmpfs-size")),
            ("r", None),
            ("x", None),
            ("", None),
            ("something", None),
            (&"x".repeat(1000), None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
        assert_eq!(nearest("numbr", "a number, also with k"), None);
    }
}
