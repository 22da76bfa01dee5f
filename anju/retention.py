"""How long rows are kept, by the policies of the estates there are; the worker removes the rest daily."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta

from housing.estates import list_estates
from housing.scope import EVERYTHING
from policy.book import PolicyBook
from policy.periods import Period
from storage import watermark
from storage.pool import Connection
from storage.retention import apply_retention

_log = logging.getLogger(__name__)
#: What a replay replaced is kept as long as what replaced it.
_COPIES = {"reading_archive": "reading", "event_archive": "event"}
#: When the newest round was complete …
_DONE = "retention"
#: … and from which day on the newest that began leaves each table.
_KEPT = "retention_kept"


def columnstore_after(books: Mapping[str, PolicyBook], on: date) -> timedelta:
    """The age from which chunks are laid out by column: the longest that a city asks for."""
    return max(book.on(on).retention.columnstore_after for book in books.values())


def first_kept(books: Mapping[str, PolicyBook], on: date) -> dict[str, datetime]:
    """The first moment that each table keeps, of the policies given the one that keeps longest.

    Parameters
    ----------
    books : mapping of str to PolicyBook
        By city.
    """
    kept: dict[str, datetime] = {}
    for book in books.values():
        rules = book.on(on).retention
        for field in fields(rules):
            period = getattr(rules, field.name)
            if isinstance(period, Period):
                first = datetime.combine(period.before(on), time.min, UTC)
                kept[field.name] = min(first, kept.get(field.name, first))
    return kept | {copy: kept[table] for copy, table in _COPIES.items() if table in kept}


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether no round was completed on the UTC day of `now`."""
    done = watermark.reached(connection, _DONE)
    return done is None or done.date() < now.date()


def remove(connection: Connection, *, books: Mapping[str, PolicyBook], now: datetime) -> Iterator[None]:
    """One round over all tables; every step of the iteration is one committed transaction.

    Where there is no estate, nothing is removed: nobody said yet what holds.
    """
    cities = {estate.city for estate in list_estates(connection, scope=EVERYTHING)}
    known = {city: book for city, book in books.items() if city in cities}
    before = first_kept(known, now.date())
    note = {table: first.date().isoformat() for table, first in before.items()}
    watermark.advance(connection, _KEPT, now, note)
    connection.commit()
    removed: Counter[str] = Counter()
    for one in apply_retention(connection, before=before):
        removed[one.table] += one.rows + one.chunks
        yield
    watermark.advance(connection, _DONE, now)
    connection.commit()
    if removed.total():
        _log.info(
            "removed what is older than policy keeps: %s",
            ", ".join(f"{count} of {table}" for table, count in removed.items() if count),
            extra={"action": "retention_applied", "removed": dict(removed)},
        )


def first_derived(connection: Connection) -> date | None:
    """The first day whose consumption can still be derived as it was; None: every day.

    The day on which readings begin lacks what was before them.
    """
    noted = watermark.noted(connection, _KEPT).get("reading")
    return None if noted is None else date.fromisoformat(str(noted)) + timedelta(days=1)
