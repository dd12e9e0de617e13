//! What is left when a process of minirun is killed: nothing that the next command does not put right.
//!
//! A build with debug assertions passes named moments wherever it has changed the store or the kernel's state
//! (`src/sys/moment.rs`). Each command here is run once to learn which moments it passes; then it is run again and
//! again, and whoever comes to a chosen moment is killed there. Other runs are killed at no chosen moment: any one of
//! their processes, at any time. After each kill the store is in order, no process is left that should not be, nothing
//! stays mounted, the volumes have their files, and the next command works.
//!
//! - `MINIRUN_TEST_KILLS=N`: how many processes are killed altogether; all moments are reached with a few hundred.
//! - `MINIRUN_TEST_SEED=N`: where to begin, to see a failure again.

mod scene;

use std::path::Path;

use self::scene::{Scene, crash};
use crate::support::{Compression, IMAGE, Image, Layer, require};

/// An image with a layer of its own.
const OTHER: &str = "example.test/crash:1";

/// Whether the program is built with moments.
fn has_moments() -> bool {
    cfg!(debug_assertions)
}

/// A test that kills one command; the name is the test's.
macro_rules! crashes {
    ($($(#[$doc:meta])* $name:ident: $before:expr, $command:expr, $after:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            require!(has_moments(), "the program is built without moments");
            crash(stringify!($name), &$before, &$command, &$after);
        }
    )*};
}

/// A container that has ended, with a file of its own and two volumes.
fn stopped(scene: &Scene) {
    scene.ignore(&["rm", "-f", "-v", "victim"]);
    let script = "echo own >/own";
    let flags = ["-v", "data:/data", "-v", "/anonymous"];
    scene.run(&[&["run", "--name", "victim"], &flags[..], &[IMAGE, "sh", "-c", script]].concat());
}

/// A container that runs.
fn running(scene: &Scene) {
    scene.ignore(&["rm", "-f", "victim"]);
    let seconds = scene.seconds.clone();
    scene.run(&["run", "-d", "--name", "victim", "-v", "data:/data", IMAGE, "sleep", &seconds]);
}

/// It still runs, if it was not itself that was killed.
fn still_running(scene: &Scene) {
    if !scene.run(&["ps", "-q"]).is_empty() {
        assert_eq!(scene.run(&["exec", "victim", "cat", "/data/keep"]), "kept");
    }
}

/// The archives of the layers can be had back, byte for byte.
fn outlined(scene: &Scene) {
    scene.run(&["system", "check", "--digests"]);
    let saved = scene.scratch.minirun(["save", "-o", "/dev/null", OTHER]).run();
    assert_eq!((saved.success().as_str(), saved.stderr()), ("", ""));
}

/// A layout with an image whose lowest layer is there; its path.
fn packed(scene: &Scene, name: &str, compression: Compression) -> String {
    let layout = scene.scratch.path(name);
    if !layout.exists() {
        let image = Image::base().layer(Layer::new().file("mark", 0o644, "marked\n"));
        image.packed(compression).write_layout(&layout, OTHER);
    }
    scene.scratch.text(name)
}

/// Once it is kept, the image leaves with the blobs that it came with.
fn left_as_it_came(scene: &Scene) {
    let layout = scene.scratch.text("layout");
    scene.run(&["load", "-q", "--keep-blobs", "-i", &layout]);
    outlined(scene);
    let saved = scene.scratch.text("saved");
    drop(std::fs::remove_dir_all(&saved));
    scene.run(&["save", "-o", &format!("oci:{saved}"), OTHER]);
    for blob in std::fs::read_dir(format!("{saved}/blobs/sha256")).unwrap() {
        let came = Path::new(&layout).join("blobs/sha256").join(blob.unwrap().file_name());
        assert!(came.exists(), "{}", came.display());
    }
}

fn gone(scene: &Scene) {
    scene.ignore(&["rm", "-f", "victim"]);
}

fn words<const N: usize>(words: [&str; N]) -> impl Fn(&Scene) -> Vec<String> {
    let words = words.map(str::to_owned);
    move |scene| {
        let fill =
            |word: &String| word.replace("SECONDS", &scene.seconds).replace("HERE", &scene.scratch.text(""));
        words.iter().map(fill).collect()
    }
}

crashes! {
    load:
        |scene| {
            let image = Image::base().layer(Layer::new().file("mark", 0o644, "marked\n").directory("d", 0o755));
            let layout = scene.scratch.path("layout");
            if !layout.exists() {
                image.write_layout(&layout, OTHER);
            }
            scene.ignore(&["rmi", "-f", OTHER]);
        },
        words(["load", "-q", "-i", "HERElayout"]),
        |scene| {
            scene.run(&["load", "-q", "-i", scene.scratch.path("layout").to_str().unwrap()]);
            assert_eq!(scene.run(&["run", "--rm", OTHER, "cat", "/mark"]), "marked");
            outlined(scene);
        };
    /// One layer is there, and gets its blob; the other comes with it.
    load_keeping_blobs:
        |scene| {
            packed(scene, "layout", Compression::Gzip);
            scene.ignore(&["rmi", "-f", OTHER]);
            drop(std::fs::remove_dir_all(scene.scratch.find_in_store("layer.json").with_file_name("blobs")));
        },
        words(["load", "-q", "--keep-blobs", "-i", "HERElayout"]),
        left_as_it_came;
    /// All layers are there, and the image gets another manifest.
    keep_blobs_of_known_image:
        |scene| {
            packed(scene, "layout", Compression::Gzip);
            scene.ignore(&["rmi", "-f", OTHER]);
            drop(std::fs::remove_dir_all(scene.scratch.find_in_store("layer.json").with_file_name("blobs")));
            let other = packed(scene, "other", Compression::Zstd);
            scene.run(&["load", "-q", "-i", &other]);
        },
        words(["load", "-q", "--keep-blobs", "-i", "HERElayout"]),
        left_as_it_came;
    layer:
        |scene| scene.ignore(&["rmi", "-f", OTHER]),
        words(["layer", "-t", OTHER, IMAGE, "--", "sh", "-c", "echo made >/made"]),
        |scene| {
            let id = scene.run(&["layer", "-t", OTHER, IMAGE, "--", "sh", "-c", "echo made >/made"]);
            assert_eq!(scene.run(&["layer", IMAGE, "--", "sh", "-c", "echo made >/made"]), id);
            assert_eq!(scene.run(&["run", "--rm", OTHER, "cat", "/made"]), "made");
            outlined(scene);
        };
    save_directory:
        |scene| drop(std::fs::remove_dir_all(scene.scratch.path("out/layout"))),
        |scene| {
            scene.scratch.directory("out");
            words(["save", "-o", "oci:HEREout/layout", IMAGE])(scene)
        },
        |scene| {
            // What a killed one had begun goes with the next.
            drop(std::fs::remove_dir_all(scene.scratch.path("out/layout")));
            scene.run(&["save", "-o", &format!("oci:{}", scene.scratch.text("out/layout")), IMAGE]);
            assert_eq!(std::fs::read_dir(scene.scratch.path("out")).unwrap().count(), 1);
        };
    remove_image:
        |scene| {
            let layout = scene.scratch.path("layout");
            if !layout.exists() {
                Image::base().layer(Layer::new().file("mark", 0o644, "m\n")).write_layout(&layout, OTHER);
            }
            scene.run(&["load", "-q", "-i", layout.to_str().unwrap()]);
        },
        words(["rmi", OTHER]),
        |scene| scene.ignore(&["rmi", OTHER]);
    run:
        |scene| scene.ignore(&["volume", "rm", "-f", "--now", "fresh"]),
        words(["run", "--rm", "--name", "victim", "-v", "data:/data", "-v", "fresh:/seed", "-v", "/anonymous",
            IMAGE, "sh", "-c", "echo new >/data/new"]),
        |scene| {
            let listing = scene.run(&["run", "--rm", "--name", "victim", "-v", "fresh:/seed", IMAGE, "sh", "-c",
                "ls -A /seed; cat /seed/file /seed/deep/.hidden"]);
            assert_eq!(listing, "deep\nfile\nlink\nseeded\nhidden");
            assert_eq!(scene.run(&["volume", "ls", "-q"]), "data\nfresh");
        };
    run_and_keep:
        |scene| scene.ignore(&["rm", "-f", "victim"]),
        words(["run", "--name", "victim", "-v", "data:/data", IMAGE, "sh", "-c", "echo said; exit 3"]),
        gone;
    run_detached:
        gone,
        words(["run", "-d", "--name", "victim", "-v", "data:/data", IMAGE, "sleep", "SECONDS"]),
        gone;
    run_detached_and_removed:
        gone,
        words(["run", "-d", "--rm", "--name", "victim", "-v", "data:/data", "-v", "/anonymous", IMAGE, "sleep", "0.1"]),
        |scene| {
            gone(scene);
            assert_eq!(scene.run(&["volume", "ls", "-q"]), "data");
        };
    exec:
        running,
        words(["exec", "victim", "sh", "-c", "echo x >/data/x; sleep 0.05"]),
        still_running;
    create_container:
        gone,
        words(["create", "--name", "victim", "-v", "data:/data", IMAGE, "true"]),
        gone;
    start:
        stopped,
        words(["start", "-a", "victim"]),
        |scene| {
            scene.run(&["start", "-a", "victim"]);
            scene.run(&["rm", "-v", "victim"]);
        };
    stop:
        running,
        words(["stop", "-t", "0", "victim"]),
        |scene| scene.run(&["rm", "-f", "victim"]).clear();
    restart:
        running,
        words(["restart", "-t", "0", "victim"]),
        |scene| scene.run(&["rm", "-f", "victim"]).clear();
    rename:
        |scene| {
            scene.ignore(&["rm", "-f", "-v", "renamed"]);
            stopped(scene);
        },
        words(["rename", "victim", "renamed"]),
        |scene| {
            let ids = scene.run(&["ps", "-a", "-q"]);
            assert_eq!(ids.lines().count(), 1);
            scene.run(&["rm", "-v", &ids]);
            scene.run(&["create", "--name", "renamed", IMAGE, "true"]);
            scene.run(&["create", "--name", "victim", IMAGE, "true"]);
            scene.run(&["rm", "renamed", "victim"]);
        };
    remove_container:
        stopped,
        words(["rm", "-v", "victim"]),
        |scene| {
            scene.ignore(&["rm", "-v", "victim"]);
            scene.run(&["create", "--name", "victim", IMAGE, "true"]);
            scene.run(&["rm", "victim"]);
        };
    remove_running_container:
        running,
        words(["rm", "-f", "victim"]),
        |scene| {
            gone(scene);
            scene.run(&["create", "--name", "victim", IMAGE, "true"]);
            scene.run(&["rm", "victim"]);
        };
    commit:
        |scene| {
            scene.ignore(&["rmi", "-f", OTHER]);
            stopped(scene);
        },
        words(["commit", "victim", OTHER]),
        |scene| {
            scene.run(&["commit", "victim", OTHER]);
            assert_eq!(scene.run(&["run", "--rm", OTHER, "cat", "/own"]), "own");
        };
    prune:
        stopped,
        words(["system", "prune", "-f", "--volumes"]),
        |scene| {
            scene.run(&["system", "prune", "-f", "--volumes"]);
            assert_eq!(scene.run(&["ps", "-a", "-q"]), "");
        };
    prune_volumes:
        |scene| {
            scene.run(&["volume", "create"]);
            scene.run(&["volume", "create"]);
        },
        words(["volume", "prune", "-f"]),
        |scene| {
            scene.run(&["volume", "prune", "-f"]);
            assert_eq!(scene.run(&["volume", "ls", "-q"]), "data");
        };
    import_volume:
        |scene| {
            let archive = Layer::new().file("keep", 0o644, "kept\n").directory("d", 0o755).file("d/f", 0o600, "f\n");
            scene.scratch.file("volume.tar", archive.finish());
            scene.ignore(&["volume", "rm", "-f", "--now", "target"]);
            scene.run(&["volume", "create", "target"]);
            scene.run(&["run", "--rm", "-v", "target:/v", IMAGE, "sh", "-c", "mkdir /v/keep; echo old >/v/old"]);
        },
        words(["volume", "import", "target", "HEREvolume.tar"]),
        |scene| {
            scene.run(&["volume", "import", "target", scene.scratch.path("volume.tar").to_str().unwrap()]);
            let read = scene.run(&["run", "--rm", "-v", "target:/v", IMAGE, "sh", "-c", "cd /v; cat keep d/f old; ls -A"]);
            assert_eq!(read, "kept\nf\nold\nd\nkeep\nold");
        };
    snapshot_volume:
        |scene| scene.ignore(&["volume", "snapshot", "rm", "data@before"]),
        words(["volume", "snapshot", "data", "before"]),
        |scene| {
            if scene.fails(&["volume", "snapshot", "data", "before"]) {
                scene.run(&["volume", "restore", "data@before"]);
            }
            for snapshot in scene.run(&["volume", "snapshots", "-q", "data"]).lines() {
                scene.run(&["volume", "snapshot", "rm", snapshot]);
            }
        };
    restore_volume:
        |scene| {
            scene.ignore(&["volume", "snapshot", "data", "before"]);
        },
        words(["volume", "restore", "data@before"]),
        |scene| {
            for snapshot in scene.run(&["volume", "snapshots", "-q", "data"]).lines() {
                if !snapshot.ends_with("@before") {
                    scene.run(&["volume", "snapshot", "rm", snapshot]);
                }
            }
        };
    remove_volume:
        |scene| {
            scene.ignore(&["volume", "restore", "goes"]);
            scene.run(&["volume", "create", "goes"]);
            scene.run(&["run", "--rm", "-v", "goes:/v", IMAGE, "sh", "-c", "echo mine >/v/mine"]);
        },
        words(["volume", "rm", "goes"]),
        |scene| {
            scene.ignore(&["volume", "restore", "goes"]);
            assert_eq!(scene.run(&["run", "--rm", "-v", "goes:/v", IMAGE, "cat", "/v/mine"]), "mine");
        };
    copy_into:
        |scene| {
            stopped(scene);
            scene.scratch.directory("tree");
            scene.scratch.file("tree/a", "a\n");
            scene.scratch.file("tree/b", "b\n");
        },
        words(["cp", "HEREtree", "victim:/copied"]),
        |scene| {
            scene.run(&["cp", scene.scratch.path("tree").to_str().unwrap(), "victim:/again"]);
            scene.run(&["rm", "-v", "victim"]);
        };
    clone_volume:
        |scene| scene.ignore(&["volume", "rm", "-f", "--now", "copy"]),
        words(["volume", "clone", "data", "copy"]),
        |scene| {
            scene.ignore(&["volume", "clone", "data", "copy"]);
            assert_eq!(scene.run(&["run", "--rm", "-v", "copy:/v", IMAGE, "cat", "/v/keep"]), "kept");
        };
    import_image:
        |scene| {
            scene.scratch.file("root.tar", Image::base_layer());
            scene.ignore(&["rmi", "-f", OTHER]);
        },
        words(["import", "HEREroot.tar", OTHER]),
        |scene| {
            scene.run(&["import", scene.scratch.path("root.tar").to_str().unwrap(), OTHER]);
            assert_eq!(scene.run(&["run", "--rm", OTHER, "cat", "/seed/file"]), "seeded");
        };
    kill_container:
        running,
        words(["kill", "victim"]),
        |scene| scene.run(&["rm", "-f", "victim"]).clear();
    restarted_by_its_supervisor:
        gone,
        words(["run", "-d", "--restart", "on-failure:2", "--name", "victim", IMAGE, "false"]),
        gone;
}
