"""What the plots of a page rest on, one query each: days of a home, its peers, since when it is metered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from psycopg.rows import class_row

from api.console.plots.scale import Flags, Floats
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_NAME, EVENTS

_SQL = load("api.console", "reads.sql")
_ENERGY, _WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code

#: A band over fewer homes than this would point at neighbours and say nothing.
_PEERS_AT_LEAST = 8


@dataclass(frozen=True, kw_only=True)
class UnitDays:
    """One home over consecutive local days; every array is (days,), NaN: unknown."""

    first: date
    energy_kwh: Floats
    water_l: Floats
    #: Entries at the flat's door by people registered there on that day …
    entries_known: Floats
    #: … and by others.
    entries_foreign: Floats
    #: Signs of life: 1 alive, 0 quiet, NaN unknown.
    energy_alive: Floats
    water_alive: Floats
    door_alive: Floats
    #: A registered absence covers the day.
    absent: Flags

    @property
    def count(self) -> int:
        """How many days."""
        return self.absent.size

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + timedelta(days=self.count - 1)

    def position(self, day: date) -> int:
        """Index of a day, kept inside the range."""
        return min(max((day - self.first).days, 0), self.count)


@dataclass(frozen=True, kw_only=True)
class Installed:
    """Position of the first day with a device, by source; the number of days: there never was one."""

    energy: int
    water: int
    door: int


@dataclass(frozen=True, kw_only=True)
class Peers:
    """Daily use of similar homes: (days,) quantiles, NaN where too few are known; and how many at most."""

    energy_low: Floats
    energy_high: Floats
    energy_homes: int
    water_low: Floats
    water_high: Floats
    water_homes: int


def unit_days(connection: Connection, unit_id: int, *, first: date, last: date) -> UnitDays:
    """The days of one home; a day that was never computed is unknown."""
    count = (last - first).days + 1
    table = np.full((8, count), np.nan)
    for day, *values in connection.execute(
        _SQL["unit_days"], {"unit_id": unit_id, "first": first, "last": last}
    ):
        table[:, (day - first).days] = [np.nan if value is None else float(value) for value in values]
    energy, water, entries, foreign, *alive, absent = table
    foreign = np.where(np.isfinite(entries), np.nan_to_num(foreign), np.nan)
    return UnitDays(
        first=first,
        energy_kwh=energy,
        water_l=water,
        entries_known=np.maximum(entries - foreign, 0.0),
        entries_foreign=foreign,
        energy_alive=alive[0],
        water_alive=alive[1],
        door_alive=alive[2],
        absent=absent == 1,
    )


def peers(
    connection: Connection, *, estate_id: int, unit_id: int, rooms: int | None, first: date, last: date
) -> Peers:
    """The range of similar homes: of as many rooms in the same estate."""
    count = (last - first).days + 1
    table = np.full((4, count), np.nan)
    homes = [0, 0]
    rows = connection.execute(
        _SQL["peers"],
        {"estate_id": estate_id, "unit_id": unit_id, "rooms": rooms, "first": first, "last": last},
    )
    for day, energy, energy_homes, water, water_homes in rows:
        at = (day - first).days
        for k, (pair, known) in enumerate(((energy, energy_homes), (water, water_homes))):
            homes[k] = max(homes[k], known)
            if known >= _PEERS_AT_LEAST:
                table[2 * k : 2 * k + 2, at] = pair
    return Peers(
        energy_low=table[0],
        energy_high=table[1],
        energy_homes=homes[0],
        water_low=table[2],
        water_high=table[3],
        water_homes=homes[1],
    )


def installed(connection: Connection, unit_id: int, days: UnitDays, *, zone: ZoneInfo) -> Installed:
    """Since when each source has had a device; data from before an installation prove that there was one."""
    since: dict[int, datetime] = dict(connection.execute(_SQL["fitted"], {"unit_id": unit_id}).fetchall())

    def position(channel: int, values: Floats) -> int:
        known = np.flatnonzero(np.isfinite(values))
        first = int(known[0]) if known.size else days.count
        at = since.get(channel)
        return first if at is None else min(days.position(at.astimezone(zone).date()), first)

    return Installed(
        energy=position(_ENERGY, days.energy_kwh),
        water=position(_WATER, days.water_l),
        door=position(EVENTS, days.entries_known),
    )


def run_hours(connection: Connection, estate_id: int) -> dict[int, float]:
    """How many hours what is open has run, by lead, where its evidence counts them."""
    return dict(connection.execute(_SQL["run_hours"], {"estate_id": estate_id}).fetchall())


def names(connection: Connection, usernames: Iterable[str]) -> dict[str, str]:
    """Display names of the colleagues who decided something."""
    return dict(connection.execute(_SQL["names"], {"usernames": sorted(set(usernames))}).fetchall())


@dataclass(frozen=True, kw_only=True)
class NewestReading:
    """What a device said last on one channel; channel 0: an event, which has no value here."""

    channel: int
    value: float | None
    at: datetime
    received_at: datetime
    quality: int


def newest_readings(connection: Connection, device_id: int) -> list[NewestReading]:
    """The newest reading of each channel of a device, and its newest event, by channel."""
    with connection.cursor(row_factory=class_row(NewestReading)) as cursor:
        return cursor.execute(_SQL["newest_readings"], {"device_id": device_id}).fetchall()
