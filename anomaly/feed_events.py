"""What doors, readers and alarms told, from the events of a feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import cached_property

import numpy as np

from anomaly import loading
from anomaly.feed_tables import Bools, Events, Floats, Ints, Shorts
from anomaly.window import Calendar, Doors, Happenings, Spans
from usage.series import DAY_US, HOUR_US
from wire.events import EventType
from wire.instants import to_us

#: Events of a lock: their device watches the door. Those of other devices count, and are no word of a lock.
LOCK_EVENTS = (EventType.entry, EventType.door_opened, EventType.door_left_open, EventType.door_forced)
_FRESH_US = loading.FRESH // timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Events by home and time, each once; arrays of one length. Known when they happened."""

    #: Place of the home.
    unit: Ints
    time_us: Ints
    type: Shorts
    method: Shorts
    #: Place in `subjects`; -1: nobody is known.
    subject: Ints
    value: Floats
    subjects: tuple[str, ...] = field(default=())

    @staticmethod
    def nothing() -> "Told":
        """No events."""
        none = np.zeros(0, np.int64)
        short = none.astype(np.int16)
        return Told(
            unit=none, time_us=none, type=short, method=short, subject=none, value=none.astype(np.float64)
        )

    def where(self, chosen: Bools | Ints) -> "Told":
        """Some of them."""
        columns = {
            one.name: getattr(self, one.name)[chosen] for one in fields(self) if one.name != "subjects"
        }
        return replace(self, **columns)

    def joined(self, given: Sequence[Events], places: Sequence[Ints]) -> "Told":
        """With further events, whatever their order; what says the same of the same time is one.

        Parameters
        ----------
        places : sequence of (n,) int
            Of each part, the home of each of its codes.
        """
        number = {name: place for place, name in enumerate(self.subjects)}
        parts: list[Ints] = []
        for part in given:
            own = np.array([number.setdefault(name, len(number)) for name in part.subjects] + [-1], np.int64)
            parts.append(own[part.subject])
        every = Told(
            unit=np.concatenate(
                [self.unit, *(at[part.unit] for part, at in zip(given, places, strict=True))]
            ),
            subject=np.concatenate([self.subject, *parts]),
            subjects=tuple(number),
            **{
                name: np.concatenate([getattr(self, name), *(getattr(part, name) for part in given)])
                for name in ("time_us", "type", "method", "value")
            },
        )
        by_name = every.by_name()
        every = every.where(
            np.lexsort((every.value, every.method, by_name, every.type, every.time_us, every.unit))
        )
        new = np.ones(every.unit.size, np.bool_)
        new[1:] = False
        for name in ("unit", "time_us", "type", "method", "subject", "value"):
            new[1:] |= np.diff(getattr(every, name)) != 0
        return every.where(new)

    def by_name(self) -> Ints:
        """The place of each event's subject in the order of the names; nobody comes last."""
        by_name = sorted(range(len(self.subjects)), key=self.subjects.__getitem__)
        order = np.empty(len(by_name) + 1, np.int64)
        order[[*by_name, -1]] = np.arange(len(by_name) + 1)
        return order[self.subject]

    def doors(self, at: Ints, calendar: Calendar, latest: int) -> tuple[Doors, Spans]:
        """What happened at the doors of some homes by day, and the days on which their locks were heard.

        Parameters
        ----------
        at : (units,) int
            Places of the homes.
        latest : int
            Everything is known by this hour.
        """
        row, positions = self._within(at, calendar, 0)
        mine = self.where(positions)
        day = (mine.time_us - to_us(calendar.instant(0))) // DAY_US
        keys, place = np.unique(row * calendar.days + day, return_inverse=True)

        def count(chosen: Bools) -> np.ndarray:
            return np.bincount(place[chosen], minlength=keys.size).astype(np.int32)

        unit, on = (keys // calendar.days).astype(np.int32), (keys % calendar.days).astype(np.int32)
        known = np.minimum(24 * (on + 1), latest).astype(np.int32)
        heard = count(np.isin(mine.type, LOCK_EVENTS)) > 0
        doors = Doors(
            unit=unit,
            day=on,
            arrived=known,
            entries=count(mine.type == EventType.entry),
            openings=count(np.isin(mine.type, loading.OPENINGS)),
            stirs=count(np.isin(mine.type, loading.STIRS)),
        )
        return doors, Spans(
            unit=unit[heard], start=on[heard], end=on[heard] + np.int32(1), arrived=known[heard]
        )

    def happenings(
        self,
        at: Ints,
        calendar: Calendar,
        since: int | None,
        registered: Mapping[tuple[int, str], list[tuple[int, int]]],
    ) -> Happenings:
        """What happened at some homes one by one from day `since` on; None: nothing is wanted.

        Parameters
        ----------
        registered : mapping
            From when to when (µs) a subject is registered, by home and subject.
        """
        row, positions = self._within(at, calendar, calendar.days if since is None else since)
        mine = self.where(positions)
        hour = (mine.time_us - to_us(calendar.instant(0))) / HOUR_US
        seen = dict.fromkeys(mine.subject[mine.subject >= 0].tolist())
        number = {-1: -1} | {subject: place for place, subject in enumerate(seen)}
        return Happenings(
            unit=row.astype(np.int32),
            hour=hour,
            arrived=np.ceil(hour).astype(np.int32),
            type=mine.type,
            method=mine.method,
            subject=np.array([number[subject] for subject in mine.subject.tolist()], np.int32),
            registered=mine._registered(registered),
            fresh=self._fresh[positions],
            value=mine.value.astype(np.float32),
        )

    def _within(self, at: Ints, calendar: Calendar, since: int) -> tuple[Ints, Ints]:
        """The events of some homes from day `since` of a calendar on: each one's row and position."""
        first_us, end_us = to_us(calendar.instant(24 * since)), to_us(calendar.instant(calendar.hours))
        starts, ends = np.searchsorted(self.unit, at), np.searchsorted(self.unit, at, side="right")
        parts: list[Ints] = [np.zeros(0, np.int64)]
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            low, high = start + np.searchsorted(self.time_us[start:end], [first_us, end_us])
            parts.append(np.arange(low, high))
        rows = np.repeat(np.arange(at.size), [part.size for part in parts[1:]])
        return rows, np.concatenate(parts)

    def _registered(self, registered: Mapping[tuple[int, str], list[tuple[int, int]]]) -> Bools:
        """Whose subject is registered in the home at the time."""
        many = len(self.subjects) + 1
        pairs, place = np.unique(self.unit * many + self.subject + 1, return_inverse=True)
        stays = [
            registered.get((pair // many, self.subjects[pair % many - 1]), []) if pair % many else []
            for pair in pairs.tolist()
        ]
        found = np.zeros(self.unit.size, np.bool_)
        for turn in range(max(map(len, stays), default=0)):
            spans = np.array([own[turn] if turn < len(own) else (0, 0) for own in stays], np.int64)
            found |= (spans[place, 0] <= self.time_us) & (self.time_us < spans[place, 1])
        return found

    @cached_property
    def _fresh(self) -> Bools:
        """Whose subject was not let in there by the same kind of event so long before."""
        order = np.lexsort((self.time_us, self.type, self.subject, self.unit))
        same = np.zeros(order.size, np.bool_)
        same[1:] = True
        for name in ("unit", "subject", "type"):
            same[1:] &= np.diff(getattr(self, name)[order]) == 0
        time_us = self.time_us[order]
        first = ~same  # of those at one moment none comes before the others
        first[1:] |= np.diff(time_us) != 0
        turn = np.maximum.accumulate(np.where(first, np.arange(order.size), 0))
        known = same[turn] & (time_us - time_us[turn - 1] <= _FRESH_US)
        fresh = np.empty(order.size, np.bool_)
        fresh[order] = ~known
        return fresh & (self.subject >= 0)
