//! Stacks of layers for every program to apply: drawn by lot, always the same ones.

use crate::support::Layer;

/// Where the lots come from (xorshift64*); the same seed gives the same stack.
struct Lots(u64);

impl Lots {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap() % limit
    }

    fn of<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What a stack may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owners {
    Many,
    /// All is root's: the caller has one ID.
    One,
}

/// How a stack comes to be.
struct Drawing {
    lots: Lots,
    owners: Owners,
    /// The names of files so far, of all layers: what a hard link may lead to.
    files: Vec<String>,
}

/// The stack with this number, and what it is made of in words.
pub(super) fn drawn(number: u64, owners: Owners) -> (Vec<Layer>, String) {
    let lots = Lots((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut drawing = Drawing { lots, owners, files: Vec::new() };
    let mut layers = Vec::new();
    let mut words = String::new();
    for at in 0..2 + drawing.lots.below(4) {
        words += &["\n  layer ", &at.to_string(), ":"].concat();
        layers.push(drawing.layer(&mut words));
    }
    (layers, words)
}

impl Drawing {
    fn layer(&mut self, words: &mut String) -> Layer {
        let mut layer = Layer::new();
        // A name is there once in a layer, as the specification wants it.
        let mut used: Vec<String> = Vec::new();
        for _ in 0..2 + self.lots.below(12) {
            let path = self.path();
            let inside = |used: &String| path.starts_with(&[used, "/"].concat());
            if used.iter().any(|used| *used == path || inside(used)) {
                continue;
            }
            layer = self.entry(layer, &path, &mut used, words);
        }
        layer
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.lots.below(3);
        let names: Vec<_> = (0..depth).map(|_| self.lots.of(&["a", "b", "c", "d\u{e9}"])).collect();
        names.join("/")
    }

    fn entry(&mut self, layer: Layer, path: &str, used: &mut Vec<String>, words: &mut String) -> Layer {
        let kind = self.lots.below(14);
        // Of a directory more may follow below; nothing does below the others.
        if !matches!(kind, 5..=8) {
            used.push(path.to_owned());
        }
        let mut say = |what: &str| *words += &[" ", what, " ", path].concat();
        match kind {
            0..=4 => {
                say("file");
                self.files.push(path.to_owned());
                let (mode, content) = (self.mode(), "x".repeat(self.lots.below(9000)) + path);
                self.dressed(layer).file(path, mode, content)
            }
            5..=8 => {
                say("directory");
                let mode = self.mode();
                self.dressed(layer).directory(path, mode)
            }
            9 => {
                let to = self.lots.of(&["a", "b", "c", "../a", "../b", "./c", "a/b", "../b/c"]);
                let to = if path.contains('/') { to } else { to.trim_start_matches("../") };
                say(&["symlink to", to].join(" "));
                let layer = self.owned(layer);
                self.timed(layer, &[]).symlink(path, to)
            }
            10 if !self.files.is_empty() => {
                let to = self.files[self.lots.below(self.files.len())].clone();
                say(&["hard link to", &to].join(" "));
                layer.hard_link(path, &to)
            }
            11 => {
                say("fifo");
                self.owned(layer).fifo(path)
            }
            12 => {
                say("opaque");
                layer.opaque(path)
            }
            _ => {
                say("whiteout");
                layer.whiteout(path)
            }
        }
    }

    fn mode(&mut self) -> u32 {
        let mut bits = *self.lots.of(&[&0o755, &0o644, &0o700, &0o000, &0o555, &0o777]);
        for special in [0o4000, 0o2000, 0o1000] {
            if self.lots.is_one_in(8) {
                bits |= special;
            }
        }
        bits
    }

    fn owned(&mut self, layer: Layer) -> Layer {
        let id = |lots: &mut Lots| *lots.of(&[&0, &0, &1, &1000, &65_534]);
        // Drawn in any case, so that all callers have the same stacks.
        let drawn = (id(&mut self.lots), id(&mut self.lots));
        let owner = if self.owners == Owners::Many { drawn } else { (0, 0) };
        layer.owned_by(owner.0, owner.1)
    }

    fn timed(&mut self, layer: Layer, more: &[(&str, &str)]) -> Layer {
        let time = self.lots.of(&["1", "1000000000.123456789", "1234567890.5", "-86400", "4102444800", "0"]);
        layer.pax(&[&[("mtime", time)], more].concat())
    }

    /// The owner, time and xattrs of what comes next.
    fn dressed(&mut self, layer: Layer) -> Layer {
        let layer = self.owned(layer);
        let value = self.lots.below(100).to_string();
        let xattrs: &[(&str, &str)] =
            if self.lots.is_one_in(4) { &[("SCHILY.xattr.user.test", &value)] } else { &[] };
        self.timed(layer, xattrs)
    }
}
