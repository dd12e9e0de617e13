#!/bin/sh
# Redis with an append-only file in a named volume: killed without a warning, it has lost nothing.
# Needs Redis on this machine, as it runs on the image `host`.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

command -v redis-server >/dev/null || skip "Redis is not installed"

# redis SCRIPT: the server over the volume, for as long as the script runs.
redis() {
    "$minirun" run --rm -v redis_data:/data --tmpfs /tmp -w /data host sh -euc '
        redis-server --appendonly yes --appendfsync always --dir /data --port 0 --unixsocket /tmp/redis.sock \
            --save "" >/tmp/log 2>&1 &
        server=$!
        redis() { redis-cli -s /tmp/redis.sock "$@"; }
        until [ "$(redis ping 2>/dev/null)" = PONG ]; do sleep 0.05; done
        '"$1"
}

redis 'redis set greeting hello; redis incr visits; kill -9 "$server"'
echo "The first server was killed. The next one knows:"
output=$(redis 'redis get greeting; redis incr visits; redis shutdown nosave || true')
echo "$output"
expect "hello
2" "$output"
