"""Invented door events: they follow the home's real consumption, and stop when nobody is there.

Each grown-up comes home about once a day; the hour follows the rise of that day's electricity (two
thirds) and an evening curve (one third). Going out is a door opening without a reader.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju.demo.households import DAY_S, SLOTS
from anju.demo.people import Person
from anju.demo.plan import SEED, Home
from anju.demo.series import ZONE_S, away_days, half_hours
from anju.demo.turn import YEAR

_EVENING = np.concatenate(
    [np.full(12, 0.1), np.full(4, 0.6), np.full(16, 1.0), np.full(12, 2.2), np.full(4, 0.6)]
)
_SLOT_S = DAY_S // SLOTS
#: Share of homes that friends and couriers visit, and how often a day.
_VISITED, _VISITS = 0.35, 0.06


@dataclass(frozen=True, kw_only=True)
class DoorEvent:
    """One event of a lock, in the words of the native format."""

    #: UTC, microseconds since 1970.
    time_us: int
    #: Name of a `wire.events.EventType`.
    type: str
    method: str | None = None
    subject: str | None = None
    result: str | None = None


def events(
    home: Home, people: tuple[Person, ...], anchor: int, last: int, *, first: int = -YEAR
) -> list[DoorEvent]:
    """Every event from the demo's day `first` to the end of day `last`, in order of time."""
    if not home.has_lock or home.electricity is None or home.electricity_turn is None:
        return []
    away = away_days(home, last + 1)
    kwh = half_hours(home.electricity)
    visited = np.random.default_rng([SEED, home.index, 4]).random() < _VISITED
    found: list[DoorEvent] = []
    for day in range(first, last + 1):
        offset = day + YEAR
        rng = np.random.default_rng([SEED, home.index, 5, day + 10 * YEAR])
        midnight = (anchor + day) * DAY_S
        if away[offset]:
            continue
        source = home.electricity_turn.source(day)
        shape = _EVENING if source is None else _hours(kwh[source - home.electricity.first_day])
        for person in people:
            if person.adult:
                found += _comings(rng, person, shape, midnight)
        if away[offset + 1]:
            found.append(_opened(midnight + int(rng.integers(16, 23)) * 3_600))
        if visited and rng.random() < _VISITS:
            found += _entry(midnight + _moment(rng, _EVENING), "qr", "stranger")
    # two people in one second are one opening of the door
    return sorted(dict.fromkeys(found), key=lambda event: event.time_us)


def _comings(
    rng: np.random.Generator, person: Person, shape: NDArray[np.float64], midnight: int
) -> list[DoorEvent]:
    found: list[DoorEvent] = []
    ways = [way for way, _ in person.methods]
    shares = np.array([share for _, share in person.methods])
    for _ in range(int(rng.poisson(person.rate))):
        back = midnight + _moment(rng, shape)
        method = str(rng.choice(ways, p=shares / shares.sum()))
        out = back - int(rng.gamma(2.0, 2.0) * 3_600)
        if out >= midnight:
            found.append(_opened(out))
        found += _entry(back, method, person.subject)
    return found


def _entry(wall_s: int, method: str, subject: str) -> list[DoorEvent]:
    time_us = (wall_s - ZONE_S) * 1_000_000
    granted = DoorEvent(time_us=time_us, type="entry", method=method, subject=subject, result="granted")
    return [granted, _opened(wall_s + 3)]


def _opened(wall_s: int) -> DoorEvent:
    return DoorEvent(time_us=(wall_s - ZONE_S) * 1_000_000, type="door_opened")


def _moment(rng: np.random.Generator, shape: NDArray[np.float64]) -> int:
    slot = int(rng.choice(SLOTS, p=shape / shape.sum()))
    return slot * _SLOT_S + int(rng.integers(_SLOT_S))


def _hours(day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in the day somebody probably came home: (48,) weights."""
    smooth = (day + np.roll(day, -1)) / 2
    rise = np.clip(np.diff(smooth, prepend=smooth[0]), 0, None)
    evening = _EVENING / _EVENING.sum()
    return evening if rise.sum() == 0 else 0.65 * rise / rise.sum() + 0.35 * evening
