"""The demo's past evenings: what would have been said of its homes as of each of them."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from anju.demo import load
from anju.demo.estate import local_day
from anju.demo.turn import YEAR
from anomaly.sweep import sweep
from housing.leads import raise_leads
from policy.book import PolicyBook
from storage import watermark
from storage.pool import Connection

#: Name of the watermark: in its note the last evening that was looked back at.
MARK = "demo_evenings"


def missing(connection: Connection, *, now: datetime) -> tuple[date, date] | None:
    """The first and the last evening not looked back at, up to yesterday; today's is the worker's."""
    anchor = load.anchor(connection)
    if anchor is None:
        return None
    done = watermark.noted(connection, MARK).get("last")
    begins = load.day_of(anchor - YEAR)
    first = date.fromisoformat(done) + timedelta(days=1) if isinstance(done, str) else begins
    last = load.day_of(local_day(now) - 1)
    return (first, last) if first <= last else None


def look_back(
    connection: Connection,
    *,
    books: Mapping[str, PolicyBook],
    now: datetime,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Sweep as of the evenings that are missing and let what they say become leads.

    In the caller's transaction: what was looked back at and the leads that follow from it are there
    together, or the next start does it again.

    Parameters
    ----------
    progress : callable
        Told homes done and homes in all.
    """
    evenings = missing(connection, now=now)
    if evenings is None:
        return
    first, last = evenings
    sweep(connection, books=books, first=first, last=last, now=now, progress=progress)
    raise_leads(connection, books=books, now=now)
    watermark.advance(connection, MARK, now, {"last": last.isoformat()})
