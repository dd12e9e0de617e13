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

# Nothing on the way to a start is locked for others: at once they take what they take one by one, divided by the
# processors, and a ratio above 1 is what they cost each other.
starts=64
start_all() {
    local begin=$EPOCHREALTIME index
    for ((index = 0; index < starts; index++)); do
        if [[ $1 == at-once ]]; then
            "$minirun" run --rm --network none bench true >/dev/null 2>&1 </dev/null &
        else
            "$minirun" run --rm --network none bench true >/dev/null 2>&1 </dev/null
        fi
    done
    wait
    local end=$EPOCHREALTIME
    echo $((${end/[.,]/} - ${begin/[.,]/}))
}
one_by_one=$(start_all one-by-one)
at_once=$(start_all at-once)
awk -v one="$one_by_one" -v all="$at_once" -v count="$starts" -v processors="$(nproc)" 'BEGIN {
    printf "\n%d starts: %.0f ms one by one, %.0f ms at once on %d processors; ratio %.2f\n",
        count, one / 1000, all / 1000, processors, all * processors / one
}'

# The memory that belongs to those who watch over a container: the pages they alone have written to, and their parts
# of those that a supervisor and its monitor share.
watchers() {
    local process
    for process in /proc/[0-9]*; do
        if tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -q -- "--store $MINIRUN_STORE run -d"; then
            # One that has just ended has none.
            cat "$process/smaps_rollup" || true
        fi
    done 2>/dev/null
}
memory() {
    watchers | awk -v count="$1" '
        $1 == "Private_Dirty:" { private += $2; processes++ }
        $1 == "Pss_Anon:" { anonymous += $2 }
        END {
            printf "memory of %d supervised: %.0f KiB private to each of %d processes, %.0f KiB for each container\n",
                count, processes ? private / processes : 0, processes, anonymous / count
        }'
}
supervised=()
for count in 1 50; do
    while ((${#supervised[@]} < count)); do
        supervised+=("$("$minirun" --store "$MINIRUN_STORE" run -d --network none bench sleep 3600 2>/dev/null </dev/null)")
    done
    memory "$count"
done
"$minirun" rm -f "${supervised[@]}" >/dev/null
