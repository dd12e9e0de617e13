//! The image's configuration and the flags that override it.

use std::fs;

use serde_json::json;

use crate::support::{Caller, IMAGE, Image, Scratch, require};

#[test]
fn the_main_job() {
    let scratch = Scratch::with_image();
    let flags = ["-v", "data:/data", "--tmpfs", "/tmp"];
    scratch.shell(&flags, "echo kept >/data/file; echo gone >/tmp/file").run().success();
    let output = scratch.shell(&flags, "cat /data/file; ls -A /tmp").run();
    assert_eq!(output.success(), "kept");
}

#[test]
fn the_main_job_on_this_machines_own_root() {
    let scratch = Scratch::new();
    let run = |script: &str| {
        scratch
            .minirun(["run", "--rm", "-v", "data:/data", "--tmpfs", "/tmp", "host", "sh", "-c", script])
            .run()
            .success()
    };
    run("echo kept >/data/file; echo gone >/tmp/file; echo throw >/minirun-thrown-away");
    assert_eq!(run("cat /data/file; ls -A /tmp; ls -d /minirun-thrown-away 2>/dev/null; true"), "kept");
    assert!(!std::path::Path::new("/minirun-thrown-away").exists());
    assert!(!std::path::Path::new("/data/file").exists());
}

#[test]
fn it_says_hi() {
    let scratch = Scratch::with_image();
    assert_eq!(scratch.minirun(["run", "--rm", IMAGE, "echo", "hi"]).run().success(), "hi");
    assert_eq!(scratch.minirun(["run", "--rm", "--", IMAGE, "echo", "--rm"]).run().success(), "--rm");
}

#[test]
fn options_stop_at_the_image() {
    let scratch = Scratch::with_image();
    let output = scratch.minirun(["run", "--rm", IMAGE, "echo", "-e", "--name", "x", "--help"]).run();
    assert!(output.success().ends_with("--name x --help"), "{output}");
}

#[test]
fn the_store_is_where_the_flag_says() {
    let scratch = Scratch::with_image();
    let elsewhere = scratch.text("store");
    for args in [
        ["--store", &elsewhere, "run", "--rm", IMAGE, "echo", "hi"],
        ["run", "--store", &elsewhere, "--rm", IMAGE, "echo", "hi"],
    ] {
        assert_eq!(scratch.minirun(args).env("MINIRUN_STORE", "/nowhere").run().success(), "hi");
    }
    let data_home = scratch.directory("xdg");
    let call = scratch.minirun(["run", "--rm", "host", "echo", "hi"]).env_remove("MINIRUN_STORE");
    assert_eq!(call.env("XDG_DATA_HOME", &data_home).run().success(), "hi");
    assert!(data_home.join("minirun").is_dir());
}

#[test]
fn entrypoint_and_command_of_the_image() {
    let image = Image::base()
        .config("Entrypoint", json!(["echo", "entry"]))
        .config("Cmd", json!(["command", "more"]));
    let scratch = Scratch::with(&image);
    let run = |args: &[&str]| scratch.minirun(["run", "--rm"]).args(args).run();
    assert_eq!(run(&[IMAGE]).success(), "entry command more");
    assert_eq!(run(&[IMAGE, "given"]).success(), "entry given");
    assert_eq!(run(&["--entrypoint", "echo", IMAGE]).success(), "", "the flag drops the image's command too");
    assert_eq!(run(&["--entrypoint", "echo", IMAGE, "x"]).success(), "x");
    assert_eq!(run(&["--entrypoint", "", IMAGE, "echo", "y"]).success(), "y");
    run(&["--entrypoint", "", IMAGE]).refused();
}

#[test]
fn no_command_at_all_is_an_error() {
    let scratch = Scratch::with_image();
    scratch.minirun(["run", "--rm", IMAGE]).run().refused();
}

#[test]
fn the_environment_is_built_from_nothing() {
    let scratch = Scratch::with_image();
    let call = scratch.minirun(["run", "--rm", "--hostname", "box", IMAGE, "env"]).env("LEAKED", "yes");
    let output = call.run().success();
    let mut lines: Vec<_> = output.lines().filter(|line| !line.starts_with("PWD=")).collect();
    lines.sort_unstable();
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(lines, ["HOME=/root", "HOSTNAME=box", path]);
}

#[test]
fn environment_of_image_file_and_flags() {
    let image = Image::base().config("Env", json!(["A=image", "B=image", "PATH=/bin", "HOME=/image-home"]));
    let scratch = Scratch::with(&image);
    let file =
        scratch.file("env", "\u{feff}# comment\nB=file\n  C=from file \nTAKEN\nUNSET_ANYWHERE\nD=a#b='c'\n");
    let file = file.to_str().unwrap();
    let flags =
        ["-e", "C=flag", "--env-file", file, "-e", "E=", "-e", "CALLER", "-e", "NOT_SET", "-e", "E=last"];
    let script =
        "echo \"$A|$B|$C|$D|$E|$CALLER|$TAKEN|$PATH|$HOME|${NOT_SET-unset}|${UNSET_ANYWHERE-unset}\"";
    let call = scratch.shell(&flags, script).env("CALLER", "from caller").env("TAKEN", "taken");
    let output = call.env_remove("NOT_SET").run().success();
    assert_eq!(output, "image|file|flag|a#b='c'|last|from caller|taken|/bin|/image-home|unset|unset");
}

#[test]
fn bad_environment_is_refused() {
    let scratch = Scratch::with_image();
    let file = scratch.file("env", "A B=1\n");
    scratch.shell(&["-e", "=x"], "true").run().refused();
    scratch.shell(&["--env-file", file.to_str().unwrap()], "true").run().refused();
    scratch.shell(&["--env-file", "/no/such/file"], "true").run().refused();
}

#[test]
fn the_working_directory() {
    let scratch = Scratch::with(&Image::base().config("WorkingDir", json!("/from/image")));
    assert_eq!(scratch.shell(&[], "pwd").run().success(), "/from/image");
    assert_eq!(scratch.shell(&["-w", "/seed"], "pwd").run().success(), "/seed");
    assert_eq!(scratch.shell(&["-w", "/new/deep"], "pwd; stat -c %a .").run().success(), "/new/deep\n755");
    scratch.shell(&["-w", "relative"], "pwd").run().refused();
    assert_eq!(Scratch::with_image().shell(&[], "pwd").run().success(), "/");
}

#[test]
fn the_user_comes_from_the_images_own_files() {
    require!(Caller::detect().has_many_ids(), "the caller has one ID only");
    let scratch = Scratch::with(&Image::base().config("User", json!("app")));
    let script = "echo $(id -u):$(id -g) $(id -G) $HOME";
    for (flags, expected) in [
        (&[][..], "1234:1234 1234 2345 /home/app"),
        (&["-u", "root"], "0:0 0 /root"),
        (&["-u", "1234"], "1234:1234 1234 2345 /home/app"),
        (&["-u", "app:extra"], "1234:2345 2345 /home/app"),
        (&["-u", "777"], "777:0 0 /"),
        (&["-u", "777:888"], "777:888 888 /"),
        (&["-u", "777:888", "--group-add", "extra", "--group-add", "999"], "777:888 888 999 2345 /"),
    ] {
        assert_eq!(scratch.shell(flags, script).run().success(), expected, "{flags:?}");
    }
}

#[test]
fn unknown_users_and_groups_are_refused() {
    let scratch = Scratch::with_image();
    for user in ["nobody-here", "root:nobody-here", "0:nobody-here", "-1", "4294967295", "1x"] {
        let flag = format!("--user={user}");
        scratch.shell(&[&flag], "true").run().refused();
    }
    scratch.shell(&["--group-add", "nobody-here"], "true").run().refused();
}

#[test]
fn hostname_and_its_files() {
    let scratch = Scratch::with_image();
    let output =
        scratch.shell(&["--hostname", "box"], "hostname; cat /etc/hostname; grep box /etc/hosts").run();
    let output = output.success();
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[..2], ["box", "box"], "{output}");
    assert!(lines.len() > 2, "{output}");

    let default = scratch.shell(&[], "hostname").run().success();
    assert_eq!(default.len(), 12, "{default}");
    assert!(default.bytes().all(|byte| byte.is_ascii_hexdigit()), "{default}");
    scratch.shell(&["--hostname", &"x".repeat(65)], "true").run().refused();
}

#[test]
fn hosts_and_name_servers() {
    let scratch = Scratch::with_image();
    let flags = ["--add-host", "db:10.1.2.3", "--add-host", "six=[fd00::1]", "--dns", "9.9.9.9"];
    let output = scratch.shell(&flags, "cat /etc/hosts /etc/resolv.conf").run().success();
    let words: Vec<Vec<_>> = output.lines().map(|line| line.split_whitespace().collect()).collect();
    for expected in [&["10.1.2.3", "db"][..], &["fd00::1", "six"], &["nameserver", "9.9.9.9"]] {
        assert!(words.iter().any(|line| line.starts_with(expected)), "{expected:?}\n{output}");
    }
    assert!(words.iter().any(|line| line.starts_with(&["127.0.0.1", "localhost"])), "{output}");
    scratch.shell(&["--add-host", "noaddress"], "true").run().refused();
    scratch.shell(&["--add-host", "db:not-an-address"], "true").run().refused();
    scratch.shell(&["--dns", "nonsense"], "true").run().refused();
}

#[test]
fn the_container_id_file() {
    let scratch = Scratch::with_image();
    let file = scratch.text("id");
    scratch.minirun(["run", "--cidfile", &file, IMAGE, "true"]).run().success();
    let id = fs::read_to_string(&file).unwrap();
    assert_eq!(id.trim().len(), 64, "{id}");
    assert!(scratch.minirun(["ps", "-a", "-q"]).run().success().starts_with(&id[..12]));
    scratch.shell(&["--cidfile", &file], "true").run().refused();

    let failing = scratch.text("id-of-failure");
    scratch.minirun(["run", "--rm", "--cidfile", &failing, "no-such-image", "true"]).run().refused();
    assert!(!scratch.path("id-of-failure").exists());
}

#[test]
fn resource_limits() {
    let scratch = Scratch::with_image();
    let flags = ["--ulimit", "nofile=100:200", "--ulimit", "core=0"];
    let output = scratch.shell(&flags, "ulimit -Sn; ulimit -Hn; ulimit -c").run();
    assert_eq!(output.success(), "100\n200\n0");
    assert_eq!(scratch.shell(&["--ulimit", "nofile=64"], "ulimit -Sn; ulimit -Hn").run().success(), "64\n64");
    for bad in ["nofile=200:100", "nosuch=1", "nofile", "nofile=x", "=1"] {
        scratch.shell(&["--ulimit", bad], "true").run().refused();
    }
}

#[test]
fn shared_memory_size() {
    let scratch = Scratch::with_image();
    let script = "sed -n 's/.* \\/dev\\/shm .* - tmpfs [^ ]* //p' /proc/self/mountinfo";
    let size = |flags: &[&str]| {
        let options = scratch.shell(flags, script).run().success();
        options.split(',').find_map(|option| option.strip_prefix("size=").map(str::to_owned)).unwrap()
    };
    assert_eq!(size(&[]), "65536k");
    assert_eq!(size(&["--shm-size", "1m"]), "1024k");
    assert_eq!(size(&["--shm-size", "8192"]), "8k");
    scratch.shell(&["--shm-size", "0"], "true").run().refused();
    scratch.shell(&["--shm-size", "lots"], "true").run().refused();
}

#[test]
fn labels_are_recorded() {
    let image = Image::base().config("Labels", json!({ "from": "image", "both": "image" }));
    let scratch = Scratch::with(&image);
    let flags = ["--name", "labelled", "--label", "both=flag", "--label", "bare"];
    scratch.minirun(["run"]).args(flags).args([IMAGE, "true"]).run().success();
    let text = scratch.minirun(["inspect", "labelled"]).run().success();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let labels = &document[0]["Config"]["Labels"];
    assert_eq!(*labels, json!({ "from": "image", "both": "flag", "bare": "" }), "{document}");
    let listed = |filters: &[&str]| {
        let filters = filters.iter().flat_map(|filter| ["--filter", filter]);
        scratch.minirun(["ps", "-a", "--format", "{{.Names}}"]).args(filters).run().success()
    };
    assert_eq!(listed(&["label=both=flag", "label=bare"]), "labelled");
    assert_eq!(listed(&["label=both=flag", "label=other"]), "");
}

#[test]
fn the_network_is_loopback_alone() {
    let scratch = Scratch::with_image();
    // Some kernels give every namespace tunnel interfaces, which are down. The last bit of the flags is "up".
    let script =
        "for i in /sys/class/net/*; do [ $(($(cat $i/flags) & 1)) = 1 ] && echo ${i##*/}; done; true";
    assert_eq!(scratch.shell(&["--network", "none"], script).run().success(), "lo");
}

#[test]
fn the_network_of_the_host() {
    let scratch = Scratch::with_image();
    let inside = scratch.shell(&["--network", "host"], "readlink /proc/self/ns/net").run().success();
    let outside = fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(inside, outside.to_str().unwrap());
}

#[test]
fn the_vfs_driver_copies() {
    let scratch = Scratch::with_image();
    let flags = ["--driver", "vfs"];
    let script = "echo x >/new; echo changed >/etc/os-release; cat /new; stat -c %a /tmp";
    assert_eq!(scratch.shell(&flags, script).run().success(), "x\n1777");
    assert_eq!(
        scratch.shell(&flags, "ls /new 2>/dev/null; cat /etc/os-release").run().stdout(),
        "ID=minirun-test\n"
    );
    scratch.shell(&["--driver", "nonsense"], "true").run().refused();
}
