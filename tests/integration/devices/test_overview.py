"""The list of devices: found, filtered, in the reader's estates, in one query."""

from datetime import timedelta

import pytest

from devices import lifecycle, overview, registry
from devices.acts import Commission
from devices.timelines import Place
from storage.pool import Connection
from tests.estates import NOW, build_estates, estate_id

HOUR = timedelta(hours=1)


@pytest.fixture
def flats(connection: Connection) -> list[str]:
    """Two meters that hang in a home, of which one fails, a free one, a retired one, and one elsewhere."""
    units = build_estates(connection, "HA", "HB")
    for code, profile, estate in (
        ("e-1", "energy-register", "HA"),
        ("w-1", "water-register", "HA"),
        ("w-free", "water-register", "HA"),
        ("w-old", "water-register", "HA"),
        ("w-far", "water-register", "HB"),
    ):
        registry.register_device(
            connection,
            code=code,
            profile=profile,
            estate_id=estate_id(connection, estate),
            serial=f"S{code}",
        )
    for code, unit in (("e-1", units["HA"][0]), ("w-1", units["HA"][1])):
        wanted = Commission(device=code, place=Place(unit_id=unit), since=NOW - HOUR)
        lifecycle.perform(connection, wanted, by="account:li", now=NOW)
    connection.execute("UPDATE device SET status = 'retired' WHERE code = 'w-old'")
    connection.execute(
        "INSERT INTO device_sign (device_id, received_at) SELECT id, %s FROM device WHERE code = 'e-1'",
        [NOW - HOUR],
    )
    connection.execute(
        "INSERT INTO device_condition (device_id, kind, since, seen_at)"
        " SELECT id, kind, %s, %s FROM device, unnest(ARRAY['late', 'clock_drift']) kind WHERE code = 'w-1'",
        [NOW, NOW],
    )
    codes: dict[int, str] = dict(connection.execute("SELECT id, code FROM unit").fetchall())
    return [codes[unit] for unit in units["HA"]]


def found(connection: Connection, **asked: object) -> list[str]:
    return [one.code for one in overview.devices(connection, **asked)]  # pyright: ignore[reportArgumentType]


def test_a_device_says_where_it_hangs_when_it_was_heard_and_what_is_wrong(
    connection: Connection, flats: list[str]
) -> None:
    first, _, failing, *_ = overview.devices(connection)
    assert (first.code, first.units, first.heard_at, first.faults) == ("e-1", [flats[0]], NOW - HOUR, [])
    assert (failing.code, failing.units, failing.heard_at) == ("w-far", [], None)
    (failing,) = overview.devices(connection, state="fault")
    assert (failing.code, failing.faults) == ("w-1", ["clock_drift", "late"])


def test_devices_are_filtered(connection: Connection, flats: list[str]) -> None:
    mine = [estate_id(connection, "HA")]
    assert found(connection) == ["e-1", "w-1", "w-far", "w-free", "w-old"]
    assert found(connection, estates=mine) == ["e-1", "w-1", "w-free", "w-old"]
    assert found(connection, estates=[]) == []
    assert found(connection, estate="HB") == ["w-far"]
    assert found(connection, state="free", estates=mine) == ["w-free"]
    assert found(connection, state="retired") == ["w-old"]
    assert found(connection, profiles=["energy-register"]) == ["e-1"]
    assert found(connection, profiles=[]) == []
    assert found(connection, words="sW-1") == ["w-1"]
    assert found(connection, words="energy") == ["e-1"]
    assert found(connection, words=flats[1]) == ["w-1"]
    assert found(connection, words="%") == []
    assert found(connection, after="w-1", limit=2) == ["w-far", "w-free"]
