import threading
from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg
import pytest

from devices import registry
from devices.errors import (
    InstallationConflict,
    InvalidDeviceCode,
    NoInstallation,
    ReservedDeviceCode,
    UnknownProfile,
)
from devices.installations import Installation, end, install, install_all
from storage.pool import Connection, connect
from tests.homes import make_estate, make_units
from wire.channels import BY_NAME, EVENTS
from wire.envelope import SERVICES
from wire.instants import to_us
from wire.quality import Quality

ENERGY = BY_NAME["energy_kwh"].code
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def us(at: datetime) -> int:
    return to_us(at)


def unit_at(found: registry.Registry, device_id: int, channel: int, at: datetime) -> int:
    columns = (np.array([number], np.int64) for number in (device_id, channel, us(at)))
    return int(found.units_at(*columns)[0])


def register(connection: Connection, code: str = "m-1", profile: str = "energy-register") -> int:
    return registry.register_device(connection, code=code, profile=profile, estate_id=make_estate(connection))


def store(connection: Connection, device_id: int, *days: int, quality: int = 0) -> None:
    for day in days:
        connection.execute(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " VALUES (%s, %s, 1, %s, %s, %s, 101)",
            [START + day * DAY, START + day * DAY, device_id, ENERGY, quality],
        )


def marks(connection: Connection) -> set[tuple[int, int, date]]:
    return set(connection.execute("DELETE FROM usage_dirty RETURNING unit_id, channel, day").fetchall())


def day(n: int) -> date:
    return (START + n * DAY).date()


def test_a_registered_device_is_found_by_its_code(connection: Connection) -> None:
    device_id = register(connection)
    device = registry.load(connection).device("m-1")
    assert device is not None
    assert (device.id, device.profile.name, device.active) == (device_id, "energy-register", True)
    assert registry.load(connection).device("m-2") is None


def test_registering_again_keeps_the_id_and_takes_what_changed(connection: Connection) -> None:
    first = register(connection)
    assert register(connection, profile="home-native") == first
    device = registry.load(connection).device("m-1")
    assert device is not None
    assert device.profile.name == "home-native"


def test_many_devices_are_registered_at_once(connection: Connection) -> None:
    estate_id = make_estate(connection)
    devices = [
        registry.NewDevice(code=f"m-{n}", profile="water-register", estate_id=estate_id) for n in range(2000)
    ]
    ids = registry.register_devices(connection, devices)
    assert len(set(ids.values())) == 2000
    assert registry.register_devices(connection, devices) == ids


@pytest.mark.parametrize("code", ["", "~settle", "a/b", "a b", "表", "x" * 65])
def test_a_code_that_no_topic_can_carry_is_refused(connection: Connection, code: str) -> None:
    with pytest.raises(InvalidDeviceCode):
        register(connection, code)


@pytest.mark.parametrize("code", SERVICES)
def test_a_code_that_a_service_of_ours_has_at_the_broker_is_refused(
    connection: Connection, code: str
) -> None:
    with pytest.raises(ReservedDeviceCode, match=code):
        register(connection, code)


def test_a_profile_that_does_not_exist_is_refused(connection: Connection) -> None:
    with pytest.raises(UnknownProfile, match="sun-dial"):
        register(connection, profile="sun-dial")


def test_a_retired_device_is_known_and_not_active(connection: Connection) -> None:
    register(connection)
    assert registry.retire(connection, "m-1")
    assert not registry.retire(connection, "m-1")
    device = registry.load(connection).device("m-1")
    assert device is not None
    assert not device.active


def test_every_change_counts_up_and_is_announced(dsn: str, connection: Connection) -> None:
    with connect(dsn, name="test", autocommit=True) as listener:
        listener.execute("LISTEN registry")
        before = registry.load(connection).version
        register(connection)
        assert registry.load(connection).version == before + 1
        connection.commit()
        assert [n.channel for n in listener.notifies(timeout=5, stop_after=1)] == ["registry"]


def test_readings_go_to_the_unit_of_their_time(connection: Connection) -> None:
    one, two = make_units(connection, 2)
    device_id = register(connection)
    common = {"device_id": device_id, "channel": ENERGY}
    install(connection, **common, unit_id=one, valid_from=START, valid_to=START + DAY)
    install(connection, **common, unit_id=two, valid_from=START + 2 * DAY)
    found = registry.load(connection)
    moments = [START - DAY, START, START + DAY, START + 2 * DAY, START + 900 * DAY]
    assert [unit_at(found, device_id, ENERGY, at) for at in moments] == [0, one, 0, two, two]
    assert unit_at(found, device_id, EVENTS, START) == 0


def test_a_device_at_an_entrance_serves_no_unit(connection: Connection) -> None:
    device_id = register(connection, profile="gate-native")
    install(connection, device_id=device_id, channel=EVENTS, entrance="南门", valid_from=START)
    assert unit_at(registry.load(connection), device_id, EVENTS, START) == 0


def test_installing_again_changes_nothing_and_marks_nothing(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    device_id = register(connection)
    store(connection, device_id, 0, 1)
    wanted = {"device_id": device_id, "channel": ENERGY, "unit_id": unit, "valid_from": START}
    first = install(connection, **wanted)
    assert marks(connection) == {(unit, ENERGY, day(0)), (unit, ENERGY, day(1))}
    assert install(connection, **wanted) == first
    assert marks(connection) == set()


def test_only_evidence_is_marked(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    device_id = register(connection)
    store(connection, device_id, 0, quality=Quality.CLOCK_SUSPECT)
    store(connection, device_id, 1, quality=Quality.IDENTITY_UNPROVEN)
    store(connection, device_id, 2, quality=Quality.CONFLICT | Quality.IMPORTED)
    install(connection, device_id=device_id, channel=ENERGY, unit_id=unit, valid_from=START)
    assert marks(connection) == {(unit, ENERGY, day(2))}


def test_a_corrected_binding_marks_the_days_of_both_units(connection: Connection) -> None:
    wrong, right = make_units(connection, 2)
    device_id = register(connection)
    store(connection, device_id, 0, 5)
    common = {"device_id": device_id, "channel": ENERGY, "valid_from": START}
    install(connection, **common, unit_id=wrong)
    marks(connection)
    install(connection, **common, unit_id=right)
    assert marks(connection) == {(unit, ENERGY, day(n)) for unit in (wrong, right) for n in range(6)}


def test_events_are_marked_under_channel_zero(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    device_id = register(connection, profile="lock-native")
    connection.execute(
        "INSERT INTO event (time, received_at, device_id, type, decoder, dedupe_key)"
        " VALUES (%s, %s, %s, 2, 101, 'k')",
        [START, START, device_id],
    )
    install(connection, device_id=device_id, channel=EVENTS, unit_id=unit, valid_from=START)
    assert marks(connection) == {(unit, EVENTS, day(0))}


def test_another_profile_means_other_readings(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    device_id = register(connection)
    store(connection, device_id, 0)
    install(connection, device_id=device_id, channel=ENERGY, unit_id=unit, valid_from=START)
    marks(connection)
    register(connection)
    assert marks(connection) == set()
    register(connection, profile="energy-interval-30min")
    assert marks(connection) == {(unit, ENERGY, day(0))}


def test_an_installation_ends_once(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    device_id = register(connection)
    store(connection, device_id, 0, 5)
    install(connection, device_id=device_id, channel=ENERGY, unit_id=unit, valid_from=START)
    marks(connection)
    for _ in range(2):
        end(connection, device_id=device_id, channel=ENERGY, valid_to=START + 3 * DAY)
    # what was spread between the two readings is on the days without one
    assert marks(connection) == {(unit, ENERGY, day(n)) for n in range(6)}
    assert unit_at(registry.load(connection), device_id, ENERGY, START + 3 * DAY) == 0
    with pytest.raises(NoInstallation):
        end(connection, device_id=device_id, channel=ENERGY, valid_to=START + 4 * DAY)


def test_a_meter_is_swapped_in_one_call(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    old, new = register(connection, "old"), register(connection, "new")
    before = Installation(device_id=old, channel=ENERGY, unit_id=unit, valid_from=START)
    install_all(connection, [before])
    after = Installation(device_id=new, channel=ENERGY, unit_id=unit, valid_from=START + DAY)
    ended = Installation(device_id=old, channel=ENERGY, unit_id=unit, valid_from=START, valid_to=START + DAY)
    assert install_all(connection, [after, ended]) == 2


def test_two_meters_of_one_channel_at_one_unit_are_refused(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    one, two = register(connection, "one"), register(connection, "two")
    install(connection, device_id=one, channel=ENERGY, unit_id=unit, valid_from=START)
    with pytest.raises(InstallationConflict):
        install(connection, device_id=two, channel=ENERGY, unit_id=unit, valid_from=START + DAY)
    install(connection, device_id=two, channel=EVENTS, unit_id=unit, valid_from=START)


@pytest.mark.parametrize("place", [{}, {"unit_id": 1, "entrance": "南门"}])
def test_an_installation_is_at_a_unit_or_at_an_entrance(connection: Connection, place: dict) -> None:
    device_id = register(connection)
    make_units(connection, 1)
    with pytest.raises(InstallationConflict):
        install(connection, device_id=device_id, channel=ENERGY, valid_from=START, **place)


def test_a_change_waits_for_the_batch_that_holds_the_registry(dsn: str, connection: Connection) -> None:
    estate_id = make_estate(connection)
    connection.commit()
    changed = threading.Event()

    def change() -> None:
        with connect(dsn, name="test") as other:
            registry.register_device(other, code="m-1", profile="lock-native", estate_id=estate_id)
        changed.set()

    before = registry.hold(connection)
    thread = threading.Thread(target=change)
    thread.start()
    with connect(dsn, name="test", autocommit=True) as watcher:
        while not _somebody_waits(watcher):
            assert not changed.is_set()
    connection.commit()
    thread.join(10)
    assert registry.hold(connection) == before + 1


def _somebody_waits(watcher: psycopg.Connection) -> bool:
    row = watcher.execute(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE locktype = 'advisory' AND NOT granted AND d.datname = current_database()"
    ).fetchone()
    return row is not None and row[0] > 0
