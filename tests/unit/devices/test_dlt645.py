import base64
import tomllib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from dlt645 import DLT645Protocol
from dlt645.model.data.define import DIMap
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import dlt645
from devices.decoders.reports import DecodeError, Report
from devices.mapping import element
from devices.profiles import load_profiles
from tests.unit.devices.samples import sample
from wire.channels import BY_NAME
from wire.events import EventType
from wire.reasons import Reason

FRAMES = tomllib.loads(sample("dlt645/frames.toml").decode())["frame"]
WHOLE = [frame for frame in FRAMES if "broken" not in frame]
SHANGHAI = ZoneInfo("Asia/Shanghai")


def frame(identifier: int, data: bytes, *, control: int = 0x91, address: str = "201709320072") -> bytes:
    """One answer, built by another implementation."""
    body = identifier.to_bytes(4, "little") + data
    return bytes(DLT645Protocol.build_frame(bytes.fromhex(address)[::-1], control, body))


def digits(number: int, size: int) -> bytes:
    return bytes.fromhex(f"{number:0{2 * size}d}")[::-1]


def parse(payload: bytes) -> tuple[Report, ...]:
    return dlt645.parse("dlt645/up", payload, {}).reports


@pytest.mark.parametrize("found", WHOLE, ids=lambda found: found["source"])
def test_a_real_answer_says_what_people_read_in_it(found: dict) -> None:
    (report,) = parse(bytes.fromhex(found["hex"]))
    assert report.address == found["address"]
    assert report.fields == found.get("fields", {})
    if "refused" in found:
        assert report.refusal is not None
        assert report.refusal.reason == found["refused"]
        assert found["detail"] in report.refusal.detail
    else:
        assert report.refusal is None


@pytest.mark.parametrize("found", [f for f in FRAMES if "broken" in f], ids=lambda found: found["source"])
def test_a_frame_with_a_wrong_sum_is_refused(found: dict) -> None:
    with pytest.raises(DecodeError) as refused:
        parse(bytes.fromhex(found["hex"]))
    assert refused.value.refusal.reason is Reason.invalid_frame


@pytest.mark.parametrize("found", WHOLE, ids=lambda found: found["source"])
def test_how_a_frame_is_spelled_does_not_matter(found: dict) -> None:
    raw = bytes.fromhex(found["hex"])
    spelled = [
        found["hex"].encode(),
        raw.hex().encode(),
        b" ".join(b"0x%02X" % byte for byte in raw),
        base64.b64encode(raw),
        base64.b64encode(raw) + b"\r\n",
    ]
    assert all(parse(payload) == parse(raw) for payload in spelled)


def test_a_payload_holds_many_frames_and_noise() -> None:
    payload = b"id=DTU-7\r\n" + b"".join(b"\xfe\xfe" + bytes.fromhex(found["hex"]) for found in WHOLE)
    assert [report.address for report in parse(payload)] == [found["address"] for found in WHOLE]


def test_a_false_start_does_not_hide_the_frame_behind_it() -> None:
    false = bytes.fromhex("68 01 02 03 04 05 06 68 91 C8")
    good, broken = parse(false + frame(0x00010000, digits(186, 4)))
    assert good.fields == {"00010000": 1.86}
    assert broken.refusal is not None
    assert broken.refusal.reason is Reason.invalid_frame
    # The package that builds the frames here waits for the 200 bytes that the false start promises.
    assert DLT645Protocol.deserialize_with_remaining(false + frame(0x00010000, digits(186, 4)))[1] is None


def test_what_a_master_asks_is_left_alone() -> None:
    asked = bytes.fromhex("FE FE FE FE 68 61 01 00 00 00 00 68 11 04 33 33 34 33 14 16")
    asked_1997 = bytes.fromhex("68 63 01 43 03 00 00 68 01 02 43 C3 83 16")
    assert parse(asked) == parse(asked_1997) == ()


def test_an_address_has_a_name_without_leading_zeros_too() -> None:
    (report,) = parse(frame(0x00010000, digits(1, 4), address="000000000161"))
    assert (report.address, report.aliases) == ("000000000161", ("161",))


def test_a_long_answer_comes_in_parts() -> None:
    totals = b"".join(digits(100 * place, 4) for place in range(63))
    first = frame(0x0001FF00, totals[:150], control=0xB1)
    rest = frame(0x0001FF00, totals[150:] + b"\x01", control=0x92)
    (report,) = parse(first + rest)
    assert report.fields == {f"0001{place:02X}00": float(place) for place in range(63)}


def test_parts_of_an_answer_alone_say_what_they_can() -> None:
    (first,) = parse(frame(0x0001FF00, digits(100, 4) + digits(50, 4) + b"\x01\x02", control=0xB1))
    assert first.fields == {"00010000": 1.0, "00010100": 0.5}
    (rest,) = parse(frame(0x0001FF00, digits(100, 4) + b"\x01", control=0x92))
    assert rest.refusal is not None
    assert rest.refusal.reason is Reason.invalid_frame


def test_a_frozen_day_is_a_reading_of_the_time_at_which_it_was_frozen() -> None:
    # The first record as a concentrator logged it (GitHub): the second last day was frozen on 2012-10-08.
    when = bytes.fromhex("68 57 01 00 00 00 00 68 91 09 34 33 39 38 33 33 3B 43 45 C3 16")
    what = frame(0x05060101, b"".join(digits(n, 4) for n in (12345, 100, 12245)), address="000000000157")
    (report,) = parse(when + what)
    assert report.local_at == datetime(2012, 10, 8)  # noqa: DTZ001
    assert report.fields == {"00010000": 123.45, "00010100": 1.0, "00010200": 122.45}


@pytest.mark.parametrize(
    "time",
    [
        b"",
        frame(0x05060001, bytes(5)),
        frame(0x05060002, digits(2610080000, 5)),
        frame(0x05000001, digits(2610080000, 5)),
    ],
    ids=["none", "no time", "of another day", "of another kind"],
)
def test_a_frozen_day_without_its_time_is_refused(time: bytes) -> None:
    reports = parse(time + frame(0x05060101, digits(12345, 4)))
    assert [report.refusal and report.refusal.reason for report in reports] == [Reason.invalid_time]


def test_a_meter_s_answers_become_readings_of_its_profile() -> None:
    profile = load_profiles()["dlt645-meter"]
    by_name = {}
    for found in FRAMES[1:6]:
        (report,) = parse(bytes.fromhex(found["hex"]))
        made = element(report, profile, SHANGHAI)
        by_name |= {reading.channel: reading.value for reading in made.readings}
    codes = {name: BY_NAME[name].code for name in ("energy_kwh", "voltage_v", "current_a", "power_w")}
    # The reverse total is not among them: it has a register of its own and is nobody's consumption.
    assert by_name == {
        codes["energy_kwh"]: 0.26,
        codes["voltage_v"]: 100.1,
        codes["current_a"]: 4.999,
        codes["power_w"]: pytest.approx(251.2),
    }


def test_only_the_total_of_a_block_is_the_register() -> None:
    (report,) = parse(frame(0x0001FF00, b"".join(digits(n, 4) for n in (21494, 5304, 5374, 5403, 5411))))
    made = element(report, load_profiles()["dlt645-meter"], SHANGHAI)
    assert [(reading.channel, reading.value) for reading in made.readings] == [(1, 214.94)]


@pytest.mark.parametrize(("word", "value"), [(0x04, 1.0), (0x08, 1.0), (0x00, 0.0), (0x30, 0.0)])
def test_a_status_word_tells_of_a_low_battery(word: int, value: float) -> None:
    (report,) = parse(frame(0x040005FF, bytes([word, 0]) + bytes(12)))
    made = element(report, load_profiles()["dlt645-meter"], SHANGHAI)
    assert [(event.type, event.value, event.is_state) for event in made.events] == [
        (EventType.battery_low, value, True)
    ]


def test_an_opened_cover_has_its_own_time_and_one_key_however_often_it_is_read() -> None:
    opened = frame(0x03300D01, digits(260309081530, 6) + digits(260309081700, 6) + bytes(64))
    profile = load_profiles()["dlt645-meter"]
    first, again = (element(report, profile, SHANGHAI).events[0] for report in parse(opened + opened))
    assert first == again
    assert first.type == EventType.tamper
    assert first.time_us == datetime(2026, 3, 9, 8, 15, 30, tzinfo=SHANGHAI).timestamp() * 1e6


def test_a_cover_that_was_never_opened_is_no_event() -> None:
    (report,) = parse(frame(0x03300D01, bytes(76)))
    made = element(report, load_profiles()["dlt645-meter"], SHANGHAI)
    assert (made.events, made.refusal) == ((), None)


@given(st.integers(0, 99_999_999), st.integers(0, 999_999_999_999), st.integers(0, 4))
def test_every_register_and_address_comes_back(number: int, address: int, wake: int) -> None:
    raw = b"\xfe" * wake + frame(0x00010000, digits(number, 4), address=f"{address:012d}")
    (report,) = parse(raw)
    assert (report.address, report.fields) == (f"{address:012d}", {"00010000": number / 100})


@given(st.sampled_from([(0x02020100, 3, 3), (0x02030000, 3, 4), (0x00000000, 4, 2)]), st.data())
def test_the_highest_bit_is_a_sign_where_there_is_one(
    item: tuple[int, int, int], data: st.DataObject
) -> None:
    identifier, size, decimals = item
    number = data.draw(st.integers(1, 10 ** (2 * size) * 8 // 10 - 1))
    sent = bytearray(digits(number, size))
    sent[-1] |= 0x80
    (report,) = parse(frame(identifier, bytes(sent)))
    assert report.fields == {f"{identifier:08X}": -number / 10**decimals}


@given(st.integers(0, 19), st.integers(1, 255))
def test_no_changed_byte_passes_for_another_value(place: int, change: int) -> None:
    raw = bytearray.fromhex("6861010000000068910833333433593333338A16")
    raw[place] ^= change
    try:
        reports = parse(bytes(raw))
    except DecodeError:
        return
    assert all(report.fields == {} for report in reports)


def test_the_table_agrees_with_another_implementation_s() -> None:
    for item in (
        0x00000000,
        0x00010000,
        0x00020000,
        0x02010100,
        0x02020100,
        0x02030000,
        0x02040000,
        0x02050000,
    ):
        theirs = DIMap[item]
        size, decimals = (len(theirs.data_format) - 1) // 2, len(theirs.data_format.split(".")[1])
        (report,) = parse(frame(item, digits(1234, size)))
        assert report.fields == {f"{item:08X}": 1234 / 10**decimals}
        assert report.units.get(f"{item:08X}") == theirs.unit.strip()


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda noise: noise + frame(0x0001FF00, noise)))
def test_any_bytes_give_reports_or_a_named_refusal(payload: bytes) -> None:
    try:
        reports = parse(payload)
    except DecodeError:
        return
    for report in reports:
        element(report, load_profiles()["dlt645-meter"], SHANGHAI)
