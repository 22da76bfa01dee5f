"""Incremental equals from scratch: whatever arrives in whatever portions, with a recompute in between."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.usage.memory import Memory, as_readings, as_segment, assert_same
from tests.unit.usage.meter import MOST, Told, told_by_a_meter
from tests.unit.usage.oracle import CONFLICT, DAY, HOUR, MINUTE, UNPROVEN, Place, Row
from tests.unit.usage.strange import START, strange_rows
from usage.around import renew
from usage.derive import derive
from usage.reach import WINDOW, spans
from usage.series import DAY_US, NEVER_H, Derived

SERIES = 7, 2


class Kept:
    """What the database keeps: readings by key, rows of usage by day."""

    def __init__(self, places: Sequence[Place], most: Fraction, window: int) -> None:
        self.segments = {SERIES: [as_segment(place) for place in places]}
        self.most = float(most)
        self.window = window
        self.rows: dict[tuple[int, int], Row] = {}
        self.marks: set[int] = set()
        self.days: dict[int, tuple[object, ...]] = {}

    def store(self, row: Row) -> None:
        """As ingest does: the smaller value stays, flagged; what is no evidence marks nothing."""
        key = row.device, row.time
        before = self.rows.get(key)
        if before is not None and before.value == row.value:
            return
        if before is not None:
            least = min(before, row, key=lambda one: one.value)
            row = Row(**{**vars(least), "quality": least.quality | CONFLICT})
        if row.quality & UNPROVEN:
            return
        self.rows[key] = row
        if any(place.device_id == row.device for place in self.segments[SERIES]):
            self.marks.add(row.time // DAY)

    def recompute(self, limit: int) -> None:
        taken = sorted(self.marks)[:limit]
        self.marks -= set(taken)
        day = np.array(taken, np.int64)
        marked = spans(np.full_like(day, SERIES[0]), np.full_like(day, SERIES[1]), day)
        source = Memory(self.rows.values())
        outcomes = renew(source, marked, self.segments, {SERIES[1]: self.most}, window=self.window)
        days = [n for outcome in outcomes for n in range(outcome.span.first, outcome.span.end)]
        assert len(days) == len(set(days))
        for outcome in outcomes:
            self.put(outcome.derived)

    def put(self, derived: Derived) -> None:
        for n in range(len(derived.quality)):
            day = derived.first_day + n
            self.days.pop(day, None)
            if derived.quality[n] or not np.isnan(derived.amount[n]).all():
                self.days[day] = (
                    derived.amount[n],
                    derived.covered_min[n],
                    derived.lag_h[n],
                    derived.quality[n],
                )

    def from_scratch(self, first: int, days: int) -> Derived:
        return derive(
            as_readings(self.rows.values()),
            self.segments[SERIES],
            first_day=first,
            days=days,
            max_per_hour=self.most,
        )

    def as_kept(self, first: int, days: int) -> Derived:
        unknown = np.full(24, np.nan), np.zeros(24, np.int16), np.full(24, NEVER_H, np.int16), np.int16(0)
        kept = [self.days.get(first + n, unknown) for n in range(days)]
        amount, covered, lag, quality = (np.array(column) for column in zip(*kept, strict=True))
        return Derived(
            first_day=first, amount=amount, covered_min=covered, lag_h=lag, quality=quality, faults=()
        )


def check(
    rows: Sequence[Row], places: Sequence[Place], most: Fraction, *, portions: Sequence[int], window: int
) -> None:
    kept = Kept(places, most, window)
    waiting = _as_they_arrive(rows)
    for portion in (*portions, len(waiting)):
        for row in waiting[:portion]:
            kept.store(row)
        waiting = waiting[portion:]
        kept.recompute(limit=3)
    while kept.marks:
        kept.recompute(limit=2)
    first, end = min(row.time for row in rows) // DAY_US - 2, max(row.time for row in rows) // DAY_US + 3
    assert_same(kept.as_kept(first, end - first), kept.from_scratch(first, end - first))
    assert set(kept.days) <= set(range(first, end))


def _as_they_arrive(rows: Sequence[Row]) -> list[Row]:
    """In order of time, but for some that come days or weeks late."""
    rng = Random(len(rows))
    delay = rng.choice((0, 2, 30)) * DAY
    return sorted(rows, key=lambda row: row.time + (rng.randint(0, delay) if rng.random() < 0.2 else 0))


portions = st.lists(st.integers(1, 30), max_size=8)
#: From far too few readings, so that the look has to be widened, to the usual number.
windows = st.sampled_from((1, 2, 5, WINDOW))


@given(told_by_a_meter(), portions, windows)
def test_a_faulty_meter_in_any_portions(told: Told, portions: list[int], window: int) -> None:
    check(told.rows, told.places, MOST, portions=portions, window=window)


@given(told_by_a_meter(rollover=True), portions, windows)
def test_a_meter_that_rolls_over_in_any_portions(told: Told, portions: list[int], window: int) -> None:
    check(told.rows, told.places, MOST, portions=portions, window=window)


@given(
    strange_rows(most=150),
    st.sampled_from((0, 10, 40, 90, 10_000)),
    st.sampled_from((None, 100)),
    portions,
    windows,
)
def test_any_rows_in_any_portions(
    rows: list[Row], moved: int, full: int | None, portions: list[int], window: int
) -> None:
    moment = START + moved * HOUR
    places = [
        Place(device=1, start=0, end=moment, full=full),
        Place(device=2, start=moment, end=2**60, full=full),
    ]
    check(rows, places, Fraction(1037, 100), portions=portions, window=window)


@given(st.integers(0, 2**64), portions, st.sampled_from((1, 2, 5)))
def test_readings_around_the_half_hour_in_any_portions(seed: int, portions: list[int], window: int) -> None:
    """Where two steps fall on one hour and none on the next, one moves: across midnight as well."""
    rng = Random(seed)
    rows = [
        Row(
            device=1,
            time=START + n * HOUR + rng.randint(24, 36) * MINUTE,
            received=START,
            value=10 * n + rng.choice((0, 0, 0, 40)),
        )
        for n in range(24 * 5)
        if rng.random() > 0.03
    ]
    check(rows, [Place(device=1, start=0, end=2**60)], MOST, portions=portions, window=window)


@given(strange_rows(most=150), st.sampled_from((30, 60, 100, 36 * 60)), st.booleans(), portions, windows)
def test_intervals_in_any_portions(
    rows: list[Row], minutes: int, at_end: bool, portions: list[int], window: int
) -> None:
    place = Place(
        device=1, start=0, end=START + 5 * DAY, kind="interval", interval=minutes * MINUTE, at_end=at_end
    )
    check(rows, [place], Fraction(100_037, 100), portions=portions, window=window)


@pytest.mark.parametrize("garbage", [30, 300])
def test_many_false_readings_in_a_row_widen_the_look(garbage: int) -> None:
    """A register that two meters share: nearly every reading is left out, and steps reach across all."""
    values = [1_000_000 + n // 2 if n % 2 else 5_000_000 + n // 2 for n in range(garbage)]
    values = [*range(1_000_000 - 30, 1_000_000), *values, *range(1_000_000 + garbage, 1_000_030 + garbage)]
    rows = [
        Row(device=1, time=START + n * HOUR, received=START + n * HOUR, value=value)
        for n, value in enumerate(values)
    ]
    late, place = rows.pop(len(rows) // 2), Place(device=1, start=0, end=2**60)
    check([*rows, late], [place], MOST, portions=[len(rows)], window=WINDOW)
