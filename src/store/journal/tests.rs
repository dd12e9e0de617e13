use std::collections::BTreeMap;
use std::io::Write as _;

use super::*;
use crate::plan::occurrence::Subject;
use crate::store::fixture::Scratch;

fn occurrence(number: i64) -> Occurrence {
    Occurrence {
        subject: Subject::Container,
        action: "start".to_owned(),
        id: format!("{number:064}"),
        attributes: BTreeMap::from([("name".to_owned(), "a\nb".to_owned())]),
        nanoseconds: number,
    }
}

fn open(scratch: &Scratch) -> Directory {
    Directory::open(scratch.path()).unwrap()
}

fn rest(reader: &mut JournalReader) -> Vec<i64> {
    std::iter::from_fn(|| reader.advance().unwrap()).map(|one| one.nanoseconds).collect()
}

#[test]
fn what_is_added_is_read_once() {
    let scratch = Scratch::new();
    let directory = open(&scratch);
    let mut reader = JournalReader::open(open(&scratch)).unwrap();
    assert_eq!(reader.advance().unwrap(), None);
    add(&directory, &line(&occurrence(1)), FILE_MAX).unwrap();
    add(&directory, &[line(&occurrence(2)), line(&occurrence(3))].concat(), FILE_MAX).unwrap();
    assert_eq!(reader.advance().unwrap(), Some(occurrence(1)));
    assert_eq!(rest(&mut reader), [2, 3]);
    assert!(rest(&mut reader).is_empty());
    add(&directory, &line(&occurrence(4)), FILE_MAX).unwrap();
    assert_eq!(rest(&mut reader), [4]);
}

#[test]
fn what_is_not_whole_spoils_nothing() {
    let scratch = Scratch::new();
    let directory = open(&scratch);
    add(&directory, &line(&occurrence(1)), FILE_MAX).unwrap();
    let mut file = std::fs::File::options().append(true).open(scratch.path().join("events")).unwrap();
    file.write_all(b"\n{\"subject\":\"contai").unwrap();
    let mut reader = JournalReader::open(open(&scratch)).unwrap();
    assert_eq!(rest(&mut reader), [1]);
    add(&directory, &line(&occurrence(2)), FILE_MAX).unwrap();
    assert_eq!(rest(&mut reader), [2]);
}

#[test]
fn two_files_are_kept_and_readers_follow() {
    let scratch = Scratch::new();
    let directory = open(&scratch);
    let mut reader = JournalReader::open(open(&scratch)).unwrap();
    for number in 0..100 {
        add(&directory, &line(&occurrence(number)), 1000).unwrap();
        assert_eq!(rest(&mut reader), [number]);
    }
    let size = |name| std::fs::metadata(scratch.path().join(name)).map_or(0, |metadata| metadata.len());
    assert!(size("events") < 1300 && size("events.1") < 1300);
    assert_eq!(directory.names().unwrap().len(), if size("events") == 0 { 1 } else { 2 });
    let late = rest(&mut JournalReader::open(open(&scratch)).unwrap());
    assert!(late.len() > 4 && late.last() == Some(&99) && late.is_sorted(), "{late:?}");
}

#[test]
fn many_add_at_once_and_nothing_is_lost() {
    let scratch = Scratch::new();
    let mut reader = JournalReader::open(open(&scratch)).unwrap();
    let (mut seen, writers) = (Vec::new(), 4);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                let directory = open(&scratch);
                scope.spawn(move || {
                    for number in 0..250 {
                        // Slowly; and two files hold it all, so that the reader misses nothing.
                        std::thread::sleep(Duration::from_micros(100));
                        add(&directory, &line(&occurrence(writer * 1000 + number)), 80_000).unwrap();
                    }
                })
            })
            .collect();
        while threads.iter().any(|thread| !thread.is_finished()) {
            seen.extend(rest(&mut reader));
        }
    });
    seen.extend(rest(&mut reader));
    seen.sort_unstable();
    let all: Vec<i64> = (0..writers).flat_map(|writer| writer * 1000..writer * 1000 + 250).collect();
    assert_eq!(seen, all);
}

#[test]
fn a_very_long_line_goes_without_its_attributes() {
    let long = Occurrence {
        attributes: BTreeMap::from([("label".to_owned(), "x".repeat(LINE_MAX))]),
        ..occurrence(1)
    };
    let text = line(&long);
    assert!(text.len() < 300 && text.starts_with(b"\n{") && text.ends_with(b"}\n"));
}
