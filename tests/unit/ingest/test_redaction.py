import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.redaction import PERSONAL, redact

NATIVE = b'{"seq":17,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1234.56}]}'


def test_a_payload_without_personal_keys_stays_as_it_is() -> None:
    assert redact(NATIVE) == (NATIVE, frozenset())


def test_the_cheap_test_knows_every_key() -> None:
    assert all(re.fullmatch("[a-z]{3,16}", name) for name in PERSONAL)


@pytest.mark.parametrize(
    ("payload", "kept", "cut"),
    [
        ('{"idCard":"110101","x":1}', '{"idCard":null,"x":1}', {"idcard"}),
        ('{"info" : {"persionName" : "张三" , "RecordID":7}}', None, {"persionname"}),
        ('{"telnum":13800000000,"x":[1]}', '{"telnum":null,"x":[1]}', {"telnum"}),
        ('{"pic":{"a":["}",1]},"scene":null}', '{"pic":null,"scene":null}', {"pic", "scene"}),
        ('{"NAME":"a\\"b","Phone":"1"}', '{"NAME":null,"Phone":null}', {"name", "phone"}),
        # The key written with escapes.
        ('{"idC\\u0061rd":"1"}', '{"idC\\u0061rd":null}', {"idcard"}),
        # JSON quoted in JSON, as TTLock sends it.
        (
            '{"records":"[{\\"keyboardPwd\\":\\"12\\",\\"lockId\\":1}]"}',
            '{"records":"[{\\"keyboardPwd\\":null,\\"lockId\\":1}]"}',
            {"keyboardpwd"},
        ),
        ('{"r":"{\\"phone\\":13800,\\"x\\":1}"}', '{"r":"{\\"phone\\":null,\\"x\\":1}"}', {"phone"}),
        # Not quite JSON.
        ('{"name":"abc', '{"name":null', {"name"}),
        ('{"name":abc,"v":NaN', '{"name":null,"v":NaN', {"name"}),
        ('"name":' + "[" * 50_000, None, {"name"}),
        # Not a key.
        ('{"method":"face","type":"name"}', '{"method":"face","type":"name"}', set()),
        ('{"nickname2":1}', '{"nickname2":1}', set()),
    ],
)
def test_the_values_of_personal_keys_are_cut(payload: str, kept: str | None, cut: set[str]) -> None:
    left, found = redact(payload.encode())
    assert found == cut
    assert kept is None or left.decode() == kept
    assert "张三" not in left.decode()


def test_bytes_that_are_no_text_stay() -> None:
    assert redact(b'\xff{"name":"x"}\xfe') == (b'\xff{"name":null}\xfe', {"name"})


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "idCard", "seq", "v", "注", "\\"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def _without(document: object) -> object:
    if isinstance(document, dict):
        return {k: None if k.lower() in PERSONAL else _without(v) for k, v in document.items()}
    return [_without(part) for part in document] if isinstance(document, list) else document


@given(documents, st.booleans())
def test_json_stays_the_same_json_but_for_the_cut(document: object, ascii_only: bool) -> None:
    payload = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    left, _ = redact(payload)
    # Written out again, for a NaN is not equal to itself.
    assert json.dumps(json.loads(left)) == json.dumps(_without(document))
    assert redact(left)[0] == left


@given(st.binary(max_size=60) | st.text('{}[]":,\\name \n', max_size=60).map(str.encode))
def test_no_bytes_stop_it(payload: bytes) -> None:
    left, cut = redact(payload)
    assert cut or left == payload
