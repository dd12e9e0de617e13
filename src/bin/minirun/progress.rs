//! How far a load is, on standard error: one line that is drawn again on a terminal, else plain lines.
//!
//! Events come in the process that does the work, which may be a copy of this one; so nothing here outlives it but
//! what is on the screen.

use std::io::{IsTerminal as _, stderr};
use std::time::{Duration, Instant};

use minirun::container::Event;
use minirun::store::load::Progress as Step;

use crate::output::{draw, note};
use crate::size;

/// How often the line is drawn at most.
const INTERVAL: Duration = Duration::from_millis(100);
/// Moves to the beginning of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// Whether anything is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loudness {
    Usual,
    /// `-q`.
    Quiet,
}

impl Loudness {
    pub(crate) fn of(quiet: bool) -> Self {
        if quiet { Self::Quiet } else { Self::Usual }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Silent,
    Lines,
    Redrawn,
}

/// The layer that is being read, or files that are in none.
#[derive(Debug, Clone, Copy)]
struct Layer {
    /// Counted from 1; 0 for files.
    number: usize,
    bytes: u64,
    size: Option<u64>,
    begun: Instant,
}

/// What has happened so far.
#[derive(Debug)]
pub(crate) struct Progress {
    style: Style,
    layers: usize,
    done: usize,
    current: Option<Layer>,
    drawn: Option<Instant>,
}

impl Progress {
    pub(crate) fn new(loudness: Loudness) -> Self {
        let style = match loudness {
            Loudness::Quiet => Style::Silent,
            Loudness::Usual if stderr().is_terminal() => Style::Redrawn,
            Loudness::Usual => Style::Lines,
        };
        Self { style, layers: 0, done: 0, current: None, drawn: None }
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: Event) {
        match event {
            Event::Notice(text) => self.say(&format!("note: {text}\n")),
            Event::Remark(text) => {
                if self.style == Style::Redrawn {
                    self.say(&format!("note: {text}\n"));
                }
            }
            Event::Bytes { done, total } => {
                self.current
                    .get_or_insert(Layer { number: 0, bytes: 0, size: total, begun: Instant::now() })
                    .bytes = done;
                self.draw();
            }
            Event::Progress(step) => {
                if let Some(line) = self.advance(&step)
                    && self.style == Style::Lines
                {
                    note(&line);
                }
                self.draw();
            }
        }
    }

    /// Removes the line from the screen; also what a copy of this process has drawn there.
    pub(crate) fn clear(&self) {
        if self.style == Style::Redrawn {
            draw(CLEAR);
        }
    }

    fn say(&self, text: &str) {
        self.clear();
        if self.style != Style::Silent {
            note(text);
        }
    }

    /// Takes a step in; the line for those who have no terminal.
    fn advance(&mut self, step: &Step) -> Option<String> {
        match step {
            Step::Image { layers, .. } => {
                (self.layers, self.done, self.current) = (*layers, 0, None);
                None
            }
            Step::Skipped { names, platforms } => {
                let name = names.first().map_or("an image without a name", String::as_str);
                self.say(&format!("note: skipped {name}: it is for {}\n", platforms.join(", ")));
                None
            }
            Step::LayerBegun { number, size, .. } => {
                self.current = Some(Layer { number: *number, bytes: 0, size: *size, begun: Instant::now() });
                None
            }
            Step::LayerBytes { bytes, .. } => {
                self.current.iter_mut().for_each(|layer| layer.bytes = *bytes);
                None
            }
            Step::LayerDone { number } => {
                self.done += 1;
                let layer = self.current.take();
                let bytes = layer.map(|layer| layer.size.unwrap_or(layer.bytes)).filter(|bytes| *bytes > 0);
                let bytes = bytes.map(|bytes| format!(" ({})", size::show(bytes))).unwrap_or_default();
                Some(format!("layer {number}/{} done{bytes}\n", self.count(*number)))
            }
            Step::LayerPresent { number, .. } => {
                self.done += 1;
                Some(format!("layer {number}/{} was there\n", self.count(*number)))
            }
        }
    }

    /// How many layers there are, when layer `number` is one of them: an import has one and does not say so.
    fn count(&self, number: usize) -> usize {
        self.layers.max(number)
    }

    fn draw(&mut self) {
        let is_early = self.drawn.is_some_and(|drawn| drawn.elapsed() < INTERVAL);
        if self.style != Style::Redrawn || (is_early && self.current.is_some()) {
            return;
        }
        self.drawn = Some(Instant::now());
        let line = self.current.map(|layer| self.line(&layer, layer.begun.elapsed())).unwrap_or_default();
        draw(&format!("{CLEAR}{line}"));
    }

    fn line(&self, layer: &Layer, elapsed: Duration) -> String {
        let mut line = match layer.number {
            0 => size::show(layer.bytes),
            number => format!("layer {number}/{}  {}", self.count(number), size::show(layer.bytes)),
        };
        if let Some(size) = layer.size {
            line.extend(["/", &size::show(size)]);
        }
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = layer.bytes.saturating_mul(1000) / milliseconds;
        if rate > 0 {
            line.extend(["  ", &size::show(rate), "/s"]);
            if let Some(size) = layer.size {
                let left = size.saturating_sub(layer.bytes) / rate;
                line.extend(["  ", &left.to_string(), " s left"]);
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest() -> minirun::plan::digest::Digest {
        format!("sha256:{}", "0a".repeat(32)).parse().unwrap()
    }

    #[test]
    fn lines_count_layers_and_bytes() {
        let mut progress = Progress { style: Style::Silent, layers: 0, done: 0, current: None, drawn: None };
        assert_eq!(progress.advance(&Step::Image { id: digest(), layers: 2 }), None);
        let present = Step::LayerPresent { number: 1, diff_id: digest() };
        assert_eq!(progress.advance(&present).as_deref(), Some("layer 1/2 was there\n"));
        let begun = Step::LayerBegun { number: 2, diff_id: digest(), size: Some(12_300_000) };
        assert_eq!(progress.advance(&begun), None);
        progress.advance(&Step::LayerBytes { number: 2, bytes: 4_000_000 });
        let line = progress.line(&progress.current.unwrap(), Duration::from_secs(2));
        assert_eq!(line, "layer 2/2  4MB/12.3MB  2MB/s  4 s left");
        let done = progress.advance(&Step::LayerDone { number: 2 });
        assert_eq!(done.as_deref(), Some("layer 2/2 done (12.3MB)\n"));
        assert_eq!((progress.done, progress.layers), (2, 2));
    }
}
