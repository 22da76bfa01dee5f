"""An estate with devices, and a pipeline that stores what they send."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

import policy
from devices import registry
from devices.installations import Installation, install_all
from ingest.bound import Bound
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection
from tests.homes import make_estate, make_units
from wire.channels import BY_NAME, EVENTS
from wire.envelope import Kind, topic_of
from wire.instants import to_us

#: When everything arrives, unless a test says otherwise.
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
INSTALLED = datetime(2020, 1, 1, tzinfo=UTC)
ENERGY = BY_NAME["energy_kwh"].code
WATER = BY_NAME["water_l"].code
BOUND = ("hm/v1/+/#",)
AT = "2026-11-24T08:00:00Z"
RULES = policy.load("anhe").on(NOW.date()).ingest


@dataclass(frozen=True, kw_only=True)
class Site:
    """Units with a box each: `home-1` at the first unit, and so on; `old-1` is retired, `bare-1` hangs
    nowhere."""

    units: list[int]
    devices: dict[str, int]


def make_site(connection: Connection, *, units: int = 2) -> Site:
    """Write the site and commit."""
    unit_ids = make_units(connection, units)
    estate_id = make_estate(connection)
    codes = [f"home-{n + 1}" for n in range(units)]
    new = [registry.NewDevice(code=code, profile="home-native", estate_id=estate_id) for code in codes]
    new += [
        registry.NewDevice(code="old-1", profile="energy-register", estate_id=estate_id),
        registry.NewDevice(code="bare-1", profile="energy-register", estate_id=estate_id),
    ]
    devices = registry.register_devices(connection, new)
    registry.retire(connection, "old-1")
    install_all(
        connection,
        [
            Installation(device_id=devices[code], channel=channel, unit_id=unit_id, valid_from=INSTALLED)
            for code, unit_id in zip(codes, unit_ids, strict=True)
            for channel in (ENERGY, WATER, EVENTS)
        ],
    )
    connection.commit()
    return Site(units=unit_ids, devices=devices)


@pytest.fixture
def site(connection: Connection) -> Site:
    """The site of this test."""
    return make_site(connection)


def make_pipeline(connection: Connection, *, bound: Sequence[str] = BOUND) -> Pipeline:
    """A pipeline whose clock stands still."""
    return Pipeline(
        connection, bound=Bound(bound), rules=lambda _: RULES, now=lambda: NOW, source="ingest-test"
    )


@pytest.fixture
def pipeline(connection: Connection) -> Pipeline:
    """Stores what it is given; tests read over the same connection."""
    return make_pipeline(connection)


def us(at: datetime) -> int:
    """Microseconds since 1970."""
    return to_us(at)


def sent(payload: bytes | str, *, topic: str = "", received: datetime = NOW) -> Message:
    """A message as the broker delivers it; by default on the topic of home-1."""
    raw = payload.encode() if isinstance(payload, str) else payload
    return Message(topic=topic or topic_of("home-1", Kind.readings), payload=raw, received_us=us(received))


def reading(
    value: float | str, *, at: str = AT, channel: str = "energy_kwh", device: str = "home-1", seq: int = 1
) -> Message:
    """A message with one reading; a value that is text stands in the JSON as it is."""
    number = value if isinstance(value, str) else json.dumps(value)
    payload = f'{{"seq":{seq},"at":"{at}","readings":[{{"ch":"{channel}","v":{number}}}]}}'
    return sent(payload, topic=topic_of(device, Kind.readings))


def event(
    type_: str = "door_opened", *, at: str = AT, device: str = "home-1", seq: int = 1, **more: object
) -> Message:
    """A message with one event."""
    payload = json.dumps({"seq": seq, "at": at, "type": type_} | more)
    return sent(payload, topic=topic_of(device, Kind.events))


Rows = Callable[[str], list[tuple]]


@pytest.fixture
def rows(connection: Connection) -> Rows:
    """Ask the database."""
    return lambda query: connection.execute(query).fetchall()  # pyright: ignore[reportArgumentType]


TALLY = (
    "SELECT coalesce(sum(messages), 0)::int, coalesce(sum(readings), 0)::int, coalesce(sum(events), 0)::int,"
    " coalesce(sum(duplicates), 0)::int, coalesce(sum(event_duplicates), 0)::int,"
    " coalesce(sum(quarantined), 0)::int FROM ingest_tally"
)
