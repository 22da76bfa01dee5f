#!/bin/sh
# Roles and databases, once, when the cluster is new. The image runs it as the superuser, on the socket.
#
#   anju            owns the database `anju`: migrations and everything that Anju writes
#   grafana         owns the database `grafana`: Grafana's own dashboards, users and alerts
#   grafana_reader  may connect to `anju`, and read nothing until views are granted to it
set -eu
secrets=${ANJU_SECRETS:-/run/secrets}

psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    -v owner_password="$(cat "$secrets/database_owner_password")" \
    -v grafana_password="$(cat "$secrets/database_grafana_password")" \
    -v reader_password="$(cat "$secrets/database_reader_password")" <<'SQL'
CREATE ROLE anju LOGIN PASSWORD :'owner_password';
CREATE ROLE grafana LOGIN PASSWORD :'grafana_password' CONNECTION LIMIT 20;
CREATE ROLE grafana_reader LOGIN PASSWORD :'reader_password' CONNECTION LIMIT 10;
-- Belt only, since a session can set these otherwise: what is granted is the boundary.
ALTER ROLE grafana_reader SET default_transaction_read_only = on;
ALTER ROLE grafana_reader SET statement_timeout = '15s';
ALTER ROLE grafana_reader SET lock_timeout = '2s';
ALTER ROLE grafana_reader SET idle_in_transaction_session_timeout = '30s';

CREATE DATABASE anju OWNER anju;
CREATE DATABASE grafana OWNER grafana;
REVOKE ALL ON DATABASE anju, grafana FROM PUBLIC;
GRANT CONNECT ON DATABASE anju TO grafana_reader;

\connect anju
ALTER SCHEMA public OWNER TO anju;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SQL
