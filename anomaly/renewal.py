"""Signals of past evenings, renewed for homes whose data turned out to be another home's.

A sweep of a past evening uses what had arrived by then, and arrival does not change when a reading moves to
the home that it belongs to: renewed signals are those that would have been there from the beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from anomaly import loading, signals
from anomaly.errors import AnomalyError
from anomaly.loading import Block
from anomaly.sweep import KINDS, LOCK, SWEPT, evenings_of, reach_days
from policy.book import PolicyBook
from storage import watermark
from storage.pool import Connection


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """The evenings of one home that were swept again, both days part of it."""

    unit_id: int
    first: date
    last: date


def renew(
    connection: Connection,
    *,
    books: Mapping[str, PolicyBook],
    days: Mapping[int, tuple[date, date]],
    now: datetime,
) -> list[Renewed]:
    """Sweep again every evening that some days of some homes can matter to; the caller commits.

    Evenings before the first sweep are left alone: nobody asked about them. So are homes that cannot be
    judged (a city without a policy, a zone of half hours), which are logged.

    Parameters
    ----------
    books : mapping of str to PolicyBook
        By city.
    days : mapping
        By home: the first and the last UTC day that rest on other data.
    now : datetime
        Aware; business time.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    swept = _first_swept(connection)
    if swept is None:
        return []
    renewed: list[Renewed] = []
    for whole in loading.blocks(connection, days):
        for unit_id in whole.unit_ids:
            block = Block(city=whole.city, zone=whole.zone, unit_ids=(unit_id,))
            try:
                book = block.book(books)
                span = _evenings(block, book, days[unit_id], swept, block.today(now))
                if span is not None:
                    _sweep(connection, block, book, span, now)
                    renewed.append(span)
            except AnomalyError as error:
                block.leave_out(error)
    return renewed


def _evenings(
    block: Block, book: PolicyBook, days: tuple[date, date], swept: date, today: date
) -> Renewed | None:
    """The evenings that some days matter to; a UTC day reaches into the local days beside it."""
    first = max(days[0] - timedelta(days=1), swept)
    last = min(days[1] + timedelta(days=1 + reach_days(book.on(today))), today)
    return Renewed(unit_id=block.unit_ids[0], first=first, last=last) if first <= last else None


def _sweep(connection: Connection, block: Block, book: PolicyBook, span: Renewed, now: datetime) -> None:
    rows = list(evenings_of(connection, block, book, first=span.first, last=span.last, now=now))
    signals.replace(connection, rows, unit_ids=block.unit_ids, kinds=KINDS, first=span.first, last=span.last)


def _first_swept(connection: Connection) -> date | None:
    noted = watermark.noted(connection, SWEPT).get("first")
    if noted is not None:
        return date.fromisoformat(str(noted))
    return signals.first_evening(connection)
