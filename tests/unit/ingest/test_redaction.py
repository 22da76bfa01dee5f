"""Personal values are cut out of JSON, also where it is quoted or broken."""

import pytest

from ingest.personal import MOST
from ingest.redaction import redact
from tests.unit.ingest.hashes import hashed, keyed, pictured

NATIVE = b'{"seq":17,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1234.56}]}'


def test_a_payload_without_personal_keys_stays_as_it_is() -> None:
    assert redact(NATIVE) == (NATIVE, frozenset())


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
        # JSON quoted in JSON, as TTLock sends it; there is no key.
        (
            '{"records":"[{\\"keyboardPwd\\":\\"12\\",\\"lockId\\":1}]"}',
            '{"records":"[{\\"keyboardPwd\\":null,\\"lockId\\":1}]"}',
            {"keyboardpwd"},
        ),
        ('{"r":"{\\"phone\\":13800,\\"x\\":1}"}', '{"r":"{\\"phone\\":null,\\"x\\":1}"}', {"phone"}),
        # A quoted string ends at its own quote, not at one that is quoted in it.
        (
            '{"r":"{\\"name\\":\\"a\\\\\\"b\\",\\"x\\":1}"}',
            '{"r":"{\\"name\\":null,\\"x\\":1}"}',
            {"name"},
        ),
        ('{"r":"{\\"name\\":\\"a","x":"\\"b"}', '{"r":"{\\"name\\":null","x":"\\"b"}', {"name"}),
        # Objects, lists and indentation in quoted JSON.
        (
            '{"r":"{\\"face\\":{\\"a\\":[\\"}\\",1]},\\"x\\":1}"}',
            '{"r":"{\\"face\\":null,\\"x\\":1}"}',
            {"face"},
        ),
        ('{"r":"{\\"pwd\\": \\n \\"1\\"}"}', '{"r":"{\\"pwd\\": \\n null}"}', {"pwd"}),
        # A number that Python would not read.
        (f'{{"face":[{"9" * 5000}],"x":1}}', '{"face":null,"x":1}', {"face"}),
        # Not quite JSON.
        ('{"name":["abc","x":1', '{"name":null', {"name"}),
        ('{"name":"abc', '{"name":null', {"name"}),
        ('{"name":abc,"v":NaN', '{"name":null,"v":NaN', {"name"}),
        ('"name":' + "[" * 50_000, '"name":null', {"name"}),
        # Not a value: nothing is hashed.
        ('{"pic":"","keyboardPwd":null}', '{"pic":null,"keyboardPwd":null}', {"pic", "keyboardpwd"}),
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


@pytest.mark.parametrize(
    ("payload", "kept", "cut"),
    [
        (
            '{"pic":"data:image/jpeg;base64,QUJD","x":1}',
            f'{{"pic":"{pictured("data:image/jpeg;base64,QUJD")}","x":1}}',
            {"pic"},
        ),
        ('{"keyboardPwd":"123456","x":1}', f'{{"keyboardPwd":"{hashed("123456")}","x":1}}', {"keyboardpwd"}),
        # A number is the same code as its text.
        ('{"pin": 123456}', f'{{"pin": "{hashed("123456")}"}}', {"pin"}),
        (
            '{"records":"[{\\"keyboardPwd\\":\\"12\\",\\"lockId\\":1}]"}',
            f'{{"records":"[{{\\"keyboardPwd\\":\\"{hashed("12")}\\",\\"lockId\\":1}}]"}}',
            {"keyboardpwd"},
        ),
        (
            '{"r":"{\\"pwd\\":12,\\"x\\":1}"}',
            f'{{"r":"{{\\"pwd\\":\\"{hashed("12")}\\",\\"x\\":1}}"}}',
            {"pwd"},
        ),
        # Of names and ID numbers nothing stays, with a key or without.
        ('{"name":"x","idCard":"1"}', '{"name":null,"idCard":null}', {"name", "idcard"}),
        # What does not end is no value.
        ('{"pwd":"12', '{"pwd":null', {"pwd"}),
        ('{"pic":["a"],"pin":true}', '{"pic":null,"pin":null}', {"pic", "pin"}),
    ],
)
def test_of_pictures_and_codes_a_hash_stays(payload: str, kept: str, cut: set[str]) -> None:
    left, found = redact(payload.encode(), keyed)
    assert (left.decode(), found) == (kept, cut)
    assert redact(left, keyed)[0] == left
    assert redact(left)[0] == left


@pytest.mark.parametrize(
    "payload",
    [
        '{"customId":{"name":"x"}}',
        '{"customId":["\\"name\\":\\"x\\""]}',
        '{"customId":"{\\"name\\":\\"x\\"}"}',
        "<customId><name>x</name></customId>",
    ],
)
def test_what_stands_in_a_pseudonym_is_looked_at_all_the_same(payload: str) -> None:
    left, cut = redact(payload.encode())
    assert cut == {"name"}
    assert b"x" not in left


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_characters_hide_nothing(encoding: str) -> None:
    left, cut = redact('{"name":"王","v":1}'.encode(encoding))
    assert cut == {"name"}
    assert left.decode().lstrip("\ufeff") == '{"name":null,"v":1}'
    plain = '{"v":1}'.encode(encoding)
    assert redact(plain) == (plain, frozenset())


def test_bytes_that_are_no_text_stay() -> None:
    assert redact(b'\xff{"name":"x"}\xfe') == (b'\xff{"name":null}\xfe', {"name"})


def test_after_more_personal_values_than_a_message_has_all_is_cut() -> None:
    left, _ = redact(b'{"name":1},' * (MOST + 2))
    assert left == b'{"name":null},' * MOST + b'{"name":null'
    # Also where another key stands before it.
    left, _ = redact(b'{"name":1},' * MOST + b'{"customId":"1","name":"x"}')
    assert left.endswith(b'{"customId":"1","name":null')
