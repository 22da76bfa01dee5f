"""Windows from the database: consumption as arrays, and what else is known of a block of homes."""

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np

from anomaly.errors import AnomalyError, NoPolicy, ZoneRefused
from anomaly.window import (
    NEVER,
    Calendar,
    Doors,
    Happenings,
    Homes,
    Ints,
    Leases,
    Metered,
    Residents,
    Spans,
    Window,
)
from devices.profiles import load_profiles
from policy.book import PolicyBook
from storage.pool import Connection
from storage.queries import load as load_queries
from usage import arrays
from usage.binary import EPOCH_US, values_of
from usage.series import HOUR_US
from wire.channels import BY_NAME, EVENTS
from wire.events import EventType, Result
from wire.instants import to_us
from wire.quality import NOT_EVIDENCE, Quality

_SQL = load_queries("anomaly", "loading.sql")
_log = logging.getLogger(__name__)

#: Homes worked on at once: bounds memory.
BLOCK = 128
#: Beside an entry: what a door does when somebody passes.
OPENINGS = (
    EventType.door_opened,
    EventType.door_closed,
    EventType.door_left_open,
    EventType.door_forced,
)
#: How far back somebody may have been let in who is not new there.
FRESH = timedelta(days=365)
#: What somebody inside does.
STIRS = (EventType.motion, EventType.emergency_button)
#: A device watches the door when it reports one of these.
_DOOR_EVENTS = frozenset({EventType.entry.name, EventType.door_opened.name})


@dataclass(frozen=True, kw_only=True)
class Block:
    """Homes of one city and zone."""

    city: str
    zone: ZoneInfo
    unit_ids: tuple[int, ...]

    def calendar(self, first: date, last: date) -> Calendar:
        """The local days from `first` to `last`, in the offset of the last.

        Raises
        ------
        ZoneRefused
            The offset is no whole number of hours.
        """
        noon = datetime(last.year, last.month, last.day, 12, tzinfo=self.zone)
        offset = noon.utcoffset() or timedelta(0)
        if offset % timedelta(hours=1):
            raise ZoneRefused(f"{self.zone.key} is {offset} from UTC: hours of consumption do not fit")
        return Calendar(
            first=first, days=(last - first).days + 1, offset_h=round(offset / timedelta(hours=1))
        )

    def today(self, now: datetime) -> date:
        """The local day at a moment."""
        return now.astimezone(self.zone).date()

    def book(self, books: Mapping[str, PolicyBook]) -> PolicyBook:
        """The policies of the city.

        Raises
        ------
        NoPolicy
            It has none.
        """
        if self.city not in books:
            raise NoPolicy(f"no policy for the city {self.city!r}")
        return books[self.city]

    def leave_out(self, why: AnomalyError) -> None:
        """Log that these homes are not judged: one odd estate must not stop the others."""
        _log.warning("left out %d homes: %s", len(self.unit_ids), why, extra={"action": "homes_left_out"})


def blocks(connection: Connection, unit_ids: Iterable[int] | None = None) -> Iterator[Block]:
    """The homes, all or those asked for, in blocks of one city and zone."""
    asked = {"everything": unit_ids is None, "unit_ids": sorted(set(unit_ids or ()))}
    rows = connection.execute(_SQL["homes"], asked).fetchall()
    for (city, zone), homes in groupby(rows, key=lambda row: (row[1], row[2])):
        ids = [int(row[0]) for row in homes]
        for start in range(0, len(ids), BLOCK):
            yield Block(city=city, zone=ZoneInfo(zone), unit_ids=tuple(ids[start : start + BLOCK]))


def load(
    connection: Connection,
    block: Block,
    *,
    first: date,
    last: date,
    now: datetime,
    covered_min: int,
    told_since: date | None = None,
) -> Window:
    """Everything about the homes of a block on some local days, with when it had arrived.

    Parameters
    ----------
    first, last : date
        Local days, both part of it.
    now : datetime
        Aware; what is in the database counts as arrived by then at the latest.
    covered_min : int
        Measured minutes that make an hour known.
    told_since : date, optional
        Local day from which on happenings are wanted one by one; None: only counted by day.

    Raises
    ------
    ZoneRefused
        The zone is not a whole number of hours from UTC.
    """
    calendar = block.calendar(first, last)
    asked = _asked(block, calendar)
    latest = cut_at(calendar, now)
    door_rows = connection.execute(_SQL["told"] + _SQL["doors"], asked).fetchall()
    heard_rows = connection.execute(_SQL["heard"], asked).fetchall()
    places = {unit_id: place for place, unit_id in enumerate(block.unit_ids)}

    def unit(rows: Sequence[tuple[int, ...]]) -> Ints:
        return _ints([places[row[0]] for row in rows])

    def evening(days: Ints) -> Ints:
        """The hour at which a day's news are in: its evening, or now."""
        return np.minimum(24 * (days + 1), latest).astype(np.int32)

    day, known, entries, openings, stirs = (_ints([row[i] for row in door_rows]) for i in range(1, 6))
    heard_rows += [row[:3] for row in door_rows if row[6]]
    heard, heard_known = (_ints([row[i] for row in heard_rows]) for i in range(1, 3))
    return Window(
        calendar=calendar,
        unit_ids=block.unit_ids,
        energy=_metered(connection, block, calendar, "energy_kwh", covered_min),
        water=_metered(connection, block, calendar, "water_l", covered_min),
        doors=Doors(
            unit=unit(door_rows),
            day=day,
            arrived=evening(known),
            entries=entries,
            openings=openings,
            stirs=stirs,
        ),
        happenings=_happenings(connection, asked, places, calendar, told_since),
        lock_heard=Spans(
            unit=unit(heard_rows), start=heard, end=heard + np.int32(1), arrived=evening(heard_known)
        ),
        absences=_absences(connection, asked, places, calendar),
        leases=_leases(connection, asked, places),
        residents=_residents(connection, asked, places),
        homes=_homes(connection, asked, places),
    )


def strangers(connection: Connection, block: Block, calendar: Calendar) -> Ints:
    """Entries by people who were not registered, (units, days)."""
    table = np.zeros((len(block.unit_ids), calendar.days), dtype=np.int32)
    places = {unit_id: place for place, unit_id in enumerate(block.unit_ids)}
    for unit_id, day, count in connection.execute(_SQL["strangers"], _asked(block, calendar)):
        table[places[unit_id], day] = count
    return table


def cut_at(calendar: Calendar, moment: datetime) -> int:
    """Hours of a window up to a moment, a begun hour counted whole: `arrived` counts whole hours."""
    return math.ceil(calendar.hour(moment))


def _asked(block: Block, calendar: Calendar) -> dict[str, object]:
    profiles = [name for name, profile in load_profiles().items() if profile.events & _DOOR_EVENTS]
    return {
        "unit_ids": list(block.unit_ids),
        "offset_h": calendar.offset_h,
        "first": calendar.first,
        "start": calendar.instant(0),
        "end": calendar.instant(calendar.hours),
        "events": EVENTS,
        "profiles": profiles,
        "entry": int(EventType.entry),
        "denied": int(Result.denied),
        "openings": [int(kind) for kind in OPENINGS],
        "stirs": [int(kind) for kind in STIRS],
        "not_evidence": int(NOT_EVIDENCE),
        "state": int(Quality.STATE),
        "opened": int(EventType.door_opened),
        "closed": int(EventType.door_closed),
        "fresh": FRESH,
        "never": NEVER,
    }


def _metered(
    connection: Connection, block: Block, calendar: Calendar, channel: str, covered_min: int
) -> Metered:
    """Local hours of one channel: the UTC days around the window, cut to its hours."""
    found = arrays.load(
        connection,
        unit_ids=block.unit_ids,
        channel=BY_NAME[channel].code,
        first=calendar.first - timedelta(days=1),
        last=calendar.day(calendar.days),
    )
    return metered(found, calendar, covered_min)


def metered(found: arrays.Hours, calendar: Calendar, covered_min: int) -> Metered:
    """Local hours from the UTC hours of the days of a calendar, of the day before and of the day after."""
    hours = slice(24 - calendar.offset_h, 24 - calendar.offset_h + calendar.hours)
    amount, covered, lag = found.amount[:, hours], found.covered_min[:, hours], found.lag_h[:, hours]
    known = np.isfinite(amount) & (covered >= covered_min)
    at = np.arange(1, calendar.hours + 1, dtype=np.int32)
    return Metered(
        amount=np.where(known, amount, np.float32(np.nan)),
        arrived=np.where(known, at + lag, NEVER).astype(np.int32),
    )


def _absences(
    connection: Connection, asked: dict[str, object], places: dict[int, int], calendar: Calendar
) -> Spans:
    rows = connection.execute(_SQL["absences"], asked).fetchall()
    return Spans(
        unit=_ints([places[row[0]] for row in rows]),
        start=_ints([math.floor(calendar.hour(row[1]) / 24) for row in rows]),
        end=_ints([math.ceil(calendar.hour(row[2]) / 24) for row in rows]),
        arrived=_ints([math.ceil(calendar.hour(row[3])) for row in rows]),
    )


def _leases(connection: Connection, asked: dict[str, object], places: dict[int, int]) -> Leases:
    rows = connection.execute(_SQL["leases"], asked).fetchall()
    return Leases(
        unit=_ints([places[row[0]] for row in rows]),
        start=_ints([row[1] for row in rows]),
        end=_ints([row[2] for row in rows]),
    )


def _happenings(
    connection: Connection,
    asked: dict[str, object],
    places: dict[int, int],
    calendar: Calendar,
    since: date | None,
) -> Happenings:
    sent: tuple[bytes | None, ...] = (None,) * 9
    if since is not None:
        start = calendar.instant(24 * calendar.index(since))
        with connection.cursor(binary=True) as cursor:
            query = _SQL["told"] + _SQL["happenings"]
            sent = cursor.execute(query, asked | {"start": start}).fetchone() or sent
    unit, time, received, kind, method, subject, registered, fresh, value = sent
    ids = values_of(unit, "integer").astype(np.int64)
    known = np.array(sorted(places), np.int64)
    place = np.array([places[one] for one in known.tolist()], np.int32)
    origin_us = to_us(calendar.instant(0)) - EPOCH_US
    return Happenings(
        unit=place[np.searchsorted(known, ids)],
        hour=(values_of(time, "timestamptz").astype(np.int64) - origin_us) / HOUR_US,
        arrived=(-(-(values_of(received, "timestamptz").astype(np.int64) - origin_us) // HOUR_US)).astype(
            np.int32
        ),
        type=values_of(kind, "smallint").astype(np.int16),
        method=values_of(method, "smallint").astype(np.int16),
        subject=values_of(subject, "integer").astype(np.int32),
        registered=values_of(registered, "smallint").astype(np.bool_),
        fresh=values_of(fresh, "smallint").astype(np.bool_),
        value=values_of(value, "real").astype(np.float32),
    )


def _residents(connection: Connection, asked: dict[str, object], places: dict[int, int]) -> Residents:
    rows = connection.execute(_SQL["residents"], asked).fetchall()
    return Residents(
        unit=_ints([places[row[0]] for row in rows]),
        start=_ints([row[1] for row in rows]),
        end=_ints([row[2] for row in rows]),
    )


def _homes(connection: Connection, asked: dict[str, object], places: dict[int, int]) -> Homes:
    found = Homes(
        area_m2=np.full(len(places), np.nan, np.float32),
        contract_kw=np.full(len(places), np.nan, np.float32),
        elder_alone=np.zeros(len(places), np.bool_),
    )
    for unit_id, area_m2, contract_kw, elder_alone in connection.execute(_SQL["on_record"], asked):
        place = places[unit_id]
        found.area_m2[place] = np.nan if area_m2 is None else area_m2
        found.contract_kw[place] = np.nan if contract_kw is None else contract_kw
        found.elder_alone[place] = elder_alone
    return found


def _ints(values: Sequence[int]) -> Ints:
    return np.asarray(values, dtype=np.int32)
