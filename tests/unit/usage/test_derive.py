import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.usage import oracle
from tests.unit.usage.memory import as_derived, as_readings, as_segment, assert_same, first_and_days
from tests.unit.usage.meter import FAULTS, MOST, Told, told_by_a_meter
from tests.unit.usage.oracle import DAY, HOUR, MINUTE, Place, Row
from tests.unit.usage.strange import START, strange_rows
from usage.derive import derive
from usage.series import Derived, FaultKind


def derived(rows: list[Row], places: list[Place], most: Fraction) -> Derived:
    first, days = first_and_days(rows)
    return derive(
        as_readings(rows),
        [as_segment(place) for place in places],
        first_day=first,
        days=days,
        max_per_hour=float(most),
    )


def expected(told: Told) -> Derived:
    return as_derived(told.account(), *first_and_days(told.rows))


@given(told_by_a_meter())
def test_what_a_faulty_meter_truly_counted_is_found(told: Told) -> None:
    assert_same(derived(told.rows, told.places, MOST), expected(told))


@given(told_by_a_meter(rollover=True, faults=("false_zero", "false_low", "install")))
def test_a_rollover_is_counted_through_whatever_else_happens(told: Told) -> None:
    found = derived(told.rows, told.places, MOST)
    # a rollover at the very last reading waits for the next one
    if all(fault.kind is not FaultKind.held for fault in found.faults):
        assert_same(found, expected(told))


@given(told_by_a_meter())
def test_never_more_than_truly_used_and_never_negative(told: Told) -> None:
    amount = derived(told.rows, told.places, MOST).amount
    assert np.nansum(amount) <= told.truly_used + 1e-6
    assert (amount[~np.isnan(amount)] >= 0).all()


@given(told_by_a_meter(faults=("false_zero", "false_low", "false_high", "false_mixed")))
def test_sums_are_the_change_of_a_register_that_nothing_but_false_readings_befell(told: Told) -> None:
    found = derived(told.rows, told.places, MOST)
    if all(fault.kind is not FaultKind.held for fault in found.faults):
        assert np.nansum(found.amount) == pytest.approx(told.truly_used)


def _hourly(values: list[int], *, device: int = 1) -> list[Row]:
    return [
        Row(device=device, time=START + n * HOUR, received=START + n * HOUR + 5 * MINUTE, value=value)
        for n, value in enumerate(values)
    ]


strange_places = st.tuples(
    st.sampled_from((None, 100)), st.sampled_from((1, 1, 3)), st.sampled_from((0, 300, 1_200, 3_003, 10**6))
).map(
    lambda drawn: [
        Place(device=1, start=0, end=START + drawn[2] * MINUTE, full=drawn[0], multiplier=drawn[1]),
        Place(device=2, start=START + drawn[2] * MINUTE, end=2**60, full=drawn[0]),
    ]
)
#: Never a whole number for a step of these rows: no rounding decides.
limits = st.sampled_from((Fraction(1037, 100), Fraction(6037, 100), Fraction(100_037, 100)))


@given(strange_rows(), strange_places, limits)
@example(_hourly([100, 0, 101, 0, 102, 103]), [Place(device=1, start=0, end=2**60)], Fraction(50))
@example(_hourly([100, 105, 102, 106, 107]), [Place(device=1, start=0, end=2**60)], Fraction(50))
def test_any_rows_are_judged_by_the_rules(rows: list[Row], places: list[Place], most: Fraction) -> None:
    wanted = as_derived(oracle.account(rows, places, most), *first_and_days(rows))
    assert_same(derived(rows, places, most), wanted)


@given(
    strange_rows(),
    st.sampled_from((10, 15, 30, 60, 90, 100, 240)),
    st.booleans(),
    st.integers(1, 3),
)
def test_intervals_stand_each_for_itself(
    rows: list[Row], minutes: int, at_end: bool, multiplier: int
) -> None:
    place = Place(
        device=1,
        start=0,
        end=START + 3 * DAY,
        kind="interval",
        interval=minutes * MINUTE,
        at_end=at_end,
        multiplier=multiplier,
    )
    most = Fraction(6037, 100)
    wanted = as_derived(oracle.account(rows, [place], most), *first_and_days(rows))
    assert_same(derived(rows, [place], most), wanted)


@given(told_by_a_meter(), st.data())
def test_order_and_repeats_change_nothing(told: Told, data: st.DataObject) -> None:
    once = derived(told.rows, told.places, MOST)
    again = data.draw(st.permutations(told.rows + told.rows[: data.draw(st.integers(0, len(told.rows)))]))
    assert_same(derived(again, told.places, MOST), once)


@given(told_by_a_meter())
def test_an_hour_that_took_part_of_a_gap_is_not_covered(told: Told) -> None:
    found = derived(told.rows, told.places, MOST)
    hours = told.account().hours
    for number, hour in hours.items():
        if hour.is_spread:
            day, of_day = divmod(number, 24)
            assert found.covered_min[day - found.first_day, of_day] == 0


@pytest.mark.parametrize(
    "false", [[0], [0, 0], [0, 0, 0], [0, 9_000_000], [9_000_000, 0, 9_000_000], [9_000_000]]
)
@pytest.mark.parametrize("register", [80_000, 300_000])
def test_a_false_reading_makes_no_spike(register: int, false: list[int]) -> None:
    before, after = [register + n for n in range(8)], [register + 8 + n for n in range(8)]
    found = derived(_hourly(before + false + after), [Place(device=1, start=0, end=2**60)], MOST)
    assert np.nanmax(found.amount) <= 1
    assert np.nansum(found.amount) == 15
    assert [fault.kind for fault in found.faults] == [FaultKind.glitch] * len(false)


@pytest.mark.parametrize("register", [40, 800, 4_999])
@pytest.mark.parametrize("zeros", [1, 2, 3])
def test_a_false_zero_of_a_young_register_makes_no_spike(register: int, zeros: int) -> None:
    rows = _hourly([*range(register), *[0] * zeros, *range(register, register + 9)][-40:])
    found = derived(rows, [Place(device=1, start=0, end=2**60)], MOST)
    assert np.nanmax(found.amount) <= 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param([90, 91, 92, 93, 94, 0, 1, 2], FaultKind.reset, id="near zero"),
        pytest.param([90, 91, 92, 93, 94, 60, 61, 62], FaultKind.back_jump, id="somewhere below"),
        pytest.param([90, 91, 92, 93, 94, 48, 49, 50], FaultKind.back_jump, id="nearer to the old value"),
        pytest.param([90, 91, 92, 93, 94, 900_000, 900_001], FaultKind.swap, id="impossibly far up"),
        pytest.param([90, 91, 92, 93, 94, 0], FaultKind.held, id="the newest reading waits"),
        pytest.param([90, 91, 92, 93, 94, 900_000], FaultKind.held, id="so does a rise"),
        pytest.param([90, 91, 0, 92, 93, 94], FaultKind.glitch, id="back at once"),
    ],
)
def test_each_change_of_a_register_has_its_name(values: list[int], kind: FaultKind) -> None:
    found = derived(_hourly(values), [Place(device=1, start=0, end=2**60)], Fraction(50))
    assert [fault.kind for fault in found.faults] == [kind]
    at = next(n for n, value in enumerate(values) if abs(value - 92) > 2) if kind != "glitch" else 2
    assert found.faults[0].time_us == START + at * HOUR
    assert found.quality[1] & 64


def test_a_rollover_is_told_but_is_no_fault() -> None:
    place = Place(device=1, start=0, end=2**60, full=1000)
    found = derived(_hourly([980, 990, 999, 4, 9]), [place], Fraction(50))
    assert np.nansum(found.amount) == 29
    assert [fault.kind for fault in found.faults] == [FaultKind.rollover]
    assert not found.quality.any()


def test_a_year_takes_milliseconds() -> None:
    count = 17_520
    rows = [
        Row(device=1, time=START + n * HOUR // 2, received=START + n * HOUR // 2, value=n)
        for n in range(count)
    ]
    readings, segment = as_readings(rows), as_segment(Place(device=1, start=0, end=2**60))
    took: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        derive(readings, [segment], first_day=20_000, days=365, max_per_hour=50)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1  # about 2 ms on an idle core; ten times the promise on a crowded one


def test_every_fault_is_drawn() -> None:
    """The tests above are worth nothing if the meter never fails."""
    seen: set[str] = set()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(st.one_of(told_by_a_meter(), told_by_a_meter(rollover=True)))
    def collect(told: Told) -> None:
        seen.update(told.faults)

    collect()
    assert seen >= {*FAULTS, "gap", "conflict", "rollover", "late", "repeated", "reordered"}
