"""Windows from a feed: folders of tables instead of a database, and the same hours, doors and people.

A feed grows: what a step brings is joined to what was there, and only the days that it can have changed are
derived anew. A home's number is its place in the order of estates and codes, from 1 on.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from anomaly import loading
from anomaly.feed_events import Told
from anomaly.feed_hours import Hours, book, derive
from anomaly.feed_readings import WATER, Stored
from anomaly.feed_tables import CHANNELS, Arrived, Floats, Ints, Readings, Stay, Unit
from anomaly.loading import Block
from anomaly.window import Calendar, Homes, Leases, Metered, Residents, Spans, Window
from policy.groups import Ingest
from usage import arrays
from usage.series import DAY_US, NEVER_H
from wire.instants import from_us, to_us

_HOUR_US = DAY_US // 24
_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


@dataclass(kw_only=True)
class Feed:
    """All that came so far."""

    city: str
    zone: ZoneInfo
    #: The homes that are asked about, by estate and code.
    units: tuple[Unit, ...]
    #: Every home that anything came of, those of `units` included, in the order in which it came up.
    codes: list[str] = field(default_factory=list)
    readings: Stored = field(default_factory=Stored.nothing)
    #: The highest register of water of each home.
    highest_l: Floats = field(default_factory=lambda: np.zeros(0))
    hours: Hours = field(default_factory=lambda: Hours.unknown(units=0, first_day=0, end_day=0))
    #: The evening up to which hours were derived, µs.
    taken_us: int = 0
    told: Told = field(default_factory=Told.nothing)
    #: By home and start: a corrected end stands for the one before.
    absences: dict[tuple[str, int], Stay] = field(default_factory=dict)
    residents: dict[tuple[str, str, int], Stay] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = {code: place for place, code in enumerate(self.codes)}
        self._know(unit.code for unit in self.units)

    def take(
        self, arrived: Arrived, *, rules: Ingest, covered_min: int, evenings: Sequence[datetime]
    ) -> None:
        """Join what came, and derive what it can have changed on each of some evenings.

        Parameters
        ----------
        rules : Ingest
            The policy's limits: more in an hour is impossible.
        covered_min : int
            Measured minutes that make an hour known.
        evenings : sequence of datetime
            Ends of local days, rising, after those that were taken before; what arrived after the last of
            them waits.
        """
        for part in (*arrived.readings, *arrived.events):
            self._know(part.codes)
        for stay in (*arrived.absences, *arrived.residents):
            self._know([stay.code])
        self.absences |= {
            (stay.code, stay.start_us): stay
            for stay in sorted(arrived.absences, key=lambda stay: (stay.registered_us, stay.end_us))
        }
        self.residents |= {(stay.code, stay.subject, stay.start_us): stay for stay in arrived.residents}
        self.told = self.told.joined(arrived.events, [self._numbers(part.codes) for part in arrived.events])
        at = [self._numbers(part.codes) for part in arrived.readings]
        for part, places in zip(arrived.readings, at, strict=True):
            water = part.channel == WATER
            np.maximum.at(self.highest_l, places[part.unit[water]], part.value[water])
        self.readings = self.readings.joined([self._news(part) for part in arrived.readings], at)
        ends = [to_us(evening) for evening in evenings]
        if ends:
            self._derive(ends, rules, covered_min)

    def forget(self, *, readings_us: int, events_us: int, first_day: int) -> None:
        """Drop readings and events before some moments, and hours before a day since 1970."""
        self.readings = self.readings.where(self.readings.time_us >= readings_us)
        self.told = self.told.where(self.told.time_us >= events_us)
        if self.hours.first_day < first_day:
            self.hours = self.hours.spread(
                units=len(self.codes), first_day=first_day, end_day=max(self.hours.end_day, first_day)
            )

    def everybody(self) -> Block:
        """All homes that are asked about."""
        return Block(city=self.city, zone=self.zone, unit_ids=tuple(range(1, len(self.units) + 1)))

    def blocks(self) -> Iterator[Block]:
        """The same in the blocks in which the database gives them."""
        ids = self.everybody().unit_ids
        for start in range(0, len(ids), loading.BLOCK):
            yield replace(self.everybody(), unit_ids=ids[start : start + loading.BLOCK])

    def code(self, unit_id: int) -> str:
        """The code of a home by its number."""
        return self.units[unit_id - 1].code

    def window(
        self,
        block: Block,
        *,
        first: date,
        last: date,
        now: datetime,
        covered_min: int,
        told_since: date | None = None,
    ) -> Window:
        """Everything about some homes on some local days; as `anomaly.loading.load`."""
        calendar = block.calendar(first, last)
        units = [self.units[unit_id - 1] for unit_id in block.unit_ids]
        at = np.array([self._places[unit.code] for unit in units], np.int64)
        latest = loading.cut_at(calendar, now)
        since = None if told_since is None else calendar.index(told_since)
        doors, heard = self.told.doors(at, calendar, latest)
        return Window(
            calendar=calendar,
            unit_ids=block.unit_ids,
            energy=self._metered("energy_kwh", at, calendar, covered_min),
            water=self._metered("water_l", at, calendar, covered_min),
            doors=doors,
            happenings=self.told.happenings(at, calendar, since, self._registered()),
            lock_heard=heard,
            absences=self._absent(units, calendar),
            leases=self._leases(units, calendar),
            residents=self._residents(units, calendar),
            homes=Homes(
                area_m2=np.array([unit.area_m2 for unit in units], np.float32),
                contract_kw=np.array([unit.contract_kw for unit in units], np.float32),
                elder_alone=np.array([unit.elder_alone for unit in units], np.bool_),
            ),
        )

    def _know(self, codes: Iterable[str]) -> None:
        for code in codes:
            if code not in self._places:
                self._places[code] = len(self.codes)
                self.codes.append(code)
        self.highest_l = np.concatenate((self.highest_l, np.zeros(len(self.codes) - self.highest_l.size)))

    def _numbers(self, codes: Sequence[str]) -> Ints:
        return np.array([self._places[code] for code in codes], np.int64)

    def _news(self, part: Readings) -> Readings:
        """What is said to have come before the newest evening came after it: that evening is over."""
        return replace(part, received_us=np.maximum(part.received_us, self.taken_us + 1))

    def _derive(self, ends: Sequence[int], rules: Ingest, covered_min: int) -> None:
        turns = list(
            derive(self.readings, ends, before_us=self.taken_us, highest_l=self.highest_l, rules=rules)
        )
        spans = [outcome.span for turn in turns for outcome in turn.outcomes]
        days = [day for span in spans for day in (span.first, span.end)]
        if self.hours.amount.size:
            days += [self.hours.first_day, self.hours.end_day]
        self.hours = self.hours.spread(
            units=len(self.codes), first_day=min(days, default=0), end_day=max(days, default=0)
        )
        book(self.hours, turns, covered_min, before_us=self.taken_us)
        self.taken_us = ends[-1]

    def _metered(self, channel: str, at: Ints, calendar: Calendar, covered_min: int) -> Metered:
        first = (calendar.first - _EPOCH).days - 1
        days = slice(first - self.hours.first_day, first + calendar.days + 2 - self.hours.first_day)
        place = CHANNELS.index(channel)
        flat = (at.size, (calendar.days + 2) * 24)

        def cut(hours: np.ndarray, unknown: float) -> np.ndarray:
            table = np.full((at.size, calendar.days + 2, 24), unknown, hours.dtype)
            low, high = max(days.start, 0), min(days.stop, hours.shape[2])
            if low < high:
                table[:, low - days.start : high - days.start] = hours[place, at, low:high]
            return table.reshape(flat)

        found = arrays.Hours(
            amount=cut(self.hours.amount, np.nan),
            covered_min=cut(self.hours.covered_min, 0),
            lag_h=cut(self.hours.lag_h, NEVER_H),
        )
        return loading.metered(found, calendar, covered_min)

    def _absent(self, units: Sequence[Unit], calendar: Calendar) -> Spans:
        place = {unit.code: row for row, unit in enumerate(units)}
        first_us, end_us = to_us(calendar.instant(0)), to_us(calendar.instant(calendar.hours))
        spans = [
            stay
            for stay in self.absences.values()
            if stay.code in place and stay.start_us < end_us and stay.end_us > first_us
        ]
        hours = [
            tuple((us - first_us) / _HOUR_US for us in (stay.start_us, stay.end_us, stay.registered_us))
            for stay in spans
        ]
        return Spans(
            unit=np.array([place[stay.code] for stay in spans], np.int32),
            start=np.array([math.floor(start / 24) for start, _, _ in hours], np.int32),
            end=np.array([math.ceil(end / 24) for _, end, _ in hours], np.int32),
            arrived=np.array([math.ceil(known) for _, _, known in hours], np.int32),
        )

    def _leases(self, units: Sequence[Unit], calendar: Calendar) -> Leases:
        """The stated lease of each home, and before it that of a household that had left when it began."""
        rows: list[tuple[int, int, int]] = []
        left = self._left_before()
        for row, unit in enumerate(units):
            if unit.code in left:
                first, last = left[unit.code]
                rows.append((row, calendar.index(first), calendar.index(last) + 1))
            rows.append((row, calendar.index(unit.lease_start), calendar.index(unit.lease_end) + 1))
        table = np.array(rows, np.int32).reshape(-1, 3)
        return Leases(unit=table[:, 0], start=table[:, 1], end=table[:, 2])

    def _left_before(self) -> Mapping[str, tuple[date, date]]:
        """The local days from which to which others lived in a home before its stated lease."""
        begins = {
            unit.code: to_us(datetime.combine(unit.lease_start, datetime.min.time(), self.zone))
            for unit in self.units
        }
        found: dict[str, tuple[date, date]] = {}
        for stay in self.residents.values():
            if stay.code in begins and stay.end_us <= begins[stay.code]:
                first, last = self._day(stay.start_us), self._day(stay.end_us) - _DAY
                before = found.get(stay.code, (first, last))
                found[stay.code] = (min(first, before[0]), max(last, before[1]))
        return found

    def _residents(self, units: Sequence[Unit], calendar: Calendar) -> Residents:
        place = {unit.code: row for row, unit in enumerate(units)}
        stays = sorted(
            (place[stay.code], stay.start_us, stay.end_us)
            for stay in self.residents.values()
            if stay.code in place
        )
        first_us = to_us(calendar.instant(0))
        table = np.array(stays, np.int64).reshape(-1, 3)
        open_end = table[:, 2] == np.iinfo(np.int64).max
        end = np.where(open_end, loading.NEVER, (table[:, 2] - first_us) // DAY_US)
        return Residents(
            unit=table[:, 0].astype(np.int32),
            start=((table[:, 1] - first_us) // DAY_US).astype(np.int32),
            end=np.minimum(end, loading.NEVER).astype(np.int32),
        )

    def _registered(self) -> Mapping[tuple[int, str], list[tuple[int, int]]]:
        """From when to when (µs) each subject is registered in each home, by the home's place."""
        found: dict[tuple[int, str], list[tuple[int, int]]] = {}
        for stay in self.residents.values():
            key = self._places[stay.code], stay.subject
            found.setdefault(key, []).append((stay.start_us, stay.end_us))
        return found

    def _day(self, us: int) -> date:
        return from_us(us).astimezone(self.zone).date()
