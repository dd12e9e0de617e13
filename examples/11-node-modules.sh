#!/bin/sh
# Sources from the host, dependencies from the container: a volume below the bind keeps what the container has
# installed out of the source tree, and what the host has installed out of the container.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

mkdir -p "$directory/app/node_modules"
echo '{ "name": "app" }' >"$directory/app/package.json"
echo "built for the host" >"$directory/app/node_modules/native"
cd "$directory"

"$minirun" run --rm -v ./app:/app -v modules:/app/node_modules -w /app host sh -c '
    [ -z "$(ls node_modules)" ]
    echo "built for the container" >node_modules/native'

output=$("$minirun" run --rm -v ./app:/app -v modules:/app/node_modules -w /app host \
    cat package.json node_modules/native)
echo "$output"
expect '{ "name": "app" }
built for the container' "$output"
expect "built for the host" "$(cat app/node_modules/native)"
echo "and the host still has its own"
