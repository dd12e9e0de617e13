//! Images to a registry of this machine.

use std::fs;

use crate::pull::{WHY, call, noise, pull, registry};
use crate::support::{
    Call, Fault, Guard, Image, Layer, Proxy, Registry, Scratch, USER, has_registry, require,
};

/// `minirun push …` with no credentials but those of the test.
fn push(scratch: &Scratch, arguments: &[&str]) -> Call {
    call(scratch, "push").args(arguments)
}

/// Has the image in the store, as `name`.
fn load(scratch: &Scratch, image: &Image, name: &str) {
    let layout = scratch.path("layout-to-load");
    image.write_layout(&layout, name);
    scratch.minirun(["load", "-q", "-i", layout.to_str().unwrap()]).run().success();
    fs::remove_dir_all(layout).unwrap();
}

/// What `push` says the digest is.
fn digest(answer: &str) -> String {
    answer.lines().find_map(|line| line.strip_prefix("Digest: ")).unwrap().to_owned()
}

fn image() -> Image {
    Image::base().layer(Layer::new().file("noise", 0o644, noise(300 << 10)))
}

#[test]
fn what_is_pushed_is_what_is_saved() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    load(&scratch, &image(), "example.test/tool:1");
    let (name, file) = (registry.name("team/tool:2"), scratch.text("digest"));
    let answer = push(&scratch, &["--digestfile", &file, "example.test/tool:1", &name]).run().success();
    assert!(answer.ends_with(&name), "{answer}");
    let pushed = digest(&answer);
    assert_eq!(fs::read_to_string(&file).unwrap(), pushed);
    assert_eq!(registry.digest("team/tool:2"), pushed);
    let saved = scratch.text("saved");
    let to = format!("oci:{saved}");
    scratch.minirun(["save", "-q", "-o", &to, "example.test/tool:1"]).run().success();
    let index = fs::read_to_string(format!("{saved}/index.json")).unwrap();
    assert!(index.contains(&pushed), "{pushed} in {index}");
    // Another program finds what it should be.
    registry.copy_out("team/tool:2", &scratch.text("copied"));
    let blobs = |directory: &str| {
        let mut names: Vec<_> = fs::read_dir(scratch.path(directory).join("blobs/sha256"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(blobs("saved"), blobs("copied"));
    // And it is the same image where it is pulled.
    let id = |scratch: &Scratch| scratch.minirun(["images", "-q", "--no-trunc"]).run().success();
    let other = Scratch::new();
    pull(&other, &["-q", &name]).run().success();
    assert_eq!(id(&other), id(&scratch));
    let script = "wc -c < /noise";
    let counted = other.minirun(["run", "--rm", &name, "sh", "-c", script]).run().success();
    assert_eq!(counted.trim(), (300 << 10).to_string());
}

#[test]
fn what_was_committed_is_pushed() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let base = registry.name("base:1");
    pull(&scratch, &["-q", &base]).run().success();
    scratch.minirun(["run", "--name", "cc", &base, "sh", "-c", "echo new > /added"]).run().success();
    let name = registry.name("made:1");
    scratch.minirun(["commit", "-q", "cc", &name]).run().success();
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    let through = proxy.name("made:1");
    scratch.minirun(["tag", &name, &through]).run().success();
    // Its lower layers are there under another name, which is known of this registry alone.
    push(&scratch, &["-q", &name]).run().success();
    push(&scratch, &["-q", &through]).run().success();
    assert_eq!(proxy.count("patch", "/"), 0, "{:?}", proxy.heads());
    let other = Scratch::new();
    pull(&other, &["-q", &name]).run().success();
    assert_eq!(other.minirun(["run", "--rm", &name, "cat", "/added"]).run().success(), "new");
}

#[test]
fn what_is_there_is_not_sent() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    load(&scratch, &image(), "example.test/tool:1");
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    let (one, two) = (proxy.name("one:1"), proxy.name("two:1"));
    let first = digest(&push(&scratch, &["example.test/tool:1", &one]).run().success());
    let sent = proxy.count("patch", "/");
    assert_eq!(sent, 2, "a request for each layer");
    let again = push(&scratch, &["example.test/tool:1", &one]).run();
    assert_eq!(digest(&again.stdout()), first);
    assert!(again.stderr().contains("layer 1/2 was there"), "{}", again.stderr());
    assert_eq!(proxy.count("patch", "/"), sent);
    // From one repository of the registry to another.
    scratch.minirun(["tag", "example.test/tool:1", &one]).run().success();
    assert_eq!(digest(&push(&scratch, &["example.test/tool:1", &two]).run().success()), first);
    assert_eq!(proxy.count("patch", "/"), sent, "{:?}", proxy.heads());
    assert!(proxy.count("post", "mount=sha256:") >= 2, "{:?}", proxy.heads());
    pull(&Scratch::new(), &["-q", &two]).run().success();
}

#[test]
fn a_layer_whose_archive_is_lost_is_packed_anew() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    load(&scratch, &image(), "example.test/tool:1");
    let layers = scratch.path("store").join("layers");
    let owners = fs::read_dir(&layers).unwrap().map(|owner| owner.unwrap().path());
    let inside = owners.flat_map(|owner| fs::read_dir(owner).unwrap().map(|layer| layer.unwrap().path()));
    let outlines: Vec<_> =
        inside.map(|layer| layer.join("outline.zst")).filter(|path| path.exists()).collect();
    assert_eq!(outlines.len(), 2);
    fs::remove_file(&outlines[0]).unwrap();
    let bytes = fs::read(&outlines[1]).unwrap();
    fs::write(&outlines[1], &bytes[..bytes.len() / 2]).unwrap();
    let name = registry.name("anew:1");
    push(&scratch, &["example.test/tool:1", &name]).run().success();
    let other = Scratch::new();
    pull(&other, &["-q", &name]).run().success();
    let script = "wc -c < /noise";
    let counted = other.minirun(["run", "--rm", &name, "sh", "-c", script]).run().success();
    assert_eq!(counted.trim(), (300 << 10).to_string());
}

#[test]
fn an_image_keeps_its_digest_in_its_registry() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let original = registry.digest("base:1");
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    pull(&scratch, &["-q", &proxy.name("base:1")]).run().success();
    let copy = proxy.name("copies/base:2");
    let answer = push(&scratch, &[&proxy.name("base:1"), &format!("docker://{copy}")]).run().success();
    assert_eq!(digest(&answer), original);
    assert_eq!(registry.digest("copies/base:2"), original);
    assert_eq!(proxy.count("patch", "/"), 0, "{:?}", proxy.heads());
}

#[test]
fn who_pushes_is_asked() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Password);
    load(&scratch, &Image::base(), "example.test/base:1");
    let name = registry.name("base:1");
    let outcome = push(&scratch, &["example.test/base:1", &name]).run();
    assert_eq!(outcome.code, Some(1));
    let said = outcome.stderr();
    assert!(
        said.contains(&format!("cannot push to `{name}`")) && said.contains("hint: `minirun login"),
        "{said}"
    );
    push(&scratch, &["--creds", "user:wrong", "example.test/base:1", &name]).run().fails(1);
    push(&scratch, &["-q", "--creds", USER, "example.test/base:1", &name]).run().success();
    // Blobs go elsewhere, and credentials do not.
    let elsewhere = Proxy::start(Registry::start(&scratch, Guard::Open).port, Fault::Status(500, 0));
    let proxy = Proxy::start(registry.port, Fault::UploadElsewhere(elsewhere.port));
    push(&scratch, &["-q", "--creds", USER, "example.test/base:1", &proxy.name("other:1")]).run().fails(1);
    assert!(proxy.heads().iter().any(|head| head.contains("authorization: basic")));
    assert!(!elsewhere.heads().is_empty());
    assert!(elsewhere.heads().iter().all(|head| !head.contains("authorization")), "{:?}", elsewhere.heads());
}

#[test]
fn a_token_is_asked_for() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    load(&scratch, &image(), "example.test/tool:1");
    let proxy = Proxy::start(registry.port, Fault::Token);
    let name = proxy.name("tool:1");
    push(&scratch, &["-q", "example.test/tool:1", &name]).run().fails(1);
    push(&scratch, &["-q", "--creds", "user:wrong", "example.test/tool:1", &name]).run().fails(1);
    push(&scratch, &["-q", "--creds", USER, "example.test/tool:1", &name]).run().success();
    let heads = proxy.heads();
    let (tokens, others): (Vec<_>, Vec<_>) = heads.iter().partition(|head| head.starts_with("get /token"));
    let wanted = "scope=repository:tool:pull&scope=repository:tool:pull,push";
    assert!(tokens.iter().all(|head| head.contains(wanted)), "{tokens:?}");
    assert!(others.iter().all(|head| !head.contains("authorization: basic")), "{others:?}");
    pull(&Scratch::new(), &["-q", "--creds", USER, &name]).run().success();
}

#[test]
fn certificates_are_wanted_to_push() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Certificate);
    load(&scratch, &Image::base(), "example.test/base:1");
    let name = registry.name("base:1");
    let outcome = push(&scratch, &["example.test/base:1", &name]).run();
    assert!(outcome.code == Some(1) && outcome.stderr().contains("--cert-dir"), "{}", outcome.stderr());
    let certificates = registry.certificates(&scratch);
    push(&scratch, &["-q", "--cert-dir", &certificates, "example.test/base:1", &name]).run().success();
    push(&scratch, &["-q", "--tls-verify=false", "example.test/base:1", &name]).run().success();
}

#[test]
fn a_registry_sees_a_certificate() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Mutual);
    load(&scratch, &Image::base(), "example.test/base:1");
    let name = registry.name("base:1");
    let certificates = registry.certificates(&scratch);
    push(&scratch, &["-q", "--cert-dir", &certificates, "example.test/base:1", &name]).run().fails(1);
    fs::copy(format!("{certificates}/tls.crt"), format!("{certificates}/tls.cert")).unwrap();
    push(&scratch, &["-q", "--cert-dir", &certificates, "example.test/base:1", &name]).run().success();
    // Where the user keeps them for this registry.
    let home = scratch.directory("config");
    let own = home.join("containers/certs.d").join(format!("127.0.0.1:{}", registry.port));
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&certificates, &own).unwrap();
    pull(&Scratch::new(), &["-q", &name]).env("XDG_CONFIG_HOME", home).run().success();
    fs::remove_file(format!("{certificates}/tls.key")).unwrap();
    let outcome = push(&scratch, &["--cert-dir", &certificates, "example.test/base:1", &name]).run();
    assert!(outcome.code == Some(1) && outcome.stderr().contains("tls.key"), "{}", outcome.stderr());
}

#[test]
fn a_broken_upload_begins_anew() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    load(&scratch, &image(), "example.test/tool:1");
    for (number, fault) in
        [Fault::CutUpload(64 << 10, 2), Fault::Status(503, 2), Fault::Status(429, 1)].into_iter().enumerate()
    {
        let proxy = Proxy::start(registry.port, fault);
        let name = format!("tool{number}:1");
        push(&scratch, &["-q", "example.test/tool:1", &proxy.name(&name)]).run().success();
        pull(&Scratch::new(), &["-q", &registry.name(&name)]).run().success();
    }
    let proxy = Proxy::start(registry.port, Fault::CutUpload(1 << 10, 100));
    let outcome = push(&scratch, &["example.test/tool:1", &proxy.name("never:1")]).run();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr());
    assert!(outcome.stderr().contains("PATCH http://127.0.0.1"), "{}", outcome.stderr());
}

#[test]
fn all_tags_of_a_name_are_pushed() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    let (name, other) = (registry.name("team/tool"), registry.name("team/tool2:1"));
    load(&scratch, &Image::base(), &format!("{name}:1"));
    load(&scratch, &image(), &format!("{name}:two"));
    scratch.minirun(["tag", &format!("{name}:1"), &other]).run().success();
    let answer = push(&scratch, &["-q", "-a", &name]).run().success();
    assert_eq!(answer, format!("{name}:1\n{name}:two"));
    assert_ne!(registry.digest("team/tool:1"), registry.digest("team/tool:two"));
    pull(&Scratch::new(), &["-q", &other]).run().fails(1);
    // The digest of each, as without the flag.
    let answer = push(&scratch, &["--all-tags", &format!("docker://{name}")]).run().success();
    assert!(answer.starts_with(&format!("Digest: {}\n", registry.digest("team/tool:1"))), "{answer}");
    let tagged = push(&scratch, &["-a", &format!("{name}:1")]).run();
    assert!(tagged.fails(1).contains("all tags are those of a name without one"), "{tagged}");
    push(&scratch, &["-a", &format!("{name}@sha256:{}", "0a".repeat(32))]).run().fails(1);
    let absent = push(&scratch, &["-a", &registry.name("none")]).run();
    assert!(absent.fails(1).contains("there is no image"), "{absent}");
    push(&scratch, &["-a", &name, &other]).run().refused();
}

#[test]
fn a_tag_that_cannot_be_pushed_does_not_keep_the_others() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    let name = registry.name("tool");
    load(&scratch, &image(), &format!("{name}:a"));
    load(&scratch, &Image::base(), &format!("{name}:b"));
    let id = scratch.minirun(["inspect", "-f", "{{.Id}}", &format!("{name}:a")]).run().success();
    let lost = scratch.store().join("images").join(id.trim_start_matches("sha256:"));
    fs::remove_dir_all(lost).unwrap();
    let outcome = push(&scratch, &["-q", "-a", &name]).run();
    let said = outcome.stderr();
    assert!(said.contains("the store lacks the image") && !said.contains(":b`"), "{outcome}");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    assert_eq!(outcome.stdout().trim(), format!("{name}:b"));
}

#[test]
fn it_is_said_where_to() {
    let scratch = Scratch::new();
    load(&scratch, &Image::base(), "localhost/made:1");
    let outcome = push(&scratch, &["localhost/made:1"]).run();
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().contains("hint: name it: `minirun push localhost/made:1 HOST/NAME:TAG`"),
        "{}",
        outcome.stderr()
    );
    push(&scratch, &["localhost/made:1", &format!("q.test/x@sha256:{}", "0a".repeat(32))]).run().fails(1);
    push(&scratch, &["absent", "q.test/x"]).run().fails(1);
}
