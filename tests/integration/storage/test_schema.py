from datetime import UTC, datetime

import psycopg
import pytest

from devices import lookups
from storage.audit import record
from storage.errors import SchemaBehind
from storage.migrate import head, migrate
from storage.pool import Connection, connect, require_schema
from wire.channels import BY_NAME

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_migrating_again_changes_nothing(dsn: str) -> None:
    assert migrate(dsn) == head()
    with connect(dsn, name="test") as connection:
        require_schema(connection, head())


def test_a_database_without_schema_is_refused(server_dsn: str) -> None:
    empty = psycopg.conninfo.make_conninfo(server_dsn, dbname="template1")
    with connect(empty, name="test") as connection, pytest.raises(SchemaBehind):
        require_schema(connection, head())


def test_lookups_follow_the_closed_lists(connection: Connection) -> None:
    lookups.fill(connection)
    rows = connection.execute("SELECT name, code FROM channel WHERE code > 0").fetchall()
    assert dict(rows) == {name: channel.code for name, channel in BY_NAME.items()}


@pytest.mark.parametrize(
    "change", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
def test_the_audit_log_only_grows(connection: Connection, change: str) -> None:
    record(connection, at=NOW, actor="account:li", action="unit.read", subject="unit:3-2-0703")
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute(change)  # pyright: ignore[reportArgumentType]
