#!/bin/sh
# PostgreSQL keeps its data in a named volume: the container goes, the next one finds them, and a dump of them lies
# on the host. Needs PostgreSQL on this machine, as it runs on the image `host`.
# shellcheck source=examples/common.inc
. "$(dirname "$0")/common.inc"

programs=
for programs in /usr/lib/postgresql/*/bin; do :; done
[ -x "$programs/initdb" ] || skip "PostgreSQL is not installed"
backups=$directory/backups
mkdir "$backups"

# PostgreSQL refuses to run as root. An ordinary caller is the same user inside; root takes the machine's `postgres`.
if [ "$(id -u)" = 0 ]; then
    who="--user=postgres"
    chown postgres "$backups"
    chmod 711 "$directory"
else
    who="--userns=keep-id"
fi

# database VOLUME-FLAG SCRIPT: the server over that volume, for as long as the script runs.
database() {
    "$minirun" run --rm "$who" -v "$1" -v "$backups:/backups" --tmpfs /tmp -e PATH="$programs:/usr/bin:/bin" \
        -e PGHOST=/tmp -e PGDATA=/pgdata/data -e PGUSER=app -e LC_ALL=C host sh -euc '
        [ -e "$PGDATA/PG_VERSION" ] || initdb --username=app --auth=trust --no-sync >/dev/null
        pg_ctl --silent --wait --log=/tmp/log --options="-k /tmp -h \"\"" start
        '"$2"'
        pg_ctl --silent --wait stop'
}

# `U` gives the volume to the user that the server runs as.
echo "The first container makes the database:"
database pgdata:/pgdata:U '
    createdb shop
    psql --quiet --dbname=shop --command="CREATE TABLE fruit (name text); INSERT INTO fruit VALUES ('\''apple'\''), ('\''pear'\'')"'

echo "The second one finds it, and dumps it:"
output=$(database pgdata:/pgdata '
    psql --dbname=shop --tuples-only --no-align --command="SELECT name FROM fruit ORDER BY name"
    pg_dump shop >/backups/shop.sql')
echo "$output"
expect "apple
pear" "$output"
grep -c "COPY public.fruit" "$backups/shop.sql"
