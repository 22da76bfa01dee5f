"""The table `unit_day`: what each local day of each home shows, kept up with `usage`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from anomaly import loading, views
from anomaly.errors import AnomalyError
from anomaly.features import energy_reach
from anomaly.ledger import Ledger
from anomaly.loading import Block
from anomaly.window import Calendar, Flags, Floats, Ints
from policy.book import Policy, PolicyBook
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_NAME

_SQL = load("anomaly", "store.sql")
_ENERGY = BY_NAME["energy_kwh"].code

#: Unit, channel (0: events), UTC day.
TouchedDay = tuple[int, int, date]


def update_unit_days(
    connection: Connection,
    touched: Iterable[TouchedDay],
    books: Mapping[str, PolicyBook],
    now: datetime,
) -> int:
    """Derive the local days anew whose consumption or events changed, in the caller's transaction.

    Days after these rest on them: on standby, and on whether a lock was heard. Those that are in the table
    are derived anew as well, so that it does not matter in which order things came. An estate
    that cannot be judged (a city without a policy, a zone of half hours) is left out and logged: usage of
    the others must not wait for it.

    Parameters
    ----------
    touched : iterable of (unit, channel, UTC day)
        What `usage.recompute` returns.
    books : mapping of str to PolicyBook
        By city.
    now : datetime
        Aware; business time. Days that have not begun are left out.

    Returns
    -------
    int
        Rows written.
    """
    wanted = _Wanted.of(touched)
    rows = 0
    for block in loading.blocks(connection, wanted.days):
        try:
            policy = block.book(books).on(block.today(now))
            rows += _update(connection, block, wanted, policy, now)
        except AnomalyError as error:
            block.leave_out(error)
    return rows


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """UTC days by unit, and those of electricity among them."""

    days: Mapping[int, set[date]]
    energy: Mapping[int, set[date]]

    @classmethod
    def of(cls, touched: Iterable[TouchedDay]) -> "_Wanted":
        days: dict[int, set[date]] = {}
        energy: dict[int, set[date]] = {}
        for unit_id, channel, day in touched:
            days.setdefault(unit_id, set()).add(day)
            if channel == _ENERGY:
                energy.setdefault(unit_id, set()).add(day)
        return cls(days=days, energy=energy)


def _update(connection: Connection, block: Block, wanted: _Wanted, policy: Policy, now: datetime) -> int:
    utc_days = set().union(*(wanted.days[unit_id] for unit_id in block.unit_ids))
    by_energy, by_door = energy_reach(policy.signs), policy.signs.door_memory_days
    longest = timedelta(days=max(by_energy, by_door))
    last = min(max(utc_days) + longest, block.today(now))
    first = min(utc_days) - timedelta(days=1)
    if first > last:
        return 0
    window = loading.load(
        connection, block, first=first - longest, last=last, now=now, covered_min=policy.signs.covered_min
    )
    calendar = window.calendar
    ledger = Ledger(window, policy.signs)
    ledger.advance(loading.cut_at(calendar, now))
    days = _local(wanted.days, block, calendar)
    # A device that watches the door is heard by whatever it sends, be it a reading of a meter.
    later = _following(_local(wanted.energy, block, calendar), by_energy) | _following(days, by_door)
    unknown = loading.strangers(connection, block, calendar)
    rows = list(_rows(ledger, days | (later & _derived(connection, block, calendar)), unknown, now))
    connection.execute(_SQL["make_room_for_days"])
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_days"]) as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(_SQL["upsert_days"])
    connection.execute("TRUNCATE unit_day_new")
    return len(rows)


def _derived(connection: Connection, block: Block, calendar: Calendar) -> Flags:
    """The days that are in the table already; (units, days)."""
    table = np.zeros((len(block.unit_ids), calendar.days), dtype=np.bool_)
    places = {unit_id: place for place, unit_id in enumerate(block.unit_ids)}
    asked = {
        "unit_ids": list(block.unit_ids),
        "first": calendar.first,
        "last": calendar.day(calendar.days - 1),
    }
    for unit_id, day in connection.execute(_SQL["derived_days"], asked):
        table[places[unit_id], calendar.index(day)] = True
    return table


def _local(by_unit: Mapping[int, set[date]], block: Block, calendar: Calendar) -> Flags:
    """The local days that some UTC days reach into, as far as the calendar goes; (units, days)."""
    table = np.zeros((len(block.unit_ids), calendar.days), dtype=np.bool_)
    for place, unit_id in enumerate(block.unit_ids):
        for day in by_unit.get(unit_id, ()):
            start = 24 * calendar.index(day) + calendar.offset_h
            table[place, max(start // 24, 0) : max((start + 23) // 24 + 1, 0)] = True
    return table


def _following(days: Flags, span: int) -> Flags:
    """The days within `span` days from a chosen one."""
    table = days.copy()
    for shift in range(1, min(span, days.shape[1])):
        table[:, shift:] |= days[:, :-shift]
    return table


def _rows(ledger: Ledger, chosen: Flags, unknown: Ints, now: datetime) -> Iterator[tuple[object, ...]]:
    """The chosen days as rows of the table."""
    window = ledger.window
    door = ledger.door_sign(0, window.calendar.days)
    no_water = ledger.water_seen_h <= 0
    unit, day = np.nonzero(chosen)

    def numbers(table: Floats, kind: type = float, without: Flags | None = None) -> list[object]:
        missing = ~np.isfinite(table) if without is None else without | ~np.isfinite(table)
        values = np.where(missing, 0, table)[chosen].tolist()
        return [
            None if gone else kind(value)
            for value, gone in zip(values, missing[chosen].tolist(), strict=True)
        ]

    no_lock = ~np.isfinite(door)
    columns: tuple[list[object], ...] = (
        [now] * unit.size,
        [window.calendar.day(one) for one in day.tolist()],
        [window.unit_ids[one] for one in unit.tolist()],
        numbers(ledger.energy_kwh),
        numbers(ledger.energy_seen_h, int),
        numbers(ledger.energy_active_h, int),
        numbers(ledger.standby_kw),
        numbers(ledger.water_l),
        numbers(ledger.water_seen_h, int),
        numbers(ledger.water_active_h, int, no_water),
        numbers(ledger.water_zero_h, int, no_water),
        numbers(ledger.water_night_l),
        numbers(ledger.entries, int, no_lock),
        numbers(unknown.astype(np.float32), int, no_lock),
        numbers(ledger.openings, int, no_lock),
        numbers(ledger.energy_sign, bool),
        numbers(ledger.water_sign, bool),
        numbers(door, bool),
        views.absent(window, ledger.cut)[chosen].tolist(),
    )
    return zip(*columns, strict=True)
