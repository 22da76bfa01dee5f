"""A simulated meter: what it truly counted, what it told, and what can be known from that.

The register of a real meter is drawn first, with everything that was truly used. Then faults fall on
what is told of it. `Told.expected` holds the stretches whose use can be known by somebody who sees the
told rows and is told, here, which of them are false.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from tests.unit.usage.oracle import (
    CONFLICT,
    DAY,
    FALSE_IN_A_ROW,
    HOUR,
    MINUTE,
    REGISTER_FAULT,
    UNPROVEN,
    Account,
    Place,
    Row,
    Stretch,
)

#: More in an hour is impossible for these meters.
MOST = Fraction(5_000)
FULL = 100_000
START = 20_000 * DAY
OLD, NEW = 1, 2
#: Readings between two faults: each can be told from its surroundings alone.
ROOM = 2 * FALSE_IN_A_ROW + 3
#: A step to another meter's register.
FAR = 10_000_000


@dataclass
class Point:
    """One moment at which the meter is read."""

    time: int
    #: Truly used since the point before.
    used: int
    #: What a faultless meter shows.
    shows: int
    #: What is told.
    told: int = 0
    received: int = 0
    device: int = OLD
    #: False: nobody can know what was used since the point before.
    known: bool = True
    #: False: what is told is not what the meter shows.
    sound: bool = True


@dataclass(frozen=True, kw_only=True)
class Told:
    """What arrives, and what can be known."""

    rows: list[Row]
    places: list[Place]
    expected: list[list[Stretch]]
    #: Days on which something is flagged, with the flags.
    flags: dict[int, int]
    #: Everything that was truly used between the first and the last reading.
    truly_used: int
    faults: frozenset[str]

    def account(self) -> Account:
        """The hours as they should be."""
        found = Account(flags=dict(self.flags))
        for stretches in self.expected:
            found.book(stretches)
        return found


@dataclass
class _Meter:
    points: list[Point]
    full: int | None = None
    rows: list[Row] = field(default_factory=list)
    flags: dict[int, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def flag(self, time: int, bits: int) -> None:
        self.flags[time // DAY] = self.flags.get(time // DAY, 0) | bits

    def shift(self, at: int, by: int) -> None:
        """From a point on the register stands elsewhere."""
        for point in self.points[at:]:
            point.shows += by

    def growth(self, first: int, last: int) -> int:
        return sum(point.used for point in self.points[max(first, 0) : last + 1])


FAULTS = ("false_zero", "false_low", "false_high", "false_mixed", "reset", "back_jump", "swap", "install")


def told_by_a_meter(*, faults: tuple[str, ...] = FAULTS, rollover: bool = False) -> st.SearchStrategy[Told]:
    """A meter's life and what is told of it.

    All follows from a seed: drawn one by one, numbers are mostly small and lists mostly short.
    """
    return st.integers(0, 2**64).map(lambda seed: live(Random(seed), faults, rollover=rollover))


def live(rng: Random, faults: tuple[str, ...] = FAULTS, *, rollover: bool = False) -> Told:
    """One meter's life and what is told of it."""
    points = _life(
        rng,
        count=rng.randint(12, 90),
        step=rng.choice((15, 30, 60, 60, 60, 75, 120)) * MINUTE,
        jitter=rng.choice((0, 1, 7)),
        late=rng.choice((0, 3, 30, 4_000)),
        rollover=rollover,
    )
    meter = _Meter(points=points, full=FULL if rollover else None)
    _lose_some(rng, meter, rng.choice((0.0, 0.1, 0.3)))
    at = FALSE_IN_A_ROW + 2 + rng.randrange(ROOM)
    while at + ROOM < len(meter.points):
        kind = rng.choice((*faults, "none"))
        if kind != "none" and _BY_KIND[kind](rng, meter, at):
            meter.faults.append(kind)
        at += ROOM + rng.randrange(12)
    return _told(rng, meter)


def _life(rng: Random, *, count: int, step: int, jitter: int, late: int, rollover: bool) -> list[Point]:
    time = START + rng.randrange(DAY // MINUTE) * MINUTE
    register = rng.randrange(FULL - 4_000, FULL) if rollover else rng.choice((0, 40, 3_000, 500_000, 500_000))
    points: list[Point] = []
    for number in range(count):
        used = rng.choice((0, 0, 1, 7, 60, 200)) if number else 0
        register += used
        shows = register % FULL if rollover else register
        received = time + rng.randint(0, late) * HOUR + 20 * MINUTE
        points.append(Point(time=time, used=used, shows=shows, received=received))
        time += step + rng.randint(-jitter, jitter) * MINUTE
    return points


def _lose_some(rng: Random, meter: _Meter, share: float) -> None:
    """Gaps, and moments that were told two values: neither gives a usable reading."""
    kept: list[Point] = []
    pending = 0
    for number, point in enumerate(meter.points):
        if number == 0 or rng.random() >= share:
            kept.append(replace(point, used=point.used + pending))
            pending = 0
            continue
        pending += point.used
        fate = rng.choice(("gap", "flagged", "twice"))
        meter.faults.append("gap" if fate == "gap" else "conflict")
        row = Row(device=OLD, time=point.time, received=point.received, value=rng.randrange(FULL))
        if fate == "flagged":
            meter.rows.append(replace(row, quality=CONFLICT))
        elif fate == "twice":
            meter.rows += [row, replace(row, value=row.value + 1)]
        if fate != "gap":
            meter.flag(point.time, CONFLICT)
    meter.points = kept


def _false(meter: _Meter, at: int, values: list[int]) -> bool:
    for point, value in zip(meter.points[at:], values, strict=False):
        point.told, point.sound = value, False
    return True


def _lowest(meter: _Meter, at: int) -> int:
    """What a clearly false low reading stays below; 0: there is no room, or full scale is passed."""
    around = [point.shows for point in meter.points[at - FALSE_IN_A_ROW - 1 : at + ROOM]]
    return around[0] if around == sorted(around) else 0


def _reachable(meter: _Meter, at: int) -> int:
    """More than anybody can use from before some false readings until after them."""
    span = meter.points[at + ROOM - 1].time - meter.points[at - FALSE_IN_A_ROW - 1].time
    return int(MOST * (Fraction(span, HOUR) + 1)) + 1


def _zeros(rng: Random, meter: _Meter, at: int) -> bool:
    return _lowest(meter, at) > 0 and _false(meter, at, [0] * rng.randint(1, FALSE_IN_A_ROW))


def _low(rng: Random, meter: _Meter, at: int) -> bool:
    """Once and again the same, or anything that could not have risen to the true value meanwhile."""
    lowest, length = _lowest(meter, at), rng.randint(1, FALSE_IN_A_ROW)
    clear, least = lowest - _reachable(meter, at), 0 if meter.full is None else FULL // 10 + 1
    if clear > least:
        return _false(meter, at, [rng.randrange(least, clear) for _ in range(length)])
    return meter.full is None and lowest > 0 and _false(meter, at, [rng.randrange(lowest)] * length)


def _high(rng: Random, meter: _Meter, at: int) -> bool:
    """Perhaps possible by itself, but above all that follows; or impossible."""
    if meter.full is not None:
        return False
    length, highest = rng.randint(1, FALSE_IN_A_ROW), meter.points[at + ROOM - 1].shows
    if rng.random() < 0.5:
        return _false(meter, at, [highest + rng.randint(1, 9_000)] * length)
    return _false(meter, at, [highest + FAR * rng.randint(1, 3) for _ in range(length)])


def _mixed(rng: Random, meter: _Meter, at: int) -> bool:
    """Any values, on a register that stands higher than can be used meanwhile."""
    if meter.full is not None or _lowest(meter, at) <= _reachable(meter, at):
        return False
    values = [rng.choice((0, 3, 90 * FAR, 91 * FAR)) for _ in range(rng.randint(2, FALSE_IN_A_ROW))]
    return _false(meter, at, values)


def _reset(rng: Random, meter: _Meter, at: int) -> bool:
    return _fall_to(meter, at, rng.randint(0, meter.points[at].used))


def _back_jump(rng: Random, meter: _Meter, at: int) -> bool:
    before = meter.points[at - 1].shows
    return before > 0 and _fall_to(meter, at, rng.randrange(before))


def _fall_to(meter: _Meter, at: int, value: int) -> bool:
    """A real fall: far enough that a few false readings do not explain it."""
    around = meter.growth(at - FALSE_IN_A_ROW - 1, at + FALSE_IN_A_ROW + 1)
    if meter.full is not None or meter.points[at - 1].shows - value <= around:
        return False
    meter.shift(at, value - meter.points[at].shows)
    meter.points[at].known = False
    return True


def _swap(rng: Random, meter: _Meter, at: int) -> bool:
    """Another meter under the same device, with a higher register."""
    if meter.full is not None:
        return False
    meter.shift(at, FAR)
    meter.points[at].known = False
    return True


def _install(rng: Random, meter: _Meter, at: int) -> bool:
    """Another device takes over."""
    if meter.places:
        return False
    moment = rng.randint(meter.points[at - 1].time + 1, meter.points[at].time)
    meter.places = [
        Place(device=OLD, start=0, end=moment, full=meter.full),
        Place(device=NEW, start=moment, end=2**60, full=meter.full),
    ]
    if meter.full is None:
        meter.shift(at, rng.choice((0, 500, 70_000)) - meter.points[at].shows)
    for point in meter.points[at:]:
        point.device = NEW
    meter.rows = [replace(row, device=NEW) if row.time >= moment else row for row in meter.rows]
    meter.points[at].known = False
    return True


_BY_KIND = {
    "false_zero": _zeros,
    "false_low": _low,
    "false_high": _high,
    "false_mixed": _mixed,
    "reset": _reset,
    "back_jump": _back_jump,
    "swap": _swap,
    "install": _install,
}


def _told(rng: Random, meter: _Meter) -> Told:
    """Rows in any order, some of them twice, among others that are no evidence."""
    rows = list(meter.rows)
    expected: list[list[Stretch]] = [[]]
    last, pending, known = meter.points[0], 0, True
    for number, point in enumerate(meter.points):
        value = point.shows if point.sound else point.told
        row = Row(device=point.device, time=point.time, received=point.received, value=value)
        rows.append(row)
        if row.received - row.time > DAY:
            meter.faults.append("late")
        if rng.random() < 0.1:
            meter.faults.append("repeated")
            rows.append(replace(row, received=row.received + rng.randrange(40) * HOUR))
        if rng.random() < 0.1:
            time = row.time + rng.randrange(2)
            rows.append(replace(row, time=time, value=rng.randrange(3 * FAR), quality=UNPROVEN))
        if not number:
            continue
        pending += point.used
        known &= point.known
        if not point.sound:
            meter.flag(point.time, REGISTER_FAULT)
            continue
        if known:
            expected[-1].append(
                Stretch(
                    start=last.time,
                    end=point.time,
                    amount=Fraction(pending),
                    received=max(last.received, point.received),
                )
            )
        elif point.device != last.device:
            expected.append([])
        else:
            meter.flag(point.time, REGISTER_FAULT)
        last, pending, known = point, 0, True
    if meter.full is not None and meter.points[-1].shows < meter.points[0].shows:
        meter.faults.append("rollover")
    meter.faults.append("reordered")
    rng.shuffle(rows)
    return Told(
        rows=rows,
        places=meter.places or [Place(device=OLD, start=0, end=2**60, full=meter.full)],
        expected=expected,
        flags=meter.flags,
        truly_used=sum(point.used for point in meter.points[1:]),
        faults=frozenset(meter.faults),
    )
