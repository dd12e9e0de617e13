#!/bin/sh
# The source tree is bound into the container: what is edited on the host is there at once, and what the container
# builds belongs to the caller.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

mkdir "$directory/src"
echo "echo one" >"$directory/src/program"
cd "$directory"

"$minirun" run --rm --name builder -v ./src:/src -w /src host sh -c '
    until [ -e stop ]; do
        sh ./program >output.new && mv output.new output
        sleep 0.05
    done' &
builder=$!

# wait_for TEXT: until the container has put it there.
wait_for() {
    until [ "$(cat src/output 2>/dev/null)" = "$1" ]; do sleep 0.05; done
    echo "the container says: $1"
}
wait_for one
echo "echo two" >src/program.new
mv src/program.new src/program
wait_for two
touch src/stop
wait "$builder"

expect "$(id -u)" "$(stat -c %u src/output)"
echo "and what it built is mine"
