"""TimescaleDB, where it is there: the one place that knows the difference.

The schema is the same on both. A promotion turns the tables that grow with time into hypertables, with
the data in place, and lays their older chunks out by column. It runs after the migrations, asks of each
step whether it is done, and does what is missing: repeated it changes nothing, interrupted it goes on.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from storage.errors import PromotionRefused
from storage.pool import Connection, connect
from storage.queries import load

_SQL = load("storage", "timescale.sql")
#: Two processes that promote at once: the second waits.
_LOCK = 7_309_004_731
#: The first version whose columnstore goes by that name; older ones are left alone.
_SINCE = (2, 18)


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a database can do beyond plain PostgreSQL."""

    #: The version that the server could install; None: it has no such extension.
    available: str | None
    #: The version in this database; None: plain PostgreSQL.
    installed: str | None
    #: ``timescale``, or ``apache`` for a build without columnstore and policies; empty: not loaded.
    licence: str

    @property
    def hypertables(self) -> bool:
        """Tables can be cut into chunks."""
        numbers = tuple(int(part) for part in re.findall(r"\d+", self.installed or "")[:2])
        return numbers >= _SINCE

    @property
    def columnstore(self) -> bool:
        """Chunks can be laid out by column, and a job of the server sees to it."""
        return self.hypertables and self.licence == "timescale"

    def __str__(self) -> str:
        if self.installed is None:
            return "plain PostgreSQL"
        if not self.hypertables:
            return f"plain tables: TimescaleDB {self.installed} is older than {'.'.join(map(str, _SINCE))}"
        columns = "with columnstore" if self.columnstore else "without columnstore"
        return f"TimescaleDB {self.installed} (licence {self.licence or 'unknown'}), {columns}"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How one table lies on disk as a hypertable."""

    table: str
    #: The time that chunks are cut by.
    column: str
    chunk: timedelta
    #: What is read together lies together, and is read without the rest.
    segment_by: str
    order_by: str


#: Chunks are long enough for several hundred rows of a segment, since a batch of the columnstore is at
#: best 1,000 rows of one, and short enough that the newest and its index stay in memory.
LAYOUTS = (
    Layout(
        table="reading",
        column="time",
        chunk=timedelta(days=14),
        segment_by="device_id,channel",
        order_by="time",
    ),
    Layout(
        table="event",
        column="time",
        chunk=timedelta(days=14),
        segment_by="device_id",
        order_by="time",
    ),
    Layout(
        table="usage",
        column="day",
        chunk=timedelta(days=84),
        segment_by="unit_id,channel",
        order_by="day",
    ),
    Layout(
        table="unit_day",
        column="day",
        chunk=timedelta(days=84),
        segment_by="unit_id",
        order_by="day",
    ),
    Layout(
        table="journal",
        column="received_at",
        chunk=timedelta(days=14),
        # every row by itself: a pack is compressed already, and a thousand of them are too much for one array
        segment_by="id",
        order_by="received_at",
    ),
)


def probe(connection: Connection) -> Capabilities:
    """Ask a database what it can do."""
    row = connection.execute(_SQL["probe"]).fetchone()
    assert row is not None
    available, installed, licence = row
    return Capabilities(available=available, installed=installed, licence=licence)


def promote(dsn: str, *, columnstore_after: timedelta) -> Capabilities:
    """Bring a migrated database to what its server can do; safe to repeat and to interrupt.

    Where the extension is missing nothing happens. Each table is a transaction of its own, which keeps
    everybody else out of the table while its rows move.

    Parameters
    ----------
    dsn : str
        Of the role that owns the tables.
    columnstore_after : timedelta
        Chunks that ended so long ago are laid out by column by a job of the server. It changes how rows
        lie, never what they say; so it may go by the server's own clock.

    Returns
    -------
    Capabilities
        What the database can do now.

    Raises
    ------
    PromotionRefused
        The role may not do it.
    """
    with connect(dsn, name="promote", autocommit=True) as connection:
        found = probe(connection)
    if found.installed is None and found.available is not None and _install(dsn):
        with connect(dsn, name="promote", autocommit=True) as connection:
            found = probe(connection)
    if found.hypertables:
        try:
            _promote(dsn, found, columnstore_after)
        except psycopg.errors.InsufficientPrivilege as error:
            raise PromotionRefused(f"the database cannot be promoted to TimescaleDB: {error}") from error
    return found


def _promote(dsn: str, found: Capabilities, columnstore_after: timedelta) -> None:
    with connect(dsn, name="promote", autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        _allow_late_batches(connection)
        chunks: dict[str, timedelta] = dict(connection.execute(_SQL["hypertables"]).fetchall())
        for layout in LAYOUTS:
            _lay_out(connection, layout, chunks.get(layout.table))
            if found.columnstore:
                _compress(connection, layout, columnstore_after)
        connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def hypertables(connection: Connection) -> frozenset[str]:
    """Which tables are hypertables; none on plain PostgreSQL."""
    if probe(connection).installed is None:
        return frozenset()
    return frozenset(name for name, _ in connection.execute(_SQL["hypertables"]))


def drop_before(connection: Connection, table: str, before: datetime) -> int:
    """Drop the chunks of a hypertable that end before; returns how many. Compressed ones as well."""
    by_day = {layout.table for layout in LAYOUTS if layout.column == "day"}
    first = before.date() if table in by_day else before
    row = connection.execute(_SQL["drop"], {"table": table, "before": first}).fetchone()
    assert row is not None
    return row[0]


def _install(dsn: str) -> bool:
    """Try to create the extension: false where the server or the role does not allow it.

    A server that has the files and has not loaded them ends the session, hence one of its own.
    """
    try:
        with connect(dsn, name="promote", autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except (
        psycopg.errors.UndefinedFile,
        psycopg.errors.InsufficientPrivilege,
        psycopg.OperationalError,
    ):
        return False
    return True


def _allow_late_batches(connection: Connection) -> None:
    """Let one transaction write into as many compressed batches as it has to.

    The default stops at 100,000 decompressed rows. A batch of ingest that brings three-month-old readings
    of a few hundred devices passes that, and what fails is delivered again, and fails again.
    """
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    connection.execute(
        sql.SQL("ALTER DATABASE {} SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0").format(
            sql.Identifier(row[0])
        )
    )


def _lay_out(connection: Connection, layout: Layout, chunk: timedelta | None) -> None:
    wanted = {"table": layout.table, "column": layout.column, "chunk": layout.chunk}
    if chunk is None:
        connection.execute(_SQL["create"], wanted)
    elif chunk != layout.chunk:
        connection.execute(_SQL["set_chunk"], wanted)


def _compress(connection: Connection, layout: Layout, after: timedelta) -> None:
    row = connection.execute(_SQL["columnstore"], {"table": layout.table}).fetchone()
    if row is None or [_names(part) for part in row] != [_names(layout.segment_by), _names(layout.order_by)]:
        connection.execute(
            sql.SQL(
                "ALTER TABLE {} SET (timescaledb.enable_columnstore,"
                " timescaledb.segmentby = {}, timescaledb.orderby = {})"
            ).format(sql.Identifier(layout.table), layout.segment_by, layout.order_by)
        )
    jobs = connection.execute(_SQL["jobs"], {"table": layout.table}).fetchall()
    if [age for _, age in jobs] == [after]:
        return
    if jobs:
        connection.execute(_SQL["remove_job"], {"table": layout.table})
    connection.execute(_SQL["add_job"], {"table": layout.table, "after": after})


def _names(columns: str) -> list[str]:
    return [name.strip(' "') for name in columns.split(",")]


def tables() -> Iterable[str]:
    """The tables that a promotion turns into hypertables."""
    return (layout.table for layout in LAYOUTS)
