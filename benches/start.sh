#!/usr/bin/env bash
# How long a container takes from start to exit, beside other launchers: benches/start.sh [RUNS]
#
# Every launcher starts the same static program (busybox `true`) in the same root filesystem. One that cannot run
# here says why. A ratio above 1 means slower than minirun.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
runs=${1:-50}
minirun=${MINIRUN:-$here/../target/release/minirun}
[[ -x $minirun ]] || { echo "$0: no $minirun: run 'cargo build --release' first" >&2; exit 1; }

work=$(mktemp -d)
entered=
clean_up() {
    [[ -z $entered ]] || kill -KILL "$entered" 2>/dev/null || true
    rm -rf "$work" 2>/dev/null ||
        MINIRUN_STORE=$work.cleanup "$minirun" unshare -- rm -rf "$work" "$work.cleanup"
}
trap clean_up EXIT

export MINIRUN_STORE=$work/store

"$here/../images/busybox.sh" "$work/busybox.tar" >/dev/null
mkdir "$work/rootfs"
tar -C "$work/rootfs" -xf "$work/busybox.tar"
"$minirun" import "$work/busybox.tar" bench >/dev/null

names=() medians=() minima=() notes=()

# measure NAME COMMAND…: the minimum and the median of the runs in microseconds, or why there are none.
measure() {
    local name=$1 output times
    shift
    names+=("$name")
    if ! command -v "$1" >/dev/null; then
        medians+=('') minima+=('') notes+=("not installed")
        return
    fi
    # Once for the caches, and to see whether it runs at all.
    if ! output=$("$@" 2>&1 </dev/null); then
        medians+=('') minima+=('') notes+=("cannot run here: $(tail -n 1 <<<"$output" | cut -c 1-100)")
        return
    fi
    times=$(for ((run = 0; run < runs; run++)); do
        local begin=$EPOCHREALTIME
        "$@" >/dev/null 2>&1 </dev/null
        local end=$EPOCHREALTIME
        echo $((${end/[.,]/} - ${begin/[.,]/}))
    done | sort -n)
    minima+=("$(head -n 1 <<<"$times")")
    medians+=("$(sed -n "$(((runs + 1) / 2))p" <<<"$times")")
    notes+=('')
}

# A bundle for the OCI runtimes: their own idea of a configuration, with our root filesystem and command.
bundle() {
    local runtime=$1 directory=$work/$1
    command -v "$runtime" >/dev/null || return 0
    mkdir "$directory"
    cp -a "$work/rootfs" "$directory/rootfs"
    local flags=()
    ((EUID == 0)) || flags=(--rootless)
    (cd "$directory" && "$runtime" spec "${flags[@]}" &&
        sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"true"/' config.json) >/dev/null 2>&1 || true
}
bundle crun
bundle runc

measure "true (no container)" busybox true
measure minirun "$minirun" run --rm bench true
measure "minirun host" "$minirun" run --rm host true
measure "minirun volume+tmpfs" "$minirun" run --rm -v data:/data --tmpfs /tmp bench true
# The cost of mounts: each row has all the mounts that its name says.
mkdir "$work/binds"
for count in 1 10 100 500; do
    flags=()
    for ((index = 0; index < count; index++)); do
        mkdir -p "$work/binds/$index"
        flags+=(-v "$work/binds/$index:/binds/$index")
    done
    measure "minirun $count binds" "$minirun" run --rm "${flags[@]}" bench true
done
for count in 1 10 100; do
    flags=()
    for ((index = 0; index < count; index++)); do
        flags+=(-v "volume-$index:/volumes/$index")
    done
    measure "minirun $count volumes" "$minirun" run --rm "${flags[@]}" bench true
done
"$minirun" run --rm --name bench-entered bench sleep 3600 >/dev/null 2>&1 </dev/null &
entered=$!
until "$minirun" exec bench-entered true >/dev/null 2>&1; do sleep 0.05; done
measure "minirun exec" "$minirun" exec bench-entered true
kill -KILL "$entered" 2>/dev/null || true
entered=
measure bwrap bwrap --unshare-all --die-with-parent --bind "$work/rootfs" / --proc /proc --dev /dev --tmpfs /tmp true
measure crun crun --root "$work/crun-state" run --bundle "$work/crun" "bench-crun-$$"
measure runc runc --root "$work/runc-state" run --bundle "$work/runc" "bench-runc-$$"
measure podman podman run --rm --network none --rootfs "$work/rootfs:O" true

reference=${medians[1]}
printf '%-22s %12s %12s %8s\n' "$runs runs" 'min ms' 'median ms' ratio
for index in "${!names[@]}"; do
    if [[ -z ${medians[index]} ]]; then
        printf '%-22s %s\n' "${names[index]}" "${notes[index]}"
    else
        awk -v name="${names[index]}" -v min="${minima[index]}" -v median="${medians[index]}" \
            -v reference="${reference:-0}" 'BEGIN {
                ratio = reference > 0 ? sprintf("%.2f", median / reference) : "-"
                printf "%-22s %12.2f %12.2f %8s\n", name, min / 1000, median / 1000, ratio
            }'
    fi
done
