//! PID 1: its files, its signals, its end.

use std::fs;

use nix::sys::signal::Signal;

use crate::support::{
    Caller, IMAGE, Image, Layer, Scratch, eventually, processes_with, require, unique_seconds,
};

#[test]
fn its_status_is_minirun_s() {
    let scratch = Scratch::with_image();
    for code in [0, 1, 7, 125, 255] {
        scratch.shell(&[], &format!("exit {code}")).run().exits(code);
    }
}

#[test]
fn death_by_signal_is_128_and_its_number() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    // From outside only KILL gets through to a PID 1 that has no handler; a child of `--init` takes any.
    let cases = [
        (&[][..], Signal::SIGKILL, 137),
        (&["--init"], Signal::SIGKILL, 137),
        (&["--init"], Signal::SIGSEGV, 139),
    ];
    for (flags, signal, code) in cases {
        let running = scratch.minirun(["run", "--rm"]).args(flags).args([IMAGE, "sleep", &seconds]).start();
        eventually("the container runs", || inner_pid(&seconds).is_some());
        nix::sys::signal::kill(inner_pid(&seconds).unwrap(), signal).unwrap();
        running.wait().exits(code);
    }
    // A child's death is the shell's business.
    scratch.shell(&[], "sh -c 'kill -TERM $$'; exit $?").run().exits(143);
}

/// The process of the container itself that sleeps for `seconds`: not minirun, which names them too.
fn inner_pid(seconds: &str) -> Option<nix::unistd::Pid> {
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<_> = command.split(|&byte| byte == 0).collect();
        let sleeps = words.first()?.ends_with(b"sleep") && words.get(1) == Some(&seconds.as_bytes());
        sleeps.then(|| nix::unistd::Pid::from_raw(pid))
    })
}

#[test]
fn commands_that_cannot_be_run() {
    let image = Image::base().layer(
        Layer::new().file("plain", 0o644, "text").file("bin/noexec", 0o644, "").file("bin/bad", 0o755, "\0"),
    );
    let scratch = Scratch::with(&image);
    let run = |command: &str| scratch.minirun(["run", "--rm", IMAGE, command]).run();
    for missing in ["no-such-command", "/no/such/file", "./relative"] {
        let outcome = run(missing);
        assert!(outcome.fails(127).contains(missing), "{outcome}");
    }
    for refused in ["/seed", "/plain", "/", "noexec", "/bin/bad"] {
        let outcome = run(refused);
        assert!(outcome.fails(126).contains(refused), "{outcome}");
    }
}

#[test]
fn the_command_is_found_through_the_image_s_path() {
    let image = Image::base()
        .layer(Layer::new().file("opt/tool", 0o755, "#!/bin/sh\necho tool \"$@\"\n"))
        .config("Env", serde_json::json!(["PATH=/opt:/bin"]));
    let scratch = Scratch::with(&image);
    assert_eq!(scratch.minirun(["run", "--rm", IMAGE, "tool", "x"]).run().success(), "tool x");
    let run = ["run", "--rm", "-e", "PATH=/bin", IMAGE, "tool"];
    scratch.minirun(run).run().fails(127);
    let run = ["run", "--rm", "-w", "/opt", IMAGE, "./tool"];
    assert_eq!(scratch.minirun(run).run().success(), "tool");
}

#[test]
fn standard_input_is_passed_with_i_and_empty_without() {
    let scratch = Scratch::with_image();
    let run = |flags: &[&str]| {
        scratch.minirun(["run", "--rm"]).args(flags).args([IMAGE, "cat"]).input("x\n").run().success()
    };
    assert_eq!(run(&["-i"]), "x");
    assert_eq!(run(&[]), "");
}

#[test]
fn a_megabyte_goes_through_unchanged() {
    let scratch = Scratch::with_image();
    let input: Vec<u8> = (0..1_000_003_u32).map(|number| b'a' + (number % 23) as u8).collect();
    let outcome = scratch.minirun(["run", "--rm", "-i", IMAGE, "cat"]).input(input.clone()).run();
    outcome.success();
    assert!(outcome.stdout().as_bytes() == input);
}

#[test]
fn output_and_errors_stay_apart() {
    let scratch = Scratch::with_image();
    let outcome = scratch.shell(&[], "echo out; echo err >&2").run();
    assert_eq!(outcome.success(), "out");
    assert_eq!(outcome.stderr(), "err\n");
}

#[test]
fn no_file_of_the_launcher_is_left_open() {
    let scratch = Scratch::with_image();
    // The listing itself has one more, for the directory.
    let list =
        ["run", "--rm", IMAGE, "sh", "-c", "for fd in /proc/self/fd/*; do echo ${fd##*/}; done | sort -n"];
    let script = "exec 9</dev/null 8</etc/passwd; exec \"$MINIRUN\" \"$@\"";
    let outcome = scratch.host_script(script).args(["sh"]).args(list).run();
    let open: Vec<u32> = outcome.success().lines().map(|line| line.parse().unwrap()).collect();
    assert!(open.starts_with(&[0, 1, 2]) && open.len() <= 4, "{open:?}");
}

#[test]
fn it_is_number_one_of_its_own_world() {
    let scratch = Scratch::with_image();
    let output =
        scratch.minirun(["run", "--rm", IMAGE, "sh", "-c", "echo $$; ls -d /proc/[0-9]* | wc -l"]).run();
    let output = output.success();
    let mut lines = output.lines();
    assert_eq!(lines.next(), Some("1"));
    assert!(lines.next().unwrap().trim().parse::<u32>().unwrap() <= 3, "{output}");
}

#[test]
fn every_namespace_is_new() {
    let scratch = Scratch::with_image();
    for kind in ["mnt", "pid", "ipc", "uts", "cgroup", "net", "user"] {
        if kind == "user" && Caller::detect() == Caller::Root {
            continue;
        }
        let inside = scratch.shell(&[], &format!("readlink /proc/self/ns/{kind}")).run().success();
        let outside = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        assert_ne!(inside, outside.to_str().unwrap());
    }
}

#[test]
fn init_reaps_and_forwards() {
    let scratch = Scratch::with_image();
    // The orphan's end must leave no zombie; PID 1 is not the shell.
    let script = "echo $$; sh -c 'true & exec true'; sleep 1; grep -l 'State:.Z' /proc/[0-9]*/status 2>/dev/null; exit 3";
    let output = scratch.shell(&["--init"], script).run().exits(3);
    assert_eq!(output.lines().count(), 1, "{output}");
    assert_ne!(output, "1");

    let seconds = unique_seconds();
    let running = scratch.minirun(["run", "--rm", "--init", IMAGE, "sleep", &seconds]).start();
    eventually("the container runs", || inner_pid(&seconds).is_some());
    running.signal(Signal::SIGTERM);
    running.wait().exits(143);
}

#[test]
fn signals_are_forwarded() {
    let scratch = Scratch::with_image();
    let ready = scratch.directory("ready");
    let volume = format!("{}:/ready", ready.display());
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
        let name = signal.as_str().trim_start_matches("SIG");
        let script = format!("trap 'exit 42' {name}; touch /ready/{name}; while :; do sleep 0.05; done");
        let running = scratch.shell(&["-v", &volume], &script).start();
        eventually("the container runs", || ready.join(name).exists());
        running.signal(signal);
        running.wait().exits(42);
    }
}

#[test]
fn killing_minirun_kills_the_container() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    for flags in [&[][..], &["--init"]] {
        let running = scratch.minirun(["run", "--rm"]).args(flags).args([IMAGE, "sleep", &seconds]).start();
        eventually("the container runs", || inner_pid(&seconds).is_some());
        running.signal(Signal::SIGKILL);
        assert_eq!(running.wait().signal, Some(9));
        eventually("nothing of it runs any more", || processes_with(&seconds) == 0);
    }
    scratch.assert_nothing_left_running();
}

#[test]
fn killing_minirun_kills_a_container_of_another_user_too() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    // A change of uid clears the parent death signal.
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    let running = scratch.minirun(["run", "--rm", "-u", "app", IMAGE, "sleep", &seconds]).start();
    eventually("the container runs", || inner_pid(&seconds).is_some());
    running.signal(Signal::SIGKILL);
    running.wait();
    eventually("nothing of it runs any more", || processes_with(&seconds) == 0);
}

#[test]
fn the_container_s_children_end_with_it() {
    let scratch = Scratch::with_image();
    let seconds = unique_seconds();
    scratch.shell(&[], &format!("sleep {seconds} >/dev/null 2>&1 & exit 0")).run().success();
    eventually("nothing of it runs any more", || processes_with(&seconds) == 0);
}

#[test]
fn umask_and_signal_mask_are_fresh() {
    let scratch = Scratch::with_image();
    let call = scratch.host_script("umask 077; trap '' TERM USR1; exec \"$MINIRUN\" \"$@\"").args(["sh"]);
    let inside = "umask; grep -E '^Sig(Blk|Ign)' /proc/self/status | cut -f2";
    let output = call.args(["run", "--rm", IMAGE, "sh", "-c", inside]).run().success();
    assert_eq!(output, "0022\n0000000000000000\n0000000000000000");
}

#[test]
fn a_caller_that_ignores_its_children_gets_the_exit_code() {
    let scratch = Scratch::with_image();
    let script = "trap '' CHLD; exec \"$MINIRUN\" run --rm example.test/base:1 sh -c 'exit 5'";
    scratch.host_script(script).run().exits(5);
}

#[test]
fn a_removed_working_directory_does_no_harm() {
    let scratch = Scratch::with_image();
    let script = "mkdir \"$SCRATCH/gone\"; cd \"$SCRATCH/gone\"; rmdir \"$SCRATCH/gone\"
        \"$MINIRUN\" run --rm example.test/base:1 pwd";
    assert_eq!(scratch.host_script(script).run().success(), "/");
}

#[test]
fn a_directory_is_no_stream() {
    let scratch = Scratch::with_image();
    let run = scratch
        .host_script("exec \"$MINIRUN\" run --rm -i example.test/base:1 ls /proc/self/fd/0/.. </")
        .run();
    assert!(run.refused().contains("is a directory"), "{run}");
}

#[test]
fn an_endless_file_of_variables_is_refused() {
    let scratch = Scratch::with_image();
    scratch.shell(&["--env-file", "/dev/zero"], "true").run().refused();
}
