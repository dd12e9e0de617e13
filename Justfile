# What CI runs, and what a developer runs: `just` lists it.

set shell := ["bash", "-euo", "pipefail", "-c"]

# List the recipes.
default:
    @just --list

# shellcheck's SC2016 is off: scripts in single quotes are for the shell of the container, which is the point.

# Everything that can be said without running the program.
check:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --locked
    if command -v shellcheck >/dev/null; then \
        shellcheck -x --exclude=SC2016 images/*.sh examples/*.sh src/plan/seccomp/*.sh .ci/run .cargo/rustc; \
    else \
        echo "shellcheck is not installed: the scripts are not checked"; \
    fi
    if command -v mypy >/dev/null && command -v pyflakes3 >/dev/null; then \
        cd benches/bench && pyflakes3 . && mypy --cache-dir=/dev/null .; \
    else \
        echo "mypy or pyflakes3 is not installed: the benchmarks are not checked"; \
    fi
    python3 -B benches/bench/test_bench.py

# All tests; arguments go to `cargo test`.
test *arguments:
    cargo test --locked {{ arguments }}

# A thousand containers one after another and two hundred at once: nothing may be left of them.
soak:
    MINIRUN_TEST_SOAK=1000,200 cargo test --locked --test suite soak -- --nocapture

# Ten thousand containers started while somebody swaps what they are made of.
torture starts="10000" *arguments="fence_":
    MINIRUN_TEST_TORTURE={{ starts }} cargo test --locked --test suite -- --nocapture --test-threads=1 {{ arguments }}

# A thousand processes killed at chosen and random moments; the seed that it prints shows a failure again.
crash kills="1000" seed=`date +%s`:
    echo "seed {{ seed }}"
    MINIRUN_TEST_KILLS={{ kills }} MINIRUN_TEST_SEED={{ seed }} cargo test --locked --test suite crash::

# Licences, sources, doubles and known weaknesses of the dependencies, by cargo-deny.
deny:
    cargo deny --locked check licenses bans sources
    if git ls-remote https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then \
        cargo deny --locked check advisories; \
    else \
        echo "the database of advisories cannot be reached: known weaknesses are not looked for"; \
    fi

# Invents inputs for a target of fuzz/ for some seconds, with nightly Rust and cargo-fuzz: docs/fuzzing.md.
fuzz target seconds="60":
    mkdir -p fuzz/target/inputs/{{ target }}
    TMPDIR=$(test -w /dev/shm && echo /dev/shm || echo "${TMPDIR:-/tmp}") \
        cargo +nightly fuzz run --sanitizer none {{ target }} \
        fuzz/target/inputs/{{ target }} fuzz/corpus/{{ target }} -- \
        -max_total_time={{ seconds }} -timeout=20 -max_len=16384 \
        $(dictionary=fuzz/dictionaries/{{ target }}.dict; test ! -e "$dictionary" || echo "-dict=$dictionary")

# Each target for some seconds.
fuzz-all seconds="60":
    for target in fuzz/fuzz_targets/*.rs; do just fuzz "$(basename "$target" .rs)" {{ seconds }}; done

# Sample images into target/images.
images:
    images/busybox.sh
    images/debian.sh

# Goals of speed and size beside other launchers: `just bench start`, `just bench --help`; docs/performance.md.
bench *arguments:
    cargo build --release --locked
    python3 -B benches/bench {{ arguments }}

# What `just bench` compares with, from Debian's packages, as root.
bench-peers:
    python3 -B benches/bench --install-peers

# Hostile images through minirun, podman, umoci and buildah, as root: the table of docs/security.md.
score *arguments:
    cargo build --locked
    benches/hostile.py {{ arguments }}

# The table of system calls, from the headers of a kernel as Debian's linux-libc-dev has them (6.11 or newer).
syscalls include="/usr/include":
    src/plan/seccomp/generate-calls.sh {{ include }} >src/plan/seccomp/calls.rs.new
    mv src/plan/seccomp/calls.rs.new src/plan/seccomp/calls.rs

# The program into ~/.cargo/bin.
install:
    cargo install --locked --path .

# Everything that was made.
clean:
    cargo clean
