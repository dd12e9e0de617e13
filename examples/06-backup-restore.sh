#!/bin/sh
# A volume is backed up to a tar archive on the host and restored into another volume.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

backups=$directory/backups
mkdir "$backups"

"$minirun" run --rm -v database:/data host sh -c '
    mkdir /data/tables
    echo "row one" >/data/tables/a
    echo "row two" >/data/tables/b
    chmod 600 /data/tables/a'

echo "Backing up; the volume is read-only while that happens:"
"$minirun" run --rm -v database:/source:ro -v "$backups:/backup" host \
    tar czf /backup/database.tar.gz -C /source .
ls "$backups"

echo "Restoring into a fresh volume:"
"$minirun" run --rm -v restored:/restored -v "$backups:/backup:ro" host \
    tar xpzf /backup/database.tar.gz -C /restored

output=$("$minirun" run --rm -v restored:/data:ro host sh -c 'cat /data/tables/a /data/tables/b; stat -c %a /data/tables/a')
echo "$output"
expect "row one
row two
600" "$output"
