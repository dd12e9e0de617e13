//! Header blocks of tar archives.

use super::archive::{Header, Tar};
use super::case::Case;
use super::parts::Parts;
use super::tree::Tree;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![every_type()];
    cases.extend(runs());
    cases
}

fn every_type() -> Case {
    let layer = || {
        Tar::new()
            .entry(Header::file("b").mode(0o4750).owner(1, 2).time(1_000_000_000), "text")
            .hardlink("a", "b")
            .header(Header::directory("d/").mode(0o1777).time(5))
            .symlink("d/link", "../b")
            .header(Header::new(b'6', "d/fifo").mode(0o600))
            .file(["d/", &"long".repeat(40)].concat(), "")
    };
    let tree = Tree::new()
        .file("a", "text")
        .mode(0o4750)
        .owner(1, 2)
        .time(1_000_000_000)
        .hardlink("b", "a")
        .directory("d")
        .mode(0o1777)
        .owner(0, 0)
        .time(5)
        .symlink("d/link", "../b")
        .time(1)
        .fifo("d/fifo")
        .mode(0o600)
        .file(["d/", &"long".repeat(40)].concat(), "");
    Case::new("every-type", "rule 8", move |_| Parts::new().layer(layer()).layout()).tree(tree)
}

fn runs() -> Vec<Case> {
    let image = || Parts::base().layer(Tar::new().file("mark", "marked\n")).layout();
    vec![
        Case::new("runs", "rule 6", move |_| image()).prints(&["cat", "/mark"], "marked"),
        Case::new("runs-with-flags", "rule 6", move |_| image())
            .prints(&["hostname"], "there")
            .run_flags(&["--hostname", "there"]),
        Case::new("does-not-run", "rule 6", move |_| image()).fails(&["/mark"], 126, "cannot be run"),
    ]
}
