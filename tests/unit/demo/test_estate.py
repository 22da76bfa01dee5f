"""The demo estate as planned from the checked-in sample."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anju import demo
from anju.demo import doors, episodes, households, people, plan, series
from anju.demo.households import DAY_S, Households
from anju.demo.plan import Home

ANCHOR = (date(2026, 11, 24) - date(1970, 1, 1)).days
DATA = Path(demo.__file__).parent / "data"


@cache
def _sample() -> Households:
    return households.read(DATA)


@cache
def _homes(anchor: int = ANCHOR) -> list[Home]:
    return plan.make(_sample(), anchor)


def test_the_sample_is_small_and_says_where_it_comes_from() -> None:
    assert sum(file.stat().st_size for file in DATA.glob("*.parquet")) <= 2_000_000
    told = (DATA / "README.md").read_text(encoding="utf-8")
    assert "UK Power Networks" in told
    assert "CC BY-SA 4.0" in told


def test_there_are_48_homes_of_which_some_are_not_covered_and_some_have_no_lock() -> None:
    homes = _homes()
    assert len(homes) == 48
    assert len({home.place.code for home in homes}) == 48
    assert sum(home.covered for home in homes) == 46
    assert 30 <= sum(home.has_lock for home in homes) < 46
    assert {home.place.building for home in homes} == {"3", "5", "7"}


def test_no_household_lends_its_year_to_two_homes() -> None:
    covered = [home for home in _homes() if home.water and home.electricity]
    assert len({home.water.household for home in covered if home.water}) == len(covered)
    assert len({home.electricity.household for home in covered if home.electricity}) == len(covered)


@pytest.mark.parametrize("weekday", range(7))
def test_long_vacancies_and_leak_like_runs_last_until_today_on_any_weekday(weekday: int) -> None:
    """Found by the rules alone; runs of a few days reach today on some weekdays only."""
    vacant, flowing = set(), set()
    for home in _homes(ANCHOR + weekday):
        if home.water is None or home.water_turn is None:
            continue
        yesterday = home.water_turn.source(-1) or 0
        quiet = episodes.longest_quiet(home.water)
        flow = episodes.strongest_flow(home.water, at_least=5)
        if quiet and quiet.days >= 30 and quiet.first <= yesterday <= quiet.last:
            vacant.add(home.water.household)
        if flow and flow.first <= yesterday <= flow.last:
            flowing.add(home.water.household)
    assert vacant == {5, 10, 22}
    assert {6, 70} <= flowing <= {6, 26, 57, 70, 86}


def test_one_absence_is_registered_and_still_running() -> None:
    absent = [home for home in _homes() if home.absence]
    assert len(absent) == 1
    first, last = absent[0].absence or (0, 0)
    assert first < 0 < last
    assert series.away_days(absent[0], 0)[first:-1].all()


def test_a_meter_whose_record_stopped_is_silent_and_stays_so() -> None:
    home = next(home for home in _homes() if home.water and home.water.household == 37)
    for last in (0, 5):
        register = series.water(home, ANCHOR, last)
        silent_days = ANCHOR - (register.time_us[-1] // 1_000_000 + series.ZONE_S) // DAY_S
        assert 2 <= silent_days <= 14
    assert series.electricity(home, ANCHOR, 0).time_us[-1] // 1_000_000 // DAY_S == ANCHOR


def test_registers_end_today_and_keep_local_hour_and_weekday() -> None:
    home = next(home for home in _homes() if home.water and home.water.household == 50)
    register = series.water(home, ANCHOR, 0)
    assert home.water is not None
    assert home.water_turn is not None
    wall = register.time_us // 1_000_000 + series.ZONE_S
    assert (wall[0] // DAY_S, wall[-1] // DAY_S) == (ANCHOR - 364, ANCHOR)
    moved = (ANCHOR - home.water_turn.end) * DAY_S
    assert moved % (7 * DAY_S) == 0
    assert np.isin(wall - moved, home.water.wall_s).mean() > 0.9


@pytest.mark.parametrize("household", [6, 10, 22, 70])
def test_the_electricity_register_never_falls_and_counts_hundredths(household: int) -> None:
    home = next(home for home in _homes() if home.water and home.water.household == household)
    register = series.electricity(home, ANCHOR, 0)
    assert (np.diff(register.value) >= 0).all()
    assert (np.diff(register.time_us) > 0).all()
    assert np.allclose(register.value * 100, np.round(register.value * 100), atol=1e-6)


def test_the_published_energy_of_the_year_is_in_the_register() -> None:
    home = next(h for h in _homes() if h.electricity and not series.away_days(h, 0).any())
    assert home.electricity is not None
    register = series.electricity(home, ANCHOR, -1)
    published = np.nansum(home.electricity.kwh) * 364 / home.electricity.kwh.shape[0]
    assert register.value[-1] - register.value[0] == pytest.approx(published, rel=0.01)


def test_an_absence_in_the_water_shows_in_electricity_and_doors() -> None:
    home = next(home for home in _homes() if home.water and home.water.household == 22)
    away = series.away_days(home, 0)
    assert away[-60:].all()
    day_us = DAY_S * 1_000_000
    register = series.electricity(home, ANCHOR, 0)
    midnight = (ANCHOR - 60) * DAY_S - series.ZONE_S
    recent = register.between(midnight * 1_000_000, (midnight + 59 * DAY_S) * 1_000_000)
    before = register.between(0, register.time_us[0] + 60 * day_us)
    assert recent.value[-1] - recent.value[0] < 0.7 * (before.value[-1] - before.value[0])
    tenants = people.tenancy(home, date(2026, 11, 24)).people
    if home.has_lock:
        assert not [e for e in doors.events(home, tenants, ANCHOR, 0) if e.time_us > midnight * 1_000_000]


def test_register_falls_stay_as_published() -> None:
    home = next(home for home in _homes() if home.water and home.water.household == 19)
    assert (np.diff(series.water(home, ANCHOR, 0).value) < 0).sum() > 100


def test_the_same_day_gives_the_same_estate_and_a_later_day_continues_it() -> None:
    home = next(home for home in _homes() if home.has_lock)
    tenants = people.tenancy(home, date(2026, 11, 24)).people
    once = doors.events(home, tenants, ANCHOR, 0, first=-10)
    again = doors.events(home, tenants, ANCHOR, 3, first=-10)
    assert again[: len(once)] == once
    water, longer = series.water(home, ANCHOR, 0), series.water(home, ANCHOR, 3)
    assert np.array_equal(longer.value[: water.value.size], water.value)
    power, further = series.electricity(home, ANCHOR, 0), series.electricity(home, ANCHOR, 3)
    assert np.array_equal(further.value[: power.value.size], power.value)


def test_other_households_in_the_same_schemas_stand_in(shared: Path) -> None:
    homes = plan.make(households.read(shared / "data"), ANCHOR)
    assert sum(home.covered for home in homes) == 46


def test_records_too_short_or_incomplete_leave_homes_uncovered(tmp_path: Path) -> None:
    when = pa.array([0, 3_600, 7_200], pa.timestamp("s", "UTC"))
    short = pa.table({"household": [1, 1, 1], "ts": when, "reading_l": [5, 6, 7]})
    month = pa.array(range(0, 30 * DAY_S, 3_600), pa.timestamp("s", "UTC"))
    power = {"household": [2] * len(month), "ts": month, "kwh": [0.1] * len(month)}
    pq.write_table(short, tmp_path / "a.parquet")
    pq.write_table(pa.table(power), tmp_path / "b.parquet")
    found = households.read(tmp_path)
    assert found.water == []
    assert not any(home.covered for home in plan.make(found, ANCHOR))


def test_a_folder_without_household_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(households.DataUnusable, match="needs one Parquet file"):
        households.read(tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(households.DataUnusable, match=r"broken\.parquet"):
        households.read(tmp_path)
