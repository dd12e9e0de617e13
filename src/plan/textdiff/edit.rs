//! Which lines were removed and which came in their place.
//!
//! The shortest such list, found as by E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986);
//! texts that differ in very many places get a good list instead, at a bounded cost.

use std::collections::HashMap;
use std::ops::Range;

/// How many steps all searches together may take, roughly.
const STEPS: usize = 1 << 29;
/// How many changed lines one search covers at most.
const DEPTH_MAX: usize = 1024;
/// How many it covers at least, however long the texts are.
const DEPTH_MIN: usize = 16;

/// Lines of the old text that lines of the new one replace; one of the two ranges may be empty, but not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// Places of the lines that go.
    pub(super) old: Range<usize>,
    /// Places of the lines that come.
    pub(super) new: Range<usize>,
}

/// The edits that make `new` of `old`, ascending, with an equal line at least between two of them.
pub(super) fn edits(old: &[&[u8]], new: &[&[u8]]) -> Vec<Edit> {
    let (old, new) = numbered(old, new);
    let start = common(old.iter(), new.iter());
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = common(old_rest.iter().rev(), new_rest.iter().rev());
    let (old_rest, new_rest) = (&old_rest[..old_rest.len() - end], &new_rest[..new_rest.len() - end]);
    let lines = old_rest.len() + new_rest.len() + 1;
    let depth = (STEPS / lines).clamp(DEPTH_MIN, DEPTH_MAX);
    let mut edits = Edits { offset: start, list: Vec::new() };
    let (mut x, mut y) = (0, 0);
    while x < old_rest.len() || y < new_rest.len() {
        let search = Search::new(&old_rest[x..], &new_rest[y..]).run(depth);
        for edit in search.path() {
            edits.add(x + edit.old.start..x + edit.old.end, y + edit.new.start..y + edit.new.end);
        }
        x += search.reached.0;
        y += search.reached.1;
    }
    edits.list
}

/// Equal lines as equal numbers.
fn numbered<'t>(old: &[&'t [u8]], new: &[&'t [u8]]) -> (Vec<u32>, Vec<u32>) {
    let mut numbers: HashMap<&'t [u8], u32> = HashMap::new();
    let mut number = |line: &&'t [u8]| {
        // No text that is compared has so many lines that they cannot be counted.
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(line).or_insert(next)
    };
    (old.iter().map(&mut number).collect(), new.iter().map(&mut number).collect())
}

/// How many lines are equal at the beginning.
fn common<'a>(old: impl Iterator<Item = &'a u32>, new: impl Iterator<Item = &'a u32>) -> usize {
    old.zip(new).take_while(|(old, new)| old == new).count()
}

/// The edits so far; what touches becomes one.
struct Edits {
    /// How many lines before the compared part are equal.
    offset: usize,
    list: Vec<Edit>,
}

impl Edits {
    fn add(&mut self, old: Range<usize>, new: Range<usize>) {
        let moved = |range: Range<usize>| range.start + self.offset..range.end + self.offset;
        let (old, new) = (moved(old), moved(new));
        match self.list.last_mut() {
            Some(last) if last.old.end == old.start && last.new.end == new.start => {
                (last.old.end, last.new.end) = (old.end, new.end);
            }
            _ => self.list.push(Edit { old, new }),
        }
    }
}

/// One search through the grid of old lines (x) and new lines (y), from its upper left corner.
struct Search<'t> {
    old: &'t [u32],
    new: &'t [u32],
    /// For each number of changes, how far along x every second diagonal got; the diagonal `-changes` is first.
    frontiers: Vec<Vec<usize>>,
    /// Where the path ends.
    reached: (usize, usize),
    /// On which diagonal, counted in the last frontier, that is.
    place: usize,
}

impl<'t> Search<'t> {
    fn new(old: &'t [u32], new: &'t [u32]) -> Self {
        Self { old, new, frontiers: Vec::new(), reached: (0, 0), place: 0 }
    }

    /// Searches until both texts end, or with `depth` changes for what got farthest.
    fn run(mut self, depth: usize) -> Self {
        for changes in 0..=depth {
            let mut frontier = Vec::with_capacity(changes + 1);
            let mut farthest = 0;
            for place in 0..=changes {
                let Some((x, y)) = self.step(changes, place) else {
                    frontier.push(usize::MAX);
                    continue;
                };
                let along = common(self.old[x..].iter(), self.new[y..].iter());
                let (x, y) = (x + along, y + along);
                frontier.push(x);
                if x + y >= farthest {
                    farthest = x + y;
                    (self.reached, self.place) = ((x, y), place);
                }
            }
            self.frontiers.push(frontier);
            if self.reached == (self.old.len(), self.new.len()) {
                break;
            }
        }
        self
    }

    /// Where the diagonal at `place` begins with so many changes, before equal lines are passed; `None` outside the
    /// grid.
    fn step(&self, changes: usize, place: usize) -> Option<(usize, usize)> {
        if changes == 0 {
            return Some((0, 0));
        }
        let (from, _) = self.origin(changes, place)?;
        let x = match from {
            Origin::Above(x) => x,
            Origin::Left(x) => x + 1,
        };
        Some((x, self.y(changes, place, x)?))
    }

    /// y of a point: the diagonal at `place` has x - y = 2·place - changes.
    fn y(&self, changes: usize, place: usize, x: usize) -> Option<usize> {
        (x + changes).checked_sub(2 * place).filter(|&y| y <= self.new.len())
    }

    /// From which neighbour a diagonal is reached farther, and that one's place in the frontier before.
    fn origin(&self, changes: usize, place: usize) -> Option<(Origin, usize)> {
        let before = &self.frontiers[changes - 1];
        let above = before.get(place).copied().filter(|&x| x != usize::MAX);
        let above = above.filter(|&x| self.y(changes, place, x).is_some());
        let left = place.checked_sub(1).and_then(|place| before.get(place)).copied();
        let left = left.filter(|&x| x < self.old.len());
        match (above, left) {
            // Removed lines come before those that replace them.
            (Some(above), Some(left)) if left < above => Some((Origin::Above(above), place)),
            (_, Some(left)) => Some((Origin::Left(left), place - 1)),
            (Some(above), None) => Some((Origin::Above(above), place)),
            (None, None) => None,
        }
    }

    /// The edits of the path that was found, ascending.
    fn path(&self) -> Vec<Edit> {
        let mut place = self.place;
        let mut path = Vec::new();
        for changes in (1..self.frontiers.len()).rev() {
            let Some((from, next)) = self.origin(changes, place) else { break };
            let (Origin::Above(x) | Origin::Left(x)) = from;
            let Some(y) = self.y(changes - 1, next, x) else { break };
            path.push(match from {
                Origin::Above(_) => Edit { old: x..x, new: y..y + 1 },
                Origin::Left(_) => Edit { old: x..x + 1, new: y..y },
            });
            place = next;
        }
        path.reverse();
        path
    }
}

/// How a point is reached: x of the point before.
enum Origin {
    /// By a line of the new text.
    Above(usize),
    /// Without a line of the old text.
    Left(usize),
}
