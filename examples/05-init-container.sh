#!/bin/sh
# An init container writes the configuration; the service sees it read-only.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

"$minirun" run --rm -e PORT=8080 -v config:/config host sh -c '
    echo "listen = $PORT" >/config/service.conf
    chmod 444 /config/service.conf'

output=$("$minirun" run --rm --mount type=volume,source=config,target=/config,readonly host sh -c '
    cat /config/service.conf
    if echo "listen = 1" 2>/dev/null >/config/service.conf; then echo "changed"; exit 1; fi
    if rm -f /config/service.conf 2>/dev/null; then echo "removed"; exit 1; fi
    echo "the service can only read"')
echo "$output"
expect "listen = 8080
the service can only read" "$output"
