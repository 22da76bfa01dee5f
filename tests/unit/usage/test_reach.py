"""How far a reading's influence reaches, and whether enough is looked at."""

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.usage.memory import as_readings, as_segment
from tests.unit.usage.oracle import DAY, HOUR, MINUTE, Place, Row
from tests.unit.usage.strange import START
from usage import register
from usage.derive import REACH, SOUND_REACH, derive
from usage.reach import Span, holds
from usage.series import Derived

PLACE = Place(device=1, start=0, end=2**60, full=100)
SOUND = Place(device=1, start=0, end=2**60)
MOST = Fraction(1037, 100)
FIRST = START // DAY


def life(rng: Random) -> list[Row]:
    """A register full of doubtful falls, at times where hours are easily left out."""
    largest, doubt = rng.choice((3, 8)), rng.choice((0.0, 0.2, 0.5))
    jitter, value, rows = rng.choice((0, 6)), 0, list[Row]()
    for n in range(70):
        value = (value + rng.randrange(largest)) % 100
        shown = rng.choice((value, rng.randrange(100))) if rng.random() < doubt else value
        time = START + n * HOUR + (30 + rng.randint(-jitter, jitter)) * MINUTE
        rows.append(Row(device=1, time=time, received=time, value=shown))
    return rows


def changed(rng: Random, rows: list[Row], at: int) -> list[Row]:
    """Another value, none, or one more."""
    other = Row(device=1, time=rows[at].time + MINUTE, received=0, value=rng.randrange(100))
    return rng.choice(([*rows[:at], *rows[at + 1 :]], [*rows[:at], other, *rows[at + 1 :]], [*rows, other]))


def hours(rows: list[Row]) -> Derived:
    return derive(as_readings(rows), [as_segment(PLACE)], first_day=FIRST, days=4, max_per_hour=float(MOST))


def sound_times(rows: list[Row]) -> set[int]:
    times = sorted((row.time, row.value) for row in rows)
    judged = register.judge(
        np.array([time for time, _ in times]),
        np.array([value for _, value in times], np.float64),
        max_per_hour=float(MOST),
        rollover_at=PLACE.full,
    )
    return {time for (time, _), sound in zip(times, judged.sound, strict=True) if sound}


@settings(max_examples=100)
@given(st.integers(0, 2**64))
def test_the_soundness_of_readings_beyond_the_reach_stays(seed: int) -> None:
    """Many falls that only a long run of false readings explains, or none."""
    rng = Random(seed)
    values = [rng.randrange(9) for _ in range(30)]
    for at in range(len(values)):
        after = [*values]
        after[at] = rng.randrange(9)
        was, now = (_sound(some) for some in (values, after))
        assert was[: max(at - REACH, 0)] == now[: max(at - REACH, 0)]
        assert was[at + REACH + 1 :] == now[at + REACH + 1 :]


def _sound(values: list[int]) -> list[bool]:
    """Hourly, where two an hour are the most that is possible."""
    times = START + np.arange(len(values)) * HOUR
    judged = register.judge(times, np.array(values, np.float64), max_per_hour=2, rollover_at=None)
    return judged.sound.tolist()


@settings(max_examples=300)
@given(st.integers(0, 2**64))
def test_a_changed_reading_alters_nothing_beyond_its_reach(seed: int) -> None:
    rng = Random(seed)
    rows = life(rng)
    at = rng.randrange(len(rows))
    after = changed(rng, rows, at)
    moment = rows[at].time
    unchanged = sorted({row.time for row in rows} & {row.time for row in after} - {moment})
    before_it = [time for time in unchanged if time < moment][: -REACH or None]
    behind_it = [time for time in unchanged if time > moment + MINUTE][REACH:]
    was, now = sound_times(rows), sound_times(after)
    assert [time in was for time in before_it] == [time in now for time in before_it]
    assert [time in was for time in behind_it] == [time in now for time in behind_it]

    left = [time for time in before_it if time in now]
    right = [time for time in behind_it if time in now]
    one, other = hours(rows), hours(after)
    starts = (FIRST * 24 + np.arange(96)) * HOUR
    same = np.zeros(96, np.bool_)
    if len(left) >= SOUND_REACH:
        same |= starts + HOUR <= left[-SOUND_REACH]
    if len(right) >= SOUND_REACH:
        same |= starts >= right[SOUND_REACH - 1]
    for field in ("amount", "covered_min", "lag_h"):
        np.testing.assert_array_equal(
            getattr(one, field).ravel()[same], getattr(other, field).ravel()[same], field
        )


@settings(max_examples=300)
@given(st.integers(0, 2**64))
def test_where_all_readings_are_sound_hours_move_only_within_a_few_steps(seed: int) -> None:
    rng = Random(seed)
    rows = [
        Row(device=1, time=START + n * HOUR + rng.randint(24, 36) * MINUTE, received=0, value=n * n)
        for n in range(60)
    ]
    at = rng.randrange(SOUND_REACH, len(rows) - SOUND_REACH)
    one, other = (
        derive(as_readings(some), [as_segment(SOUND)], first_day=FIRST, days=4, max_per_hour=1e9)
        for some in (rows, [*rows[:at], *rows[at + 1 :]])
    )
    starts = (FIRST * 24 + np.arange(96)) * HOUR
    same = (starts + HOUR <= rows[at - SOUND_REACH].time) | (starts >= rows[at + SOUND_REACH].time)
    np.testing.assert_array_equal(one.amount.ravel()[same], other.amount.ravel()[same])


def daily(first: int, end: int, *, false: tuple[int, ...] = ()) -> tuple[np.ndarray, np.ndarray]:
    """A reading at noon of each day from `first` to `end`, days relative to the changed one."""
    days = np.arange(first, end)
    values = np.where(np.isin(days, false), 0, 1_000_000 + 10 * days)
    return (FIRST + days) * DAY + DAY // 2, values.astype(np.float64)


def enough(first: int, end: int, loaded: tuple[np.ndarray, np.ndarray], *, window: int) -> bool:
    span = Span(
        unit_id=1,
        channel=2,
        first=FIRST + first,
        end=FIRST + end,
        changed_first=FIRST,
        changed_end=FIRST + 1,
    )
    segment = as_segment(Place(device=1, start=0, end=2**60))
    return holds(span, segment, *loaded, window=window, max_per_hour=5_000)


NEEDED = REACH + SOUND_REACH


@pytest.mark.parametrize("less", [0, 1])
def test_a_span_covers_the_reach_on_both_sides(less: int) -> None:
    loaded = daily(-60, 61)
    wide = enough(-NEEDED, NEEDED + 1, loaded, window=20)
    assert wide
    assert enough(-NEEDED + less, NEEDED + 1, loaded, window=20) == (not less)
    assert enough(-NEEDED, NEEDED + 1 - less, loaded, window=20) == (not less)


@pytest.mark.parametrize("less", [0, 1])
def test_readings_suffice_to_judge_what_lies_just_outside(less: int) -> None:
    wide = 2 * NEEDED
    assert enough(-wide, wide + 1, daily(-wide - NEEDED + less, 61), window=5) == (not less)
    assert enough(-wide, wide + 1, daily(-60, wide + 1 + NEEDED - less), window=5) == (not less)


def test_false_readings_do_not_count() -> None:
    loaded = daily(-60, 61, false=(-NEEDED,))
    assert not enough(-NEEDED, NEEDED + 1, loaded, window=20)
    assert enough(-NEEDED - 1, NEEDED + 1, loaded, window=20)


def test_where_nothing_lies_beyond_nothing_is_missing() -> None:
    assert enough(-2, 3, daily(-2, 3), window=20)
    assert not enough(-2, 3, daily(-3, 3), window=20)
    assert not enough(-2, 3, daily(-2, 4), window=20)
