import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.decoders.fields import MAX_DEPTH, MAX_FIELDS, MAX_NAME, flatten, parse_json
from devices.decoders.reports import DecodeError
from wire.reasons import Reason

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_every_leaf_has_the_name_of_the_way_to_it() -> None:
    text = b'{"door": [{"open": true, "since": null}, {"open": false}], "t": 21, "unit": "kW"}'
    assert flatten(parse_json(text)) == {"door.0.open": True, "door.1.open": False, "t": 21.0, "unit": "kW"}


def test_a_bare_value_is_called_value() -> None:
    assert flatten(parse_json(b"21.5")) == {"value": 21.5}


@pytest.mark.parametrize("text", [b'\xef\xbb\xbf{"a": 1}', b'{"a": 1}\x00', b' \r\n{"a": 1}\n'])
def test_what_devices_put_around_json_is_taken_off(text: bytes) -> None:
    assert parse_json(text) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", Reason.empty),
        (b"\x00\x00", Reason.empty),
        (b'{"a": "\xff"}', Reason.invalid_utf8),
        (b'{"a": 1', Reason.invalid_json),
        (b'{"a": "\\ud800"}', Reason.invalid_json),
        (b"[" * 100_000, Reason.invalid_json),
        (b'{"a": NaN}', Reason.not_finite),
        (b'{"a": -Infinity}', Reason.not_finite),
        (b'{"a": 1e999}', Reason.not_finite),
        (b"1" * 5_000, Reason.not_finite),
        (b" " * 5_000_000, Reason.payload_too_large),
    ],
)
def test_what_is_no_json_is_refused_by_name(text: bytes, reason: Reason) -> None:
    with pytest.raises(DecodeError) as refused:
        parse_json(text)
    assert refused.value.refusal.reason is reason


@pytest.mark.parametrize(
    "found",
    [
        {str(n): n for n in range(MAX_FIELDS + 1)},
        {"n" * (MAX_NAME + 1): 1},
        {"n" * 200: {"n" * 200: 1}},
        10**400,
    ],
)
def test_more_than_a_message_can_mean_is_refused(found: object) -> None:
    with pytest.raises(DecodeError):
        flatten(found)


def test_too_many_levels_are_refused() -> None:
    found: object = 1
    for _ in range(MAX_DEPTH + 1):
        found = [found]
    with pytest.raises(DecodeError):
        flatten(found)


@given(st.binary(max_size=200) | JSON.map(lambda found: json.dumps(found).encode()))
def test_any_bytes_give_fields_or_a_named_refusal(payload: bytes) -> None:
    try:
        fields = flatten(parse_json(payload))
    except DecodeError:
        return
    assert all(isinstance(value, float | bool | str) for value in fields.values())
    # Every text can be written as UTF-8 again.
    "".join([*fields, *(v for v in fields.values() if isinstance(v, str))]).encode()
