//! Images from a registry of this machine.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{
    Call, Fault, Guard, Image, Layer, Proxy, Registry, Scratch, Terminal, USER, has_registry, require,
};

pub(crate) const WHY: &str = "docker-registry, skopeo and openssl are not all here";

/// A scratch directory, and a registry with an image `base:1`.
pub(crate) fn registry(guard: Guard) -> (Scratch, Registry) {
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, guard);
    registry.fill(&scratch, &Image::base(), "base:1");
    (scratch, registry)
}

/// `minirun pull …` with no credentials but those of the test.
pub(crate) fn pull(scratch: &Scratch, arguments: &[&str]) -> Call {
    call(scratch, "pull").args(arguments)
}

pub(crate) fn call(scratch: &Scratch, verb: &str) -> Call {
    let home = scratch.directory("home");
    for name in ["auth.json", "registries.json"] {
        // What is named has to be there; an empty file says nothing.
        fs::OpenOptions::new().append(true).create(true).open(home.join(name)).unwrap();
    }
    scratch
        .minirun([verb])
        .env("REGISTRY_AUTH_FILE", home.join("auth.json"))
        .env("MINIRUN_REGISTRIES", home.join("registries.json"))
        .env("MINIRUN_PULL", "missing")
}

/// Bytes that no compression makes small.
pub(crate) fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(state >> 56).unwrap()
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

#[test]
fn an_image_is_pulled_once() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let name = registry.name("base:1");
    let answer = pull(&scratch, &[&name]).run().success();
    assert!(answer.contains(&format!("Status: Downloaded newer image for {name}")), "{answer}");
    assert!(answer.ends_with(&name), "{answer}");
    assert_eq!(scratch.minirun(["run", "--rm", &name, "echo", "here"]).run().success(), "here");
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    let through = proxy.name("base:1");
    let again = pull(&scratch, &[&name]).run().success();
    assert!(again.contains("Status: Image is up to date"), "{again}");
    assert_eq!(pull(&scratch, &["-q", &through]).run().success(), through);
    let blobs = proxy.heads().iter().filter(|head| head.contains("/blobs/")).count();
    assert_eq!(blobs, 0, "all of it is known: {:?}", proxy.heads());
    // The digest that was said can be asked for.
    let digest = answer.lines().find_map(|line| line.strip_prefix("Digest: ")).unwrap();
    let pinned = registry.name(&format!("base@{digest}"));
    pull(&scratch, &[&pinned]).run().success();
    assert_eq!(scratch.minirun(["run", "--rm", &pinned, "echo", "pinned"]).run().success(), "pinned");
}

#[test]
fn what_is_not_there_is_said() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let missing = registry.name("base:2");
    let outcome = pull(&scratch, &[&missing, &registry.name("base:1")]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr().contains(&format!("error: cannot pull `{missing}`")), "{}", outcome.stderr());
    assert!(outcome.stdout().contains("base:1"), "the other one is pulled");
    let other = registry.name(&format!("base@sha256:{}", "0a".repeat(32)));
    pull(&scratch, &[&other]).run().fails(1);
}

#[test]
fn a_registry_that_cannot_be_asked_is_told_with_what_to_check() {
    let scratch = Scratch::new();
    let began = Instant::now();
    let said = pull(&scratch, &["no-such.invalid/x:1"]).env("HTTPS_PROXY", "").run();
    let told = "no address of `no-such.invalid` is known";
    assert!(
        said.fails(1).contains(told) && said.stderr().contains("hint: check how it is spelled"),
        "{said}"
    );
    // Another attempt would be told the same.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    for (verb, words) in [("pull", &["127.0.0.1:1/x"][..]), ("login", &["-u", "a", "-p", "b", "127.0.0.1:1"])]
    {
        let said = call(&scratch, verb).args(words).run();
        assert!(said.fails(1).contains("hint: nobody listens there"), "{said}");
        assert!(
            said.stderr().contains(if verb == "login" { "cannot log in" } else { "cannot pull" }),
            "{said}"
        );
    }
}

#[test]
fn whatever_a_registry_refuses_comes_with_a_hint() {
    require!(has_registry(), WHY);
    let (scratch, open) = registry(Guard::Open);
    let said = pull(&scratch, &[&open.name("base:none")]).run();
    assert!(said.fails(1).contains("hint: check the name and its tag"), "{said}");
    // The same registry as somebody who is not known to be this machine, and so has to encrypt.
    let plain = format!("0.0.0.0:{}/base:1", open.port);
    let said = pull(&scratch, &[&plain]).env("NO_PROXY", "0.0.0.0").run();
    assert!(said.fails(1).contains("hint: does it speak without encryption?"), "{said}");
    pull(&scratch, &["-q", "--tls-verify=false", &plain]).env("NO_PROXY", "0.0.0.0").run().success();

    let guarded = Registry::start(&scratch, Guard::Password);
    let (name, host) = (guarded.name("base:1"), format!("127.0.0.1:{}", guarded.port));
    let said = pull(&scratch, &["--creds", "user:wrong", &name]).run();
    assert!(said.fails(1).contains(&format!("`{host}` refuses `user`")), "{said}");
    assert!(said.stderr().contains("hint: is the password right"), "{said}");
    let said = scratch.minirun(["run", "--pull=missing", "--creds", "user:wrong", &name, "true"]).run();
    assert!(said.fails(125).contains(&format!("`{host}` refuses `user`")), "{said}");
    let said = scratch.minirun(["run", "--pull=missing", "--creds", USER, &name, "true"]).run();
    assert!(said.code == Some(125) && said.stderr().contains("the registry has no"), "{said}");
    let said = call(&scratch, "login").args(["-u", "user", "-p", "wrong", &host]).run();
    assert!(said.fails(1).contains("hint: check name and password"), "{said}");

    let mutual = Registry::start(&scratch, Guard::Mutual);
    let certificates = mutual.certificates(&scratch);
    let said = pull(&scratch, &["--cert-dir", &certificates, &mutual.name("base:1")]).run();
    assert!(said.fails(1).contains("hint: it may want to see a certificate"), "{said}");
}

#[test]
fn run_fetches_what_is_missing() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let name = registry.name("base:1");
    let run = |policy: &str| {
        call(&scratch, "run").args(["--rm", "-q", &format!("--pull={policy}"), &name, "echo", "x"])
    };
    run("never").run().fails(125);
    assert_eq!(run("missing").run().success(), "x");
    drop(registry);
    assert_eq!(run("missing").run().success(), "x");
    assert_eq!(run("newer").run().success(), "x");
    run("always").run().fails(125);
    // Such names are those of images that were made here.
    let outcome = call(&scratch, "run").args(["--rm", "localhost/x", "true"]).run();
    assert!(outcome.stderr().contains("there is no image"), "{}", outcome.stderr());
}

#[test]
fn broken_connections_are_taken_up_again() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    let image = Image::base().layer(Layer::new().file("noise", 0o644, noise(1 << 20)));
    registry.fill(&scratch, &image, "base:1");
    for fault in [Fault::Cut(64 << 10), Fault::Status(503, 2), Fault::Status(429, 1)] {
        let scratch = Scratch::new();
        let proxy = Proxy::start(registry.port, fault);
        let name = proxy.name("base:1");
        pull(&scratch, &["-q", &name]).run().success();
        let script = "wc -c < /noise";
        let counted = scratch.minirun(["run", "--rm", &name, "sh", "-c", script]).run().success();
        assert_eq!(counted.trim(), "1048576", "{fault:?}");
    }
}

#[test]
fn what_is_not_the_image_is_refused() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    for fault in [Fault::WrongByte, Fault::WrongLength, Fault::Status(500, 100), Fault::CutWithoutRanges(100)]
    {
        let proxy = Proxy::start(registry.port, fault);
        let started = Instant::now();
        pull(&scratch, &["-q", &proxy.name("base:1")]).run().fails(1);
        assert!(started.elapsed() < Duration::from_secs(60), "{fault:?}");
        assert!(scratch.minirun(["images", "-q"]).run().success().is_empty(), "{fault:?}");
    }
}

#[test]
fn a_registry_that_gives_single_bytes_is_not_asked_for_ever() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let proxy = Proxy::start(registry.port, Fault::Cut(1));
    let said = pull(&scratch, &["-q", &proxy.name("base:1")]).run();
    assert!(said.fails(1).contains("broke off"), "{said}");
    // Of the configuration and of one layer, six times each.
    assert!(proxy.count("GET", "/blobs/") <= 12, "{:?}", proxy.heads());
}

#[test]
fn the_registry_gives_what_its_mirror_does_not() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    for bytes in [0, 100] {
        let scratch = Scratch::new();
        let (mirror, own) = (
            Proxy::start(registry.port, Fault::Loses(bytes)),
            Proxy::start(registry.port, Fault::Status(500, 0)),
        );
        let file = scratch.directory("home").join("registries.json");
        let mirrors =
            format!(r#"{{"mirrors": {{"127.0.0.1:{}": ["127.0.0.1:{}"]}}}}"#, own.port, mirror.port);
        fs::write(file, mirrors).unwrap();
        let name = own.name("base:1");
        assert_eq!(pull(&scratch, &["-q", &name]).run().success(), name);
        assert_eq!((own.count("GET", "/manifests/"), own.count("GET", "/blobs/")), (0, 2), "{bytes}");
        assert_eq!(scratch.minirun(["run", "--rm", &name, "echo", "here"]).run().success(), "here");
    }
    drop(scratch);
}

#[test]
fn credentials_stay_with_their_registry() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Password);
    let open = Registry::start(&scratch, Guard::Open);
    open.fill(&scratch, &Image::base(), "base:1");
    let elsewhere = Proxy::start(open.port, Fault::Status(500, 0));
    let proxy = Proxy::start(registry.port, Fault::Elsewhere(elsewhere.port));
    pull(&scratch, &["-q", "--creds", USER, &proxy.name("base:1")]).run().success();
    assert!(proxy.heads().iter().any(|head| head.contains("authorization: basic")));
    assert!(!elsewhere.heads().is_empty());
    assert!(elsewhere.heads().iter().all(|head| !head.contains("authorization")), "{:?}", elsewhere.heads());
}

#[test]
fn what_is_wrong_with_a_manifest_is_told_with_the_name() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    for (manifest, told) in [("{}", ""), ("3", ""), ("\n<!DOCTYPE html><html>", "the answer is a web page")] {
        let proxy = Proxy::start(registry.port, Fault::Manifest(manifest));
        let name = proxy.name("base:1");
        let said = pull(&scratch, &["-q", &name]).run();
        said.fails(1);
        let first = format!("error: cannot pull `{name}`\n");
        assert!(said.stderr().starts_with(&first) && said.stderr().contains(told), "{manifest}: {said}");
    }
}

#[test]
fn a_token_may_have_moved() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let proxy = Proxy::start(registry.port, Fault::TokenElsewhere(0));
    pull(&scratch, &["-q", "--creds", USER, &proxy.name("base:1")]).run().success();
    assert!(proxy.count("GET", "/token/again") > 0);
    // The password is for the host that the registry named.
    let elsewhere = Proxy::start(registry.port, Fault::Token);
    let proxy = Proxy::start(registry.port, Fault::TokenElsewhere(elsewhere.port));
    pull(&scratch, &["-q", "--creds", USER, &proxy.name("base:1")]).run().fails(1);
    assert!(elsewhere.count("GET", "/token/there") > 0);
    assert!(elsewhere.heads().iter().all(|head| !head.contains("authorization")), "{:?}", elsewhere.heads());
}

#[test]
fn a_registry_without_parts_gives_the_whole_again() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let proxy = Proxy::start(registry.port, Fault::CutUnsatisfiable(100));
    let name = proxy.name("base:1");
    pull(&scratch, &["-q", &name]).run().success();
    // The configuration and a layer; a part of one of them, and all of it.
    assert_eq!(proxy.count("GET", "/blobs/"), 4, "{:?}", proxy.heads());
    assert_eq!(scratch.minirun(["run", "--rm", &name, "echo", "here"]).run().success(), "here");
}

#[test]
fn what_opens_something_is_not_told() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let proxy = Proxy::start(registry.port, Fault::Nowhere);
    let said = pull(&scratch, &["-q", &proxy.name("base:1")]).run();
    assert!(said.fails(1).contains("leads to `ftp://nowhere.test/x`, which is not followed"), "{said}");
    assert!(!said.stderr().contains("secret"), "{said}");
}

#[test]
fn who_asks_is_kept_by_login() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Password);
    let (name, host) = (registry.name("base:1"), format!("127.0.0.1:{}", registry.port));
    let outcome = pull(&scratch, &["-q", &name]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr().contains("hint: `minirun login"), "{}", outcome.stderr());
    let login = |password: &str| {
        call(&scratch, "login").args(["-u", "user", "--password-stdin", &host]).input(password)
    };
    login("wrong").run().fails(1);
    login("secret\n").run().success();
    pull(&scratch, &["-q", &name]).run().success();
    let file = scratch.path("home").join("auth.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    call(&scratch, "logout").args([&host]).run().success();
    call(&scratch, "logout").args([&host]).run().fails(1);
    pull(&scratch, &["-q", &name]).run().fails(1);
}

#[test]
fn who_asks_is_typed() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Password);
    let host = format!("127.0.0.1:{}", registry.port);
    let file = scratch.text("typed.json");
    let mut terminal = Terminal::start(call(&scratch, "login").args(["--authfile", &file, &host]));
    terminal.expect("Username: ");
    terminal.send("user\r");
    terminal.expect("Password: ");
    terminal.send("secreX\x7ft\r");
    terminal.expect("Login Succeeded");
    assert!(!terminal.rest().contains("secre"));
    assert_eq!(terminal.wait(), 0);
    let name = registry.name("base:1");
    pull(&scratch, &["-q", &name]).run().fails(1);
    pull(&scratch, &["-q", "--authfile", &file, &name]).run().success();
    let mut terminal = Terminal::start(call(&scratch, "login").args(["-u", "user", &host]));
    terminal.expect("Password: ");
    terminal.send("\x03");
    assert_eq!(terminal.wait(), 1);
    call(&scratch, "login").args([&host]).run().fails(1);
    call(&scratch, "logout").args(["--authfile", &file, &host]).run().success();
}

#[test]
fn all_tags_are_pulled() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    registry.fill(&scratch, &Image::base(), "base:2");
    let answer = pull(&scratch, &["-q", "-a", &registry.name("base")]).run().success();
    assert_eq!(answer.lines().count(), 2, "{answer}");
    assert!(answer.contains("base:1") && answer.contains("base:2"), "{answer}");
    pull(&scratch, &["-a", &registry.name("base:1")]).run().fails(1);
    pull(&scratch, &["-a", &registry.name("none")]).run().fails(1);
    // What one of them meets does not keep the others.
    let said = pull(&scratch, &["-q", "-a", &registry.name("none"), &registry.name("base")]).run();
    assert_eq!((said.code, said.stdout().lines().count()), (Some(1), 2), "{said}");
}

#[test]
fn all_tags_are_all_of_them() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let tags = |document, next| {
        let proxy = Proxy::start(registry.port, Fault::Tags(document, next));
        let said = pull(&scratch, &["-q", "-a", &proxy.name("base")]).run();
        (said, proxy.count("GET", "/v2/base/tags/list"))
    };
    // The second page has the same tag, which is pulled once.
    let (said, pages) = tags(r#"{"tags": ["1"]}"#, "list?last=1");
    assert_eq!((pages, said.success().lines().count()), (2, 1));
    for (document, next, told) in [
        (
            r#"{"tags": ["1"]}"#,
            "https://else.test/v2/base/tags/list?last=1",
            "`https://else.test/v2/base/tags/list`",
        ),
        (r#"{"tags": ["1"]}"#, "list", "has no end"),
        (r#"{"tags": null}"#, "list?last=1", "no tags of it"),
        ("[]", "list?last=1", "it is no list of tags"),
        ("<html>", "list?last=1", "is a web page"),
    ] {
        let (said, _) = tags(document, next);
        assert!(said.fails(1).contains(told), "{next}: {said}");
        assert_eq!(said.stdout(), "", "{next}");
    }
}

#[test]
fn certificates_are_wanted() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Certificate);
    let name = registry.name("base:1");
    let outcome = pull(&scratch, &["-q", &name]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr().contains("--cert-dir"), "{}", outcome.stderr());
    pull(&scratch, &["-q", "--cert-dir", &registry.certificates(&scratch), &name]).run().success();
    pull(&scratch, &["-q", "--tls-verify=false", &name]).run().success();
    // Containers ask for their image in the same way.
    let certificates = registry.certificates(&scratch);
    for (flag, code) in [("--tls-verify=true", 125), ("--tls-verify=false", 0)] {
        scratch.minirun(["rmi", "-f", &name]).run();
        let said = scratch.minirun(["run", "--rm", "--pull=missing", flag, &name, "true"]).run();
        assert_eq!(said.code, Some(code), "{flag}: {said}");
    }
    for verb in [&["run", "--rm"][..], &["create"], &["layer"]] {
        let words = ["-q", "--pull=always", "--cert-dir", &certificates, &name];
        let separator = verb.first().filter(|verb| **verb == "layer").map(|_| "--");
        scratch.minirun(verb.iter().copied()).args(words).args(separator).args(["true"]).run().success();
    }
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_where_the_user_put_it() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Authority);
    let name = registry.name("base:1");
    // That of another registry is no help, and says nothing about this one.
    let other = Registry::start(&scratch, Guard::Authority);
    for arguments in [&["-q", &name][..], &["-q", "--cert-dir", &other.certificates(&scratch), &name]] {
        let said = pull(&scratch, arguments).run();
        assert!(said.fails(1).contains("--cert-dir"), "{said}");
    }
    let certificates = registry.certificates(&scratch);
    pull(&scratch, &["-q", "--cert-dir", &certificates, &name]).run().success();
    // It is for 127.0.0.1, whoever trusts it.
    let elsewhere = format!("localhost:{}/base:1", registry.port);
    let said = pull(&scratch, &["-q", "--cert-dir", &certificates, &elsewhere]).run();
    assert!(said.fails(1).contains("not valid for name"), "{said}");
}

#[test]
fn short_names_and_mirrors_are_those_of_the_file() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let host = format!("127.0.0.1:{}", registry.port);
    let file = scratch.directory("home").join("registries.json");
    fs::write(
        &file,
        format!(r#"{{"aliases": {{"tool": "{host}/base"}}, "mirrors": {{"example.test": ["{host}"]}}}}"#),
    )
    .unwrap();
    assert_eq!(pull(&scratch, &["-q", "tool:1"]).run().success(), registry.name("base:1"));
    let ran = call(&scratch, "run").args(["--rm", "tool:1", "echo", "x"]).run();
    // The full name is what the short one means, and nothing to tell.
    assert_eq!(ran.stderr(), "");
    assert_eq!(ran.success(), "x");
    assert_eq!(pull(&scratch, &["-q", "example.test/base:1"]).run().success(), "example.test/base:1");
    // Whatever takes an image knows it by its short name.
    let archive = scratch.path("archive");
    for (verb, arguments) in [
        ("run", &["--rm", "--pull=never", "tool:1", "true"][..]),
        ("inspect", &["tool:1"]),
        ("history", &["tool:1"]),
        ("save", &["-o", archive.to_str().unwrap(), "tool:1"]),
        ("push", &["-q", "tool:1"]),
        ("tag", &["tool:1", "other:1"]),
        ("rmi", &["tool:1"]),
    ] {
        call(&scratch, verb).args(arguments).run().success();
    }
    fs::write(&file, "{\"serach\": []}").unwrap();
    pull(&scratch, &["-q", "tool:1"]).run().fails(1);
}

#[test]
fn an_id_is_no_name_of_a_registry() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    let search = format!(r#"{{"search": ["127.0.0.1:{}"]}}"#, proxy.port);
    fs::write(scratch.directory("home").join("registries.json"), search).unwrap();
    let zeros = "0".repeat(64);
    let id = format!("sha256:{zeros}");
    for name in [zeros.as_str(), &id] {
        let outcome = call(&scratch, "run").args(["--rm", name, "true"]).run();
        assert!(outcome.refused().contains("there is no image"), "{outcome}");
        pull(&scratch, &[name]).run().fails(1);
    }
    pull(&scratch, &["-q", &registry.name("base:1")]).run().success();
    let id = call(&scratch, "images").args(["-q", "--no-trunc"]).run().success();
    for id in [id.as_str(), &id["sha256:".len()..][..12]] {
        for policy in ["--pull=always", "--pull=newer"] {
            call(&scratch, "run").args(["--rm", policy, id, "true"]).run().success();
        }
    }
    assert_eq!(proxy.heads(), Vec::<String>::new(), "nobody was asked");
}

#[test]
fn a_search_ends_where_a_login_is_refused() {
    require!(has_registry(), WHY);
    let (scratch, open) = registry(Guard::Open);
    let guarded = Registry::start(&scratch, Guard::Password);
    let hosts = [guarded.port, open.port].map(|port| format!("127.0.0.1:{port}"));
    let search = format!(r#"{{"search": ["{}", "{}"]}}"#, hosts[0], hosts[1]);
    fs::write(scratch.directory("home").join("registries.json"), search).unwrap();
    // Nobody is logged in: it may be there, and is looked for further on, not silently.
    let outcome = pull(&scratch, &["base:1"]).run();
    assert_eq!(outcome.success().lines().last(), Some(open.name("base:1").as_str()));
    let note = format!("note: cannot pull `{}`", guarded.name("base:1"));
    assert!(outcome.stderr().contains(&note), "{outcome}");
    // What one registry refuses, no other may give instead.
    let auth = format!(r#"{{"auths": {{"{}": {{"auth": "dXNlcjp3cm9uZw=="}}}}}}"#, hosts[0]);
    fs::write(scratch.directory("home").join("auth.json"), auth).unwrap();
    let outcome = pull(&scratch, &["base:1"]).run();
    assert!(outcome.fails(1).contains(&format!("`{}` refuses `user`", hosts[0])), "{outcome}");
}

#[test]
fn other_tools_words_for_a_registry_are_understood() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let name = registry.name("base:1");
    let word = format!("docker://{name}");
    assert_eq!(pull(&scratch, &["-q", &word]).run().success(), name);
    assert_eq!(call(&scratch, "run").args(["--rm", &word, "echo", "x"]).run().success(), "x");
}
