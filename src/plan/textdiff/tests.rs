use super::edit::edits;
use super::*;

fn text(old: &str, new: &str) -> String {
    match unified(Some(old.as_bytes()), Some(new.as_bytes()), b"a/x", b"b/x") {
        Patch::Text(text) => String::from_utf8(text).unwrap(),
        other => format!("{other:?}"),
    }
}

/// What the edits make of the old text, and how many lines they touch.
fn applied(old: &[&[u8]], new: &[&[u8]]) -> (Vec<u8>, usize) {
    let (mut made, mut at, mut cost) = (Vec::new(), 0, 0);
    for edit in edits(old, new) {
        assert!(!edit.old.is_empty() || !edit.new.is_empty());
        made.extend(old[at..edit.old.start].concat());
        made.extend(new[edit.new.clone()].concat());
        cost += edit.old.len() + edit.new.len();
        at = edit.old.end;
    }
    made.extend(old[at..].concat());
    (made, cost)
}

/// The length of the longest common subsequence, by the book.
fn common_lines(old: &[&[u8]], new: &[&[u8]]) -> usize {
    let mut row = vec![0; new.len() + 1];
    for line in old {
        let mut diagonal = 0;
        for (at, other) in new.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if line == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[new.len()]
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit).unwrap()
    }
}

#[test]
fn small_patches() {
    for (old, new, patch) in [
        ("a\n", "a\n", "Unchanged"),
        ("a\n", "b\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
        ("", "a\nb\n", "--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n"),
        ("a\nb\n", "", "--- a/x\n+++ b/x\n@@ -1,2 +0,0 @@\n-a\n-b\n"),
        ("a", "a\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        ("a\nb", "c\nb", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n"),
        (
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
            "--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n",
        ),
    ] {
        assert_eq!(text(old, new), patch, "{old:?} {new:?}");
    }
}

#[test]
fn changes_far_apart_are_apart() {
    let old: String = (0..30).map(|line| format!("{line}\n")).collect();
    let near = old.replace("\n10\n", "\nx\n").replace("\n17\n", "\ny\n");
    let far = old.replace("\n10\n", "\nx\n").replace("\n18\n", "\ny\n");
    assert_eq!(text(&old, &near).matches("@@ -").count(), 1);
    assert_eq!(text(&old, &far).matches("@@ -").count(), 2);
}

#[test]
fn what_is_not_compared() {
    assert_eq!(unified(Some(b"a\0"), Some(b"b"), b"a", b"b"), Patch::Binary);
    assert_eq!(unified(None, Some(b"\0"), b"a", b"b"), Patch::Binary);
    assert_eq!(unified(None, Some(b""), b"a", b"b"), Patch::Unchanged);
    assert_eq!(unified(None, None, b"a", b"b"), Patch::Unchanged);
    assert_eq!(unified(None, Some(&vec![b'a'; TEXT_MAX + 1]), b"a", b"b"), Patch::TooLarge);
}

#[test]
fn names() {
    let header = |name: &[u8]| match unified(None, Some(b"\xff\n"), b"-", name) {
        Patch::Text(text) => text.split_inclusive(|&byte| byte == b'\n').nth(1).unwrap().to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(header(b"b/x"), b"+++ b/x\n");
    assert_eq!(header(b"b/x y"), b"+++ b/x y\t\n");
    assert_eq!(header("b/\u{fc}".as_bytes()), "+++ b/\u{fc}\n".as_bytes());
    assert_eq!(header(b"b/\"\n\x01"), b"+++ \"b/\\\"\\n\\001\"\n");
    let Patch::Text(new) = unified(None, Some(b"\xff\n"), b"-", b"b/x") else { panic!() };
    assert_eq!(new, b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+\xff\n");
    let Patch::Text(gone) = unified(Some(b"a\n"), None, b"a/x", b"-") else { panic!() };
    assert_eq!(gone, b"--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
}

#[test]
fn edits_are_right_and_shortest() {
    let mut numbers = Numbers(7);
    let alphabet: [&[u8]; 4] = [b"a\n", b"b\n", b"c\n", b"d\n"];
    for _ in 0..2000 {
        let mut side = || {
            let length = numbers.below(20);
            (0..length).map(|_| alphabet[numbers.below(4)]).collect::<Vec<_>>()
        };
        let (old, new) = (side(), side());
        let (made, cost) = applied(&old, &new);
        assert_eq!(made, new.concat());
        assert_eq!(cost, old.len() + new.len() - 2 * common_lines(&old, &new), "{old:?} {new:?}");
    }
}

#[test]
fn texts_without_a_common_line_are_no_burden() {
    let old: Vec<String> = (0..20_000).map(|line| format!("{line}\n")).collect();
    let new: Vec<String> = (0..20_000).map(|line| format!("{}\n", line * 3 + 1)).collect();
    let bytes = |lines: &[String]| lines.concat().into_bytes();
    let (old, new) = (bytes(&old), bytes(&new));
    assert_eq!(applied(&lines(&old), &lines(&new)).0, new);
}
