//! A small root filesystem made from programs of this machine.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::caller::find_program;
use super::image::Layer;

/// The programs that a test may call inside a container.
const PROGRAMS: &[&str] = &[
    "sh", "cat", "chmod", "chown", "cp", "cut", "date", "dd", "echo", "env", "false", "find", "grep", "head",
    "hostname", "id", "kill", "ln", "ls", "mkdir", "mkfifo", "mv", "printf", "ps", "pwd", "readlink", "rm",
    "rmdir", "sed", "sleep", "sort", "stat", "stty", "tail", "tar", "tee", "test", "touch", "tr", "true",
    "tty", "uname", "wc",
];

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1234:1234:App:/home/app:/bin/sh\n";
const GROUP: &str = "root:x:0:\napp:x:1234:\nextra:x:2345:app\nspare:x:3456:\n";

/// The layer with the base system: everything belongs to 0:0.
///
/// `/etc/passwd` knows `app` (1234, home `/home/app`, also in group `extra` 2345); `/seed` holds what a
/// fresh volume is filled with; `/locked` has mode 0750.
pub(super) fn base() -> &'static [u8] {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut layer = Layer::new();
        for directory in ["bin", "dev", "etc", "home", "home/app", "proc", "root", "seed", "seed/deep", "sys"]
        {
            layer = layer.directory(directory, 0o755);
        }
        layer = layer.directory("tmp", 0o1777).directory("locked", 0o750);
        layer = layer.file("etc/passwd", 0o644, PASSWD).file("etc/group", 0o644, GROUP);
        layer = layer.file("etc/os-release", 0o644, "ID=minirun-test\n");
        layer = layer.file("seed/file", 0o640, "seeded\n").symlink("seed/link", "file");
        layer = layer.file("seed/deep/.hidden", 0o600, "hidden\n");
        programs(layer).finish()
    })
}

fn programs(layer: Layer) -> Layer {
    match static_busybox() {
        Some(busybox) => {
            let content = fs::read(busybox).unwrap();
            let layer = layer.file("bin/busybox", 0o755, content);
            PROGRAMS.iter().fold(layer, |layer, name| layer.symlink(&format!("bin/{name}"), "busybox"))
        }
        None => dynamic_programs(layer),
    }
}

fn static_busybox() -> Option<PathBuf> {
    let busybox = find_program("busybox")?;
    libraries(&busybox).is_empty().then_some(busybox)
}

fn dynamic_programs(mut layer: Layer) -> Layer {
    let mut needed = BTreeSet::new();
    for name in PROGRAMS {
        let Some(program) = find_program(name) else { continue };
        needed.extend(libraries(&program));
        layer = layer.file(format!("bin/{name}"), 0o755, fs::read(program).unwrap());
    }
    let mut directories = BTreeSet::new();
    for library in &needed {
        directories
            .extend(library.ancestors().skip(1).filter(|path| path.parent().is_some()).map(PathBuf::from));
    }
    for directory in directories {
        layer = layer.directory(in_image(&directory), 0o755);
    }
    for library in &needed {
        layer = layer.file(in_image(library), 0o755, fs::read(library).unwrap());
    }
    layer
}

fn in_image(path: &Path) -> &str {
    path.to_str().unwrap().trim_start_matches('/')
}

/// The absolute paths that `ldd` prints: the libraries and the ELF interpreter. None for a static program.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let Ok(output) = Command::new("ldd").arg(program).output() else { return Vec::new() };
    if !output.status.success() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .filter(|path| path.exists())
        .collect()
}
