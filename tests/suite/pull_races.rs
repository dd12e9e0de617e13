//! Several pulls of one image, slow ones and killed ones.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::pull::{WHY, noise, pull, registry};
use crate::support::{
    Fault, Guard, Image, Layer, Proxy, Registry, Running, Scratch, eventually, has_registry, require,
};

fn kill(running: Running) {
    running.signal(Signal::SIGKILL);
    running.wait();
}

/// How often each blob was fetched.
fn fetched(proxy: &Proxy) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for head in proxy.heads() {
        let path = head.split(' ').nth(1).unwrap_or_default();
        if head.starts_with("get ") && path.contains("/blobs/") {
            *counts.entry(path.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn many_pull_one_image() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    let image = Image::base().layer(Layer::new().file("noise", 0o644, noise(500 << 10)));
    registry.fill(&scratch, &image, "base:1");
    let proxy = Proxy::start(registry.port, Fault::Slow(100 << 10));
    let name = proxy.name("base:1");
    let pulls: Vec<_> =
        (0..50).map(|_| pull(&scratch, &["-q", &name]).within(Duration::from_secs(120)).start()).collect();
    for running in pulls {
        running.wait().success();
    }
    let counts = fetched(&proxy);
    assert_eq!(counts.len(), 3, "a configuration and two layers: {counts:?}");
    assert!(counts.values().all(|&count| count == 1), "{counts:?}");
    assert_eq!(scratch.minirun(["run", "--rm", &name, "echo", "here"]).run().success(), "here");
    scratch.minirun(["system", "check"]).run().success();
}

#[test]
fn a_killed_pull_goes_on_where_it_was() {
    require!(has_registry(), WHY);
    let scratch = Scratch::new();
    let registry = Registry::start(&scratch, Guard::Open);
    let file = |name: &str, bytes| Layer::new().file(name, 0o644, noise(bytes));
    let image = Image::base().layer(file("small", 900 << 10)).layer(file("large", 9 << 20));
    registry.fill(&scratch, &image, "base:1");
    let slow = Proxy::start(registry.port, Fault::Slow(32 << 10));
    let running = pull(&scratch, &["-q", &slow.name("base:1")]).start();
    let layers = scratch.path("store").join("layers");
    let visible = || {
        let owners = fs::read_dir(&layers).into_iter().flatten().flatten();
        let inside = owners.flat_map(|owner| fs::read_dir(owner.path()).into_iter().flatten().flatten());
        inside.filter(|entry| entry.path().is_dir()).count()
    };
    eventually("two layers are there", || visible() >= 2);
    kill(running);
    drop(slow);
    assert!(scratch.minirun(["images", "-q"]).run().success().is_empty());
    let proxy = Proxy::start(registry.port, Fault::Status(500, 0));
    let name = proxy.name("base:1");
    pull(&scratch, &["-q", &name]).run().success();
    let counts = fetched(&proxy);
    assert_eq!(counts.len(), 2, "the configuration and the layer that was not there: {counts:?}");
    let counted = scratch.minirun(["run", "--rm", &name, "sh", "-c", "wc -c < /large"]).run().success();
    assert_eq!(counted.trim(), (9 << 20).to_string());
    scratch.minirun(["system", "check"]).run().success();
}

#[test]
fn a_pull_is_killed_at_any_time() {
    require!(has_registry(), WHY);
    let (scratch, registry) = registry(Guard::Open);
    let slow = Proxy::start(registry.port, Fault::Slow(16 << 10));
    for delay in [20, 150, 400, 900] {
        let running = pull(&scratch, &["-q", &slow.name("base:1")]).start();
        std::thread::sleep(Duration::from_millis(delay));
        kill(running);
    }
    let name = registry.name("base:1");
    pull(&scratch, &["-q", &name]).run().success();
    assert_eq!(scratch.minirun(["run", "--rm", &name, "echo", "here"]).run().success(), "here");
    scratch.minirun(["system", "check"]).run().success();
    let left = fs::read_dir(scratch.path("store").join("tmp")).unwrap().count();
    assert_eq!(left, 0);
}
