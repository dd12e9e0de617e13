#!/bin/sh
# A configuration of the host is bound read-only, a directory and a single file: the container can read them and
# change neither.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

mkdir "$directory/config"
echo "workers = 4" >"$directory/config/app.conf"
echo "debug = off" >"$directory/extra.conf"

output=$("$minirun" run --rm \
    --mount "type=bind,src=$directory/config,dst=/app/config,readonly" \
    -v "$directory/extra.conf:/app/extra.conf:ro" host sh -c '
    cat /app/config/app.conf /app/extra.conf
    for file in /app/config/app.conf /app/config/new /app/extra.conf; do
        if (echo x >>"$file") 2>/dev/null; then echo "$file was written"; exit 1; fi
    done
    echo "none of them can be changed"')
echo "$output"
expect "workers = 4
debug = off
none of them can be changed" "$output"

echo "With --mount, a source that is not there is an error, not an empty directory:"
if "$minirun" run --rm --mount "type=bind,src=$directory/confg,dst=/app/config" host true; then exit 1; fi
[ ! -e "$directory/confg" ]
