//! `minirun stats`: what containers take, one line for each.

use std::io::{IsTerminal as _, stdout};
use std::time::Duration;

use minirun::container::{Chosen, Engine, Sample};
use serde_json::{Value, json};

use crate::arguments::container::StatsArgs;
use crate::failure::{Failure, SOME_FAILED};
use crate::listing::{self, Column, Style};
use crate::output::Output;
use crate::size;

/// Between two looks, which a share of the processors takes.
const INTERVAL: Duration = Duration::from_millis(500);
/// To the upper left corner, and away with what is below (ECMA-48).
const CLEAR: &str = "\x1b[H\x1b[J";

const USUAL: [&str; 9] =
    ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs", "Source"];
const COLUMNS: [Column; 10] = [
    Column { title: "CONTAINER ID", field: "ID" },
    Column { title: "CONTAINER", field: "Container" },
    Column { title: "NAME", field: "Name" },
    Column { title: "CPU %", field: "CPUPerc" },
    Column { title: "MEM USAGE / LIMIT", field: "MemUsage" },
    Column { title: "MEM %", field: "MemPerc" },
    Column { title: "NET I/O", field: "NetIO" },
    Column { title: "BLOCK I/O", field: "BlockIO" },
    Column { title: "PIDS", field: "PIDs" },
    Column { title: "COUNTED BY", field: "Source" },
];

/// Shows it once, or on a terminal again and again until nobody looks any more.
pub(crate) fn stats(engine: &Engine, arguments: &StatsArgs, output: &mut Output) -> Result<u8, Failure> {
    let chosen = match (&arguments.containers[..], arguments.all) {
        ([], false) => Chosen::Running,
        ([], true) => Chosen::All,
        (names, _) => Chosen::Named(names.to_vec()),
    };
    let is_live = !arguments.no_stream && stdout().is_terminal();
    let look = || engine.stats(&chosen).map_err(Failure::from);
    let mut before = match look() {
        Ok(samples) => samples,
        Err(failure) => {
            output.fail(&failure);
            return Ok(SOME_FAILED);
        }
    };
    loop {
        std::thread::sleep(INTERVAL);
        let now = look()?;
        if is_live {
            output.text(CLEAR)?;
        }
        let row = |sample: &Sample| {
            let earlier = before.iter().find(|earlier| earlier.id == sample.id);
            row(sample, earlier.unwrap_or(sample))
        };
        let rows: Vec<Value> = now.iter().map(row).collect();
        let style = Style { usual: &USUAL, columns: &COLUMNS, format: arguments.format.as_deref() };
        listing::print(&rows, &style, output)?;
        output.flush()?;
        if !is_live {
            return Ok(0);
        }
        before = now;
    }
}

fn row(sample: &Sample, earlier: &Sample) -> Value {
    let pair = |one: Option<u64>, other: Option<u64>| {
        let shown = |bytes: Option<u64>| bytes.map_or_else(|| "--".to_owned(), size::show);
        format!("{} / {}", shown(one), shown(other))
    };
    json!({
        "ID": sample.id.short(),
        "Container": sample.id.short(),
        "Name": sample.name.as_str(),
        "CPUPerc": percent(sample.cpu.saturating_sub(earlier.cpu), sample.at.duration_since(earlier.at)),
        "MemUsage": pair(Some(sample.memory), Some(sample.memory_limit)),
        "MemPerc": format!("{:.2}%", share(sample.memory, sample.memory_limit)),
        "NetIO": pair(sample.network.map(|(received, _)| received), sample.network.map(|(_, sent)| sent)),
        "BlockIO": pair(sample.read, sample.written),
        "PIDs": sample.tasks.to_string(),
        "Source": sample.counter.word(),
    })
}

/// Of one processor, as Docker has it: two busy ones are 200%.
fn percent(microseconds: u64, elapsed: Duration) -> String {
    let elapsed = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
    format!("{:.2}%", share(microseconds, elapsed))
}

#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
