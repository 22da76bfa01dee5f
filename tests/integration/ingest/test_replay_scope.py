"""A replay of single devices leaves alone what others said, though they speak on one topic."""

import dataclasses
from datetime import timedelta

import pytest

from devices import registry
from devices.registry import NewDevice
from ingest.bound import Bound
from ingest.replay import Outcome, Scope, replay
from storage.pool import Connection
from tests.homes import make_estate
from tests.integration.ingest.conftest import NOW, RULES, Rows, make_pipeline, sent

TOPIC = "gw/dtu-1/dlt645/up"
FRAME = bytes.fromhex("FE FE 68 72 00 32 09 17 20 68 91 08 33 33 34 33 B9 34 33 33 6D 16")
EVERYTHING = Scope(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))
REFUSED = "SELECT reason, count(*) FROM quarantine GROUP BY reason"


def frame_of(address: int) -> bytes:
    """The same reading of the meter whose number ends so."""
    frame = bytearray(FRAME)
    at = frame.index(0x68)
    frame[at + 1] = address
    frame[-2] = sum(frame[at:-2]) & 0xFF
    return bytes(frame)


@pytest.fixture
def estate_id(connection: Connection) -> int:
    found = make_estate(connection)
    connect_meters(connection, found, ["dtu-1", "e-1"])
    return found


def connect_meters(connection: Connection, estate_id: int, codes: list[str]) -> None:
    every = {
        "dtu-1": NewDevice(code="dtu-1", profile="dlt645-gateway", estate_id=estate_id),
        **{
            code: NewDevice(
                code=code,
                profile="dlt645-meter",
                estate_id=estate_id,
                gateway="dtu-1",
                address=f"2017093200{number}",
            )
            for code, number in {"e-1": 72, "e-8": 98, "e-9": 99}.items()
        },
    }
    registry.register_devices(connection, [every[code] for code in codes])
    connection.commit()


def again(connection: Connection, *devices: str) -> Outcome:
    connection.commit()
    return replay(
        connection,
        dataclasses.replace(EVERYTHING, devices=frozenset(devices)),
        bound=Bound(["gw/+/#"]),
        rules=lambda _: RULES,
        now=NOW + timedelta(hours=1),
        by="system:test",
    )


def test_what_another_meter_of_the_gateway_said_stays_in_quarantine(
    connection: Connection, estate_id: int, rows: Rows
) -> None:
    pipeline = make_pipeline(connection, bound=["gw/+/#"])
    pipeline.store([sent(FRAME, topic=TOPIC), sent(frame_of(0x99), topic=TOPIC)])
    connection.commit()
    assert again(connection, "e-1").released == 0
    assert rows(REFUSED) == [("unlisted_child", 1)]


def test_what_is_good_now_of_another_meter_is_not_lost_either(
    connection: Connection, estate_id: int, rows: Rows
) -> None:
    pipeline = make_pipeline(connection, bound=["gw/+/#"])
    pipeline.store([sent(frame_of(number), topic=TOPIC) for number in (0x72, 0x98, 0x99)])
    connect_meters(connection, estate_id, ["e-8", "e-9"])
    assert again(connection, "e-9").released == 1
    assert rows(REFUSED) == [("unlisted_child", 1)]
    assert again(connection, "e-8").released == 1
    assert rows(REFUSED) == []
    assert rows("SELECT count(*) FROM reading") == [(3,)]
