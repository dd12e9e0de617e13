//! Loads and runs the cases, and looks at what came of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::canary::Canary;
use super::case::{Case, Expectation};
use super::parts::NAME;
use super::tree::Tree;
use crate::support::{IMAGE, Outcome, Scratch};

/// Checks every case of a topic on one store, and fails with all that was wrong.
pub(super) fn all(cases: Vec<Case>) {
    let wanted = std::env::var("MINIRUN_TEST_CASE").unwrap_or_default();
    let cases: Vec<_> = cases.into_iter().filter(|case| case.name.contains(&wanted)).collect();
    if cases.is_empty() {
        return;
    }
    let scene = Scene::new();
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for case in cases {
        assert!(names.insert(case.name.clone()), "two cases are called {}", case.name);
        if let Err(problem) = scene.check(&case) {
            wrong.push(format!("=== {} ({})\n{problem}", case.name, case.about));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// A store with the base image, and a canary beside it.
struct Scene {
    scratch: Scratch,
    canary: Canary,
    /// The store before each case, and after it.
    store: Vec<PathBuf>,
    mounts: String,
}

impl Scene {
    fn new() -> Self {
        let scratch = Scratch::with_image();
        scratch.own_program(); // which is worth reaching, as who gets at it could change it
        // What a store gets when something first runs is no trace of a case.
        scratch.minirun(["run", "--rm", IMAGE, "true"]).run().success();
        let canary = Canary::new(scratch.path("canary"));
        let (store, mounts) = (scratch.listing(), mounts());
        Self { scratch, canary, store, mounts }
    }

    fn check(&self, case: &Case) -> Result<(), String> {
        let source = (case.build)(self.canary.path()).write(&self.scratch.directory("sources"), &case.name);
        let outcome = self.load(case, &source);
        let result = self.came_of(case, &outcome);
        self.scratch.minirun(["rmi", "-f", NAME]).run();
        remove(&source);
        result.and_then(|()| self.nothing_changed()).map_err(|problem| format!("{problem}\n{outcome}"))
    }

    fn load(&self, case: &Case, source: &Path) -> Outcome {
        let call = self.scratch.minirun(["load"]).args(case.flags).args([Path::new("-i"), source]);
        let call = match case.memory {
            Some(memory) => call.address_space(memory),
            None => call,
        };
        call.within(case.patience).run()
    }

    fn came_of(&self, case: &Case, loaded: &Outcome) -> Result<(), String> {
        let is_taken = loaded.code == Some(0);
        let Expectation::Refused(says) = case.expectation else {
            if !is_taken {
                return Err("it is not taken".to_owned());
            }
            return self.inside(case, loaded);
        };
        let is_refused = loaded.code == Some(125) && loaded.stderr().contains("error: ");
        match (is_refused, loaded.stderr().contains(says)) {
            (false, _) => Err("it is not refused".to_owned()),
            (true, false) => Err(format!("the error does not say {says:?}")),
            (true, true) => Ok(()),
        }
    }

    /// What a container sees of an image that was taken.
    fn inside(&self, case: &Case, loaded: &Outcome) -> Result<(), String> {
        match &case.expectation {
            Expectation::Refused(_) => Ok(()),
            Expectation::Warned(says) if loaded.stderr().contains(says) => Ok(()),
            Expectation::Warned(says) => Err(format!("there is no warning {says:?}")),
            Expectation::Tree(tree) => self.compare(tree),
            Expectation::Prints { flags, command, output } => {
                let outcome = self.run(case, flags, command);
                if outcome.code == Some(0) && outcome.stdout().trim_end_matches('\n') == output {
                    return Ok(());
                }
                Err(format!("it does not print {output:?}: {outcome}"))
            }
            Expectation::Fails { flags, command, code, says } => {
                let outcome = self.run(case, flags, command);
                if outcome.code == Some(*code) && outcome.stderr().contains(says) {
                    return Ok(());
                }
                Err(format!("it does not end with {code} and say {says:?}: {outcome}"))
            }
        }
    }

    fn run(&self, case: &Case, flags: &[&str], command: &[&str]) -> Outcome {
        let call = self.scratch.minirun(["run", "--rm"]).args(flags).args([NAME]).args(command);
        call.within(case.patience).run()
    }

    /// Mounts the image into a container that has programs, and packs all of it.
    fn compare(&self, tree: &Tree) -> Result<(), String> {
        let mount = format!("type=image,source={NAME},destination=/case");
        let pack = ["tar", "-C", "/case", "-c", "-f", "-", "."];
        let run = ["run", "--rm", "--mount", &mount, IMAGE];
        let outcome = self.scratch.minirun(run).args(pack).run();
        if outcome.code != Some(0) {
            return Err(format!("it cannot be looked at: {}", outcome.stderr()));
        }
        tree.compare(&Tree::seen(&outcome))
    }

    fn nothing_changed(&self) -> Result<(), String> {
        self.canary.check()?;
        let store = self.scratch.listing();
        if store != self.store {
            let too_much: Vec<_> = store.iter().filter(|path| !self.store.contains(path)).collect();
            let missing: Vec<_> = self.store.iter().filter(|path| !store.contains(path)).collect();
            return Err(format!("the store has {too_much:?} too much, and lacks {missing:?}"));
        }
        let now = mounts();
        if now == self.mounts { Ok(()) } else { Err(format!("there are other mounts: {now}")) }
    }
}

/// The mounts of this mount namespace.
fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap()
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}
