//! Several launchers at once.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{
    Call, IMAGE, Image, Layer, Outcome, Running, Scratch, eventually, processes_with, unique_seconds,
};

#[test]
fn twenty_containers_at_once() {
    let scratch = Scratch::with_image();
    scratch.shell(&["-v", "shared:/shared"], "true").run().success();
    let before = scratch.listing();
    let seconds = unique_seconds();
    let running: Vec<_> = (0..20)
        .map(|number| {
            let script = format!(
                "sleep {seconds} >/dev/null 2>&1 & test ! -e /own || exit 9; echo {number} >/own; \
                 echo {number} >/shared/{number}; cat /own; exit {number}"
            );
            scratch.shell(&["-v", "shared:/shared"], &script).start()
        })
        .collect();
    for (number, running) in running.into_iter().enumerate() {
        assert_eq!(running.wait().exits(i32::try_from(number).unwrap()), number.to_string());
    }
    eventually("nothing of them runs any more", || processes_with(&seconds) == 0);
    scratch.assert_nothing_left_running();
    let output = scratch.shell(&["-v", "shared:/shared"], "ls /shared | wc -l; rm /shared/*").run().success();
    assert_eq!(output.trim(), "20");
    assert_eq!(scratch.listing(), before);
}

#[test]
fn one_name_for_eight_at_once_is_given_once() {
    let scratch = Scratch::with_image();
    let running: Vec<_> =
        (0..8).map(|_| scratch.minirun(["run", "--name", "only", IMAGE, "sleep", "1"]).start()).collect();
    let outcomes: Vec<_> = running.into_iter().map(Running::wait).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.code == Some(0)).count(), 1);
    let refused = outcomes.iter().filter(|outcome| outcome.code == Some(125));
    assert_eq!(refused.filter(|outcome| outcome.stderr().contains("name `only` is in use")).count(), 7);
    scratch.minirun(["rm", "only"]).run().success();
}

#[test]
fn one_image_loaded_by_eight_at_once() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    let image = Image::base().layer(Layer::new().file("mark", 0o644, "marked\n"));
    image.write_layout(&layout, IMAGE);
    let running: Vec<_> =
        (0..8).map(|_| scratch.minirun(["load", "-i", layout.to_str().unwrap()]).start()).collect();
    for load in running {
        load.wait().success();
    }
    assert_eq!(scratch.shell(&[], "cat /mark").run().success(), "marked");
    assert_eq!(scratch.minirun(["images"]).run().success().lines().count(), 2);
}

#[test]
fn one_direct_source_run_by_eight_at_once() {
    let scratch = Scratch::new();
    let layout = scratch.path("layout");
    Image::base().write_layout(&layout, "v1");
    let source = format!("oci:{}", layout.display());
    let running: Vec<_> = (0..8)
        .map(|number| scratch.minirun(["run", "--rm", &source, "echo", &number.to_string()]).start())
        .collect();
    for (number, running) in running.into_iter().enumerate() {
        assert_eq!(running.wait().success(), number.to_string());
    }
}

#[test]
fn a_volume_filled_by_eight_at_once_is_filled_once() {
    let scratch = Scratch::with_image();
    let script = "ls -A /seed; cat /seed/deep/.hidden";
    let running: Vec<_> = (0..8).map(|_| scratch.shell(&["-v", "fill:/seed"], script).start()).collect();
    for running in running {
        assert_eq!(running.wait().success(), "deep\nfile\nlink\nhidden");
    }
}

#[test]
fn a_name_goes_to_one_of_eight() {
    let scratch = Scratch::with_image();
    let running: Vec<_> =
        (0..8).map(|_| scratch.minirun(["run", "--name", "wanted", IMAGE, "true"]).start()).collect();
    let codes: Vec<_> = running.into_iter().map(|running| running.wait().code.unwrap()).collect();
    assert_eq!(codes.iter().filter(|&&code| code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|&&code| code == 125).count(), 7, "{codes:?}");
}

/// One of the commands that are given at once; all of them work on few names.
fn command(scratch: &Scratch, number: usize) -> Call {
    let name = format!("box{}", number % 3);
    let volume = format!("data{}", number % 2);
    let tag = format!("mixed:{}", number % 2);
    let mount = format!("{volume}:/data");
    let words: &[&str] = match number % 16 {
        0 | 8 => &["run", "--rm", "-v", &mount, IMAGE, "sh", "-c", "echo x >/data/$$; ls /data >/dev/null"],
        1 | 9 => &["run", "-d", "--name", &name, "-v", &mount, IMAGE, "sleep", "1000"],
        2 => &["rm", "-f", &name],
        3 => &["volume", "create", &volume],
        4 => &["volume", "rm", &volume],
        5 => &["tag", IMAGE, &tag],
        6 => &["rmi", &tag],
        7 => &["exec", &name, "true"],
        10 => &["ps", "-a"],
        11 => &["container", "prune", "-f"],
        12 => &["volume", "prune", "-f", "-a"],
        13 => &["stop", "-t", "0", &name],
        14 => &["run", "--name", &name, &tag, "true"],
        _ => &["volume", "ls"],
    };
    scratch.minirun(words)
}

/// Success, what was killed meanwhile, or an error that says what is the matter.
fn is_clean(outcome: &Outcome) -> bool {
    let said = outcome.stderr().lines().any(|line| line.starts_with("error: "));
    match outcome.code {
        Some(0 | 137) => true,
        Some(1 | 125) => said && !outcome.stderr().contains("panicked"),
        _ => false,
    }
}

#[test]
fn fifty_different_commands_at_once() {
    let scratch = Scratch::with_image();
    scratch.minirun(["volume", "create", "warm"]).run().success();
    scratch.minirun(["volume", "rm", "warm"]).run().success();
    let entries = |name: &str| std::fs::read_dir(scratch.store().join(name)).map_or(0, Iterator::count);
    let parts = ["containers", "ephemeral", "names", "volumes", "tmp", "images", "references"];
    for round in 0..2 {
        let running: Vec<_> = (0..50).map(|number| command(&scratch, number * 7 + round).start()).collect();
        for running in running {
            let outcome = running.wait();
            assert!(is_clean(&outcome), "{outcome}");
        }
        // What is told of a container, a volume or an image is there.
        for list in [&["ps", "-aq"][..], &["volume", "ls", "-q"], &["images", "-q"]] {
            let names = scratch.minirun(list).run().success();
            if !names.is_empty() {
                scratch.minirun(["inspect"]).args(names.lines()).run().success();
            }
        }
        scratch.minirun(["run", "--rm", "-v", "data0:/data", IMAGE, "true"]).run().success();
    }
    let ids = scratch.minirun(["ps", "-aq"]).run().success();
    if !ids.is_empty() {
        scratch.minirun(["rm", "-f"]).args(ids.lines()).run().success();
    }
    scratch.minirun(["volume", "prune", "-f", "-a"]).env("MINIRUN_TRASH", "0").run().success();
    for tag in ["mixed:0", "mixed:1"] {
        scratch.minirun(["rmi", tag]).run();
    }
    scratch.minirun(["run", "--rm", IMAGE, "true"]).run().success();
    assert_eq!(parts.map(entries), [0, 0, 0, 0, 0, 1, 1], "{parts:?}");
    scratch.assert_nothing_left_running();
}

/// Before the last `locked` that precedes `claimed`, whoever starts a container is not known to others yet.
fn moment_before_it_is_known(passed: &str) -> String {
    let before = passed.lines().take_while(|moment| *moment != "claimed");
    format!("locked#{}", before.filter(|moment| *moment == "locked").count())
}

/// The processes of this command line that stand still.
fn standing(store: &str) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let contains = |bytes: &[u8], text: &str| String::from_utf8_lossy(bytes).contains(text);
        if contains(&read("cmdline"), store) && contains(&read("stat"), ") T ") {
            found.push(Pid::from_raw(entry.file_name().to_str().unwrap().parse().unwrap()));
        }
    }
    found
}

#[test]
fn whoever_begins_to_start_a_container_is_found() {
    let scratch = Scratch::with_image();
    let (store, moments) = (scratch.text("store"), scratch.path("moments"));
    let start = |stand_at: &str| {
        std::fs::write(&moments, [0; 1 << 14]).unwrap();
        let call = scratch.minirun(["--store", &store, "start", "box"]);
        call.env("MINIRUN_MOMENTS", &moments).env("MINIRUN_STAND_AT", stand_at).start()
    };
    scratch.minirun(["create", "--name", "box", IMAGE, "sleep", "1000"]).run().success();
    start("never#1").wait().success();
    let bytes = std::fs::read(&moments).unwrap();
    let moment = moment_before_it_is_known(&String::from_utf8_lossy(&bytes[8..]));
    scratch.minirun(["stop", "-t", "0", "box"]).run().success();
    for words in [
        &["stop", "-t", "0", "box"][..],
        &["kill", "box"],
        &["restart", "-t", "0", "box"],
        &["rm", "-f", "box"],
    ] {
        let starting = start(&moment);
        eventually("it stands still", || !standing(&store).is_empty());
        let verb = scratch.minirun(words).start();
        std::thread::sleep(Duration::from_millis(200));
        for process in standing(&store) {
            kill(process, Signal::SIGCONT).unwrap();
        }
        verb.wait().success();
        starting.wait();
        let running = scratch.minirun(["ps", "-q"]).run().success();
        assert_eq!(running.is_empty(), words[0] != "restart", "{words:?}");
        scratch.minirun(["stop", "-t", "0", "box"]).run();
    }
    scratch.assert_nothing_left_running();
}

/// Until its container is there, an image that is about to be run may be removed by others.
#[test]
fn an_image_that_is_removed_on_the_way_is_told() {
    let scratch = Scratch::with_image();
    let (store, moments, layout) = (scratch.text("store"), scratch.path("moments"), scratch.text("layout"));
    Image::base().write_layout(Path::new(&layout), IMAGE);
    for moment in ["image found#1", "layers found#1"] {
        std::fs::write(&moments, [0; 1 << 14]).unwrap();
        let run = scratch.minirun(["--store", &store, "run", "--rm", IMAGE, "true"]);
        let run = run.env("MINIRUN_MOMENTS", &moments).env("MINIRUN_STAND_AT", moment).start();
        eventually("it stands still", || !standing(&store).is_empty());
        scratch.minirun(["rmi", IMAGE]).run().success();
        for process in standing(&store) {
            kill(process, Signal::SIGCONT).unwrap();
        }
        let outcome = run.wait();
        assert_eq!(outcome.code, Some(125), "{moment}: {outcome}");
        let told = "was removed before it could be used";
        assert!(outcome.stderr().contains(told), "{moment}: {outcome}");
        assert_eq!(scratch.minirun(["ps", "-aq"]).run().success(), "");
        scratch.minirun(["load", "-q", "-i", &layout]).run().success();
    }
    scratch.minirun(["system", "check"]).run().success();
}
