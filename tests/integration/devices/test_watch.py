"""What is wrong with devices: raised by silence and data, cleared by data, never for ever."""

import threading
from datetime import timedelta

import pytest

from devices import registry
from devices import watch as watching
from devices.conditions import Kind
from devices.profiles import load_profiles
from storage.pool import Connection, connect
from tests.integration.devices.watched import (
    BEFORE,
    ENERGY,
    FOLDED,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    POLICIES,
    POWER,
    WATER,
    Estate,
    make_watched,
)
from wire.channels import BY_NAME
from wire.events import EventType

METERS = [f"meter-{n}" for n in range(1, 6)]
OTHERS = ["box-1", "lock-1"]


@pytest.fixture
def estate(connection: Connection) -> Estate:
    """Everything is well."""
    made = make_watched(connection)
    connection.commit()
    return made


def test_nothing_is_wrong_with_what_was_just_heard(estate: Estate) -> None:
    assert estate.watched() == {}


def test_a_device_is_offline_after_three_intervals_and_back_with_its_next_message(estate: Estate) -> None:
    later = NOW + 3 * HOUR
    estate.listens(later)
    estate.hears(*METERS, "gate", at=later)
    assert estate.watched(later) == {}
    later += MINUTE
    estate.listens(later)
    assert estate.watched(later) == {"box-1": {OFFLINE}}
    row = estate.connection.execute("SELECT since, seen_at, detail FROM device_condition").fetchone()
    assert row == (NOW, later, {"interval_s": 3600})
    estate.hears("box-1", at=later)
    assert estate.watched(later) == {}


def test_devices_are_not_to_blame_while_nobody_listened(estate: Estate) -> None:
    # Ingest was away for a day: nobody was heard.
    later = NOW + timedelta(days=1)
    assert estate.watched(later) == {}
    # Back: each has its own time to be heard first.
    estate.listens(later, resumed=True)
    assert estate.watched(later + HOUR) == {}
    estate.listens(later + 2 * HOUR)
    estate.hears(*METERS, "gate", at=later + HOUR)
    assert estate.watched(later + 2 * HOUR) == {"box-1": {OFFLINE}}


def test_a_clock_that_jumps_while_ingest_listens_is_no_outage(estate: Estate) -> None:
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    assert estate.watched(later)["box-1"] == {OFFLINE}


def test_what_hangs_somewhere_and_was_never_heard_is_told_by_itself(estate: Estate) -> None:
    estate.connection.execute("DELETE FROM device_sign WHERE device_id = %s", [estate.ids["box-1"]])
    assert estate.watched() == {"box-1": {"never_heard"}}
    since = estate.connection.execute("SELECT since FROM device_condition").fetchone()
    assert since == (BEFORE,)


def test_retired_devices_and_ended_installations_raise_nothing(estate: Estate) -> None:
    later = NOW + timedelta(days=9)
    estate.listens(later)
    estate.hears(*METERS, "gate", at=later)
    assert set(estate.watched(later)) == {"box-1", "lock-1"}
    registry.retire(estate.connection, "box-1")
    estate.connection.execute(
        "UPDATE installation SET valid_to = %s WHERE device_id = %s", [later, estate.ids["lock-1"]]
    )
    assert estate.watched(later) == {}


def test_a_gateway_that_falls_silent_is_one_fault(estate: Estate) -> None:
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    estate.hears(*OTHERS, at=later)
    found = estate.watched(later)
    assert found == {"gate": {OFFLINE}} | {code: {FOLDED} for code in METERS}
    detail = estate.connection.execute("SELECT detail->'children' FROM device_condition WHERE behind IS NULL")
    assert detail.fetchone() == (5,)


def test_a_child_that_is_still_silent_when_its_gateway_is_back_gets_its_own(estate: Estate) -> None:
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    estate.hears(*OTHERS, at=later)
    estate.watched(later)
    back = later + HOUR
    estate.listens(back)
    estate.hears("gate", at=back, own=None)
    # Nobody has had the time to be heard yet.
    assert estate.watched(back) == {code: {FOLDED} for code in METERS}
    estate.hears(*METERS[1:], at=back + HOUR)
    soon = back + 3 * HOUR - MINUTE
    estate.hears("gate", at=soon, own=None)
    estate.hears(*OTHERS, at=soon)
    estate.listens(soon)
    assert estate.watched(soon) == {"meter-1": {FOLDED}}
    estate.listens(soon + MINUTE)
    assert estate.watched(soon + MINUTE) == {"meter-1": {OFFLINE}}


def test_children_that_fall_silent_together_are_one_fault_of_a_gateway_that_lives(estate: Estate) -> None:
    estate.hears("meter-5", at=NOW - MINUTE * 50)
    later = NOW + 3 * HOUR + MINUTE
    estate.listens(later)
    estate.hears(*OTHERS, "gate", "meter-2", at=later)
    assert estate.watched(later) == {
        "gate": {"children_silent"},
        **{f"meter-{n}": {FOLDED} for n in (1, 3, 4, 5)},
    }


def test_children_that_never_come_back_behind_a_gateway_that_does_are_its_fault(estate: Estate) -> None:
    later = NOW + timedelta(hours=4)
    for hours in range(8):
        at = later + hours * HOUR
        estate.listens(at)
        estate.hears(*OTHERS, at=at)
        if hours:
            estate.hears("gate", at=at, own=None)
        found = estate.watched(at)
        # Its own silence; then time for the children; then theirs together, for as long as it lasts.
        own = {0: {OFFLINE}}.get(hours, {"children_silent"} if hours >= 4 else set())
        assert found == {code: {FOLDED} for code in METERS} | ({"gate": own} if own else {}), hours


def test_what_was_silent_long_before_its_gateway_is_a_fault_of_its_own(estate: Estate) -> None:
    estate.connection.execute(
        "UPDATE device_sign SET received_at = %s WHERE device_id = %s",
        [NOW - timedelta(days=9), estate.ids["meter-1"]],
    )
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    estate.hears(*OTHERS, at=later)
    found = estate.watched(later)
    assert found["meter-1"] == {OFFLINE}
    assert found["meter-2"] == {FOLDED}


def test_a_channel_that_stops_is_told_while_the_other_goes_on(estate: Estate) -> None:
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    estate.hears(*METERS, "lock-1", "gate", at=later)
    estate.hears("box-1", at=later, without=WATER)
    assert estate.watched(later) == {"box-1": {"channel_silent"}}
    row = estate.connection.execute("SELECT channel, since FROM device_condition").fetchone()
    assert row == (WATER, NOW)
    estate.reads("box-1", WATER, {later: 100.0})
    assert estate.watched(later) == {}


def test_a_lock_that_reports_its_battery_and_no_events_is_well(estate: Estate) -> None:
    later = NOW + timedelta(days=3)
    estate.listens(later)
    estate.hears(*METERS, "box-1", "lock-1", "gate", at=later)
    estate.reads("lock-1", BY_NAME["battery_pct"].code, {later: 80.0})
    assert estate.watched(later) == {}


def test_a_register_that_stands_still_is_stuck_only_while_something_runs(estate: Estate) -> None:
    hours = [NOW - n * HOUR / 2 for n in range(60)]
    ids = [estate.ids[f"meter-{n}"] for n in (1, 2, 3)]
    estate.connection.execute("DELETE FROM reading WHERE device_id = ANY(%s)", [ids])
    estate.reads("meter-1", ENERGY, dict.fromkeys(hours[1:], 100.0))
    estate.reads("meter-1", POWER, dict.fromkeys(hours, 8.0))
    estate.reads("meter-2", ENERGY, dict.fromkeys(hours[1:], 101.0))
    estate.reads("meter-2", POWER, dict.fromkeys(hours, 800.0))
    # At this one something ran for a moment only.
    estate.reads("meter-3", ENERGY, dict.fromkeys(hours[1:], 102.0))
    estate.reads("meter-3", POWER, {at: 800.0 if at == NOW else 3.0 for at in hours})
    assert estate.watched() == {"meter-2": {"stuck"}}
    row = estate.connection.execute("SELECT channel, detail FROM device_condition").fetchone()
    assert row is not None
    assert row[0] == ENERGY
    assert row[1]["power_w"] == 800


def test_a_mains_voltage_that_never_moves_is_stuck(estate: Estate) -> None:
    voltage = BY_NAME["voltage_v"].code
    hours = [NOW - n * HOUR for n in range(60)]
    estate.reads("meter-1", voltage, dict.fromkeys(hours, 229.7))
    estate.reads("meter-2", voltage, {at: 229.7 if at.hour % 7 else 230.1 for at in hours})
    assert estate.watched() == {"meter-1": {"stuck"}}
    estate.reads("meter-1", voltage, {NOW + MINUTE: 229.8})
    assert estate.watched(NOW + MINUTE) == {}


def test_a_battery_is_low_and_good_again(estate: Estate) -> None:
    charge = BY_NAME["battery_pct"].code
    for hours, value, low in (
        (0, 40.0, False),
        (1, 14.0, True),
        (2, 17.0, True),
        (3, 21.0, False),
        (4, 17.0, False),
    ):
        at = NOW + hours * MINUTE
        estate.reads("lock-1", charge, {at: value})
        assert estate.watched(at) == ({"lock-1": {"low_battery"}} if low else {}), value


def test_a_device_s_own_word_on_its_battery_counts_until_it_takes_it_back(estate: Estate) -> None:
    named = next(p.name for p in load_profiles().values() if "battery_low" in p.events)
    estate.connection.execute("UPDATE device SET profile = %s WHERE code = 'lock-1'", [named])
    # The number that stands in the statement and in its index.
    assert int(EventType.battery_low) == 8
    estate.tells("lock-1", EventType.battery_low, NOW - HOUR, 1.0)
    assert estate.watched() == {"lock-1": {"low_battery"}}
    estate.tells("lock-1", EventType.battery_low, NOW, 0.0)
    assert estate.watched() == {}


@pytest.mark.parametrize(
    ("lags", "kind"),
    [
        ([0, 20, 5], None),
        # Ahead of arrival: nothing can be late by that.
        ([-600, -610, -700], "clock_drift"),
        # Behind by the same each time.
        ([9000, 9010, 9005], "clock_drift"),
        # An hour back is what the meter stamps.
        ([3600, 3601, 3600], None),
        # What arrives is old, and not always equally so.
        ([0, 0, 14_400], "late"),
    ],
)
def test_a_wrong_clock_is_told_from_data_that_are_late(
    estate: Estate, lags: list[int], kind: str | None
) -> None:
    estate.connection.execute("DELETE FROM device_sign WHERE device_id = %s", [estate.ids["box-1"]])
    for n, lag in enumerate(lags):
        estate.hears("box-1", at=NOW - (3 - n) * MINUTE, own=timedelta(seconds=lag))
    assert estate.watched() == ({} if kind is None else {"box-1": {kind}})


def test_missing_numbers_are_told_until_they_come_or_lie_far_back(estate: Estate) -> None:
    estate.connection.execute(
        "UPDATE device_sign SET counter = 900, missing = '{[100,120),[800,806)}' WHERE device_id = %s",
        [estate.ids["box-1"]],
    )
    assert estate.watched() == {"box-1": {"sequence_gap"}}
    assert estate.connection.execute("SELECT detail FROM device_condition").fetchone() == (
        {"missing": 6, "of": 500},
    )
    estate.connection.execute("UPDATE device_sign SET counter = 1310 WHERE counter = 900")
    assert estate.watched() == {}


def test_a_device_that_sends_too_much_is_told_for_an_hour(estate: Estate) -> None:
    estate.connection.execute(
        "UPDATE device_sign SET limited = 7, limited_at = %s WHERE device_id = %s", [NOW, estate.ids["box-1"]]
    )
    assert estate.watched() == {"box-1": {"rate_limited"}}
    later = NOW + HOUR + MINUTE
    estate.listens(later)
    assert estate.watched(later) == {}


def test_data_that_come_while_a_pass_looks_are_not_overwritten_for_ever(
    dsn: str, estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    estate.hears(*METERS, "gate", "lock-1", at=later)
    estate.connection.commit()
    judged = watching.fold

    def data_come_now(*args: object, **kwargs: object) -> object:
        with connect(dsn, name="ingest") as other:
            Estate(connection=other, units=[], ids=estate.ids).hears("box-1", at=later)
        return judged(*args, **kwargs)  # pyright: ignore[reportArgumentType]

    with monkeypatch.context() as patch:
        patch.setattr(watching, "fold", data_come_now)
        found = watching.watch(estate.connection, policies=POLICIES, now=later)
    # The pass judged by what it had read …
    assert [one.kind for one in found.conditions] == [Kind.offline]
    # … and still did not write it; nor is anything left for the next one to overlook.
    assert estate.connection.execute("SELECT count(*) FROM device_condition").fetchone() == (0,)
    assert estate.watched(later) == {}


def test_what_a_pass_wrote_too_late_the_next_one_clears(estate: Estate) -> None:
    """As after a crash between an old pass's reading and its writing: nothing but the state counts."""
    estate.connection.execute(
        "INSERT INTO device_condition (device_id, kind, since, seen_at) VALUES (%s, 'offline', %s, %s)",
        [estate.ids["box-1"], BEFORE, NOW + HOUR],
    )
    assert estate.watched() == {}


def test_two_passes_at_once_leave_what_one_would(dsn: str, estate: Estate) -> None:
    later = NOW + timedelta(hours=4)
    estate.listens(later)
    estate.hears(*METERS, "gate", "lock-1", at=later)
    estate.connection.commit()
    failed: list[BaseException] = []

    def again() -> None:
        try:
            with connect(dsn, name="worker") as own:
                for _ in range(10):
                    watching.watch(own, policies=POLICIES, now=later)
                    own.commit()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=again) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    rows = estate.connection.execute("SELECT device_id, kind FROM device_condition").fetchall()
    assert rows == [(estate.ids["box-1"], "offline")]
