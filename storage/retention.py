"""Rows whose time is over are removed: by chunk where there are chunks, else a stretch of pages at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from storage.pool import Connection
from storage.timescale import drop_before, hypertables

#: Table → the column that says how old a row is.
TIMES: Mapping[str, str] = {
    "reading": "time",
    "event": "time",
    "reading_archive": "time",
    "event_archive": "time",
    "journal": "received_at",
    "quarantine": "last_at",
    "usage": "day",
    "unit_day": "day",
}
#: Pages that one transaction goes through: 8 MB, some tenths of a second.
_PAGES = 1024


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What one transaction removed."""

    table: str
    rows: int = 0
    #: Of a hypertable, whole chunks: rows stay until their chunk's last is old enough.
    chunks: int = 0


def apply_retention(
    connection: Connection, *, before: Mapping[str, datetime], pages: int = _PAGES
) -> Iterator[Removed]:
    """Remove what is older; each step of the iteration is one committed transaction.

    It may stop after any step and begin anew another time.

    Parameters
    ----------
    connection : Connection
        Outside a transaction.
    before : mapping of str to datetime
        Table to the first moment that is kept; a row of a day is kept from that day on. Tables that are
        not named are left alone.
    pages : int
        How many pages of an ordinary table a step goes through.

    Yields
    ------
    Removed
    """
    chunked = hypertables(connection)
    connection.commit()
    for table, first in before.items():
        if table in chunked:
            gone = drop_before(connection, table, first)
            connection.commit()
            yield Removed(table=table, chunks=gone)
        else:
            for rows in _delete(connection, table, first, pages):
                yield Removed(table=table, rows=rows)


def _delete(connection: Connection, table: str, before: datetime, pages: int) -> Iterator[int]:
    """Go through a table by its pages once, oldest or not: no index on time is needed, nothing is met twice.

    What comes while it runs is new, and lies where it lies.
    """
    size = connection.execute(
        "SELECT pg_relation_size(%s::text::regclass) / current_setting('block_size')::int", [table]
    ).fetchone()
    connection.commit()
    assert size is not None
    statement = sql.SQL(
        "DELETE FROM {table} WHERE ctid >= %(low)s::tid AND ctid < %(high)s::tid AND {time} < %(before)s"
    ).format(table=sql.Identifier(table), time=sql.Identifier(TIMES[table]))
    for page in range(0, size[0], pages):
        limits = {"low": f"({page},0)", "high": f"({page + pages},0)", "before": before}
        rows = connection.execute(statement, limits).rowcount
        connection.commit()
        yield rows
