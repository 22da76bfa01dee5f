"""Alerts as people read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from psycopg.rows import class_row

from alerts.errors import NotFound
from storage.pool import Connection
from storage.queries import load

_SQL = load("alerts", "listing.sql")

#: `current`: what goes on or waits for a person. `over`: its cause is gone, and nobody has looked at it.
Show = Literal["current", "over", "open", "acknowledged", "in_progress", "resolved", "closed", "all"]


class Reader(Protocol):
    """Who reads: in which estates."""

    def parameters(self) -> dict[str, object]:
        """What the statements call `everything` and `estate_ids`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert."""

    id: int
    origin: str
    kind: str
    severity: str
    #: 0: the most pressing.
    rank: int
    status: str
    since: datetime
    raised_at: datetime
    seen_at: datetime
    #: What it was raised for is over; None: it goes on.
    cleared_at: datetime | None
    #: How often it was raised.
    times: int
    closed_at: datetime | None
    detail: dict[str, Any]
    version: int
    #: None: the installation as a whole.
    estate: str | None
    time_zone: str | None
    unit_id: int | None
    unit: str | None
    device: str | None
    serial: str | None


def list_alerts(
    connection: Connection,
    *,
    scope: Reader,
    show: Show = "current",
    estate: str | None = None,
    kind: str | None = None,
    after: tuple[int, int] | None = None,
    limit: int,
) -> list[Alert]:
    """Alerts in the reader's scope, the most pressing first, then the newest.

    Parameters
    ----------
    after : tuple of int
        `rank` and `id` of the last one of the page before.
    """
    rank, last_id = after or (None, None)
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(
            _SQL["alerts"],
            {
                **scope.parameters(),
                "show": show,
                "estate": estate,
                "kind": kind,
                "alert_id": None,
                "rank": rank,
                "last_id": last_id,
                "limit": limit,
            },
        ).fetchall()


def detail(connection: Connection, alert_id: int, *, scope: Reader) -> Alert:
    """One alert.

    Raises
    ------
    NotFound
    """
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        found = cursor.execute(
            _SQL["alerts"],
            {
                **scope.parameters(),
                "show": "all",
                "estate": None,
                "kind": None,
                "alert_id": alert_id,
                "rank": None,
                "last_id": None,
                "limit": 1,
            },
        ).fetchone()
    if found is None:
        raise NotFound
    return found


def counts(connection: Connection, *, scope: Reader) -> dict[str, int]:
    """How many alerts there are: ``open`` (nobody has looked), ``current``, ``over``."""
    row = connection.execute(_SQL["counts"], scope.parameters()).fetchone()
    assert row is not None
    return {"open": row[0], "current": row[1], "over": row[2]}
