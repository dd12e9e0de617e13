//! Whom an image says to run as, and what it says of its users.

use serde_json::json;

use super::super::archive::{Header, Tar};
use super::super::case::Case;
use super::super::parts::Parts;
use crate::support::Caller;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files();
    cases.extend(users());
    cases
}

/// The base image with `/etc/passwd` made anew.
fn passwd(name: &str, user: &'static str, layer: impl Fn() -> Tar + 'static) -> Case {
    let about = "CVE-2024-9676: the list of users is a regular file of the image, or nobody is in it";
    Case::new(name, about, move |_| Parts::base().layer(layer()).field("User", json!(user)).layout())
}

fn files() -> Vec<Case> {
    let fifo = || Tar::new().header(Header::new(b'6', "etc/passwd")).header(Header::new(b'6', "etc/group"));
    let directory = || Tar::new().directory("etc/passwd/").directory("etc/group/");
    let huge = || Tar::new().file("etc/passwd", "root:x:0:0::/:/bin/sh\n".repeat(400_000));
    let looped = || Tar::new().symlink("etc/passwd", "group").symlink("etc/group", "passwd");
    let malformed = || {
        let lines =
            "app\nshort:x:0:0\nbad:x:zero:0::/:\nwrap:x:4294967296:0::/:\nminus:x:-1:0::/:\n:x:0:0::/:\n";
        Tar::new().file("etc/passwd", format!("{lines}long:x:0:0::/:/bin/sh:more\n"))
    };
    // `id` may look into the list, and wait for ever.
    let id = &["sh", "-c", "grep ^Uid /proc/self/status | cut -f2"];
    let unknown = "there is no user `app`";
    let mut cases = vec![
        Case::new("run-passwd-symlink", "CVE-2024-9676: no file of the host is read", |canary| {
            let layer = Tar::new().symlink("etc/passwd", canary.join("file").to_str().unwrap());
            Parts::base().layer(layer).field("User", json!("app")).layout()
        })
        .fails(id, 125, unknown),
        passwd("run-passwd-symlink-host", "daemon", || {
            Tar::new().symlink("etc/passwd", "../../../../../../../../../usr/share/base-passwd/passwd.master")
        })
        .fails(id, 125, "there is no user `daemon`"),
        passwd("run-passwd-symlink-inside", "inner", || {
            Tar::new()
                .symlink("etc/passwd", "/lists/users")
                .directory("lists/")
                .file("lists/users", "inner:x:0:0::/home/app:/bin/sh\n")
        })
        .prints(&["sh", "-c", "id -u; echo $HOME"], "0\n/home/app"),
        passwd("run-passwd-huge", "0", huge).prints(id, "0"),
        passwd("run-passwd-huge-named", "app", huge).fails(id, 125, unknown),
        passwd("run-passwd-proc", "app", || Tar::new().symlink("etc/passwd", "/proc/self/environ"))
            .fails(id, 125, unknown),
    ];
    for (name, layer) in [("fifo", fifo as fn() -> Tar), ("directory", directory), ("loop", looped)] {
        cases.push(passwd(&format!("run-passwd-{name}"), "0:0", layer).prints(id, "0"));
        cases.push(passwd(&format!("run-passwd-{name}-named"), "app", layer).fails(id, 125, unknown));
    }
    for user in ["app", "short", "bad", "wrap", "minus", "long"] {
        let name = format!("run-passwd-malformed-{user}");
        cases.push(passwd(&name, user, malformed).fails(id, 125, "there is no user"));
    }
    cases
}

fn users() -> Vec<Case> {
    let about = "CVE-2024-40635, CVE-2016-3697: a number is a number, and nobody becomes root by mistake";
    let user = |name: &str, user: &'static str| {
        Case::new(name, about, move |_| Parts::base().field("User", json!(user)).layout())
    };
    let id = &["sh", "-c", "id -u; id -g"];
    let mut cases: Vec<_> = [
        ("overflow", "4294967296"),
        ("overflow-more", "18446744073709551616"),
        ("minus1", "4294967295"),
        ("minus1-group", "0:4294967295"),
        ("negative", "-1"),
        ("negative-group", "0:-1"),
        ("plus", "+0"),
        ("hex", "0x0"),
        ("trailing", "0root"),
        ("trailing-blank", "0 "),
        ("leading-blank", " 0"),
        ("newline", "root\n"),
        ("three-parts", "0:0:0"),
        ("path", "../root"),
    ]
    .into_iter()
    .map(|(name, text)| user(&format!("run-user-{name}"), text).fails(id, 125, "user"))
    .collect();
    cases.extend([
        user("run-user-unknown", "nobody-knows").fails(id, 125, "there is no user `nobody-knows`"),
        user("run-user-unknown-group", "0:nobody-knows").fails(id, 125, "there is no group `nobody-knows`"),
        user("run-user-empty", "").prints(id, "0\n0"),
        user("run-user-colon", ":").prints(id, "0\n0"),
        user("run-user-root", "root").prints(id, "0\n0"),
        user("run-user-root-root", "root:root").prints(id, "0\n0"),
        user("run-user-zeros", "0000").prints(id, "0\n0"),
    ]);
    let caller = Caller::detect();
    if caller != Caller::Root {
        cases.push(user("run-user-unmapped", "4294967294").fails(id, 125, "has no user 4294967294"));
    }
    if caller.has_many_ids() {
        cases.extend(others());
    }
    cases
}

/// Users whom a container with one ID does not have.
fn others() -> Vec<Case> {
    let about = "CVE-2016-3697: a number is a number, and a name is the image's";
    let user = |name: &str, user: &'static str| {
        Case::new(name, about, move |_| Parts::base().field("User", json!(user)).layout())
    };
    let id = &["sh", "-c", "id -u; id -g"];
    vec![
        user("run-user-name", "app").prints(id, "1234\n1234"),
        user("run-user-name-group", "app:extra").prints(id, "1234\n2345"),
        user("run-user-number-group", "77:extra").prints(id, "77\n2345"),
        user("run-user-group-number", "app:88").prints(id, "1234\n88"),
        user("run-user-only-group", ":extra").prints(id, "0\n2345"),
        user("run-user-number", "77").prints(id, "77\n0"),
        user("run-user-empty-group", "app:").prints(id, "1234\n1234"),
        Case::new("run-user-numeric-name", about, |_| {
            let layer = Tar::new().file("etc/passwd", "1000:x:0:0::/:/bin/sh\n0:x:1000:1000::/:/bin/sh\n");
            Parts::base().layer(layer).field("User", json!("1000")).layout()
        })
        .prints(id, "1000\n1000"),
        Case::new("run-user-numeric-group", about, |_| {
            let layer = Tar::new().file("etc/group", "5:x:0:\nzero:x:0:\n");
            Parts::base().layer(layer).field("User", json!("0:5")).layout()
        })
        .prints(id, "0\n5"),
    ]
}
