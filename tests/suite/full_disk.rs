//! A disk without room: what is said then, that nothing is half made, and that all is well when there is room again.

use crate::support::{
    Compression, IMAGE, Image, Layer, Scratch, can_mount, compress, docker_archive, require,
};

/// Beginning of every script: a small file system, `fill` and `free`, and `try NAME COMMAND…`, which prints the name, the
/// code, and what of these holds: the error says that there is no space, and the store is as it was.
const BEGINNING: &str = r#"
disk=$SCRATCH/disk; export MINIRUN_STORE=$disk/store MINIRUN_NETWORK=none
mount -t tmpfs -o "$SIZE" tmpfs "$disk" || exit 99
minirun() { "$MINIRUN" "$@"; }
fill() {
    mkdir -p "$disk/ballast"
    if [ "$KIND" = bytes ]; then
        dd if=/dev/zero of="$disk/ballast/bytes" bs=64k 2>/dev/null
        dd if=/dev/zero of="$disk/ballast/rest" bs=512 2>/dev/null
    else
        i=0; while true >"$disk/ballast/$i"; do i=$((i + 1)); done 2>/dev/null
    fi
    true
}
free() { rm -rf "$disk/ballast"; }
# Who removes a container that has ended may be at it for a moment longer than the command that ran it.
settle() { i=0; while [ -n "$(ls -A "$MINIRUN_STORE/ended" 2>/dev/null)" ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i + 1)); done; }
list() { settle; find "$MINIRUN_STORE" ! -name 'events*' ! -path '*/upper/*' ! -name 'log*' | sort; }
try() {
    name=$1; shift
    list >"$SCRATCH/before"
    minirun "$@" >"$SCRATCH/said" 2>"$SCRATCH/error"; code=$?
    list >"$SCRATCH/after"
    cmp -s "$SCRATCH/before" "$SCRATCH/after" && same=same || same=different
    grep -q 'o space\(s\)\? \(is \)\?left\|ENOSPC' "$SCRATCH/error" && space=space || space=-
    echo "$name $code $space $same"
    [ "$code" = 0 ] || sed 's/^/# /' "$SCRATCH/error"
}
"#;

fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..4_000_000).map(next).collect()
}

/// What a script prints, without the errors that it shows; the store has room for the image and little more.
#[track_caller]
fn lines((kind, size): (&str, &str), script: &str) -> Vec<String> {
    let scratch = Scratch::new();
    scratch.directory("disk");
    Image::base().write_layout(&scratch.path("layout"), IMAGE);
    let big = Image::base().layer(Layer::new().file("noise", 0o644, noise()));
    scratch.file("big.tar", compress(&docker_archive(&big, &["big:1"]), Compression::Plain));
    let many = (0..300).fold(Layer::new(), |layer, number| layer.file(format!("f{number}"), 0o644, "x"));
    let contents = many.file("noise", 0o644, noise()).finish();
    scratch.file("volume.tar", contents);
    let script = format!("KIND={kind} SIZE={size}\n{BEGINNING}\n{script}");
    let run = scratch.mounting_script(&script).run();
    let output = run.success();
    output.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

const BYTES: (&str, &str) = ("bytes", "size=48m");
const INODES: (&str, &str) = ("inodes", "nr_inodes=1500");

#[test]
fn what_needs_room_says_so_and_leaves_nothing() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    for disk in [BYTES, INODES] {
        let script = r#"
            minirun load -q -i "$SCRATCH/layout" >/dev/null || exit 98
            minirun run --name kept example.test/base:1 sh -c 'head -c 3000000 /dev/urandom >/big' || exit 97
            minirun volume create data >/dev/null || exit 96
            fill
            try load load -q -i "$SCRATCH/big.tar"
            try run run --rm example.test/base:1 true
            try run-d run -d example.test/base:1 true
            try create create --name never example.test/base:1 true
            try commit commit kept new:1
            try import volume import data "$SCRATCH/volume.tar"
            try tag tag example.test/base:1 other:1
            free
            try run run --rm example.test/base:1 true
            try load load -q -i "$SCRATCH/big.tar"
            try import volume import data "$SCRATCH/volume.tar"
            try commit commit kept new:1
            minirun run --rm new:1 sh -c 'wc -c </big'
            minirun run --rm -v data:/data example.test/base:1 sh -c 'wc -c </data/noise'
            minirun rm kept
        "#;
        let expected = [
            "load 125 space same",
            "run 125 space same",
            "run-d 125 space same",
            "create 125 space same",
            "commit 1 space same",
            "import 1 space same",
            "tag 1 space same",
            "run 0 - same",
            "load 0 - different",
            "import 0 - different",
            "commit 0 - different",
            "3000000",
            "4000000",
            "kept",
        ];
        assert_eq!(lines(disk, script), expected, "{disk:?}");
    }
}

#[test]
fn what_runs_goes_on_and_what_makes_room_works() {
    require!(can_mount(), "unshare cannot make a mount namespace here");
    for disk in [BYTES, INODES] {
        let script = r#"
            minirun load -q -i "$SCRATCH/layout" >/dev/null || exit 98
            go='echo before; while [ ! -e /full ]; do sleep 0.05; done; i=0
                while [ $i -lt 200 ]; do echo "line $i of what is lost"; i=$((i + 1)); done
                while [ -e /full ]; do sleep 0.05; done; echo after; sleep 1000'
            minirun run -d --name web --tmpfs /t example.test/base:1 sh -c "$go" >/dev/null || exit 97
            minirun run -d --name other example.test/base:1 sleep 1000 >/dev/null || exit 96
            minirun volume create data >/dev/null
            minirun exec web touch /full
            fill
            try exec exec web true
            try ps ps -a
            minirun stop -t 0 other >/dev/null; echo "stop $?"
            minirun rm other >/dev/null; echo "rm $?"
            minirun volume rm data >/dev/null 2>&1; echo "volume $?"
            minirun exec web rm /full; echo "exec $?"
            free
            until minirun logs web | grep -q after; do sleep 0.05; done
            minirun logs web | sed -n '1p;$p'
            minirun rm -f web
            ls "$MINIRUN_STORE/containers" "$MINIRUN_STORE/tmp" "$MINIRUN_STORE/names" | grep -v :
            true
        "#;
        let expected = [
            "exec 0 - same",
            "ps 0 - same",
            "stop 0",
            "rm 0",
            "volume 0",
            "exec 0",
            "before",
            "after",
            "web",
        ];
        let mut lines = lines(disk, script);
        lines.retain(|line| !line.is_empty());
        assert_eq!(lines, expected, "{disk:?}");
    }
}
