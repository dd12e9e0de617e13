//! Images that were made to do harm, and odd ones that must work: one table of cases for each topic.
//!
//! Every image is made here, byte by byte. A case says what has to come of it: it is refused with certain words, or it
//! is loaded and the tree is exactly so, or a program in it prints a certain text. Whatever comes of it, nothing outside
//! of the store changes, and a refused image leaves nothing in the store.
//!
//! - `MINIRUN_TEST_CASE=NAME` runs the cases alone whose names contain this text.
//! - `MINIRUN_TEST_HOSTILE_DIR=DIR` writes the images there, and `cases.jsonl` with what should come of each.

mod archive;
mod canary;
mod case;
mod check;
mod export;
mod parts;
mod source;
mod stack;
mod tree;

mod blob;
mod compression;
mod documents;
mod headers;
mod links;
mod merge;
mod metadata;
mod names;
mod pax;
mod resources;
mod running;
mod sparse;
mod surroundings;
mod targets;
mod whiteouts;

/// Makes a test of each topic, and the list of all of them.
macro_rules! topics {
    ($($topic:ident),* $(,)?) => {
        const TOPICS: &[(&str, fn() -> Vec<case::Case>)] = &[$((stringify!($topic), $topic::cases)),*];
        $(
            #[test]
            fn $topic() {
                check::all($topic::cases());
            }
        )*
    };
}

topics!(
    blob,
    compression,
    documents,
    headers,
    links,
    merge,
    metadata,
    names,
    pax,
    resources,
    running,
    sparse,
    surroundings,
    targets,
    whiteouts,
);
