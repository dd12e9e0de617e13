//! Networks: none, the host's, pasta's, another container's; published ports.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{
    Call, Caller, IMAGE, Running, Scratch, Terminal, can_mount, eventually, program_exists, require,
    unique_seconds,
};

/// Whether a container of this caller can be connected here. Where it cannot, the tests of what is refused say so.
fn has_pasta() -> bool {
    program_exists("pasta") && std::fs::File::options().read(true).write(true).open("/dev/net/tun").is_ok()
}

/// Leaves a test that needs pasta where there is none; another one tests that it is refused there.
macro_rules! require_pasta {
    () => {
        require!(has_pasta(), "no pasta");
    };
}

/// Interfaces that are up; some kernels give every namespace others, which are down.
const INTERFACES: &str =
    "for i in /sys/class/net/*; do [ $(($(cat $i/flags) & 1)) = 1 ] && echo ${i##*/}; done; true";

/// Runs one of the programs below, which are ignored tests of this executable, with the machine's own files.
fn program(scratch: &Scratch, flags: &[&str], name: &str, port: &str) -> Call {
    let executable = std::env::current_exe().unwrap();
    scratch
        .minirun(["run", "--rm", "-v", &format!("{}:/suite:ro", executable.display()), "-e"])
        .args([format!("PORT={port}")])
        .args(flags)
        .args(["host", "/suite", "--ignored", "--exact", "--nocapture", &format!("network::{name}")])
}

/// Prints a line of the program's.
fn answer(text: &str) {
    std::io::stdout().write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn port_of_the_test() -> u16 {
    std::env::var("PORT").unwrap().parse().unwrap()
}

#[test]
#[ignore = "runs in a container"]
fn answer_one_stream() {
    let listener = TcpListener::bind(("0.0.0.0", port_of_the_test())).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"from inside").unwrap();
    // What is on its way when the container ends does not arrive: whoever asked is to hang up first.
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_string(&mut String::new()).unwrap();
}

#[test]
#[ignore = "runs in a container"]
fn answer_one_datagram() {
    let socket = UdpSocket::bind(("0.0.0.0", port_of_the_test())).unwrap();
    let (length, from) = socket.recv_from(&mut [0; 16]).unwrap();
    socket.send_to(&vec![b'x'; length], from).unwrap();
    // What is on its way when the container ends does not arrive.
    std::thread::sleep(Duration::from_secs(1));
}

#[test]
#[ignore = "runs in a container"]
fn ask_the_host() {
    let address = std::env::var("ADDRESS").unwrap();
    let mut text = String::new();
    let address = std::net::SocketAddr::new(address.parse().unwrap(), port_of_the_test());
    match TcpStream::connect_timeout(&address, Duration::from_secs(2)) {
        Ok(mut stream) => stream.read_to_string(&mut text).unwrap(),
        Err(error) => {
            answer(&format!("refused: {error}"));
            return;
        }
    };
    answer(&format!("heard: {text}"));
}

/// Connects until somebody listens; pasta accepts before the container does, and then says nothing.
fn hear(port: u16) -> String {
    let mut text = String::new();
    eventually("the container answers", || {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        text.clear();
        stream.read_to_string(&mut text).is_ok() && !text.is_empty()
    });
    text
}

/// A container that runs until it is removed.
fn sleeper(scratch: &Scratch, name: &str, flags: &[&str]) -> Running {
    let call = scratch.minirun(["run", "--rm", "--name", name]).args(flags);
    let seconds = unique_seconds();
    let running = call.args([IMAGE, "sleep", &seconds]).start();
    // The launcher's own command line has a name in front of it, and more of it.
    eventually("it sleeps", || crate::support::processes_called(&["sleep", &seconds]) > 0);
    running
}

#[test]
fn words_that_are_no_network() {
    let scratch = Scratch::new();
    for (word, said) in [
        ("nonsense", "container:NAME"),
        ("container:", "names no container"),
        ("slirp4netns", "pasta"),
        ("container:nobody", "nobody"),
    ] {
        let outcome = scratch.minirun(["run", "--rm", "--network", word, "host", "true"]).run();
        assert!(outcome.refused().contains(said), "{word}: {outcome}");
    }
    let outcome = scratch.minirun(["run", "--rm", "host", "true"]).env("MINIRUN_NETWORK", "x").run();
    assert!(outcome.refused().contains("MINIRUN_NETWORK"), "{outcome}");
}

#[test]
fn ports_that_are_none() {
    let scratch = Scratch::new();
    for port in ["80:", "x", "80/sctp", "8000:80-81", "1.2.3.4.5:80:80", "70000"] {
        let outcome = scratch.minirun(["run", "--rm", "-p", port, "host", "true"]).run();
        assert!(outcome.refused().contains(port), "{port}: {outcome}");
    }
}

#[test]
fn none_and_host_publish_nothing() {
    let scratch = Scratch::with_image();
    for network in ["none", "host"] {
        let outcome = scratch.shell(&["--network", network, "-p", "80:80"], "echo runs").run();
        assert_eq!(outcome.success(), "runs");
        assert!(outcome.stderr().contains("-p is left out"), "{outcome}");
    }
}

/// The device is hidden behind a socket, which nobody can open.
#[test]
fn a_closed_device_is_named() {
    require!(can_mount(), "no mounting here");
    let scratch = Scratch::with_image();
    let _socket = UnixListener::bind(scratch.path("closed")).unwrap();
    if !Path::new("/dev/net/tun").exists() || !program_exists("pasta") {
        return;
    }
    let closed = |command: &str| {
        scratch.mounting_script(&format!("mount --bind $SCRATCH/closed /dev/net/tun; exec {command}")).run()
    };
    for flags in ["--network pasta", "-p 8080:80"] {
        let outcome = closed(&format!("$MINIRUN run --rm {flags} host true"));
        let said = outcome.refused();
        assert!(said.contains("/dev/net/tun") && said.contains("chmod"), "{outcome}");
    }
    // Who asks for nothing has none, and a program is not told.
    let outcome = closed(&format!("$MINIRUN run --rm host sh -c '{INTERFACES}'"));
    assert_eq!(outcome.success(), "lo");
    assert_eq!(outcome.stderr(), "");
}

#[test]
fn a_person_is_told_that_there_is_no_network() {
    require!(program_exists("setsid"), "no setsid");
    if has_pasta() {
        return;
    }
    let scratch = Scratch::with_image();
    let run = |flags: &[&str]| {
        let call = scratch.minirun(["run", "--rm"]).args(flags).args([IMAGE, "echo", "done"]);
        let mut terminal = Terminal::start(call.env_remove("MINIRUN_NETWORK"));
        terminal.wait();
        terminal.rest().to_owned()
    };
    assert!(run(&[]).contains("no network but loopback"));
    for flags in [["--network", "none"], ["--network", "host"]] {
        assert!(!run(&flags).contains("network"), "{flags:?}");
    }
    let quiet = scratch.minirun(["run", "--rm", IMAGE, "true"]).env_remove("MINIRUN_NETWORK").run();
    quiet.success();
    assert_eq!(quiet.stderr(), "");
}

#[test]
fn pasta_is_the_default_where_it_works() {
    require_pasta!();
    let scratch = Scratch::with_image();
    for flags in [&[][..], &["--network", "pasta"], &["--network", "bridge"], &["--network", "default"]] {
        let call = scratch.shell(flags, INTERFACES).env_remove("MINIRUN_NETWORK");
        assert_eq!(call.run().success(), "eth0\nlo", "{flags:?}");
    }
    assert_eq!(scratch.shell(&[], INTERFACES).env("MINIRUN_NETWORK", "none").run().success(), "lo");
    let plan = scratch.minirun(["run", "--dry-run", "--network", "pasta", IMAGE, "true"]).run().success();
    assert!(plan.contains("network pasta\n  pasta --config-net"), "{plan}");
}

#[test]
fn every_user_namespace_can_be_connected() {
    require_pasta!();
    let scratch = Scratch::with_image();
    let modes: &[&str] = match Caller::detect() {
        Caller::SingleId => &["auto", "single", "keep-id"],
        Caller::Root | Caller::SubordinateIds => &["auto", "single", "keep-id", "host"],
    };
    for mode in modes {
        let outcome = scratch.shell(&["--network", "pasta", "--userns", mode], INTERFACES).run();
        if outcome.code == Some(125) && outcome.stderr().contains("userns") {
            // Not every caller has every mode; that is tested elsewhere.
            continue;
        }
        assert_eq!(outcome.success(), "eth0\nlo", "{mode}");
    }
}

#[test]
fn generated_files_say_where_the_container_is() {
    require_pasta!();
    let scratch = Scratch::with_image();
    let flags = ["--network", "pasta", "-h", "web", "--add-host", "up:host-gateway", "--dns", "9.9.9.9"];
    let text = scratch.shell(&flags, "cat /etc/hosts /etc/hostname /etc/resolv.conf").run().success();
    assert!(text.contains("\n10.0.2.100\tweb\n"), "{text}");
    assert!(text.lines().any(|line| line.ends_with("\tup") && !line.starts_with("127.")), "{text}");
    assert!(text.contains("\nweb\n") && text.contains("nameserver 9.9.9.9"), "{text}");
    let outcome = scratch.shell(&["--network", "none", "--add-host", "up:host-gateway"], "true").run();
    assert!(outcome.refused().contains("host-gateway"), "{outcome}");
}

#[test]
fn a_published_port_leads_inside() {
    require_pasta!();
    let scratch = Scratch::new();
    let running = program(&scratch, &["--name", "web", "-p", "127.0.0.1::7070"], "answer_one_stream", "7070");
    let running = running.start();
    eventually("it runs", || !scratch.minirun(["port", "web"]).run().stdout().is_empty());
    let all = scratch.minirun(["port", "web"]).run().success();
    let host = all.strip_prefix("7070/tcp -> 127.0.0.1:").expect(&all).to_owned();
    assert_eq!(scratch.minirun(["port", "web", "7070"]).run().success(), format!("127.0.0.1:{host}"));
    assert_eq!(scratch.minirun(["port", "web", "7070/tcp"]).run().success(), format!("127.0.0.1:{host}"));
    assert!(scratch.minirun(["port", "web", "7070/udp"]).run().fails(1).contains("7070/udp"));
    let listed = scratch.minirun(["ps", "--format", "{{.Ports}}"]).run().success();
    assert_eq!(listed, format!("127.0.0.1:{host}->7070/tcp"));
    let document: Value = serde_json::from_str(&scratch.minirun(["inspect", "web"]).run().success()).unwrap();
    let ports = &document[0]["NetworkSettings"]["Ports"];
    assert_eq!(ports["7070/tcp"][0]["HostPort"], host.as_str(), "{document}");
    assert_eq!(&document[0]["HostConfig"]["PortBindings"], ports);
    assert_eq!(document[0]["NetworkSettings"]["IPAddress"], "10.0.2.100");
    // The port is the host's now.
    let taken = format!("127.0.0.1:{host}:80");
    let outcome = scratch.minirun(["run", "--rm", "-p", &taken, "host", "true"]).run();
    let said = outcome.refused();
    assert!(said.contains("EADDRINUSE") && said.contains("hint:"), "{outcome}");

    assert_eq!(hear(host.parse().unwrap()), "from inside");
    running.wait().success();
    assert!(TcpStream::connect(("127.0.0.1", host.parse().unwrap())).is_err(), "the port is still taken");
    scratch.minirun(["port", "web"]).run().fails(1);
}

#[test]
fn datagrams_are_published() {
    require_pasta!();
    let scratch = Scratch::new();
    // Not by loopback: pasta 2023_03_09 loses answers to datagrams from there.
    let Some(address) = own_address() else { return };
    let free = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let flag = format!("{free}:53/udp");
    let running = program(&scratch, &["-p", &flag], "answer_one_datagram", "53").start();
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    eventually("the container answers", || {
        let _ = socket.send_to(b"abc", (address, free));
        socket.recv(&mut [0; 8]).is_ok_and(|length| length == 3)
    });
    running.wait().success();
}

#[test]
fn the_host_is_reached_and_its_loopback_is_not() {
    require_pasta!();
    let scratch = Scratch::new();
    let gateway =
        scratch.minirun(["run", "--rm", "--network", "pasta", "--add-host", "up:host-gateway", "host"]);
    let hosts = gateway.args(["cat", "/etc/hosts"]).run().success();
    let gateway = hosts.lines().find_map(|line| line.strip_suffix("\tup")).unwrap().to_owned();
    for (listens, asks, heard) in [
        ("0.0.0.0", gateway.as_str(), true),
        ("127.0.0.1", "10.0.2.2", false),
        ("127.0.0.1", gateway.as_str(), false),
        ("127.0.0.1", "127.0.0.1", false),
    ] {
        let listener = TcpListener::bind((listens, 0)).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        std::thread::spawn(move || {
            let _ = listener.accept().unwrap().0.write_all(b"the host");
        });
        let address = format!("ADDRESS={asks}");
        let asked = program(&scratch, &["--network", "pasta", "-e", &address], "ask_the_host", &port);
        let answer = asked.run().success();
        assert_eq!(answer.contains("heard: the host"), heard, "{listens} {asks}: {answer}");
    }
}

/// This machine's address on the way out.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("198.51.100.1:9").ok()?;
    Some(socket.local_addr().unwrap().ip())
}

/// How many pastas of this user carry a port.
fn pastas(specification: &str) -> usize {
    crate::support::processes_with(specification)
}

#[test]
fn pasta_goes_with_the_container_however_it_ends() {
    require_pasta!();
    let scratch = Scratch::with_image();
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let flag = format!("127.0.0.1:{free}:80");
        let running = sleeper(&scratch, "web", &["--init", "-p", &flag]);
        let specification = format!("127.0.0.1/{free}:80");
        assert!(pastas(&specification) > 0, "no pasta");
        running.signal(signal);
        running.wait();
        eventually("pasta is gone", || pastas(&specification) == 0);
    }
    let _ = scratch.minirun(["ps", "-a"]).run();
    scratch.assert_nothing_left_running();
}

#[test]
fn two_containers_share_one_network() {
    let scratch = Scratch::with_image();
    let first = sleeper(&scratch, "first", &["-h", "both"]);
    let second = |flags: &[&str], script: &str| {
        scratch.shell(&[&["--network", "container:first"], flags].concat(), script).run()
    };
    let inside = |name: &str| {
        let pid = scratch.minirun(["inspect", "--format", "{{.State.Pid}}", name]).run().success();
        std::fs::read_link(format!("/proc/{pid}/ns/net")).ok()
    };
    let namespace = second(&[], "readlink /proc/self/ns/net").success();
    if let Some(of_first) = inside("first") {
        assert_eq!(namespace, of_first.to_str().unwrap());
    }
    let text = second(&[], "hostname; cat /etc/hosts; id -u; cat /proc/self/uid_map >/dev/null").success();
    assert!(text.starts_with("both\n") && text.contains("\tboth\n"), "{text}");
    // What one writes there the other sees.
    second(&[], "echo 10.1.2.3 changed >>/etc/hosts").success();
    assert!(second(&[], "cat /etc/hosts").success().contains("10.1.2.3 changed"));
    for flags in [["-h", "x"], ["-p", "80:80"], ["--dns", "9.9.9.9"], ["--add-host", "a:1.2.3.4"]] {
        assert!(second(&flags, "true").refused().contains(flags[0].trim_start_matches("-h")), "{flags:?}");
    }
    first.signal(Signal::SIGKILL);
    first.wait();
    assert!(second(&[], "true").refused().contains("first"));
}

#[test]
fn a_shared_network_leads_outside_too() {
    require_pasta!();
    let scratch = Scratch::with_image();
    let first = sleeper(&scratch, "first", &["--network", "pasta"]);
    let seen = scratch.shell(&["--network", "container:first"], INTERFACES).run().success();
    assert_eq!(seen, "eth0\nlo");
    // A third one may come in by the second, which has the files of the first.
    let second = sleeper(&scratch, "second", &["--network", "container:first"]);
    let third = scratch.shell(&["--network", "container:second"], "cat /etc/hosts").run().success();
    assert!(third.contains("10.0.2.100"), "{third}");
    let mode = scratch.minirun(["inspect", "--format", "{{.HostConfig.NetworkMode}}", "second"]).run();
    assert!(mode.success().starts_with("container:"));
    for running in [second, first] {
        running.signal(Signal::SIGKILL);
        running.wait();
    }
}

#[test]
fn a_port_that_pasta_cannot_have_is_named() {
    require_pasta!();
    let scratch = Scratch::new();
    let outcome = scratch.minirun(["run", "--rm", "-p", "198.51.100.7:8080:80", "host", "true"]).run();
    assert!(outcome.refused().contains("EADDRNOTAVAIL"), "{outcome}");
    let twice = scratch.minirun(["run", "--rm", "-p", "127.0.0.1:18431:80", "-p", "127.0.0.1:18431:81"]);
    twice.args(["host", "true"]).run().refused();
    if Caller::detect() != Caller::Root {
        let outcome = scratch.minirun(["run", "--rm", "-p", "127.0.0.1:80:80", "host", "true"]).run();
        let said = outcome.stderr();
        assert!(outcome.code == Some(0) || said.contains("ip_unprivileged_port_start"), "{outcome}");
    }
}

#[test]
fn a_shared_network_is_found_again_at_each_start() {
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "first"], "exec sleep 1000");
    scratch.detach(&["--name", "second", "--network", "container:first"], "exec sleep 1000");
    let network =
        |name: &str| scratch.minirun(["exec", name, "readlink", "/proc/self/ns/net"]).run().success();
    assert_eq!(network("second"), network("first"));
    scratch.minirun(["stop", "-t", "0", "first", "second"]).run().success();
    let outcome = scratch.minirun(["start", "second"]).run();
    assert!(
        outcome.code != Some(0) && outcome.stderr().contains("container `first` is not running"),
        "{outcome}"
    );
    scratch.minirun(["start", "first"]).run().success();
    scratch.minirun(["start", "second"]).run().success();
    assert_eq!(network("second"), network("first"));
    scratch.minirun(["rm", "-f", "second", "first"]).run().success();
}

#[test]
fn ports_are_published_again_at_each_start() {
    require!(has_pasta(), "no pasta");
    let scratch = Scratch::with_image();
    scratch.detach(&["--name", "one", "-p", "127.0.0.1::8080"], "exec sleep 1000");
    let ports = || scratch.minirun(["port", "one"]).run().success();
    let interfaces = || scratch.minirun(["exec", "one", "sh", "-c", INTERFACES]).run().success();
    let (published, seen) = (ports(), interfaces());
    assert!(published.starts_with("8080/tcp -> 127.0.0.1:"), "{published}");
    assert!(seen.lines().count() > 1, "{seen}");
    scratch.minirun(["stop", "-t", "0", "one"]).run().success();
    assert_eq!(ports(), "");
    scratch.minirun(["start", "one"]).run().success();
    assert_eq!((ports(), interfaces()), (published, seen));
    scratch.minirun(["rm", "-f", "one"]).run().success();
}
