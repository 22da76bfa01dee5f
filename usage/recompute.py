"""Derive anew what dirty marks ask for: all in the caller's transaction.

The transaction takes a lock, deletes the marks it sees, loads the readings around them and writes the
hours. A mark that is committed meanwhile stays for the next time; its reading may already be in what
is written now, which does no harm. Two workers never overwrite each other's newer results: whoever
has the lock sees all that was committed before it took it, and keeps it until it commits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from storage.pool import Connection
from storage.queries import load
from usage.around import Outcome, renew
from usage.binary import EPOCH_DAY, EPOCH_US, Column, Layout, values_of
from usage.loading import Database, Forms, installations
from usage.reach import Span, spans
from usage.series import DAY_US, Ints
from wire.channels import BY_NAME, CHANNELS, EVENTS
from wire.instants import EPOCH, from_us, to_us

_SQL = load("usage", "recompute.sql")
_LOCK = 7_309_004_713
_METERED = np.array([channel.code for channel in CHANNELS if channel.metered])
#: The columns of `usage`, as they are copied.
USAGE = Layout(
    Column(name="computed_at", kind="timestamptz"),
    Column(name="day", kind="date"),
    Column(name="unit_id", kind="integer"),
    Column(name="channel", kind="smallint"),
    Column(name="quality", kind="smallint"),
    Column(name="amount", kind="real", length=24),
    Column(name="covered_min", kind="smallint", length=24),
    Column(name="lag_h", kind="smallint", length=24),
)


@dataclass(frozen=True, kw_only=True)
class Touched:
    """Days whose hours are other than before, and days on which something else came; (n,) each, sorted."""

    unit_id: Ints
    #: `wire.channels.EVENTS` for days of events and of readings that are no consumption.
    channel: Ints
    #: UTC days since 1970.
    day: Ints
    #: How many marked days were worked off; fewer than the limit: there were no more.
    marked: int

    def __len__(self) -> int:
        return int(self.day.size)

    def __iter__(self) -> Iterator[tuple[int, int, date]]:
        """Unit, channel, UTC day."""
        for unit_id, channel, day in zip(
            self.unit_id.tolist(), self.channel.tolist(), self.day.tolist(), strict=True
        ):
            yield unit_id, channel, date(1970, 1, 1) + timedelta(days=day)


def recompute(
    connection: Connection,
    *,
    now: datetime,
    limit: int,
    forms: Forms,
    max_per_hour: Mapping[str, float],
    earliest: date | None = None,
) -> Touched:
    """Work off the marks of at most `limit` days; the caller commits.

    Parameters
    ----------
    connection : Connection
        In a READ COMMITTED transaction or at the start of one.
    now : datetime
        Aware; stamped on the rows.
    limit : int
        Days of one unit and channel that are taken at most. Days around them are derived as well
        where a change reaches so far.
    forms : mapping
        What a channel counts, by (profile name, channel name).
    max_per_hour : mapping
        By channel name, from the policy: more in an hour is impossible. Missing: anything is possible.
    earliest : date, optional
        The readings of the days before are gone, or may be: their hours stay unless more of them is known
        now.

    Returns
    -------
    Touched
        Rows that were written, changed or removed, and the marks of all that is no consumption: an event
        is one, and a lock that tells of its battery was heard.
    """
    connection.execute(_SQL["lock"], {"key": _LOCK})
    unit_id, channel, day = _take_marks(connection, limit)
    metered = np.isin(channel, _METERED)
    outcomes = _derive(
        connection, spans(unit_id[metered], channel[metered], day[metered]), forms, max_per_hour
    )
    written = _write(connection, outcomes, now, earliest or date.min)
    others = np.stack((unit_id, np.full_like(channel, EVENTS), day), axis=1)[~metered]
    return _touched(np.concatenate((written, np.unique(others, axis=0))), marked=day.size)


def has_marks(connection: Connection) -> bool:
    """Whether there is anything to work off."""
    row = connection.execute(_SQL["has_marks"]).fetchone()
    return row is not None and bool(row[0])


def _take_marks(connection: Connection, limit: int) -> tuple[Ints, Ints, Ints]:
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(_SQL["take_marks"], {"limit": limit}).fetchone()
    units, channels, days = row or (None, None, None)
    return (
        values_of(units, "integer").astype(np.int64),
        values_of(channels, "smallint").astype(np.int64),
        values_of(days, "date").astype(np.int64) + EPOCH_DAY,
    )


def _derive(
    connection: Connection, marked: list[Span], forms: Forms, max_per_hour: Mapping[str, float]
) -> list[Outcome]:
    segments = installations(connection, {span.series for span in marked}, forms)
    most = {BY_NAME[name].code: value for name, value in max_per_hour.items()}
    return renew(Database(connection), marked, segments, most)


def _write(connection: Connection, outcomes: list[Outcome], now: datetime, earliest: date) -> Ints:
    """Bring `usage` to the outcomes; the (unit, channel, day) that differ, (n, 3)."""
    if not outcomes:
        return np.zeros((0, 3), np.int64)
    days = np.concatenate([np.arange(one.span.first, one.span.end) for one in outcomes])
    lengths = [one.span.end - one.span.first for one in outcomes]
    units = np.repeat([one.span.unit_id for one in outcomes], lengths)
    channels = np.repeat([one.span.channel for one in outcomes], lengths)
    amount = np.concatenate([one.derived.amount for one in outcomes])
    quality = np.concatenate([one.derived.quality for one in outcomes])
    stays = ~np.isnan(amount).all(axis=1) | (quality != 0)

    stamp = to_us(now) - EPOCH_US
    rows = USAGE.write(
        {
            "computed_at": np.full(int(stays.sum()), stamp),
            "day": days[stays] - EPOCH_DAY,
            "unit_id": units[stays],
            "channel": channels[stays],
            "quality": quality[stays],
            "amount": amount[stays],
            "covered_min": np.concatenate([one.derived.covered_min for one in outcomes])[stays],
            "lag_h": np.concatenate([one.derived.lag_h for one in outcomes])[stays],
        }
    )
    changed: list[tuple[int, int, date]] = []
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_SQL["make_new"])
        cursor.execute(_SQL["empty_new"])
        with cursor.copy(_SQL["copy_new"]) as copy:
            copy.write(rows)
        changed += cursor.execute(_SQL["put"], {"earliest": earliest}).fetchall()
        if not stays.all():
            gone = {"units": units[~stays], "channels": channels[~stays], "days": days[~stays]}
            changed += cursor.execute(
                _SQL["remove"],
                {"earliest": earliest} | {name: column.tolist() for name, column in gone.items()},
            ).fetchall()
    _write_faults(connection, outcomes, earliest)
    return np.array(
        [(unit, code, day.toordinal() - EPOCH.toordinal()) for unit, code, day in changed]
    ).reshape(-1, 3)


def _write_faults(connection: Connection, outcomes: list[Outcome], earliest: date) -> None:
    since_us = (earliest - EPOCH.date()) // timedelta(days=1) * DAY_US
    faults = [
        (one.span, fault) for one in outcomes for fault in one.derived.faults if fault.time_us >= since_us
    ]
    columns: dict[str, object] = {
        "units": [one.span.unit_id for one in outcomes],
        "channels": [one.span.channel for one in outcomes],
        "firsts": [EPOCH + timedelta(days=one.span.first) for one in outcomes],
        "ends": [EPOCH + timedelta(days=one.span.end) for one in outcomes],
        "earliest": earliest,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SQL["forget_faults"], columns)
        if not faults:
            return
        with cursor.copy(_SQL["copy_faults"]) as copy:
            for span, fault in faults:
                copy.write_row(
                    (
                        from_us(fault.time_us),
                        fault.before,
                        fault.after,
                        span.unit_id,
                        fault.device_id,
                        span.channel,
                        fault.kind.value,
                    )
                )


def _touched(rows: Ints, *, marked: int) -> Touched:
    rows = rows[np.lexsort(rows.T[::-1])]
    return Touched(unit_id=rows[:, 0], channel=rows[:, 1], day=rows[:, 2], marked=marked)
