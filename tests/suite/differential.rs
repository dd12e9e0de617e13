//! The same layers, applied by minirun and by others: umoci, GNU tar and Python's tarfile.
//!
//! All trees are listed by one program and have to be the same, or the difference is a decision that has a name in
//! `docs/layers.md`. The layers are drawn by lot, the same ones each time; a stack that minirun refuses is left out.
//!
//! - `MINIRUN_TEST_STACKS=FROM-TO` chooses other stacks than those that are drawn always.

mod compare;
mod stacks;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::support::{Caller, Compression, IMAGE, Image, Scratch};
use compare::{DECISIONS, Listing, Peer, compare, refusal};
use stacks::Owners;

const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/differential/peers.py");
/// How many stacks are drawn, and how many of them have to be fit for a comparison at least.
const STACKS: std::ops::Range<u64> = 0..24;

#[test]
fn others_make_the_same_of_the_same_layers() {
    let stacks = match std::env::var("MINIRUN_TEST_STACKS") {
        Ok(range) => {
            let (from, to) = range.split_once('-').unwrap();
            from.parse().unwrap()..to.parse().unwrap()
        }
        Err(_) => STACKS,
    };
    let count = stacks.end - stacks.start;
    let (mut compared, mut decisions, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for number in stacks {
        match check(number, &mut decisions) {
            Ok(true) => compared += 1,
            Ok(false) => {}
            Err(problem) => wrong.push(problem),
        }
    }
    assert!(wrong.is_empty(), "{} stacks:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared * 4 > count, "only {compared} of {count} stacks could be compared");
    assert!(decisions.iter().all(|name| DECISIONS.contains(name)), "{decisions:?}");
}

#[test]
fn every_decision_is_written_down() {
    let text = include_str!("../../docs/layers.md");
    let (_, table) = text.split_once("\n## What others do\n").unwrap();
    let written: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`').map(|(name, _)| name))
        .collect();
    let known: BTreeSet<&str> = DECISIONS.into_iter().collect();
    assert_eq!(written, known);
}

/// Whether the stack could be compared; `Err` says what is different.
fn check(number: u64, decisions: &mut BTreeSet<&'static str>) -> Result<bool, String> {
    let owners = if Caller::detect().has_many_ids() { Owners::Many } else { Owners::One };
    let (layers, words) = stacks::drawn(number, owners);
    let scratch = Scratch::new();
    let archives: Vec<_> = layers.into_iter().map(crate::support::Layer::finish).collect();
    let image = archives.iter().fold(Image::empty(), |image, tar| image.archive(tar));
    image.write_layout(&scratch.path("layout"), IMAGE);
    let load = scratch.minirun(["load", "-q", "-i", &scratch.text("layout")]).run();
    if load.code != Some(0) {
        assert_eq!(load.code, Some(125), "{load}");
        return Ok(false);
    }
    let trees = trees(&scratch, image, &archives);
    let ours = Listing::of("ours", &trees).map_err(|refusal| panic!("{refusal}")).unwrap();
    let mut problems = String::new();
    for peer in [Peer::Export, Peer::Vfs, Peer::Umoci, Peer::Tar, Peer::Tarfile] {
        match Listing::of(peer.name(), &trees) {
            Ok(theirs) => {
                for problem in compare(&ours, &theirs, peer, decisions) {
                    write!(problems, "\n  {peer:?}: {problem}").unwrap();
                }
            }
            Err(says) => drop(decisions.insert(refusal(peer, &says))),
        }
    }
    if problems.is_empty() { Ok(true) } else { Err(format!("stack {number}:{words}{problems}")) }
}

/// What all have made of the layers, as [`Listing::of`] reads it.
fn trees(scratch: &Scratch, image: Image, archives: &[Vec<u8>]) -> String {
    let [exported, flat] = ["overlay", "vfs"].map(|driver| {
        let archive = scratch.text(driver);
        scratch.minirun(["create", "--driver", driver, "--name", driver, IMAGE, "/none"]).run().success();
        scratch.minirun(["export", "-q", "-o", &archive, driver]).run().success();
        archive
    });
    let refused = umoci(scratch, image);
    let directory = scratch.directory("layers");
    let mut layers = Vec::new();
    for (number, archive) in archives.iter().enumerate() {
        layers.push(directory.join(format!("{number}.tar")));
        std::fs::write(&layers[number], archive).unwrap();
    }
    // As root of the user namespace that has all IDs of the caller.
    let script = format!("exec python3 '{PEERS}' \"$MINIRUN_IMAGE_ROOT\" \"$@\"");
    let call = scratch.minirun(["unshare", "--image", IMAGE, "--", "sh", "-c", &script, "sh"]);
    let call =
        call.args([exported, flat]).args([scratch.path("bundle/rootfs"), scratch.path("peers")]).args(layers);
    refused + &call.env("LC_ALL", "C").run().success()
}

/// Lets umoci unpack the image; what it says if it does not, as a line for [`Listing::of`].
fn umoci(scratch: &Scratch, image: Image) -> String {
    image.packed(Compression::Gzip).write_layout(&scratch.path("umoci"), "image");
    let rootless = if Caller::detect() == Caller::Root { "" } else { "--rootless" };
    let script = format!("umoci unpack {rootless} --image \"$SCRATCH/umoci:image\" \"$SCRATCH/bundle\"");
    let outcome = scratch.host_script(&script).run();
    if outcome.code == Some(0) {
        return String::new();
    }
    let _ = std::fs::remove_dir_all(scratch.path("bundle"));
    format!("{}\n", serde_json::json!({ "who": "umoci", "failed": outcome.stderr() }))
}
