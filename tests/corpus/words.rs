//! The other words of the command line, and small files of others.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use minirun::plan::limit::{Ulimit, parse_positive_size, parse_size};
use minirun::plan::network::NetworkMode;
use minirun::plan::network_file::{Dns, HostEntry, resolv_conf};
use minirun::plan::platform::Platform;
use minirun::plan::resources::{self, CpuList, Words};
use minirun::plan::signal::SignalNumber;
use minirun::plan::supervision::{Grace, RestartPolicy, ResultTarget, parse_duration};
use minirun::plan::sysctl::Sysctl;
use minirun::plan::userns::UsernsMode;
use minirun::plan::{capability, environment, instruction, mount_table, pattern, port, security, textdiff};

/// Reads the input as each of them.
pub(crate) fn check(input: &[u8]) {
    files(input);
    drop(ResultTarget::parse(OsStr::from_bytes(input), Path::new("/w")));
    let Ok(text) = std::str::from_utf8(input) else { return };
    flags(text);
    limits(text);
    let words = [text.to_owned()];
    drop(security::parse(&words, security::Privileges::Chosen).map_err(|error| error.to_string()));
    drop(capability::resolve(&words, &words).map_err(|error| error.to_string()));
    if let Ok(dns) = Dns::parse(&[], &words, &words) {
        let written = resolv_conf("", &dns);
        assert!(written.lines().count() <= 2, "a word became a line: {written:?}");
    }
}

fn files(input: &[u8]) {
    drop(environment::parse_file(input).map_err(|error| error.to_string()));
    drop(mount_table::parse(input));
    let mut halves = input.splitn(2, |&byte| byte == 0);
    let (old, new) = (halves.next(), halves.next());
    drop(textdiff::unified(old, new, b"a", b"b"));
    if let Ok(parts) = pattern::parse(OsStr::from_bytes(old.unwrap_or_default()), Path::new("/w")) {
        for part in parts {
            if let pattern::Part::Any(pattern) = part {
                let _ = pattern.matches(OsStr::from_bytes(new.unwrap_or_default()));
            }
        }
    }
}

fn flags(text: &str) {
    drop(environment::parse_setting(text).map_err(|error| error.to_string()));
    drop(instruction::parse(text).map_err(|error| error.to_string()));
    drop(port::parse_publish(text).map_err(|error| error.to_string()));
    drop(port::parse_exposed(text).map_err(|error| error.to_string()));
    drop(parse_duration(text).map_err(|error| error.to_string()));
    drop(text.parse::<RestartPolicy>().map_err(|error| error.to_string()));
    drop(text.parse::<Grace>().map_err(|error| error.to_string()));
    drop(text.parse::<UsernsMode>().map_err(|error| error.to_string()));
    drop(text.parse::<NetworkMode>().map_err(|error| error.to_string()));
    drop(text.parse::<SignalNumber>().map_err(|error| error.to_string()));
    drop(text.parse::<HostEntry>().map_err(|error| error.to_string()));
    drop(Platform::parse(text, &Platform::new("linux", "amd64", None)).map_err(|error| error.to_string()));
    if let Ok(Sysctl { name, .. }) = text.parse::<Sysctl>() {
        let path = name.replace('.', "/");
        assert!(!path.split('/').any(|part| part == ".." || part.contains('\0')), "{name} leaves /proc/sys");
    }
}

fn limits(text: &str) {
    if let Ok(bytes) = parse_size(text) {
        assert_eq!(parse_positive_size(text).is_ok(), bytes > 0, "{text}");
    }
    drop(text.parse::<Ulimit>().map_err(|error| error.to_string()));
    drop(text.parse::<CpuList>());
    let words = Words {
        memory: Some(text),
        swap: Some(text),
        reservation: Some(text),
        cpus: Some(text),
        shares: Some(text),
        cpuset_cpus: Some(text),
        cpuset_mems: Some(text),
        pids: Some(text),
        weight: Some(text),
    };
    drop(resources::parse(&words).map_err(|error| error.to_string()));
    let alone = [
        Words { cpus: Some(text), ..Words::default() },
        Words { cpuset_cpus: Some(text), ..Words::default() },
        Words { pids: Some(text), ..Words::default() },
        Words { weight: Some(text), ..Words::default() },
        Words { shares: Some(text), ..Words::default() },
    ];
    for words in alone {
        drop(resources::parse(&words).map_err(|error| error.to_string()));
    }
}
