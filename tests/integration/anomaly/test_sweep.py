import dataclasses
import random
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import numpy as np
import pyarrow.parquet as pq
import pytest

from anomaly import export
from anomaly.calibration import Curve
from anomaly.store import update_unit_days
from anomaly.sweep import Swept, sweep
from policy import load
from policy.book import FOLDER
from storage import watermark
from storage.pool import Connection
from tests.homes import make_units
from tests.integration.anomaly.homes import (
    add_absence,
    add_battery,
    add_event,
    add_lock,
    local,
    signals,
    write_usage,
)
from tests.unit.anomaly.homes import FIRST, Home, lived_in
from tests.unit.anomaly.test_leak import START, with_flow
from wire.channels import BY_NAME, EVENTS
from wire.events import EventType, Result
from wire.quality import Quality

BOOKS = {"anhe": load("anhe")}
LEAD = BOOKS["anhe"].on(FIRST).idle.lead_days
LEFT = 40
DAYS = 100
#: Long after everything.
LATER = local(500)
ENERGY = BY_NAME["energy_kwh"].code


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def swept(connection: Connection, first: int, last: int | None = None, *, now: datetime = LATER) -> Swept:
    end = day(first if last is None else last)
    return sweep(connection, books=BOOKS, first=day(first), last=end, now=now)


def shown(connection: Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT unit_id, kind, as_of, at, since, since_pm_days, score, evidence, quality, detector, policy"
        " FROM signal ORDER BY unit_id, kind, as_of"
    ).fetchall()


@pytest.fixture
def empty_home(connection: Connection) -> int:
    """A home that was left, beside one that is lived in."""
    lived, left = make_units(connection, 2)
    write_usage(connection, lived, lived_in(DAYS, seed=1))
    write_usage(connection, left, lived_in(DAYS, seed=2).empty(LEFT, DAYS))
    return left


def test_a_range_of_evenings_is_swept(connection: Connection, empty_home: int) -> None:
    begins = LEFT + LEAD - 1
    result = swept(connection, begins - 3, begins + 2)
    assert result == Swept(homes=2, left_out=0, evenings=12, signals=3, removed=0)
    assert signals(connection) == [(empty_home, "vacancy", day(begins + n)) for n in range(3)]
    at, since, detector, policy, evidence = connection.execute(
        "SELECT at, since, detector, policy, evidence FROM signal ORDER BY as_of LIMIT 1"
    ).fetchall()[0]
    assert (at, since) == (local(begins + 1), local(LEFT))
    assert (detector, policy) == ("idle/1", BOOKS["anhe"].on(FIRST).version)
    assert evidence[0]["zh"] == f"{LEAD}天没有生活迹象，电和水两个来源一致；无离家报备"
    assert evidence[0]["from"] == day(LEFT).isoformat()


def test_sweeping_again_changes_nothing(connection: Connection, empty_home: int) -> None:
    swept(connection, 75, 95)
    before = shown(connection)
    assert swept(connection, 75, 95).removed == 0
    assert shown(connection) == before


def test_a_range_equals_its_evenings_one_by_one(connection: Connection, empty_home: int) -> None:
    swept(connection, 78, 90)
    at_once = shown(connection)
    connection.execute("DELETE FROM signal")
    for number in range(90, 77, -1):
        swept(connection, number)
    assert shown(connection) == at_once
    assert at_once


def test_a_leak_is_a_signal_with_its_start(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    write_usage(connection, unit, with_flow(lived_in(80), 20))
    swept(connection, 70, 72)
    found = connection.execute("SELECT kind, since FROM signal ORDER BY as_of LIMIT 1").fetchone()
    assert found is not None
    assert found[0] == "leak"
    assert abs(found[1] - local(0, START)) <= timedelta(hours=2)


# --- only what had arrived ------------------------------------------------------------------------


def test_data_that_came_late_do_not_change_an_evening_before_they_came(
    connection: Connection, empty_home: int
) -> None:
    """People came back for a day, but the concentrator told it two weeks later."""
    begins = LEFT + LEAD - 1
    home = lived_in(DAYS, seed=2).empty(LEFT, DAYS)
    back = dataclasses.replace(
        home,
        kwh=np.where(np.arange(home.kwh.size) // 24 == LEFT + 30, lived_in(DAYS, seed=2).kwh, home.kwh),
        delay_h=np.where(np.arange(home.kwh.size) // 24 == LEFT + 30, 24 * 14, 0),
    )
    hole = home.without(LEFT + 30, LEFT + 31, "kwh", "litres")
    write_usage(connection, empty_home, hole)
    swept(connection, begins, begins + 2)
    before = shown(connection)
    assert signals(connection) == [(empty_home, "vacancy", day(begins + n)) for n in (1, 2)]
    write_usage(connection, empty_home, back, days=[LEFT + 30])
    swept(connection, begins, begins + 2)
    assert shown(connection) == before
    # once it has come, the clock stands back
    assert swept(connection, LEFT + 30 + 15).signals == 0


def test_an_absence_registered_late_does_not_pause_an_earlier_evening(
    connection: Connection, empty_home: int
) -> None:
    begins = LEFT + LEAD - 1
    add_absence(connection, empty_home, LEFT + 5, 300, registered_at=local(begins + 3, 10))
    swept(connection, begins, begins + 6)
    assert signals(connection) == [(empty_home, "vacancy", day(begins + n)) for n in range(3)]


def test_events_count_from_the_day_they_came(connection: Connection, empty_home: int) -> None:
    begins = LEFT + LEAD - 1
    lock = add_lock(connection, empty_home)
    add_event(connection, lock, local(LEFT + 20, 12), received_at=local(begins + 1, 12))
    swept(connection, begins, begins + 3)
    assert signals(connection) == [(empty_home, "vacancy", day(begins))]


def test_an_event_without_proof_of_its_device_is_no_sign_of_life(
    connection: Connection, empty_home: int
) -> None:
    lock = add_lock(connection, empty_home)
    unproven = int(Quality.IDENTITY_UNPROVEN)
    add_event(connection, lock, local(LEFT + 20, 12), quality=unproven)
    assert swept(connection, LEFT + LEAD - 1).signals == 1


def test_a_smoke_detector_is_no_witness_at_the_door(connection: Connection, empty_home: int) -> None:
    device = add_lock(connection, empty_home, profile="hazard-native")
    for number in range(DAYS):
        add_event(connection, device, local(number, 9), kind=EventType.smoke_test)
    swept(connection, LEFT + LEAD - 1)
    (evidence,) = connection.execute("SELECT evidence FROM signal").fetchone() or ([],)
    assert {item["code"] for item in evidence} >= {"door_missing"}


def test_motion_inside_is_a_sign_of_life(connection: Connection, empty_home: int) -> None:
    device = add_lock(connection, empty_home, profile="hazard-native")
    add_event(connection, device, local(LEFT + 20, 9), kind=EventType.motion)
    assert swept(connection, LEFT + LEAD - 1, LEFT + LEAD + 10).signals == 0


def test_a_refused_stranger_at_the_door_is_no_sign_of_life(connection: Connection, empty_home: int) -> None:
    lock = add_lock(connection, empty_home)
    add_event(connection, lock, local(LEFT + 20, 9), kind=EventType.entry)
    connection.execute("UPDATE event SET result = %s", [int(Result.denied)])
    assert swept(connection, LEFT + LEAD - 1).signals == 1


def test_a_lock_that_reports_its_battery_is_heard(connection: Connection, empty_home: int) -> None:
    lock = add_lock(connection, empty_home, profile="home-native")
    for number in range(0, DAYS, 5):
        add_battery(connection, lock, local(number, 3))
    swept(connection, LEFT + LEAD - 1)
    (evidence,) = connection.execute("SELECT evidence FROM signal").fetchone() or ([],)
    assert {item["code"]: item["weight"] for item in evidence}["door_quiet"] == 1


def test_today_ends_now(connection: Connection, empty_home: int) -> None:
    begins = LEFT + LEAD - 1
    noon = local(begins, 12)
    assert swept(connection, begins, begins + 5, now=noon).evenings == 2
    swept(connection, begins + 1, begins + 5, now=local(begins + 1, 22))
    (at,) = connection.execute("SELECT max(at) FROM signal").fetchone() or (None,)
    assert at == local(begins + 1, 22)


def test_what_is_not_found_again_is_withdrawn(connection: Connection, empty_home: int) -> None:
    begins = LEFT + LEAD - 1
    swept(connection, begins, begins + 2)
    write_usage(connection, empty_home, lived_in(DAYS, seed=2))
    assert swept(connection, begins + 1) == Swept(homes=2, left_out=0, evenings=2, signals=0, removed=1)
    assert signals(connection) == [(empty_home, "vacancy", day(begins + n)) for n in (0, 2)]


def test_a_sweep_says_how_far_sweeps_went(connection: Connection, empty_home: int) -> None:
    swept(connection, 90)
    swept(connection, 80)
    assert watermark.noted(connection, "sweep") == {
        "first": day(80).isoformat(),
        "last": day(90).isoformat(),
    }


def test_progress_is_told_in_homes(connection: Connection, empty_home: int) -> None:
    told: list[tuple[int, int]] = []
    sweep(
        connection,
        books=BOOKS,
        first=day(90),
        last=day(90),
        now=LATER,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(2, 2)]


def test_each_evening_is_judged_by_the_policy_of_its_day(
    connection: Connection, empty_home: int, tmp_path: Path
) -> None:
    """A city whose lead step changed in between: the evenings before it keep the older one."""
    begins = LEFT + LEAD - 1
    for file in FOLDER.glob("*.toml"):
        shutil.copy(file, tmp_path)
    with (tmp_path / "anhe.toml").open("a", encoding="utf-8") as city:
        city.write(
            f"""
[[rule]]
key = "idle_lead_days"
value = {LEAD + 2}
effective_from = 2020-01-01
effective_to = {day(begins + 4)}
article = "试行"
mark = "J"
"""
        )
    books = {"anhe": load("anhe", tmp_path)}
    sweep(connection, books=books, first=day(begins), last=day(begins + 6), now=LATER)
    found = connection.execute("SELECT as_of, policy FROM signal ORDER BY as_of").fetchall()
    assert [one[0] for one in found] == [day(begins + n) for n in range(2, 7)]
    assert [one[1] for one in found] == [books["anhe"].on(one[0]).version for one in found]
    assert len({one[1] for one in found}) == 2


def test_an_estate_in_another_zone_has_its_own_days(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    connection.execute("UPDATE estate SET time_zone = 'Asia/Tokyo'")
    write_usage(connection, unit, lived_in(DAYS).empty(LEFT, DAYS))
    swept(connection, LEFT + LEAD)
    (at,) = connection.execute("SELECT at FROM signal").fetchone() or (None,)
    assert at == local(LEFT + LEAD + 1) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ("time_zone = 'Asia/Kolkata'", "Asia/Kolkata is 5:30:00 from UTC"),
        ("city = 'atlantis'", "no policy for the city 'atlantis'"),
    ],
    ids=["a zone of half hours", "a city without a policy"],
)
def test_an_estate_that_cannot_be_judged_does_not_stop_the_others(
    connection: Connection, empty_home: int, caplog: pytest.LogCaptureFixture, odd: LiteralString, why: str
) -> None:
    (unit,) = make_units(connection, 1, code="E2")
    connection.execute(f"UPDATE estate SET {odd} WHERE code = 'E2'")
    write_usage(connection, unit, lived_in(DAYS).empty(LEFT, DAYS))
    begins = LEFT + LEAD - 1
    assert swept(connection, begins) == Swept(homes=3, left_out=1, evenings=2, signals=1, removed=0)
    assert signals(connection) == [(empty_home, "vacancy", day(begins))]
    assert update_unit_days(connection, touch(unit, ENERGY, 5) + touch(empty_home, ENERGY, 5), BOOKS, LATER)
    assert days_of(connection, empty_home)
    assert not days_of(connection, unit)
    lines = [record.getMessage() for record in caplog.records]
    assert [line.startswith(f"left out 1 homes: {why}") for line in lines] == [True, True]


def test_without_homes_nothing_happens(connection: Connection) -> None:
    assert swept(connection, 0, 5) == Swept(homes=0, left_out=0, evenings=0, signals=0, removed=0)


# --- unit_day -------------------------------------------------------------------------------------


def days_of(connection: Connection, unit: int) -> dict[int, dict[str, object]]:
    cursor = connection.execute("SELECT * FROM unit_day WHERE unit_id = %s ORDER BY day", [unit])
    names = [column.name for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {(row["day"] - FIRST).days: row for row in rows}


def touch(unit: int, channel: int, *numbers: int) -> list[tuple[int, int, date]]:
    return [(unit, channel, day(number)) for number in numbers]


def test_touched_days_become_features(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    home = lived_in(40).empty(30, 35)
    write_usage(connection, unit, home)
    lock = add_lock(connection, unit)
    add_event(connection, lock, local(20, 18), kind=EventType.entry, subject="p-unknown")
    add_event(connection, lock, local(20, 18.01))
    add_absence(connection, unit, 33, 35, registered_at=local(32))
    touched = touch(unit, ENERGY, *range(-1, 40)) + touch(unit, EVENTS, 20)
    assert update_unit_days(connection, touched, BOOKS, LATER) >= 40
    rows = days_of(connection, unit)
    lively, quiet, away = rows[20], rows[31], rows[34]
    assert lively["energy_kwh"] == pytest.approx(home.kwh[480:504].sum(), abs=1e-3)
    assert lively["water_l"] == pytest.approx(home.litres[480:504].sum())
    assert (lively["entries"], lively["entries_unknown"], lively["doors"]) == (1, 1, 1)
    assert (lively["energy_alive"], lively["water_alive"], lively["door_alive"]) == (True, True, True)
    assert (quiet["energy_alive"], quiet["water_alive"], quiet["absent"]) == (False, False, False)
    assert (quiet["water_zero_h"], quiet["water_night_l"], quiet["energy_seen_h"]) == (24, 0, 24)
    assert away["absent"] is True
    assert rows[2]["entries"] is None
    assert rows[2]["energy_alive"] is None  # too few days for standby


def test_only_touched_days_and_those_that_rest_on_them_are_written(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    write_usage(connection, unit, lived_in(60))
    water = BY_NAME["water_l"].code
    assert update_unit_days(connection, touch(unit, water, 30), BOOKS, LATER) == 2
    assert list(days_of(connection, unit)) == [30, 31]
    update_unit_days(connection, touch(unit, water, *range(60)), BOOKS, LATER)
    rules = BOOKS["anhe"].on(FIRST).signs
    assert update_unit_days(connection, touch(unit, ENERGY, 10), BOOKS, LATER) == 1 + rules.standby_days
    assert update_unit_days(connection, touch(unit, EVENTS, 10), BOOKS, LATER) == 1 + rules.door_memory_days


@pytest.mark.parametrize("order", ["as they happened", "the last first", "mixed"])
def test_days_step_by_step_equal_days_at_once(connection: Connection, order: str) -> None:
    """Whatever came when: consumption, people at the door, and a lock that told of its battery alone."""
    (unit,) = make_units(connection, 1)
    lock = add_lock(connection, unit)
    home = lived_in(60).without(20, 25, "kwh")
    steps = [(day, "usage") for day in range(-1, 60)]
    steps += [(day, "door") for day in (3, 4, 30)] + [(day, "battery") for day in (10, 28, 57)]
    steps.sort()
    if order == "the last first":
        steps.reverse()
    elif order == "mixed":
        random.Random(7).shuffle(steps)

    def come(day: int, what: str) -> list[tuple[int, int, date]]:
        if what == "usage":
            write_usage(connection, unit, home, days=[day])
            return touch(unit, ENERGY, day - 1, day)
        if what == "door":
            add_event(connection, lock, local(day, 12))
        else:
            add_battery(connection, lock, local(day, 12))
        return touch(unit, EVENTS, day)

    touched: list[tuple[int, int, date]] = []
    for step in steps:
        touched += (new := come(*step))
        update_unit_days(connection, new, BOOKS, LATER)
    stepped = days_of(connection, unit)
    assert {row["door_alive"] for row in stepped.values()} == {True, False, None}
    connection.execute("DELETE FROM unit_day")
    update_unit_days(connection, touched, BOOKS, LATER)
    assert days_of(connection, unit) == stepped


def test_a_withdrawn_day_is_unknown_not_zero(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    home = lived_in(40)
    write_usage(connection, unit, home)
    update_unit_days(connection, touch(unit, ENERGY, *range(40)), BOOKS, LATER)
    write_usage(connection, unit, home.without(30, 31, "kwh", "litres"))
    update_unit_days(connection, touch(unit, ENERGY, 29, 30), BOOKS, LATER)
    row = days_of(connection, unit)[30]
    assert row["energy_seen_h"] == row["water_seen_h"] == 0
    unknown = ("energy_kwh", "energy_active_h", "water_l", "water_active_h", "water_zero_h", "energy_alive")
    assert [row[name] for name in unknown] == [None] * len(unknown)


def test_days_that_have_not_begun_are_left_out(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    write_usage(connection, unit, lived_in(60))
    update_unit_days(connection, touch(unit, ENERGY, 9, 10, 30), BOOKS, local(10, 12))
    assert max(days_of(connection, unit)) == 10


# --- export ---------------------------------------------------------------------------------------


def test_signals_are_exported_in_the_columns_of_the_back_test(
    connection: Connection, empty_home: int, tmp_path: Path
) -> None:
    swept(connection, LEFT + LEAD - 1, LEFT + LEAD)
    file = tmp_path / "signals.parquet"
    assert export.export(connection, file) == 2
    table = pq.read_table(file)
    assert table.column_names == ["unit_id", "kind", "at", "since", "score", "evidence"]
    first = table.to_pylist()[0]
    (code,) = connection.execute("SELECT code FROM unit WHERE id = %s", [empty_home]).fetchone() or ("",)
    assert (first["unit_id"], first["kind"]) == (code, "vacancy")
    assert (first["at"], first["since"]) == (local(LEFT + LEAD), local(LEFT))
    assert first["evidence"].startswith(f"{LEAD}天没有生活迹象")
    assert list(tmp_path.iterdir()) == [file]


def test_no_signals_are_an_empty_file_and_the_limit_is_exported_on_demand(
    connection: Connection, tmp_path: Path
) -> None:
    (unit,) = make_units(connection, 1)
    home: Home = lived_in(260).empty(LEFT, 260)
    write_usage(connection, unit, home)
    file = tmp_path / "signals.parquet"
    assert export.export(connection, file) == 0
    assert pq.read_table(file).num_rows == 0
    swept(connection, 259)
    assert export.export(connection, file) == 1
    assert export.export(connection, file, kinds=["idle_limit"]) == 1
    assert pq.read_table(file)["kind"].to_pylist() == ["idle_limit"]


def test_visits_have_taught_how_right_the_scores_are(connection: Connection) -> None:
    """A calibration moves the scores of the evenings from its own on, and of no other kind."""
    unit_id = make_units(connection, 1)[0]
    write_usage(connection, unit_id, lived_in(150).empty(60, 150))

    def scores() -> dict[str, list[float]]:
        swept(connection, 140, 149)
        found: dict[str, list[float]] = {}
        for kind, score in connection.execute("SELECT kind, score FROM signal ORDER BY kind, as_of"):
            found.setdefault(kind, []).append(score)
        return found

    before = scores()
    assert len(before["vacancy"]) == 10
    connection.execute(
        "INSERT INTO calibration (city, family, detector, made_at, intercept, slope, unit_years, confirmed,"
        " lots, first_at, last_at, error_before, error_after, policy)"
        " VALUES ('anhe', 'vacancy', 'idle/1', %(t)s, -1, 0.5, 200, 20, 0, %(t)s, %(t)s, 0.3, 0.1, 'p')",
        {"t": local(146)},
    )
    after = scores()
    assert after["vacancy"][:5] == before["vacancy"][:5]
    curve = Curve(intercept=-1, slope=0.5)
    assert after["vacancy"][5:] == pytest.approx([curve(one) for one in before["vacancy"][5:]], abs=1e-6)
    assert {kind: found for kind, found in after.items() if kind != "vacancy"} == {
        kind: found for kind, found in before.items() if kind != "vacancy"
    }
