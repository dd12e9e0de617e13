//! What the files of a layer contribute to its digest, noted while they are written: nobody has to read them again.
//!
//! A note is of an inode. Whoever makes a regular file in the tree settles what is noted of its inode, or forgets it: the
//! number may have been that of a file that is gone.

use std::collections::HashMap;

use super::BLOCK;
use crate::plan::hasher::Hasher;

/// How much memory the notes of a layer may take, in bytes. Files that there is no room for are read again.
const ROOM: usize = 16 << 20;
/// As much as a map takes of it for one file, which leaves up to half of its places empty.
const ENTRY: usize = 2 * size_of::<(u64, Note)>();

/// What is known of the files of a tree, by inode.
#[derive(Debug, Default)]
pub(in crate::store) struct Notes {
    by_inode: HashMap<u64, Note>,
    /// Bytes of memory.
    taken: usize,
}

/// What one file contributes.
#[derive(Debug)]
pub(super) struct Note {
    size: u64,
    runs: Vec<Run>,
    bytes: blake3::Hash,
}

/// Blocks one behind the other that are not all zeros.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    count: u64,
}

impl Notes {
    /// What is noted of a file, if it has the size that it had then.
    pub(super) fn find(&self, inode: u64, size: u64) -> Option<&Note> {
        self.by_inode.get(&inode).filter(|note| note.size == size)
    }

    fn keep(&mut self, inode: u64, note: Note) {
        self.forget(inode);
        let memory = note.memory();
        if self.taken + memory <= ROOM {
            self.taken += memory;
            self.by_inode.insert(inode, note);
        }
    }

    fn forget(&mut self, inode: u64) {
        if let Some(note) = self.by_inode.remove(&inode) {
            self.taken -= note.memory();
        }
    }
}

impl Note {
    /// Adds to the digest of the tree what reading the file would add.
    pub(super) fn tell(&self, hash: &mut Hasher) {
        for run in &self.runs {
            for block in run.first..run.first + run.count {
                hash.update((block * BLOCK as u64).to_le_bytes());
            }
        }
        hash.update(self.bytes.as_bytes());
    }

    fn memory(&self) -> usize {
        ENTRY + memory(&self.runs)
    }
}

fn memory(runs: &Vec<Run>) -> usize {
    runs.capacity() * size_of::<Run>()
}

/// Takes notes of one file after the other.
#[derive(Debug, Default)]
pub(in crate::store) struct Noting {
    notes: Notes,
    /// The file that is being written, while it is noted.
    body: Option<Body>,
}

impl Noting {
    /// Begins with a file, whose bytes come next, in order and without holes.
    pub(in crate::store) fn begin(&mut self) {
        self.body = (self.notes.taken + ENTRY <= ROOM).then(Body::default);
    }

    /// More bytes of the file; of one that was not begun nothing is noted.
    pub(in crate::store) fn add(&mut self, bytes: &[u8]) {
        let Some(body) = &mut self.body else { return };
        body.add(bytes);
        if self.notes.taken + ENTRY + memory(&body.runs) > ROOM {
            self.body = None;
        }
    }

    /// The file, of so many bytes, is this inode.
    pub(in crate::store) fn settle(&mut self, inode: u64, size: u64) {
        match self.body.take().filter(|body| body.size == size) {
            Some(body) => self.notes.keep(inode, body.finish()),
            None => self.notes.forget(inode),
        }
    }

    /// The inode is a file whose bytes were never seen.
    pub(in crate::store) fn forget(&mut self, inode: u64) {
        self.notes.forget(inode);
    }

    /// The notes of all files.
    pub(in crate::store) fn finish(self) -> Notes {
        self.notes
    }
}

/// A file of which the first bytes are known.
#[derive(Debug, Default)]
struct Body {
    size: u64,
    runs: Vec<Run>,
    /// Whether the block that is begun has something else than zeros: then its bytes are hashed, else counted.
    is_data: bool,
    hash: blake3::Hasher,
}

impl Body {
    fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let block = self.size / BLOCK as u64;
            let before = usize::try_from(self.size % BLOCK as u64).unwrap_or_default();
            let (part, rest) = bytes.split_at(bytes.len().min(BLOCK - before));
            self.is_data &= before > 0;
            if !self.is_data && part.iter().any(|byte| *byte != 0) {
                self.is_data = true;
                self.begin_data(block, before);
            }
            if self.is_data {
                self.hash.update(part);
            }
            self.size += part.len() as u64;
            bytes = rest;
        }
    }

    /// Counts a block in, whose first bytes were zeros.
    fn begin_data(&mut self, block: u64, mut zeros: usize) {
        static ZEROS: [u8; 4 << 10] = [0; 4 << 10];
        while zeros > 0 {
            let count = zeros.min(ZEROS.len());
            self.hash.update(&ZEROS[..count]);
            zeros -= count;
        }
        match self.runs.last_mut() {
            Some(run) if run.first + run.count == block => run.count += 1,
            Some(_) | None => self.runs.push(Run { first: block, count: 1 }),
        }
    }

    fn finish(mut self) -> Note {
        self.runs.shrink_to_fit();
        Note { size: self.size, runs: self.runs, bytes: self.hash.finalize() }
    }
}

#[cfg(test)]
mod tests;
