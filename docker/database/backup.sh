#!/bin/sh
# One dump of the database, whole or not at all; those of more than a fortnight ago go.
set -eu
PGPASSWORD="$(cat /run/secrets/database_owner_password)"
export PGPASSWORD
dump="/backup/anju-$(date -u +%Y%m%dT%H%M%SZ).dump"
pg_dump --format=custom --file="$dump.part"
mv "$dump.part" "$dump"
find /backup -name 'anju-*.dump*' -mtime +14 -delete
echo "$dump"
