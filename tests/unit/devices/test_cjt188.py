import tomllib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import cjt188
from devices.decoders.reports import DecodeError, Report
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.events import EventType
from wire.reasons import Reason

FRAMES = tomllib.loads(sample("cjt188/frames.toml").decode())["frame"]
WHOLE = [frame for frame in FRAMES if "broken" not in frame]
SHANGHAI = ZoneInfo("Asia/Shanghai")
NO_CLOCK = bytes(7)


def frame(data: bytes, *, kind: int = 0x10, control: int = 0x81, address: str = "78330011223344") -> bytes:
    body = bytes([0x68, kind, *bytes.fromhex(address)[::-1], control, len(data)]) + data
    return body + bytes([sum(body) & 0xFF, 0x16])


def reading(
    current: int, *, unit: int = 0x2C, clock: bytes = NO_CLOCK, status: bytes = b"\0\0", **how: int
) -> bytes:
    return frame(
        b"\x90\x1f\x00" + digits(current, 4) + bytes([unit, *bytes(4), unit]) + clock + status, **how
    )


def digits(number: int, size: int) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def parse(payload: bytes, **options: str) -> tuple[Report, ...]:
    return cjt188.parse("cjt188/up", payload, options).reports


@pytest.mark.parametrize("found", WHOLE, ids=lambda found: found["source"])
def test_a_real_answer_says_what_people_read_in_it(found: dict) -> None:
    (report,) = parse(bytes.fromhex(found["hex"]))
    assert (report.address, report.aliases) == (found["address"], tuple(found["aliases"]))
    assert report.fields == found["fields"]
    assert report.units["current"] == found["unit"]
    assert report.local_at == found.get("at")
    assert report.refusal is None


@pytest.mark.parametrize("found", [f for f in FRAMES if "broken" in f], ids=lambda found: found["source"])
def test_a_frame_with_a_wrong_sum_is_refused(found: dict) -> None:
    with pytest.raises(DecodeError) as refused:
        parse(bytes.fromhex(found["hex"]))
    assert refused.value.refusal.reason is Reason.invalid_frame


def test_a_frame_may_be_spelled_in_digits() -> None:
    assert all(parse(found["hex"].encode()) == parse(bytes.fromhex(found["hex"])) for found in WHOLE)


def test_what_a_master_asks_and_a_valve_answers_is_left_alone() -> None:
    asked = bytes.fromhex("FE FE FE FE 68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16")
    assert parse(asked) == parse(frame(b"\x17\xa0\x01\x00\x00", control=0x84)) == ()


def test_an_error_and_an_answer_to_something_else_are_refused() -> None:
    for payload in (frame(b"\x01\x02\x03", control=0xC1), frame(b"\x20\xd1\x00" + bytes(5))):
        (report,) = parse(payload)
        assert report.refusal is not None
        assert report.refusal.reason is Reason.nothing_known


def test_a_reading_of_another_length_is_refused() -> None:
    (report,) = parse(frame(b"\x90\x1f\x00" + bytes(18)))
    assert report.refusal is not None
    assert report.refusal.reason is Reason.invalid_frame


def test_a_meter_that_says_no_current_value_says_nothing() -> None:
    body = b"\x90\x1f\x00\xff\xff\xff\xff\x2c" + bytes(4) + b"\x2c" + NO_CLOCK + b"\0\0"
    made = element(parse(frame(body))[0], load_profiles()["cjt188-water"], SHANGHAI)
    assert made.readings == ()
    assert made.refusal is not None


@pytest.mark.parametrize(
    ("profile", "kind", "unit", "channel", "value"),
    [
        ("cjt188-water", 0x10, 0x2C, 2, 12_345_670.0),
        ("cjt188-water", 0x10, 0x29, 2, 12_345.67),
        ("cjt188-hot-water", 0x11, 0x2C, 5, 12_345_670.0),
        ("cjt188-gas", 0x30, 0x2C, 3, 12_345.67),
    ],
)
def test_a_value_has_the_unit_that_its_frame_states(
    profile: str, kind: int, unit: int, channel: int, value: float
) -> None:
    (report,) = parse(reading(1234567, unit=unit, kind=kind))
    made = element(report, load_profiles()[profile], SHANGHAI)
    assert [(r.channel, r.value) for r in made.readings] == [(channel, pytest.approx(value))]


def test_a_unit_that_nobody_knows_is_not_guessed() -> None:
    (report,) = parse(reading(1234567, unit=0x00))
    made = element(report, load_profiles()["cjt188-water"], SHANGHAI)
    assert made.readings == ()
    assert made.refusal is not None
    assert "unit 00" in made.refusal.detail


@pytest.mark.parametrize(
    ("unit", "kwh"), [(0x05, 10.0), (0x08, 10_000.0), (0x11, 2777.78), (0x13, 277_777.78)]
)
def test_heat_is_counted_in_many_units(unit: int, kwh: float) -> None:
    four = digits(1000, 4) + bytes([unit])
    parts = four + four + digits(0, 4) + b"\x17" + digits(0, 4) + b"\x35" + digits(0, 4) + b"\x2c" + bytes(9)
    (report,) = parse(frame(b"\x1f\x90\x00" + parts + NO_CLOCK + b"\0\0", kind=0x20))
    made = element(report, load_profiles()["cjt188-heat"], SHANGHAI)
    assert made.readings[0].value == pytest.approx(kwh, abs=0.01)


@pytest.mark.parametrize(
    ("clock", "options", "at"),
    [
        ("59 54 16 19 08 17 20", {}, datetime(2017, 8, 19, 16, 54, 59)),  # noqa: DTZ001
        # Without the century.
        ("59 54 16 19 08 17 00", {}, datetime(2017, 8, 19, 16, 54, 59)),  # noqa: DTZ001
        ("20 20 05 28 20 58 24", {}, datetime(2020, 5, 28, 20, 58, 24)),  # noqa: DTZ001
        # It could be either: the standard's order, unless the profile knows better.
        ("20 26 11 24 08 30 20", {}, datetime(2030, 8, 24, 11, 26, 20)),  # noqa: DTZ001
        ("20 26 11 24 08 30 20", {"clock": "big"}, datetime(2026, 11, 24, 8, 30, 20)),  # noqa: DTZ001
        ("59 54 16 19 08 17 20", {"clock": "none"}, None),
        ("00 00 00 00 00 00 00", {}, None),
        ("FF FF FF FF FF FF FF", {}, None),
        ("60 20 20 00 00 00 00", {}, None),
    ],
)
def test_a_clock_is_read_in_either_order(clock: str, options: dict[str, str], at: datetime | None) -> None:
    (report,) = parse(reading(1, clock=bytes.fromhex(clock)), **options)
    assert report.local_at == at


@pytest.mark.parametrize(
    ("profile", "st1", "value"),
    [("cjt188-water", 0x04, 1.0), ("cjt188-water", 0x20, 0.0), ("cjt188-water-bit5", 0x20, 1.0)],
)
def test_which_bit_is_the_battery_is_a_matter_of_the_profile(profile: str, st1: int, value: float) -> None:
    (report,) = parse(reading(1, status=bytes([st1, 0])))
    made = element(report, load_profiles()[profile], SHANGHAI)
    assert [(event.type, event.value) for event in made.events] == [(EventType.battery_low, value)]


@given(st.integers(0, 99_999_999), st.integers(0, 10**14 - 1), st.integers(0, 4))
def test_every_value_and_address_comes_back(number: int, address: int, wake: int) -> None:
    body = b"\x1f\x90\x07" + digits(number, 4) + b"\x2c" + digits(0, 4) + b"\x2c" + NO_CLOCK + b"\x01\x02"
    (report,) = parse(b"\xfe" * wake + frame(body, address=f"{address:014d}"))
    assert report.address == f"{address:014d}"
    assert report.fields == {"type": "10", "current": number / 100, "settled": 0.0, "st1": 1.0, "st2": 2.0}


@given(st.integers(0, 34), st.integers(1, 255))
def test_no_changed_byte_passes_for_another_value(place: int, change: int) -> None:
    raw = bytearray(reading(1234567))
    raw[place] ^= change
    try:
        reports = parse(bytes(raw))
    except DecodeError:
        return
    assert all(report.fields == {} for report in reports)


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda noise: noise + frame(b"\x90\x1f" + noise)))
def test_any_bytes_give_reports_or_a_named_refusal(payload: bytes) -> None:
    try:
        reports = parse(payload)
    except DecodeError:
        return
    for report in reports:
        element(report, load_profiles()["cjt188-water"], SHANGHAI)
