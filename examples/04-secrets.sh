#!/bin/sh
# A secret comes in through standard input and lives in a tmpfs: not on disk, not in the environment, not in a
# command line, and gone with the container.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

secret="correct-horse-$$-battery"
output=$(printf '%s' "$secret" | "$minirun" run -i --name vault --tmpfs /secrets:mode=0700,size=64k host sh -c '
    umask 077
    cat >/secrets/token
    stat -c "%a" /secrets/token
    wc -c </secrets/token
    env | grep -c battery || true')
echo "$output"
expect "600
${#secret}
0" "$(echo "$output" | tr -d ' ')"

echo "Nothing in the store has seen it:"
if grep -rqs "$secret" "$MINIRUN_STORE"; then
    echo "the secret is on disk" >&2
    exit 1
fi
echo "not found"
"$minirun" rm vault >/dev/null
