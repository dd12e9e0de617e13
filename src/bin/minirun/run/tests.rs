use clap::Parser as _;
use minirun::plan::network::NetworkMode;
use minirun::plan::network_file::Dns;
use minirun::plan::process::NewPrivileges;
use minirun::plan::request::Driver;
use minirun::plan::source::ImageSource;
use minirun::plan::userns::UsernsMode;

use super::*;
use crate::arguments::{Arguments, Verb};
use crate::failure::render;

fn machine() -> Platform {
    Platform::new("linux", "amd64", None)
}

fn parsed(words: &[&str]) -> RunArgs {
    let words = ["minirun", "run"].iter().chain(words);
    match Arguments::try_parse_from(words).unwrap().verb {
        Verb::Run(run) => *run,
        verb => panic!("{verb:?}"),
    }
}

fn asked(words: &[&str]) -> RunRequest {
    request(&parsed(words), Path::new("/cwd"), &machine())
        .unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

fn refused(words: &[&str]) -> String {
    let failure = Failure::Request(request(&parsed(words), Path::new("/cwd"), &machine()).unwrap_err());
    render(&failure, failure.hint())
}

#[test]
fn defaults() {
    let request = asked(&["host"]);
    assert_eq!(request.image, ImageSource::Host);
    assert_eq!(request.image_text, "host");
    assert_eq!(request.lifetime, Lifetime::Kept);
    assert_eq!(request.root_access, RootAccess::ReadWrite);
    assert_eq!(request.streams, Streams::Launcher { input: Input::Empty });
    assert_eq!(request.first, FirstProcess::Command);
    assert_eq!(request.network, None);
    assert_eq!(request.new_privileges, NewPrivileges::Denied);
    assert_eq!(request.userns, UsernsMode::Auto);
    assert_eq!(request.driver, Driver::Auto);
    assert_eq!(request.shm_size, 64 << 20);
    assert!(request.command.is_empty() && request.mounts.is_empty() && request.cid_file.is_none());
}

#[test]
fn options_end_at_the_image() {
    for (words, command) in [
        (&["x"][..], &[][..]),
        (&["x", "sh", "-c", "a b"], &["sh", "-c", "a b"]),
        (&["x", "--help"], &["--help"]),
        (&["x", "-v", "--rm", "--store", "y"], &["-v", "--rm", "--store", "y"]),
        (&["x", "--", "a"], &["--", "a"]),
        (&["--", "x", "-a", "--", "b"], &["-a", "--", "b"]),
        (&["--rm", "--", "x"], &[]),
        (&["x", ""], &[""]),
    ] {
        let request = asked(words);
        assert_eq!(
            (request.image_text.as_str(), &request.command[..]),
            ("x", &command.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()[..]),
            "{words:?}"
        );
    }
}

#[test]
fn switches_take_dockers_forms() {
    for (words, remove, input, tty) in [
        (&["--rm", "x"][..], true, false, false),
        (&["--rm=true", "x"], true, false, false),
        (&["--rm=false", "x"], false, false, false),
        (&["--rm", "--rm=0", "x"], false, false, false),
        (&["-it", "x"], false, true, true),
        (&["-ti", "x"], false, true, true),
        (&["-i=false", "-t=true", "x"], false, false, true),
        (&["-itqeA=1", "x"], false, true, true),
        (&["-iv/a:/b", "x"], false, true, false),
    ] {
        let run = parsed(words);
        assert_eq!((run.remove, run.interactive, run.tty), (remove, input, tty), "{words:?}");
        assert_eq!(run.words, ["x"], "{words:?}");
    }
    assert_eq!(asked(&["-t", "x"]).streams, Streams::Terminal);
    assert_eq!(asked(&["-i", "x"]).streams, Streams::Launcher { input: Input::Attached });
    assert!(Arguments::try_parse_from(["minirun", "run", "--rm=maybe", "x"]).is_err());
}

#[test]
fn values_take_dockers_forms() {
    for words in [
        &["-v/a:/b", "x"][..],
        &["-v=/a:/b", "x"],
        &["-v", "/a:/b", "x"],
        &["--volume=/a:/b", "x"],
        &["--volume", "/a:/b", "x"],
        &["--mount", "type=bind,bind-create-src,src=/a,dst=/b", "x"],
    ] {
        let request = asked(words);
        assert_eq!(request.mounts.len(), 1, "{words:?}");
        assert_eq!(request.mounts[0].destination.to_string(), "/b", "{words:?}");
    }
    assert_eq!(asked(&["--name", "one", "--name=two", "x"]).name.unwrap().as_str(), "two");
    assert_eq!(asked(&["-h", "box", "x"]).hostname.unwrap().as_str(), "box");
    assert_eq!(asked(&["--net", "host", "x"]).network, Some(NetworkMode::Host));
    assert_eq!(asked(&["--entrypoint", "-x", "x"]).entrypoint.as_deref(), Some("-x"));
    assert_eq!(asked(&["--entrypoint=", "x"]).entrypoint.as_deref(), Some(""));
    assert_eq!(asked(&["-e", "-A=--rm", "x"]).environment, [Setting::Set("-A".into(), "--rm".into())]);
    assert_eq!(asked(&["-e", "A", "-eB=", "x"]).environment.len(), 2);
    assert_eq!(asked(&["--cidfile", "f", "x"]).cid_file.unwrap(), Path::new("/cwd/f"));
    assert_eq!(asked(&["--userns", "keep-id", "x"]).userns, UsernsMode::KeepId);
    assert_eq!(asked(&["--driver", "vfs", "x"]).driver, Driver::Vfs);
    assert_eq!(asked(&["--shm-size", "1k", "x"]).shm_size, 1024);
    assert_eq!(asked(&["-l", "a=b", "--label=c", "x"]).labels.len(), 2);
    let resolver = ["--dns", "1.1.1.1", "--dns-search", "a.b", "--dns-opt", "ndots:2", "x"];
    assert_ne!(asked(&resolver).dns, Dns::default());
    assert_eq!(asked(&["--cap-drop", "all", "--cap-add", "kill", "x"]).capabilities.to_string(), "KILL");
    for (option, wanted) in [
        ("no-new-privileges", NewPrivileges::Denied),
        ("no-new-privileges=true", NewPrivileges::Denied),
        ("no-new-privileges:false", NewPrivileges::Allowed),
    ] {
        assert_eq!(asked(&["--security-opt", option, "x"]).new_privileges, wanted, "{option}");
    }
}

#[test]
fn mounts_keep_the_order_of_the_flags() {
    let words =
        ["--tmpfs", "/a", "-v", "one:/b", "--mount", "src=two,dst=/c", "-vthree:/d", "--tmpfs=/e", "x"];
    let order = asked(&words).mounts.iter().map(|mount| mount.destination.to_string()).collect::<Vec<_>>();
    assert_eq!(order, ["/a", "/b", "/c", "/d", "/e"]);
}

#[test]
fn flags_about_volumes() {
    let request = asked(&["--volumes-from", "one", "--volumes-from=two:ro,z", "x"]);
    let donor = |container: &str, access| mount::Donor { container: container.to_owned(), access };
    assert_eq!(request.donors, [donor("one", None), donor("two", Some(mount::Access::ReadOnly))]);
    for (words, scratch) in [
        (&["x"][..], Scratch::None),
        (&["--read-only", "x"], Scratch::None),
        (&["--read-only-tmpfs", "x"], Scratch::Tmpfs),
        (&["--read-only", "--read-only-tmpfs=true", "x"], Scratch::Tmpfs),
        (&["--read-only-tmpfs", "--read-only-tmpfs=false", "x"], Scratch::None),
    ] {
        assert_eq!(asked(words).scratch, scratch, "{words:?}");
    }
    assert_eq!(asked(&["x"]).image_volumes, mount::ImageVolumes::Anonymous);
    assert_eq!(asked(&["--image-volume=ignore", "x"]).image_volumes, mount::ImageVolumes::Ignored);
    // A driver is about the volumes of -v, and about nothing else.
    for words in [
        &["--volume-driver", "local", "-v", "v1:/a", "x"][..],
        &["--volume-driver=", "-v", "/a", "x"],
        &["--volume-driver", "nfs", "-v", "/h:/a", "--mount", "dst=/b", "--tmpfs", "/c", "x"],
        &["--volume-driver", "nfs", "x"],
    ] {
        asked(words);
    }
    for (words, text) in [
        (
            &["--volume-driver", "nfs", "-v", "/h:/a", "-v", "v1:/b", "x"][..],
            "error: cannot use `--volume-driver nfs`\n  there is no volume driver `nfs`",
        ),
        (&["--volume-driver", "nfs", "-v", "/a", "x"], "error: cannot use `--volume-driver nfs`\n"),
        (&["--volumes-from", "one:rslave", "x"], "`rslave` does not go with volumes of another container"),
        (&["--volumes-from=", "x"], "there is no container"),
        (&["--image-volume", "volume", "x"], "legal are anonymous bind tmpfs ignore"),
    ] {
        let message = refused(words);
        assert!(message.contains(text), "{words:?}: {message}");
    }
}

#[test]
fn the_store_may_stand_before_and_behind_the_verb() {
    for words in [["minirun", "--store", "/s", "run", "x"], ["minirun", "run", "--store", "/s", "x"]] {
        assert_eq!(Arguments::try_parse_from(words).unwrap().place.store.unwrap(), Path::new("/s"));
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    for (words, text) in [
        (
            &["--network", "nonsense", "x"][..],
            "error: `nonsense` is not a network that minirun has: none, host, pasta or container:NAME\nhint: there are no \
             networks with names: containers that are to reach each other share one with container:NAME, or meet at \
             published ports\n",
        ),
        (
            &["--security-opt", "seccomp=/no/such.json", "x"],
            "error: cannot read `--security-opt seccomp /no/such.json`\n  read(\"/no/such.json\"): ENOENT (No such file or \
             directory)\n",
        ),
        (&["--security", "open", "x"], "error: `--security open` is not one that minirun has: nested\n"),
        (
            &["--env-file", "/no/such", "x"],
            "error: cannot read `--env-file /no/such`\n  read(\"/no/such\"): ENOENT (No such file or directory)\n",
        ),
        (&["-e", "=b", "x"], "error: `=b` has no variable name\n"),
    ] {
        assert_eq!(refused(words), text, "{words:?}");
    }
}

#[test]
fn only_paths_need_not_be_text() {
    use std::os::unix::ffi::OsStringExt as _;
    let raw = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let words = [raw(b"minirun"), raw(b"run"), raw(b"-v"), raw(b"/\xff:/a"), raw(b"x"), raw(b"a\xff")];
    let Verb::Run(run) = Arguments::try_parse_from(words).unwrap().verb else { panic!() };
    assert_eq!(run.common.mounts.requests().unwrap().len(), 1);
    assert!(matches!(request(&run, Path::new("/"), &machine()), Err(RequestError::NotUtf8(_))));
}
