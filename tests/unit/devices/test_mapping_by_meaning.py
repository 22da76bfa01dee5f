"""From a report to readings and events where the profile names no field, or not all of them."""

import json
from dataclasses import replace
from datetime import UTC
from math import isfinite
from time import process_time
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.chirpstack import parse
from devices.decoders.elements import Element
from devices.decoders.reports import Report
from devices.mapping import element
from devices.profiles import Profile, Rule, load_profiles
from devices.registry import Device, Registry
from ingest.bound import Bound
from ingest.limits import limits_of
from ingest.message import Message
from ingest.sorting import Sorter
from policy.book import cities, load
from wire.channels import BY_CODE, BY_NAME
from wire.events import EventType
from wire.reasons import Reason

PROFILES = load_profiles()
ANY = PROFILES["lorawan-any"]
NOW_US = 1_795_507_200_000_000


def report(fields: dict[str, float | bool | str], **more: object) -> Report:
    return Report(raw=b"raw", fields=fields, at_us=NOW_US, counted="c1", **more)  # pyright: ignore[reportArgumentType]


def readings(found: Element) -> dict[str, float]:
    return {BY_CODE[reading.channel].name: reading.value for reading in found.readings}


def the_events(found: Element) -> dict[str, float | None]:
    return {EventType(event.type).name: event.value for event in found.events}


def meant(fields: dict[str, float | bool | str], profile: Profile = ANY) -> Element:
    return element(report(fields), profile, UTC)


def test_a_device_has_the_channels_and_events_of_its_profile_and_no_others() -> None:
    found = meant({"temperature": 21.0, "battery": 98.0, "leak": True}, PROFILES["lorawan-door-contact"])
    assert readings(found) == {"temperature_c": 21, "battery_pct": 98}
    assert the_events(found) == {}


def test_what_a_rule_names_is_not_taken_by_meaning() -> None:
    fields: dict[str, float | bool | str] = {
        "power_consumption": 74.0,
        "current": 168.0,
        "voltage": 235.0,
        "active_power": 35.0,
    }
    assert readings(meant(fields)) == {"voltage_v": 235, "power_w": 35}
    assert readings(meant(fields, PROFILES["milesight-socket"])) == {
        "energy_kwh": 0.074,
        "current_a": 0.168,
        "voltage_v": 235,
        "power_w": 35,
    }


@pytest.mark.parametrize(
    ("profile", "wanted"),
    [("lorawan-heat-meter", {"heat_kwh": 894.0}), ("lorawan-any", {}), ("lorawan-water-meter", {})],
)
def test_a_profile_says_what_a_message_does_not(profile: str, wanted: dict[str, float]) -> None:
    assert readings(meant({"energy": 894.0, "energyUnit": "kWh"}, PROFILES[profile])) == wanted


@pytest.mark.parametrize(("unit", "kwh"), [("kWh", 8.0), ("MWh", 8_000.0), ("GJ", 2222.222)])
def test_a_rule_without_a_unit_takes_the_one_that_stands_beside(unit: str, kwh: float) -> None:
    profile = replace(PROFILES["lorawan-heat-meter"], rules=(Rule(name="e", channel="heat_kwh"),))
    found = readings(meant({"e": 8.0, "eUnit": unit}, profile))
    assert {name: round(value, 3) for name, value in found.items()} == {"heat_kwh": kwh}


def test_a_state_is_told_as_one_and_a_press_as_what_happened() -> None:
    found = meant({"leak": False, "magnet_status": "open", "press": "short"})
    assert the_events(found) == {"water_leak": 0, "door_opened": None, "button_pressed": None}
    assert {EventType(event.type).name: event.is_state for event in found.events} == {
        "water_leak": True,
        "door_opened": True,
        "button_pressed": False,
    }


def test_a_closed_door_is_an_event_of_its_own() -> None:
    assert the_events(meant({"magnet_status": "close"})) == {"door_closed": None}


def test_a_state_at_two_times_is_two_events() -> None:
    fields = {
        "samples.0.date": "2026-11-24T07:00:00Z",
        "samples.0.occupancy": True,
        "samples.1.date": "2026-11-24T07:30:00Z",
        "samples.1.occupancy": True,
    }
    found = meant(dict(fields))
    assert len({(event.dedupe_key, event.time_us) for event in found.events}) == 2
    assert found.events == meant(dict(fields)).events


def test_a_join_is_a_device_that_came_online() -> None:
    assert the_events(meant({"join": True})) == {"online": None}


def test_what_is_out_of_scope_says_its_code() -> None:
    refusal = meant({"latitude": 24.6, "longitude": 118.0}).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.out_of_scope, "position")


def test_what_nobody_knows_is_quarantined_by_its_fields() -> None:
    refusal = meant({"zz": "x"}).refusal
    assert refusal is not None
    assert (refusal.reason, refusal.detail) == (Reason.nothing_known, "zz")


def test_a_servers_messages_are_readings_of_its_children() -> None:
    server = device(1, "ns-1", "chirpstack-server")
    sensor = device(2, "leak-1", "lorawan-any", gateway=1, address="24e124136b502217")
    registry = Registry(
        version=1, devices={one.code: one for one in (server, sensor)}, services=MappingProxyType({})
    )
    book = load(cities()[0].code)
    sorter = Sorter(
        registry=registry, limits=limits_of(book.on(book.first_day).ingest), bound=Bound(["gw/+/#"])
    )
    sent = {
        "deduplicationId": "d1",
        "time": "2026-11-24T08:00:00Z",
        "deviceInfo": {"devEui": "24e124136b502217"},
        "object": {"battery": 92, "leakage_status": "leak"},
    }

    def sort(eui: str) -> tuple[int, int, list[Reason]]:
        payload = json.dumps(sent | {"deviceInfo": {"devEui": eui}}).encode()
        topic = f"gw/ns-1/application/a/device/{eui}/event/up"
        found = sorter.sort([Message(topic=topic, payload=payload, received_us=NOW_US)])
        devices = {key.device_id for key in found.events} | set(found.readings.rows["device_id"].tolist())
        assert devices <= {2}
        refused = [row.refusal.reason for row in found.quarantined.values()]
        return len(found.readings), len(found.events), refused

    assert sort("24e124136b502217") == (1, 1, [])
    assert sort("24e1240000000000") == (0, 0, [Reason.unlisted_child])


def device(
    number: int, code: str, profile: str, *, gateway: int | None = None, address: str | None = None
) -> Device:
    return Device(
        id=number,
        code=code,
        profile=PROFILES[profile],
        active=True,
        zone=ZoneInfo("Asia/Shanghai"),
        gateway_id=gateway,
        address=address,
    )


WORDS = ("temperature", "battery", "value", "unit", "type", "date", "time", "leak", "door", "open", "status")
MORE_WORDS = ("energy", "kWh", "total", "0", "1", "t1", "l1", "target", "m3")
NAMES = st.lists(st.sampled_from((*WORDS, *MORE_WORDS)) | st.text(max_size=6), min_size=1, max_size=4).map(
    ".".join
) | st.text(max_size=20)
VALUES = (
    st.booleans()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=12)
    | st.sampled_from(
        ["2026-11-24T08:00:00Z", "0001-01-01 00:00", "9999-12-31", "kWh", "leak", "1e400", "-5 °C"]
    )
)


@pytest.mark.parametrize(
    "fields",
    [
        {f"energy{n}Unit": "kWh" for n in range(1_000)} | {f"energy{n}": 1.0 for n in range(1_000)},
        {f"set_date_{n}": "2021-12-31" for n in range(1_000)}
        | {f"at_set_date_{n}_m3": 1.0 for n in range(1_000)},
        {f"a{n}" + ".b" * 30: 1.0 for n in range(2_000)},
        {"abcDef_" * 35 + str(n): "leak status" for n in range(2_000)},
        {f"status{n}": "A" * 511 for n in range(2_000)},
        {f"status{n}": "A" * 200_000 for n in range(20)},
    ],
    ids=["units", "dates", "depth", "long names", "flags", "long values"],
)
def test_no_report_takes_long(fields: dict[str, float | bool | str]) -> None:
    began = process_time()
    meant(fields)
    assert process_time() - began < 5


@given(
    st.dictionaries(NAMES, VALUES, max_size=12),
    st.dictionaries(NAMES, st.text(max_size=5), max_size=3),
    st.sampled_from(["lorawan-any", "wmbus-any", "milesight-socket", "obis-electricity"]),
    st.text(max_size=20) | st.sampled_from(["heat", "smoke detector", "water"]),
)
def test_any_report_means_something_or_is_refused(
    fields: dict[str, float | bool | str], units: dict[str, str], profile: str, about: str
) -> None:
    found = element(report(fields, units=units, about=about), PROFILES[profile], ZoneInfo("Asia/Shanghai"))
    assert found.readings or found.events or found.refusal
    assert all(isfinite(reading.value) for reading in found.readings)
    assert all(BY_CODE[reading.channel].name in BY_NAME for reading in found.readings)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["value", "unit", "type", "time", "temperature", "energyUnit", "energy", "date"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_object_of_a_codec_means_something_or_is_refused(decoded: object) -> None:
    eui = "24e124136b502217"
    payload = json.dumps({"deviceInfo": {"devEui": eui}, "object": decoded, "data": "AQ=="}).encode()
    for one in parse(f"application/a/device/{eui}/event/up", payload, {}).reports:
        found = element(one, ANY, UTC)
        assert found.readings or found.events or found.refusal
