"""What the use of homes says of their devices: on the list, in an alert, and gone when use says so."""

from datetime import datetime, timedelta

import pytest

from alerts.kinds import sentence
from alerts.raising import raise_alerts
from anomaly.sweep import sweep
from devices import overview
from devices.installations import install
from devices.registry import register_device
from devices.watch import watch
from policy import load
from storage.pool import Connection
from tests.homes import make_estate, make_units
from tests.integration.anomaly.homes import MIDNIGHT, add_event, add_lock, local, write_usage
from tests.unit.anomaly.homes import FIRST, lived_in
from tests.unit.anomaly.test_quality import exchanged, still, turned, unlike
from wire.channels import BY_NAME

BOOKS = {"anhe": load("anhe")}
POLICIES = {"anhe": BOOKS["anhe"].on(FIRST)}
DAYS, CHANGE = 160, 120


def add_meter(connection: Connection, unit_id: int, channel: str, *, since: datetime = MIDNIGHT) -> str:
    """Install a meter; returns its code."""
    profile = "energy-register" if channel == "energy_kwh" else "water-register"
    code = f"{profile}-{unit_id}-{since:%m%d}"
    device_id = register_device(
        connection, code=code, profile=profile, estate_id=make_estate(connection), serial=""
    )
    install(connection, device_id=device_id, channel=BY_NAME[channel].code, unit_id=unit_id, valid_from=since)
    return code


def swept(connection: Connection, now: datetime) -> dict[str, list[str]]:
    """Sweep as of a moment, look at the devices, and say what stands on their list."""
    today = FIRST + timedelta(days=(now - local(0)).days)
    sweep(connection, books=BOOKS, first=today, last=today, now=now)
    watch(connection, policies=POLICIES, now=now)
    return {one.code: one.faults for one in overview.devices(connection, state="fault")}


def doubts(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without what the watch itself says: nothing was ever heard of these devices."""
    kept = {code: [kind for kind in kinds if kind != "never_heard"] for code, kinds in found.items()}
    return {code: kinds for code, kinds in kept.items() if kinds}


@pytest.fixture
def homes(connection: Connection) -> list[int]:
    return make_units(connection, 3)


def test_a_meter_that_stands_still_is_on_the_list_until_it_moves(
    connection: Connection, homes: list[int]
) -> None:
    code = add_meter(connection, homes[0], "water_l")
    add_meter(connection, homes[0], "energy_kwh")
    home = still(lived_in(DAYS, seed=5), CHANGE, 150)
    write_usage(connection, homes[0], home)
    assert doubts(swept(connection, local(CHANGE + 10))) == {}
    assert doubts(swept(connection, local(CHANGE + 20))) == {code: ["stuck_beside_life"]}
    since, detail = connection.execute(
        "SELECT since, detail FROM v_device_condition WHERE kind = 'stuck_beside_life'"
    ).fetchall()[0]
    assert since == local(CHANGE)
    raise_alerts(connection, troubles=[], rules=POLICIES["anhe"].alerts, now=local(CHANGE + 20))
    kind, told, unit = connection.execute(
        "SELECT kind, detail, unit_id FROM alert WHERE kind = 'meter_stuck' AND cleared_at IS NULL"
    ).fetchall()[0]
    assert unit == homes[0]
    zh, en = sentence(kind, told)
    assert detail["zh"] in zh
    assert "The water meter reports but did not move since 2025-05-06" in en
    assert doubts(swept(connection, local(155))) == {}
    raise_alerts(connection, troubles=[], rules=POLICIES["anhe"].alerts, now=local(155))
    assert connection.execute(
        "SELECT count(*) FROM alert WHERE kind = 'meter_stuck' AND cleared_at IS NULL"
    ).fetchone() == (0,)


def test_a_meter_that_came_later_is_in_doubt_only_since_then(
    connection: Connection, homes: list[int]
) -> None:
    add_meter(connection, homes[0], "water_l", since=local(CHANGE + 5))
    write_usage(connection, homes[0], still(lived_in(DAYS, seed=5), CHANGE))
    swept(connection, local(CHANGE + 20))
    assert connection.execute(
        "SELECT since FROM device_condition WHERE kind = 'stuck_beside_life'"
    ).fetchall() == [(local(CHANGE + 5),)]


def test_a_clock_is_told_of_each_meter_and_of_no_other_home(connection: Connection, homes: list[int]) -> None:
    codes = [add_meter(connection, homes[0], channel) for channel in ("energy_kwh", "water_l")]
    add_meter(connection, homes[1], "water_l")
    write_usage(connection, homes[0], turned(lived_in(DAYS, seed=1), 8, CHANGE))
    write_usage(connection, homes[1], lived_in(DAYS, seed=2))
    assert doubts(swept(connection, local(DAYS))) == {code: ["clock_skew"] for code in codes}


def test_a_lock_is_told_and_other_devices_of_the_door_are_not(
    connection: Connection, homes: list[int]
) -> None:
    lock = add_lock(connection, homes[0])
    add_lock(connection, homes[0], profile="z2m-smoke")
    write_usage(connection, homes[0], lived_in(DAYS, seed=3))
    for day in range(CHANGE):
        add_event(connection, lock, local(day, 19))
    assert doubts(swept(connection, local(CHANGE + 15))) == {f"lock-native-{homes[0]}": ["lock_outage"]}
    add_event(connection, lock, local(CHANGE + 15, 1))
    assert doubts(swept(connection, local(CHANGE + 17))) == {}


def test_crossed_meters_name_the_other_home(connection: Connection) -> None:
    units = make_units(connection, 4)
    codes = [add_meter(connection, unit, "energy_kwh") for unit in units]
    for unit, home in zip(units, exchanged(unlike(DAYS), 0, 2, CHANGE, DAYS), strict=True):
        write_usage(connection, unit, home)
    assert doubts(swept(connection, local(DAYS))) == {codes[0]: ["crossed"], codes[2]: ["crossed"]}
    told = connection.execute(
        "SELECT device, detail->>'other_unit' FROM v_device_condition WHERE kind = 'crossed' ORDER BY device"
    ).fetchall()
    assert sorted(told) == sorted([(codes[0], "1-1-3"), (codes[2], "1-1-1")])


def test_a_device_that_was_taken_down_is_in_no_doubt(connection: Connection, homes: list[int]) -> None:
    add_meter(connection, homes[0], "water_l")
    write_usage(connection, homes[0], still(lived_in(DAYS, seed=5), CHANGE))
    assert doubts(swept(connection, local(CHANGE + 20)))
    connection.execute("UPDATE installation SET valid_to = %s", [local(CHANGE + 21)])
    watch(connection, policies=POLICIES, now=local(CHANGE + 22))
    assert connection.execute("SELECT count(*) FROM device_condition").fetchone() == (0,)
