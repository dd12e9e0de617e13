#!/bin/sh
# Two containers share a volume at the same time: one makes work, the other does it.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

"$minirun" run --rm --name worker -v queue:/queue host sh -c '
    done=0
    while [ "$done" -lt 3 ]; do
        for job in /queue/*.job; do
            [ -e "$job" ] || continue
            tr a-z A-Z <"$job" >"$job.partial"
            mv "$job.partial" "${job%.job}.result"
            rm "$job"
            done=$((done + 1))
        done
        sleep 0.1
    done' &
worker=$!

# A file is written under another name first, so that the worker never sees half of it.
"$minirun" run --rm --name maker -v queue:/queue host sh -c '
    for word in one two three; do
        echo "$word" >"/queue/$word.new"
        mv "/queue/$word.new" "/queue/$word.job"
    done'
wait "$worker"

results=$("$minirun" run --rm -v queue:/queue:ro host sh -c 'cat /queue/one.result /queue/two.result /queue/three.result')
echo "$results"
expect "ONE
TWO
THREE" "$results"
