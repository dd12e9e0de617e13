//! What is given to `load`: a directory or a file, made from parts in memory.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::archive::{Header, Tar};

/// Something in a layout.
#[derive(Clone)]
pub(super) enum Node {
    File(Vec<u8>),
    Directory,
    Symlink(String),
    /// The name from the top.
    Hardlink(String),
    Fifo,
    /// A file of so many zeros that takes no room on disk.
    Hole(u64),
}

/// The files of an image before they become a directory or an archive, in order.
#[derive(Clone, Default)]
pub(super) struct Files(pub(super) Vec<(String, Node)>);

impl Files {
    /// Adds or replaces a node.
    pub(super) fn put(&mut self, name: &str, node: Node) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = node,
            None => self.0.push((name.to_owned(), node)),
        }
    }

    pub(super) fn file(&mut self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.put(name, Node::File(bytes.into()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// The bytes of a file that is there.
    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, Node::File(bytes))) => bytes.clone(),
            _ => panic!("no file {name}"),
        }
    }

    /// Packs them as a tar; more entries may follow.
    pub(super) fn tar(&self) -> Tar {
        self.0.iter().fold(Tar::new(), |tar, (name, node)| match node {
            Node::File(bytes) => tar.file(name, bytes),
            Node::Directory => tar.directory(name),
            Node::Symlink(to) => tar.symlink(name, to),
            Node::Hardlink(to) => tar.hardlink(name, to),
            Node::Fifo => tar.header(Header::new(b'6', name)),
            Node::Hole(size) => tar.file(name, vec![0; usize::try_from(*size).unwrap()]),
        })
    }

    pub(super) fn write(&self, directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        for (name, node) in &self.0 {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match node {
                Node::File(bytes) => fs::write(path, bytes).unwrap(),
                Node::Directory => fs::create_dir_all(path).unwrap(),
                Node::Symlink(to) => symlink(to, path).unwrap(),
                Node::Hardlink(to) => fs::hard_link(directory.join(to), path).unwrap(),
                Node::Fifo => mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap(),
                Node::Hole(size) => fs::File::create(path).unwrap().set_len(*size).unwrap(),
            }
        }
    }
}

/// What is loaded.
#[derive(Clone)]
pub(super) enum Source {
    /// A directory, as of an image layout.
    Directory(Files),
    /// A file, as of `docker save`.
    File(Vec<u8>),
}

impl Source {
    /// Writes it as `name` into `directory`, an archive with `.tar` behind it.
    pub(super) fn write(&self, directory: &Path, name: &str) -> PathBuf {
        match self {
            Self::Directory(files) => {
                let path = directory.join(name);
                files.write(&path);
                path
            }
            Self::File(bytes) => {
                let path = directory.join(OsStr::from_bytes(format!("{name}.tar").as_bytes()));
                fs::write(&path, bytes).unwrap();
                path
            }
        }
    }
}
