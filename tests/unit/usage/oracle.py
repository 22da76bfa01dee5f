"""A slow second opinion on consumption: the rules in plain Python, exact, sharing no code with `usage`.

`book` turns stretches of time into hours. It is used with the stretches that a simulated meter really
counted (`meter.py`), and with those that `read_register` and `read_intervals` find by the rules.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Bits of wire.quality.Quality, told again.
CLOCK_SUSPECT, CONFLICT, UNPROVEN, IMPORTED, SOFT, ARRIVAL = 1, 2, 4, 8, 16, 32
REGISTER_FAULT, SPREAD, MULTIPLIED = 64, 128, 256

FALSE_IN_A_ROW = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """A reading as stored."""

    device: int
    time: int
    received: int
    value: int
    quality: int = 0


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What was used between two moments, and when that was known."""

    start: int
    end: int
    amount: Fraction
    received: int
    flags: int = 0


@dataclass
class Hour:
    """One hour while it fills."""

    amount: Fraction = Fraction(0)
    measured: int = 0
    is_spread: bool = False
    received: int = 0

    @property
    def covered_min(self) -> int:
        """Minutes that were measured."""
        return 0 if self.is_spread else min(60, round(self.measured / MINUTE))


@dataclass
class Account:
    """Hours since 1970 that are known, and flags by day since 1970."""

    hours: dict[int, Hour] = field(default_factory=dict)
    flags: dict[int, int] = field(default_factory=dict)

    def flag(self, time: int, bits: int) -> None:
        """Flag the day of a time."""
        self.flags[time // DAY] = self.flags.get(time // DAY, 0) | bits

    def book(self, stretches: Sequence[Stretch]) -> None:
        """Book the stretches of one installation, in order of time."""
        for stretch, hour in zip(stretches, _hours_of(stretches), strict=True):
            if hour is not None:
                self._add(hour, stretch, stretch.amount, stretch.flags)
                self.hours[hour].measured += stretch.end - stretch.start
                continue
            middles = [
                h
                for h in range(stretch.start // HOUR - 1, stretch.end // HOUR + 2)
                if stretch.start <= h * HOUR + HOUR // 2 < stretch.end
            ]
            for h in middles:
                self._add(h, stretch, stretch.amount / len(middles), stretch.flags | SPREAD)
                self.hours[h].is_spread = True

    def _add(self, hour: int, stretch: Stretch, amount: Fraction, flags: int) -> None:
        entry = self.hours.setdefault(hour, Hour())
        entry.amount += amount
        entry.received = max(entry.received, stretch.received)
        if flags:
            self.flag(hour * HOUR, flags)


def lag_h(hour: int, received: int) -> int:
    """Whole hours from an hour's start until it was known."""
    return max(0, min(32_767, (received - hour * HOUR) // HOUR))


def _hours_of(stretches: Sequence[Stretch]) -> list[int | None]:
    """The hour of each measured stretch; None: longer than an hour and a half."""
    middles: list[int | None] = []
    for stretch in stretches:
        is_measured = 2 * (stretch.end - stretch.start) <= 3 * HOUR
        middles.append((stretch.start + stretch.end) // 2 // HOUR if is_measured else None)

    def at(index: int) -> int | None:
        return middles[index] if 0 <= index < len(stretches) else None

    def apart(index: int) -> int | None:
        """Hours from a stretch to the next one, where they meet and both are measured."""
        here, there = at(index), at(index + 1)
        if here is None or there is None or stretches[index].end != stretches[index + 1].start:
            return None
        return there - here

    def moves_on(index: int) -> bool:
        hour = at(index)
        return (
            hour is not None
            and apart(index) == 2
            and apart(index - 1) == 0
            and stretches[index].end > (hour + 1) * HOUR
        )

    def moves_back(index: int) -> bool:
        hour = at(index)
        return (
            hour is not None
            and apart(index - 1) == 2
            and apart(index) == 0
            and not moves_on(index - 1)
            and not moves_on(index + 1)
            and stretches[index].start < hour * HOUR
        )

    return [
        None if hour is None else hour + moves_on(index) - moves_back(index)
        for index, hour in enumerate(middles)
    ]


@dataclass(frozen=True, kw_only=True)
class Place:
    """An installation."""

    device: int
    start: int
    end: int
    kind: str = "register"
    interval: int = 0
    at_end: bool = False
    multiplier: int = 1
    full: int | None = None


def account(rows: Iterable[Row], places: Iterable[Place], most: Fraction) -> Account:
    """Hours of one unit and channel by the rules."""
    found = Account()
    everything = list(rows)
    for place in places:
        points = _points(everything, place, found)
        stretches = (_read_register if place.kind == "register" else _read_intervals)(
            points, place, most, found
        )
        found.book(stretches)
    return found


def _points(rows: Iterable[Row], place: Place, found: Account) -> list[Row]:
    """Times that were told one value, in order; each with its first arrival."""
    told: dict[int, list[Row]] = {}
    for row in rows:
        if row.quality & (CLOCK_SUSPECT | UNPROVEN) or row.device != place.device:
            continue
        if place.start <= row.time < place.end:
            told.setdefault(row.time, []).append(row)
    points: list[Row] = []
    for time, versions in sorted(told.items()):
        if len({row.value for row in versions}) > 1 or any(row.quality & CONFLICT for row in versions):
            found.flag(time, CONFLICT)
        else:
            points.append(min(versions, key=lambda row: (row.received, row.quality)))
    return points


def _flags(place: Place, *points: Row) -> int:
    flags = MULTIPLIED if place.multiplier != 1 else 0
    for point in points:
        flags |= point.quality & (IMPORTED | SOFT | ARRIVAL)
    return flags


def _read_intervals(points: list[Row], place: Place, most: Fraction, found: Account) -> list[Stretch]:
    stretches: list[Stretch] = []
    for point in points:
        amount = Fraction(point.value * place.multiplier)
        if amount < 0 or amount > most * Fraction(place.interval, HOUR):
            found.flag(point.time, REGISTER_FAULT)
            continue
        start = point.time - place.interval if place.at_end else point.time
        stretches.append(
            Stretch(
                start=start,
                end=start + place.interval,
                amount=amount,
                received=point.received,
                flags=_flags(place, point),
            )
        )
    return stretches


def _read_register(points: list[Row], place: Place, most: Fraction, found: Account) -> list[Stretch]:
    false = find_false(
        [point.value * place.multiplier for point in points],
        [point.time for point in points],
        most,
        None if place.full is None else place.full * place.multiplier,
    )
    for index in false:
        found.flag(points[index].time, REGISTER_FAULT)
    sound = [index for index in range(len(points)) if index not in false]
    stretches: list[Stretch] = []
    for left, right in pairwise(sound):
        old, new = points[left], points[right]
        amount = (new.value - old.value) * place.multiplier
        possible = most * max(Fraction(new.time - old.time, HOUR), Fraction(1))
        if amount < 0 and place.full is not None and right < len(points) - 1:
            full = place.full * place.multiplier
            through = full + amount
            low, high = Fraction(full, 10), full - Fraction(full, 10)
            if (
                high <= old.value * place.multiplier <= full
                and 0 <= new.value * place.multiplier <= low
                and through <= possible
            ):
                amount = through
        if not 0 <= amount <= possible:
            found.flag(new.time, REGISTER_FAULT)
            continue
        stretches.append(
            Stretch(
                start=old.time,
                end=new.time,
                amount=Fraction(amount),
                received=max(old.received, new.received),
                flags=_flags(place, old, new),
            )
        )
    return stretches


def find_false(values: list[int], times: list[int], most: Fraction, full: int | None) -> set[int]:
    """Indices of false readings of a register."""
    count = len(values)

    def possible(i: int, j: int) -> Fraction:
        return most * max(Fraction(times[j] - times[i], HOUR), Fraction(1))

    def straight(i: int, j: int) -> bool:
        return 0 <= values[j] - values[i] <= possible(i, j)

    def through_full(i: int, j: int) -> bool:
        return (
            full is not None
            and Fraction(9 * full, 10) <= values[i] <= full
            and 0 <= values[j] <= Fraction(full, 10)
            and full - values[i] + values[j] <= possible(i, j)
        )

    false: set[int] = set()
    for fall in range(count - 2):
        if values[fall + 1] >= values[fall]:
            continue
        fits: Callable[[int, int], bool] = straight
        if not through_full(fall, fall + 1):
            fits = lambda i, j: straight(i, j) or through_full(i, j)  # noqa: E731
        for length in range(1, FALSE_IN_A_ROW + 1):
            runs = [
                range(first, first + length)
                for first in range(1, count - length)
                if first - 1 <= fall < first + length and fits(first - 1, first + length)
            ]
            if runs:
                false.update(*runs)
                break
    return false
