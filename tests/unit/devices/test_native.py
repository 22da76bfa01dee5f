"""What the native decoder makes of good, bad and half bad payloads."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.elements import DecodedReading
from devices.decoders.native import decode
from wire.envelope import MAX_PAYLOAD_BYTES, Kind
from wire.reasons import Reason

AT_US = 1_795_507_200_000_000
HEAD = '"seq":17,"at":"2026-11-24T08:00:00Z"'


def reading(value: str, channel: str = "energy_kwh") -> str:
    return f'{{{HEAD},"readings":[{{"ch":"{channel}","v":{value}}}]}}'


def event(rest: str) -> bytes:
    return f"{{{HEAD},{rest}}}".encode()


def the_reason(kind: Kind, payload: bytes | str) -> Reason | None:
    (element,) = decode(kind, payload.encode() if isinstance(payload, str) else payload)
    assert element.raw == (payload.encode() if isinstance(payload, str) else payload)
    return None if element.refusal is None else element.refusal.reason


def test_a_reading_is_decoded() -> None:
    (element,) = decode(Kind.readings, reading("1234.56").encode())
    assert element.readings == (DecodedReading(channel=1, time_us=AT_US, value=1234.56),)
    assert element.refusal is None


@pytest.mark.parametrize(
    "at", ["2026-11-24T16:00:00+08:00", "2026-11-24T08:00:00.000000Z", "2026-11-24 08:00:00z"]
)
def test_any_zone_is_the_same_moment(at: str) -> None:
    payload = reading("1").replace("2026-11-24T08:00:00Z", at).encode()
    assert decode(Kind.readings, payload)[0].readings[0].time_us == AT_US


def test_keys_nobody_knows_are_ignored() -> None:
    assert the_reason(Kind.readings, reading("1")[:-1] + ',"colour":{"a":[1]}}') is None


def test_of_a_key_twice_the_last_one_counts() -> None:
    (element,) = decode(Kind.readings, b'{"seq":1,' + reading("5").encode()[1:])
    assert element.readings[0].value == 5


def test_minus_zero_is_zero() -> None:
    assert str(decode(Kind.readings, reading("-0.0").encode())[0].readings[0].value) == "0.0"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        # Not text.
        (b'{"x":"\xff"}', Reason.invalid_utf8),
        (b"\xfe\xfe\x68\x01\x02", Reason.invalid_utf8),
        (b"x" * (MAX_PAYLOAD_BYTES + 1), Reason.payload_too_large),
        # Not JSON.
        ("on", Reason.invalid_json),
        ("12abc", Reason.invalid_json),
        ('{"seq":1', Reason.invalid_json),
        ('{"seq":"x"} and more', Reason.invalid_json),
        ("[1,", Reason.invalid_json),
        ("\ufeff" + reading("1"), Reason.invalid_json),
        (reading("01"), Reason.invalid_json),
        (reading("0x1f"), Reason.invalid_json),
        ("[" * 100_000, Reason.invalid_json),
        ("[" * 100_000 + "]" * 100_000, Reason.invalid_json),
        ('{"x":' + "[" * 100_000 + "]" * 100_000 + "}", Reason.invalid_json),
        ('{"x":"\\ud800"}', Reason.invalid_json),
        (reading("1", "\\udfff"), Reason.invalid_json),
        # Nothing.
        ("", Reason.empty),
        (" \n", Reason.empty),
        ("[]", Reason.empty),
        (f'{{{HEAD},"readings":[]}}', Reason.empty),
        # Another shape.
        ("null", Reason.invalid_shape),
        ("42", Reason.invalid_shape),
        ('"text"', Reason.invalid_shape),
        ("{}", Reason.invalid_shape),
        (reading('"1"'), Reason.invalid_shape),
        (reading("true"), Reason.invalid_shape),
        (reading("null"), Reason.invalid_shape),
        (reading("[1]"), Reason.invalid_shape),
        (reading("1").replace("17", "-1"), Reason.invalid_shape),
        (reading("1").replace("17", "1.5"), Reason.invalid_shape),
        (reading("1").replace("17", "9" * 30), Reason.invalid_shape),
        (reading("1").replace("17", "9" * 5000), Reason.invalid_shape),
        (reading("1").replace('"seq":17,', ""), Reason.invalid_shape),
        # Not a number one can count with.
        (reading("NaN"), Reason.not_finite),
        (reading("Infinity"), Reason.not_finite),
        (reading("-Infinity"), Reason.not_finite),
        (reading("1e999"), Reason.not_finite),
        (reading("1" + "0" * 400), Reason.not_finite),
        # Not a time.
        (reading("1").replace("00Z", "00"), Reason.invalid_time),
        (reading("1").replace("-24T", "-31T"), Reason.invalid_time),
        (reading("1").replace('"2026-11-24T08:00:00Z"', "1795507200"), Reason.invalid_time),
        # Not in the closed list.
        (reading("1", "energy_mwh"), Reason.unknown_channel),
        (reading("1", "a\\u0000b"), Reason.unknown_channel),
    ],
)
def test_a_bad_reading_has_its_reason(payload: bytes | str, reason: Reason) -> None:
    assert the_reason(Kind.readings, payload) is reason


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ('"type":"door_opened"', None),
        ('"type":"entry","subject":"p-1","method":"face","result":"granted"', None),
        ('"type":"door_left_open","value":12.5', None),
        ('"type":"earthquake"', Reason.unknown_event),
        ('"type":"entry","method":"telepathy"', Reason.unknown_event),
        ('"type":"entry","result":"perhaps"', Reason.unknown_event),
        ('"type":1', Reason.invalid_shape),
        ('"type":"entry","subject":"a\\u0000"', Reason.invalid_shape),
        ('"type":"entry","subject":7', Reason.invalid_shape),
        ('"type":"door_left_open","value":NaN', Reason.not_finite),
        ('"type":"door_left_open","value":-1e999', Reason.not_finite),
    ],
)
def test_an_event_has_its_reason(rest: str, reason: Reason | None) -> None:
    assert the_reason(Kind.events, event(rest)) is reason


def test_in_an_array_each_element_stands_for_itself() -> None:
    bad = [reading('"1"'), "7", reading("1e999"), reading("1", "bogus")]
    payload = f"[{reading('1')}, {', '.join(bad)} ,{reading('2')}]".encode()
    elements = decode(Kind.readings, payload)
    assert [e.readings[0].value for e in elements if e.refusal is None] == [1, 2]
    assert [e.raw for e in elements if e.refusal is not None] == [b.encode() for b in bad]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_costs_only_its_own_element(word: str) -> None:
    payload = f" [ {reading('1')},\n{reading(word)} , {reading('2')} ] ".encode()
    first, second, third = decode(Kind.readings, payload)
    assert (first.readings[0].value, third.readings[0].value) == (1, 2)
    assert second.refusal is not None
    assert second.refusal.reason is Reason.not_finite


@pytest.mark.parametrize("tail", ["", ",", ",]", "] x", "]]", " 7]"])
def test_an_array_that_is_broken_besides_is_not_json(tail: str) -> None:
    assert the_reason(Kind.readings, f"[{reading('NaN')}{tail}") is Reason.invalid_json


def test_fifty_elements_are_taken_and_fifty_one_refused_whole() -> None:
    fifty = [reading(str(n)) for n in range(50)]
    assert len(decode(Kind.readings, f"[{','.join(fifty)}]".encode())) == 50
    assert the_reason(Kind.readings, f"[{','.join([*fifty, reading('50')])}]") is Reason.array_too_long


def test_of_very_many_elements_that_are_no_numbers_no_more_than_fifty_one_are_looked_at() -> None:
    payload = f"[{','.join(['NaN'] * 60_000)}"
    began = process_time()
    assert the_reason(Kind.readings, payload) is Reason.array_too_long
    assert process_time() - began < 0.2


def test_of_one_element_the_known_channels_are_kept() -> None:
    payload = f'{{{HEAD},"readings":[{{"ch":"bogus","v":1}},{{"ch":"water_l","v":2}}]}}'.encode()
    (element,) = decode(Kind.readings, payload)
    assert [r.value for r in element.readings] == [2]
    assert element.refusal is not None
    assert (element.refusal.reason, element.refusal.detail) == (Reason.unknown_channel, "bogus")


def key(rest: str) -> str:
    (element,) = decode(Kind.events, event(rest))
    return element.events[0].dedupe_key


def test_an_event_has_one_key_however_it_is_written() -> None:
    assert key('"type":"entry","method":"face"') == key('"method":"face" , "type":"entry","colour":1')


def test_two_events_under_one_number_are_two() -> None:
    assert key('"type":"entry","method":"face"') != key('"type":"entry","method":"card"')
    assert key('"type":"smoke","boot":1') != key('"type":"smoke","boot":2')


@given(st.sampled_from(Kind), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_stop_the_decoder_and_none_are_dropped(kind: Kind, payload: bytes) -> None:
    elements = decode(kind, payload)
    assert elements
    # Two words are all that a state is; any other bytes are no message.
    is_state = kind is Kind.state and payload.strip(b' \t\r\n"') in (b"online", b"offline")
    assert is_state or all(element.refusal is not None for element in elements)


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["seq", "at", "readings", "ch", "v", "type", "x"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from(Kind), documents)
def test_no_json_stops_the_decoder(kind: Kind, document: object) -> None:
    assert decode(kind, json.dumps(document).encode())
