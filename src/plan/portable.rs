//! Paths in what is written down of containers: those in the store are written as they lie in it.
//!
//! So a store can be moved, or copied, with the containers in it. Whoever has read the papers of a container, or has not
//! written them yet, has absolute paths alone; only on the disk there are others.
//!
//! A specification has its own rule for such paths: they begin at the directory that it lies in (OCI runtime specification,
//! `mounts` and `root`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::{Mount, Spec};

use super::attachment::Source;
use super::from_spec::Supplement;
use super::mount::absolute;
use super::rootfs::Rootfs;

/// Where the papers of a container lie.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The store, absolute.
    pub store: &'a Path,
    /// The container's directory in it, absolute.
    pub container: &'a Path,
}

/// `path` as it is written down: from the store if it lies there.
#[must_use]
pub fn written(store: &Path, path: &Path) -> PathBuf {
    // Most are spelled as the store is, which is seen at once.
    let bytes = path.as_os_str().as_bytes().strip_prefix(store.as_os_str().as_bytes());
    if let Some([b'/', below @ ..]) = bytes
        && below.first().is_some_and(|&byte| byte != b'/')
    {
        return PathBuf::from(OsStr::from_bytes(below));
    }
    match path.strip_prefix(store) {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Ok(below) => below.to_owned(),
        Err(_) => path.to_owned(),
    }
}

/// The path that was written down as `path`. Nothing stays nothing, as for what is in memory.
#[must_use]
pub fn read(store: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { PathBuf::new() } else { store.join(path) }
}

impl Place<'_> {
    /// What is written down of a specification.
    #[must_use]
    pub fn written_spec(&self, spec: &Spec) -> Spec {
        with_spec_paths(spec, |path| self.in_specification(path))
    }

    /// The specification that was written down.
    #[must_use]
    pub fn read_spec(&self, spec: &Spec) -> Spec {
        with_spec_paths(spec, |path| self.of_host(path))
    }

    fn in_specification(&self, path: &Path) -> PathBuf {
        if path.starts_with(self.container) || !path.starts_with(self.store) {
            return written(self.container, path);
        }
        let depth = self.container.strip_prefix(self.store).map_or(0, |below| below.components().count());
        let up = std::iter::repeat_n(Component::ParentDir, depth);
        up.collect::<PathBuf>().join(written(self.store, path))
    }

    fn of_host(&self, path: &Path) -> PathBuf {
        // No directory of the store is a symlink, so that `..` is what it looks like.
        if path.is_absolute() { path.to_owned() } else { absolute(path, self.container) }
    }
}

fn with_spec_paths(spec: &Spec, change: impl Fn(&Path) -> PathBuf) -> Spec {
    let mut spec = spec.clone();
    if let Some(root) = spec.root_mut() {
        let path = change(root.path());
        root.set_path(path);
    }
    for mount in spec.mounts_mut().iter_mut().flatten() {
        if is_bind(mount) {
            let source = mount.source().as_deref().map(&change);
            mount.set_source(source);
        } else if mount.typ().as_deref() == Some("overlay") {
            for word in mount.options_mut().iter_mut().flatten() {
                *word = overlay_word(word, &change);
            }
        }
    }
    spec
}

/// An option of an overlay, which may have paths in it; what has no words in a specification is an overlay to others alone.
fn overlay_word(word: &str, change: impl Fn(&Path) -> PathBuf) -> String {
    match word.split_once('=') {
        Some((key @ ("lowerdir" | "upperdir" | "workdir"), paths)) => {
            let paths = paths.split(':').map(|path| change(Path::new(path)).to_string_lossy().into_owned());
            format!("{key}={}", paths.collect::<Vec<_>>().join(":"))
        }
        Some(_) | None => word.to_owned(),
    }
}

/// Whether the source of a mount is a path.
fn is_bind(mount: &Mount) -> bool {
    let is_word = |word: &String| word == "bind" || word == "rbind";
    let options = mount.options().as_deref().unwrap_or_default();
    mount.typ().as_deref().is_none_or(|kind| kind == "bind") || options.iter().any(is_word)
}

impl Supplement {
    /// What is written down of it.
    #[must_use]
    pub fn written(&self, store: &Path) -> Self {
        self.with_paths(|path| written(store, path))
    }

    /// What was written down.
    #[must_use]
    pub fn read(&self, store: &Path) -> Self {
        self.with_paths(|path| read(store, path))
    }

    fn with_paths(&self, change: impl Fn(&Path) -> PathBuf) -> Self {
        let mut supplement = self.clone();
        let mut paths = of_rootfs(&mut supplement.rootfs);
        paths.extend(supplement.fills.iter_mut().map(|fill| &mut fill.data));
        let additions = supplement.additions.values_mut();
        paths.extend(additions.filter_map(|addition| addition.source.as_mut()).flat_map(of_source));
        for path in paths {
            *path = change(path);
        }
        supplement
    }
}

fn of_rootfs(rootfs: &mut Rootfs) -> Vec<&mut PathBuf> {
    match rootfs {
        Rootfs::Directory { path, merged } => vec![path, merged],
        Rootfs::Overlay { lowers, upper, work, merged, lifetime: _, index: _ } => {
            lowers.iter_mut().chain([upper, work, merged]).collect()
        }
        // The areas are the machine's.
        Rootfs::Host { areas: _, merged } => vec![merged],
    }
}

fn of_source(source: &mut Source) -> Vec<&mut PathBuf> {
    match source {
        Source::Bind { path, .. } | Source::Device { path, .. } | Source::Link { path } => vec![path],
        Source::Beneath { base, .. } => vec![base],
        Source::Merged(merged) => {
            let layer = merged.layer.iter_mut().flat_map(|layer| [&mut layer.upper, &mut layer.work]);
            merged.lowers.iter_mut().map(|lower| &mut lower.base).chain(layer).collect()
        }
        Source::Driver(file_system) => vec![&mut file_system.aside],
        Source::New { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HERE: &str = "/old/store";
    const THERE: &str = "/new";

    fn place(store: &str) -> (PathBuf, PathBuf) {
        (PathBuf::from(store), PathBuf::from(store).join("containers/1234"))
    }

    #[test]
    fn paths_follow_the_store() {
        for (path, on_disk, there) in [
            ("/old/store/layers/a/tree", "layers/a/tree", "/new/layers/a/tree"),
            ("/old/store", ".", "/new"),
            ("/old/storehouse/x", "/old/storehouse/x", "/old/storehouse/x"),
            ("/srv/x", "/srv/x", "/srv/x"),
            ("", "", ""),
        ] {
            let found = written(Path::new(HERE), Path::new(path));
            assert_eq!(found, Path::new(on_disk), "{path}");
            assert_eq!(read(Path::new(THERE), &found), Path::new(there), "{path}");
        }
    }

    fn spec(store: &str) -> Spec {
        let own = format!("{store}/containers/1234");
        let volume = format!("{store}/volumes/data/_data");
        serde_json::from_value(json!({
            "ociVersion": "1.0.2",
            "root": { "path": format!("{own}/merged") },
            "mounts": [
                { "destination": "/a", "type": "bind", "source": volume, "options": ["rbind"] },
                { "destination": "/b", "type": "none", "source": format!("{own}/hosts"), "options": ["bind"] },
                { "destination": "/c", "type": "bind", "source": "/srv/x" },
                { "destination": "/d", "type": "tmpfs", "source": "tmpfs" },
                { "destination": "/e", "type": "bind", "source": store },
                { "destination": "/f", "type": "overlay", "source": "overlay", "options": [
                    "rw", format!("lowerdir={store}/layers/a:/srv/b"), format!("upperdir={own}/upper"),
                ] },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_specification_follows_the_store() {
        let (store, container) = place(HERE);
        let on_disk = Place { store: &store, container: &container }.written_spec(&spec(HERE));
        let sources = on_disk.mounts().iter().flatten().map(|mount| mount.source().clone().unwrap());
        let wanted = ["../../volumes/data/_data", "hosts", "/srv/x", "tmpfs", "../../.", "overlay"];
        assert_eq!(sources.collect::<Vec<_>>(), wanted.map(PathBuf::from));
        let options = on_disk.mounts().iter().flatten().next_back().unwrap().options().clone().unwrap();
        assert_eq!(options, ["rw", "lowerdir=../../layers/a:/srv/b", "upperdir=upper"]);
        assert_eq!(on_disk.root().as_ref().unwrap().path(), Path::new("merged"));
        let (store, container) = place(THERE);
        let there = Place { store: &store, container: &container };
        assert_eq!(there.read_spec(&on_disk), spec(THERE));
        // What was written with absolute paths is what it says.
        assert_eq!(there.read_spec(&spec(HERE)), spec(HERE));
    }

    fn supplement(store: &str) -> Supplement {
        let own = |name: &str| format!("{store}/containers/1234/{name}");
        let asked = json!({ "flag": "Volume", "text": "x" });
        let addition =
            |source: serde_json::Value| json!({ "source": source, "ownership": "Kept", "asked": asked });
        serde_json::from_value(json!({
            "id": "0".repeat(64),
            "rootfs": { "Overlay": {
                "lowers": [format!("{store}/layers/a/tree"), "/srv/rootfs"],
                "upper": own("upper"), "work": own("work"), "merged": own("merged"), "lifetime": "Kept",
            } },
            "fills": [{ "data": format!("{store}/volumes/data/_data"), "part": "Volume", "destination": "/a" }],
            "additions": {
                "/a": addition(json!({ "Beneath": {
                    "base": format!("{store}/volumes/data/_data"), "subpath": "x", "recursion": "Enabled",
                } })),
                "/b": addition(json!({ "Merged": {
                    "lowers": [{ "base": "/srv/src", "subpath": null }],
                    "layer": {
                        "upper": own("layers/0/upper"), "work": own("layers/0/work"), "lifetime": "Kept", "looks": "Source",
                    },
                    "subpath": null, "devices": "Allowed",
                } })),
                "/c": addition(json!({ "Link": { "path": format!("{store}/x") } })),
            },
            "first": "Command", "input": "Empty", "network": "none", "connection": null,
        }))
        .unwrap()
    }

    #[test]
    fn what_a_specification_cannot_say_follows_the_store() {
        let json = |supplement: &Supplement| serde_json::to_value(supplement).unwrap();
        let on_disk = supplement(HERE).written(Path::new(HERE));
        assert!(!json(&on_disk).to_string().contains(HERE), "{}", json(&on_disk));
        assert_eq!(json(&on_disk)["additions"]["/b"]["source"]["Merged"]["lowers"][0]["base"], "/srv/src");
        assert_eq!(json(&on_disk.read(Path::new(THERE))), json(&supplement(THERE)));
        assert_eq!(json(&supplement(HERE).read(Path::new(THERE))), json(&supplement(HERE)));
    }
}
