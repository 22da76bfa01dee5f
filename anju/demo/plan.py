"""Which households make which homes: rules, a seed, and the day it is. Nothing is chosen by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from anju.demo import episodes
from anju.demo.households import Electricity, Households, Water
from anju.demo.turn import Turn, latest_like

SEED = 20_261
#: (building, floors, stairs, doors on each floor of a stair)
BUILDINGS = (("3", 6, 2, 2), ("5", 4, 2, 2), ("7", 4, 1, 2))
#: Homes without any meter or lock: of these nothing is known, which is not the same as calm.
UNCOVERED = 2
#: Share of the covered homes without a networked lock.
NO_LOCK = 0.22

#: Published records with fewer readings than this share are left out, unless an episode is in them.
_SEEN = 0.75
#: Without use for so many days or longer: the demo's year ends inside.
_VACANT_DAYS = 30
#: Flow without a pause for so many whole days or longer: the demo's year ends inside.
_FLOW_DAYS = 5
#: The longest quiet run of so many days is a registered absence that is still running.
_ABSENCE_DAYS = (10, 29)
#: A record that ends so many days before the newest one stays silent.
_STOPPED_DAYS = (4, 21)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One of the homes of the estate."""

    building: str
    stair: int
    floor: int
    #: Counted over the floor: 01 …
    number: int

    @property
    def code(self) -> str:
        return f"{self.building}-{self.stair}-{self.door}"

    @property
    def door(self) -> str:
        return f"{self.floor:02d}{self.number:02d}"


@dataclass(frozen=True, kw_only=True)
class Home:
    """One home: a place and, where it is covered, two households that lend it their year."""

    index: int
    place: Place
    electricity: Electricity | None = None
    electricity_turn: Turn | None = None
    water: Water | None = None
    water_turn: Turn | None = None
    has_lock: bool = False
    #: One box with both registers and the lock, instead of three devices.
    one_box: bool = False
    #: Registered people.
    people: int = 2
    #: Days of the demo [first, last] that a registered absence covers.
    absence: tuple[int, int] | None = None

    @property
    def covered(self) -> bool:
        return self.water is not None


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    water: Water
    turn: Turn
    #: The running quiet run that is registered: first day of the demo.
    absent_since: int | None = None


def places() -> list[Place]:
    """Every home of the estate, building by building, from the ground up."""
    return [
        Place(building=building, stair=stair + 1, floor=floor + 1, number=stair * doors + door + 1)
        for building, floors, stairs, doors in BUILDINGS
        for floor in range(floors)
        for stair in range(stairs)
        for door in range(doors)
    ]


def make(households: Households, anchor: int) -> list[Home]:
    """Plan the estate.

    Parameters
    ----------
    households : Households
        The sample, or any others in the same schemas.
    anchor : int
        The local day that is running, counted from 1970-01-01.
    """
    rng = np.random.default_rng(SEED)
    listed = places()
    wanted = len(listed) - UNCOVERED
    water = _choose_water(households.water, anchor, wanted)
    electricity = _choose_electricity(households.electricity, min(wanted, len(water)))
    paired = _pairs(water, electricity)
    order = rng.permutation(len(listed))
    locked = rng.random(len(listed)) >= NO_LOCK
    by_place = dict(zip(order.tolist(), paired, strict=False))
    homes = []
    for index, place in enumerate(listed):
        if index not in by_place:
            homes.append(Home(index=index, place=place))
            continue
        chosen, lent = by_place[index]
        homes.append(
            Home(
                index=index,
                place=place,
                electricity=lent,
                electricity_turn=_whole_year(lent, anchor),
                water=chosen.water,
                water_turn=chosen.turn,
                has_lock=bool(locked[index]),
                one_box=place.building == BUILDINGS[-1][0],
                people=households.occupants.get(chosen.water.household, 2),
                absence=None if chosen.absent_since is None else (chosen.absent_since, 14),
            )
        )
    return homes


def _choose_water(records: Sequence[Water], anchor: int, wanted: int) -> list[_Chosen]:
    """Records with an episode first, then the most complete ones; each with the turn of its year."""
    if not records:
        return []
    newest = max(record.last_day for record in records)
    absent = _registered(records)
    special: list[_Chosen] = []
    plain: list[_Chosen] = []
    for record in records:
        run = episodes.longest_quiet(record) if record is absent else _episode(record)
        inside = None if run is None else latest_like(anchor, low=run.first + 1, high=run.last + 1)
        # a record that stopped a few days before the others belongs to a meter that is silent now
        stops = not inside and _STOPPED_DAYS[0] <= newest - record.last_day <= _STOPPED_DAYS[1]
        until = newest if stops else record.last_day
        end = inside or latest_like(anchor, low=until - 6, high=until) or until
        since = run.first - end if run is not None and inside and record is absent else None
        turn = Turn(end=end, first=record.first_day, last=record.last_day, stops=stops)
        (special if inside else plain).append(_Chosen(water=record, turn=turn, absent_since=since))
    plain.sort(key=lambda one: (-one.water.seen, one.water.household))
    enough = [one for one in plain if one.water.seen >= _SEEN and _spans_a_year(one.water)]
    return (special + enough)[:wanted]


def _episode(record: Water) -> episodes.Run | None:
    """The long vacancy or the leak-like run in which the demo's year should end, if there is one."""
    if not _spans_a_year(record):
        return None
    quiet = episodes.longest_quiet(record)
    if quiet is not None and quiet.days >= _VACANT_DAYS:
        return quiet
    return episodes.strongest_flow(record, at_least=_FLOW_DAYS)


def _registered(records: Sequence[Water]) -> Water | None:
    """The record with the longest quiet run that is too short for a lead."""
    runs = (
        (run.days, -record.household, record)
        for record in records
        if record.seen >= _SEEN
        and _episode(record) is None
        and (run := episodes.longest_quiet(record)) is not None
        and _ABSENCE_DAYS[0] <= run.days <= _ABSENCE_DAYS[1]
    )
    best = max(runs, default=None, key=lambda found: found[:2])
    return None if best is None else best[2]


def _spans_a_year(record: Water) -> bool:
    return record.last_day - record.first_day >= 363


def _choose_electricity(records: Sequence[Electricity], wanted: int) -> list[Electricity]:
    """The most complete records, then evenly over all sizes."""
    complete = sorted(records, key=lambda record: (-record.seen, record.household))
    good = [r for r in complete if r.kwh.shape[0] >= 364 and r.seen >= 0.97 and r.daily_kwh > 0.8]
    pool = good if len(good) >= wanted else complete
    by_size = sorted(pool, key=lambda record: (record.daily_kwh, record.household))
    picked = np.unique(np.linspace(0, len(by_size) - 1, min(wanted, len(by_size))).round().astype(int))
    return [by_size[index] for index in picked]


def _pairs(water: list[_Chosen], electricity: list[Electricity]) -> Iterator[tuple[_Chosen, Electricity]]:
    """Two households of like rank of size make a home."""
    kept = water[: len(electricity)]
    return zip(
        sorted(kept, key=lambda one: (one.water.daily_l, one.water.household)), electricity, strict=False
    )


def _whole_year(record: Electricity, anchor: int) -> Turn:
    last = record.first_day + record.kwh.shape[0] - 1
    end = latest_like(anchor, low=record.first_day, high=last)
    return Turn(end=last if end is None else end, first=record.first_day, last=last)
