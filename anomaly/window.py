"""What a block of units showed: dense arrays in local days of 24 hours, each value with its arrival.

Axis 0 is always the unit, so every computation is a block over units. Hours are counted from the local
midnight of the first day; an estate's zone has whole-hour offsets, so its hours are hours in UTC, too.
`arrived` says by which of these hours a value was known: a sweep as of a past day masks what had not
arrived by then. Not-a-number means unknown, never zero.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

#: `arrived` of what never arrived.
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The local days of a window."""

    first: date
    days: int
    #: Local time is UTC plus so many whole hours.
    offset_h: int

    @property
    def hours(self) -> int:
        """Length of the hour axis."""
        return 24 * self.days

    def day(self, index: int) -> date:
        """The local day at a position of the day axis."""
        return self.first + timedelta(days=index)

    def index(self, day: date) -> int:
        """The position of a local day on the day axis."""
        return (day - self.first).days

    def instant(self, hour: float) -> datetime:
        """The moment so many hours after the first local midnight."""
        midnight = datetime.combine(self.first, time.min, UTC)
        return midnight + timedelta(hours=hour - self.offset_h)

    def local(self, hour: float) -> datetime:
        """The same moment as the clock on the wall shows it, without a zone."""
        return datetime.combine(self.first, time.min) + timedelta(hours=hour)

    def hour(self, moment: datetime) -> float:
        """Hours from the first local midnight to a moment."""
        return (moment - self.instant(0)) / timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Metered:
    """One channel of consumption by hour; (units, hours)."""

    #: Amount in the channel's unit; NaN where nothing was measured in that hour.
    amount: Floats
    #: Hours from the window's start after which the amount was known.
    arrived: Ints


@dataclass(frozen=True, kw_only=True)
class Doors:
    """What happened at the doors of the units on one day and was known by one time, an element each; all
    arrays have one length."""

    unit: Ints
    day: Ints
    arrived: Ints
    #: People let in by a reader.
    entries: Ints
    #: Doors that merely opened, closed or stood open.
    openings: Ints
    #: Other signs of somebody inside: motion, an emergency button.
    stirs: Ints


@dataclass(frozen=True, kw_only=True)
class Happenings:
    """What doors, readers and alarms of the units told, an element each, by unit and then by time; all arrays
    have one length. A state that is reported again is not told again."""

    unit: Ints
    #: Hours from the first local midnight, with the minutes.
    hour: NDArray[np.float64]
    #: As of `Metered`.
    arrived: Ints
    #: `wire.events.EventType` and `wire.events.Method`.
    type: NDArray[np.int16]
    method: NDArray[np.int16]
    #: Of an entry: a number for the pseudonym, the same throughout the window; -1: the reader knew nobody.
    subject: Ints
    #: Of an entry: the person is registered in the unit at that time …
    registered: Flags
    #: … and was not let in there before, as far back as `fresh` looks.
    fresh: Flags
    #: As the event has it (`door_left_open`: minutes); 1 where it has none.
    value: Floats


@dataclass(frozen=True, kw_only=True)
class Residents:
    """Who is registered in the units, from when to when; all arrays have one length."""

    unit: Ints
    #: First day, which may lie before the window, and the day after the last.
    start: Ints
    end: Ints


@dataclass(frozen=True, kw_only=True)
class Homes:
    """What is on record of the units themselves; (units,) each."""

    #: NaN: not on record.
    area_m2: Floats
    contract_kw: Floats
    #: An older person lives there alone.
    elder_alone: Flags


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Stretches of days of single units, known from an hour on; all arrays have one length."""

    unit: Ints
    #: First day, which may lie before the window.
    start: Ints
    #: Day after the last.
    end: Ints
    arrived: Ints


@dataclass(frozen=True, kw_only=True)
class Leases:
    """Days of the leases of single units; all arrays have one length. The register does not say since when
    they are known: a sweep of a past day takes them as they stand."""

    unit: Ints
    #: First day, which may lie before the window.
    start: Ints
    #: Day after the last.
    end: Ints


@dataclass(frozen=True, kw_only=True)
class Window:
    """Everything a sweep looks at, for a block of units of one zone."""

    calendar: Calendar
    #: Database ids, in the order of axis 0.
    unit_ids: tuple[int, ...]
    energy: Metered
    water: Metered
    doors: Doors
    happenings: Happenings
    #: Days within the window on which a lock of the unit was heard, be it about the door or about its
    #: own battery: single days, each known when its first message came.
    lock_heard: Spans
    #: Registered absences; a day that one touches is covered.
    absences: Spans
    #: Leases; the clock of a home whose leases are on record belongs to the one in force.
    leases: Leases
    residents: Residents
    homes: Homes

    @property
    def units(self) -> int:
        """Length of axis 0."""
        return len(self.unit_ids)
