"""Homes without any live sensor: nothing is known of them, which is not the same as calm."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "coverage.sql")


@dataclass(frozen=True, kw_only=True)
class Uncovered:
    """A home of which nothing is heard."""

    unit_id: int
    unit: str
    estate: str
    time_zone: str
    #: Devices that should be heard; 0: none hangs there.
    devices: int
    #: The last that was heard of it, by our clock; None: nothing ever was.
    since: datetime | None


def list_uncovered(
    connection: Connection,
    *,
    everything: bool,
    estate_ids: list[int],
    estate: str | None = None,
    after: tuple[str, str] | None = None,
    now: datetime,
    limit: int,
) -> list[Uncovered]:
    """Homes without a device that was heard within its time on a channel that shows life, by estate and code.

    Rests on the newest pass of the watch (`devices.watch`): what it found silent is silent here.

    Parameters
    ----------
    everything, estate_ids
        Whose homes: of all estates, or of these.
    after : tuple of str
        Estate and code of the last one of the page before.
    """
    last_estate, last_unit = after or (None, None)
    with connection.cursor(row_factory=class_row(Uncovered)) as cursor:
        return cursor.execute(
            _SQL["uncovered"],
            {
                "everything": everything,
                "estate_ids": estate_ids,
                "estate": estate,
                "last_estate": last_estate,
                "last_unit": last_unit,
                "now": now,
                "limit": limit,
            },
        ).fetchall()


def count_uncovered(connection: Connection, *, everything: bool, estate_ids: list[int], now: datetime) -> int:
    """How many homes there are of which nothing is heard."""
    row = connection.execute(
        _SQL["count"], {"everything": everything, "estate_ids": estate_ids, "now": now}
    ).fetchone()
    assert row is not None
    return row[0]
