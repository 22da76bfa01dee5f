from datetime import UTC, date, datetime

import numpy as np
import pytest

from anomaly import features
from anomaly.window import Calendar
from tests.unit.anomaly.homes import POLICY, lived_in, standby

SIGNS = POLICY.signs
BASE = np.float32([0.05])
NOTHING = np.full((1, SIGNS.energy_repeat_days, 24), np.nan, dtype=np.float32)


def energy(kwh: np.ndarray, before: np.ndarray = NOTHING, base: np.ndarray = BASE) -> float:
    (sign,) = features.energy_sign(kwh[None].astype(np.float32), before.astype(np.float32), base, SIGNS)
    return float(sign)


def water(litres: np.ndarray) -> float:
    day = features.water_day(litres[None].astype(np.float32), SIGNS)
    (sign,) = features.water_sign(day.active_h, day.seen_h, SIGNS)
    return float(sign)


def day_of(value: float, **hours: float) -> np.ndarray:
    """24 hours of a value, some of them, named h7 and the like, of others."""
    day = np.full(24, value)
    for name, other in hours.items():
        day[int(name[1:])] = other
    return day


@pytest.mark.parametrize(
    ("kwh", "sign"),
    [
        # a fridge
        (day_of(0.05), 0),
        # supper and a film
        (day_of(0.05, h18=0.6, h19=0.4), 1),
        # one hour alone: a kettle, or a lump after a gap
        (day_of(0.05, h18=6.0), 0),
        # neither clearly standby nor clearly people
        (day_of(0.05, h18=0.23, h19=0.24), np.nan),
        # no readings
        (day_of(np.nan), np.nan),
        # too few hours to call it quiet …
        (np.r_[np.full(19, 0.05), np.full(5, np.nan)], np.nan),
        # … but enough to have seen somebody
        (np.r_[np.full(3, 0.5), np.full(21, np.nan)], 1),
        # breaker off
        (day_of(0.0), 0),
    ],
    ids=["fridge", "people", "one hour", "between", "nothing", "few hours", "few alive", "off"],
)
def test_electricity_is_alive_quiet_or_unknown(kwh: np.ndarray, sign: float) -> None:
    assert energy(kwh) == pytest.approx(sign, nan_ok=True)


def test_without_standby_electricity_says_nothing() -> None:
    assert np.isnan(energy(day_of(0.05), base=np.float32([np.nan])))
    assert np.isnan(energy(day_of(0.5), base=np.float32([np.nan])))


def test_a_timer_that_draws_the_same_every_day_is_no_person() -> None:
    boiler = day_of(0.05, h5=1.5, h6=1.0, h17=1.5)
    week = np.repeat(boiler[None, None], SIGNS.energy_repeat_days, axis=1)
    assert np.isnan(energy(boiler, week))
    assert energy(day_of(0.05, h5=1.5, h6=1.0, h17=1.5, h20=0.7), week) == 1
    assert energy(boiler, np.where(np.arange(7)[None, :, None] == 3, np.nan, week)) == 1


@pytest.mark.parametrize(
    ("litres", "sign"),
    [
        (day_of(0), 0),
        # somebody washed a cup
        (day_of(0, h7=3), 1),
        # a dripping valve
        (day_of(0, h7=1, h9=2), 0),
        # a leak: flow, not life
        (day_of(40), 0),
        (day_of(40, h3=43, h9=51), 0),
        # a leak, and somebody
        (day_of(40, h8=60), 1),
        (day_of(np.nan), np.nan),
        (np.r_[np.zeros(17), np.full(7, np.nan)], np.nan),
        (np.r_[0, 9, np.full(22, np.nan)], 1),
    ],
    ids=["none", "cup", "drip", "leak", "uneven leak", "both", "nothing", "few hours", "few alive"],
)
def test_water_is_alive_quiet_or_unknown(litres: np.ndarray, sign: float) -> None:
    assert water(litres) == pytest.approx(sign, nan_ok=True)


def test_a_lock_without_traffic_is_a_witness_for_a_while_only() -> None:
    happenings = np.zeros((1, 60), dtype=np.float32)
    heard = np.zeros((1, 60), dtype=bool)
    happenings[0, 5], heard[0, 5] = 2, True
    (signs,) = features.door_sign(happenings, heard, SIGNS)
    memory = SIGNS.door_memory_days
    assert np.isnan(signs[:5]).all()
    assert signs[5] == 1
    assert (signs[6 : 5 + memory] == 0).all()
    assert np.isnan(signs[5 + memory :]).all()


def test_a_lock_that_tells_of_its_battery_stays_a_witness() -> None:
    heard = np.zeros((1, 60), dtype=bool)
    heard[0, ::7] = True
    (signs,) = features.door_sign(np.zeros((1, 60), dtype=np.float32), heard, SIGNS)
    assert (signs == 0).all()


@pytest.mark.parametrize(
    ("step", "coarsest", "fine"),
    [(0.01, SIGNS.energy_coarsest_kwh, True), (1.0, SIGNS.energy_coarsest_kwh, False)],
)
def test_a_register_in_coarse_steps_is_recognised(step: float, coarsest: float, fine: bool) -> None:
    kwh = lived_in(20).kwh
    register = np.floor(np.cumsum(kwh) / step + 1e-9) * step
    hours = np.diff(register, prepend=0).astype(np.float32).reshape(1, 20, 24)
    steps = features.energy_day(hours, SIGNS).step_kwh
    assert features.resolution(steps, coarsest).tolist() == [fine]


def test_a_meter_that_never_moved_has_not_shown_that_it_measures() -> None:
    still = features.water_day(np.zeros((1, 20, 24), dtype=np.float32), SIGNS)
    assert features.resolution(still.step_l, SIGNS.water_coarsest_l).tolist() == [False]


def test_the_sums_of_a_day_leave_unknown_hours_out() -> None:
    litres = np.float32([[5.0] * 10 + [np.nan] * 4 + [0.0] * 10])
    day = features.water_day(litres, SIGNS)
    assert (day.litres, day.seen_h, day.zero_h, day.night_l) == (50, 20, 10, 5)
    nothing = features.water_day(np.full((1, 24), np.nan, dtype=np.float32), SIGNS)
    assert np.isnan(nothing.litres).all()
    assert nothing.seen_h == 0


def test_standby_is_the_quietest_stretch_of_most_days() -> None:
    kwh = lived_in(28).kwh.reshape(1, 28, 24).astype(np.float32)
    low = features.energy_day(kwh, SIGNS).low_kw
    low[0, 3] = 2.0  # one odd day
    assert 0.04 < features.standby(low, SIGNS)[0] < 0.07
    few = np.where(np.arange(28) < SIGNS.standby_min_days - 1, low, np.float32(np.nan))
    assert np.isnan(features.standby(few, SIGNS)).all()


def test_standby_is_of_the_scale_of_the_home() -> None:
    assert standby(3).mean() == pytest.approx(0.055, abs=0.005)


def test_a_calendar_counts_local_hours() -> None:
    calendar = Calendar(first=date(2025, 1, 6), days=10, offset_h=8)
    assert calendar.instant(0) == datetime(2025, 1, 5, 16, tzinfo=UTC)
    assert calendar.hour(datetime(2025, 1, 6, 16, 30, tzinfo=UTC)) == 24.5
    assert f"{calendar.local(25):%m-%d %H}" == "01-07 01"
    assert calendar.day(9) == date(2025, 1, 15)
    assert calendar.index(calendar.day(9)) == 9
