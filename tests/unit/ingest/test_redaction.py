import hashlib
import hmac
import json
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.personal import DROPPED, MOST, PEOPLE, PERSONAL, PICTURES, SECRETS, plain
from ingest.redaction import redact

NATIVE = b'{"seq":17,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"energy_kwh","v":1234.56}]}'


def test_a_payload_without_personal_keys_stays_as_it_is() -> None:
    assert redact(NATIVE) == (NATIVE, frozenset())


def test_the_cheap_test_knows_every_key() -> None:
    assert all(re.fullmatch("[a-z0-9]{3,40}", name) for name in PERSONAL | PEOPLE)


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


def keyed(value: str) -> bytes:
    return hmac.digest(b"key", value.encode(), "sha256")


def hashed(value: str) -> str:
    return f"hmac:{keyed(value)[:16].hex()}"


def pictured(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"


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


def test_the_lists_do_not_overlap() -> None:
    assert len(PERSONAL | PEOPLE) == len(DROPPED) + len(PICTURES) + len(SECRETS) + len(PEOPLE)


@pytest.mark.parametrize("telling", ["11010119900101123x", "110101199001011234", "13800000000"])
@pytest.mark.parametrize(
    "form", ['{{"customId":"{}","v":1}}', "<a><employeeNo>{}</employeeNo></a>", "personId={}"]
)
def test_a_pseudonym_that_is_an_id_or_phone_number_is_none(form: str, telling: str) -> None:
    left, cut = redact(form.format(telling).encode(), keyed)
    assert telling not in left.decode()
    assert hashed(telling) in left.decode().replace("%3A", ":")
    assert cut <= {"customid", "employeeno", "personid"}
    assert cut
    assert telling not in redact(form.format(telling).encode())[0].decode()
    # An office's own number stays.
    own = form.format("1017").encode()
    assert redact(own, keyed) == (own, frozenset())


@pytest.mark.parametrize(
    ("payload", "kept", "cut"),
    [
        ("<a><name>王</name><v>1</v></a>", "<a><name></name><v>1</v></a>", {"name"}),
        (
            '<a xmlns="x"><h:cardNo  a="1">77</h:cardNo></a>',
            f'<a xmlns="x"><h:cardNo  a="1">{hashed("77")}</h:cardNo></a>',
            {"cardno"},
        ),
        ("<pic>QUJD</pic></a>", f"<pic>{pictured('QUJD')}</pic></a>", {"pic"}),
        ("<name><b>x</b></name></a>", "<name></name></a>", {"name"}),
        ("<name/><v>1</v>", "<name/><v>1</v>", set()),
        ("<name></name><v>1</v>", "<name></name><v>1</v>", set()),
        # Without an end all that follows is cut.
        ("<a><v>1</v><name>x<v>2</v>", "<a><v>1</v><name>", {"name"}),
        ("<p phone = '138' id=\"1\">x</p>", "<p phone = '' id=\"1\">x</p>", {"phone"}),
        ("<names>x</names>", "<names>x</names>", set()),
    ],
)
def test_personal_elements_of_xml_are_cut(payload: str, kept: str, cut: set[str]) -> None:
    left, found = redact(payload.encode(), keyed)
    assert (left.decode(), found) == (kept, cut)
    assert redact(left, keyed) == (left, frozenset())


@pytest.mark.parametrize(
    ("payload", "kept", "cut"),
    [
        ("lockId=1&name=x+y&v=2", "lockId=1&name=&v=2", {"name"}),
        ("keyboardPwd=12&v=%20", f"keyboardPwd={hashed('12').replace(':', '%3A')}&v=%20", {"keyboardpwd"}),
        (
            "records=%5B%7B%22phone%22%3A%22138%22%7D%5D&v=1",
            "records=%5B%7B%22phone%22%3Anull%7D%5D&v=1",
            {"phone"},
        ),
        ("n%61me=x", "n%61me=", {"name"}),
        ("a=1&b=2", "a=1&b=2", set()),
    ],
)
def test_personal_fields_of_forms_are_cut(payload: str, kept: str, cut: set[str]) -> None:
    left, found = redact(payload.encode(), keyed)
    assert (left.decode(), found) == (kept, cut)
    assert redact(left, keyed)[0] == left


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_wide_characters_hide_nothing(encoding: str) -> None:
    left, cut = redact('{"name":"王","v":1}'.encode(encoding))
    assert cut == {"name"}
    assert left.decode().lstrip("\ufeff") == '{"name":null,"v":1}'
    plain = '{"v":1}'.encode(encoding)
    assert redact(plain) == (plain, frozenset())


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


SIZE = 2 * 1024 * 1024


@pytest.mark.parametrize(
    ("head", "unit", "tail"),
    [
        # One personal key, or an escape, and the whole payload is searched.
        ('"name":1,', "\\", ""),
        ("\\u", "\\", '"'),
        ("\\u", "\\", '"' + "n" * (SIZE // 2)),
        ('"name":1,', '"', ""),
        ("\\u", '"\\\\\\', ""),
        ('"', "\\u0061", '":'),
        ("\\u", '"abc":', ""),
        ('"name":1,"abc"', " ", ""),
        # Values that never end.
        ('"name":"', '\\"', ""),
        ('\\"name\\":\\"', '\\\\\\"', ""),
        ('"name":', "[", ""),
        ('"name":[', "[]", ""),
        ('"name":[', '"\\"",', ""),
        ('\\"name\\":[', "[{]", ""),
        ('\\"name\\":[', '\\"\\"', ""),
        ('"name":', "\\n", ""),
        # Very many values, none of which ends.
        ("", '"name":', ""),
        ("", '"name":x,', ""),
        ("", '{"name":', ""),
        ("", '"name":[0,', ""),
        ("", '\\"name\\":{', ""),
        ("", '\\"name\\":\\"', ""),
        ("", '"pic":"x",', ""),
        ('"pic":"', "x", '"'),
        # What is looked at and not cut.
        ("", '"customId":[', ""),
        ("", '"customId":"', ""),
        ('"customId":"', '\\"customId\\":\\"', ""),
        ("", '\\"customId\\":{', ""),
        ("</", "<customId>", ""),
        # XML and forms.
        ("</", "<name>", ""),
        ("</", "<name></name>", ""),
        ("</", "<name>x</name>", ""),
        ("</", "<", ""),
        ("</", "<name ", ""),
        ("</<a ", "b ", ">"),
        ("</<a ", "b=", ">"),
        ("</<a ", "b='", ">"),
        ("</<a ", "b", ">"),
        ("</", "<a name=''>", ""),
        ("a=1", "&", ""),
        ("a=1", "&name=1", ""),
        ("a=", "%", ""),
        ("a=", "%7B%22name%22:", ""),
        ("\x00", "{\x00", ""),
    ],
)
def test_two_megabytes_of_anything_take_no_time(head: str, unit: str, tail: str) -> None:
    payload = (head + unit * ((SIZE - len(head) - len(tail)) // len(unit)) + tail).encode()
    began = process_time()
    redact(payload)
    assert process_time() - began < 3  # what is not linear takes minutes


def test_after_more_personal_values_than_a_message_has_all_is_cut() -> None:
    left, _ = redact(b'{"name":1},' * (MOST + 2))
    assert left == b'{"name":null},' * MOST + b'{"name":null'
    # Also where another key stands before it.
    left, _ = redact(b'{"name":1},' * MOST + b'{"customId":"1","name":"x"}')
    assert left.endswith(b'{"customId":"1","name":null')


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


pieces = st.sampled_from(
    [
        *(
            '"name":',
            '\\"name\\":',
            '\\\\\\"tel\\\\\\":',
            '"n\\u0061me":',
            '\\"n\\\\u0061me\\":',
            '"v":',
            "name",
        ),
        *(
            '"',
            '\\"',
            '\\\\\\"',
            "\\",
            "\\n",
            "\\u0061",
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            " ",
            "\n",
            "1",
            "null",
            "x",
            "张",
        ),
    ]
)


@given(st.lists(pieces, max_size=24).map("".join))
def test_it_cuts_what_a_slow_and_simple_reading_cuts(text: str) -> None:
    left, cut = redact(text.encode())
    assert (left.decode(), cut) == _slowly(text)


def _slowly(text: str) -> tuple[str, set[str]]:
    left, cut, at = "", set(), 0
    while at < len(text):
        key = _key_at(text, at)
        if key is None:
            left, at = left + text[at], at + 1
            continue
        end, name, depth = key
        left, at = left + text[at:end], end
        if name in PERSONAL:
            left, at = left + "null", _value_end(text, end, depth)
            cut.add(name)
    return left, cut


def _key_at(text: str, at: int) -> tuple[int, str, int] | None:
    opening = _quote_at(text, at)
    if opening is None or '"' in text[at + opening + 1 :][:3] or len(text) < at + opening + 4:
        return None
    at, name = at + opening + 1, ""
    while at < len(text):
        escape = re.match(r"\\+u([0-9a-fA-F]{4})", text[at:])
        if escape is not None:
            name, at = name + chr(int(escape[1], 16)), at + escape.end()
        elif text[at] in '"\\':
            break
        else:
            name, at = name + text[at], at + 1
    closing = re.match(r'(\\*)"\s*:', text[at:])
    if closing is None:
        return None
    at += closing.end()
    while (space := re.match(r"\s|\\+[nrt]", text[at:])) is not None:
        at += space.end()
    name = name.lower() if len(closing[1]) <= opening else ""
    return at, name, _depth(len(closing[1]))


def _quote_at(text: str, at: int) -> int | None:
    """How many backslashes the quote has whose run begins here."""
    if text[:at].endswith("\\"):
        return None
    run = re.match(r'(\\*)"', text[at:])
    return None if run is None else len(run[1])


def _depth(backslashes: int) -> int:
    return 1 + _depth(backslashes // 2) if backslashes % 2 else 0


def _value_end(text: str, at: int, depth: int) -> int:
    run = re.match(r'(\\*)"', text[at:])
    if run is not None:
        inner = _depth(len(run[1]))
        return at if inner < depth else _string_end(text, at + run.end(), inner)
    if text[at : at + 1] not in ("[", "{"):
        while at < len(text) and text[at] not in '",]}\\' and not text[at].isspace():
            at += 1
        return at
    if depth:
        return _quoted_end(text, at, depth)
    for end in range(at + 1, len(text) + 1):
        try:
            json.loads(text[at:end], strict=False)
        except ValueError:
            continue
        return end
    return len(text)


def _string_end(text: str, at: int, depth: int) -> int:
    begun = at
    while at < len(text):
        run = _quote_at(text[begun:], at - begun)
        if run is not None and _depth(run) <= depth:
            return at + run + 1 if _depth(run) == depth else at
        at += 1
    return at


def _quoted_end(text: str, at: int, depth: int) -> int:
    brackets = 0
    while at < len(text):
        run = _quote_at(text, at)
        if run is not None:
            if _depth(run) < depth:
                return at
            at = _string_end(text, at + run + 1, _depth(run))
            continue
        brackets += (text[at] in "[{") - (text[at] in "]}")
        at += 1
        if not brackets:
            break
    return at


@pytest.mark.parametrize("name", ["pin_code", "PinCode", "card_no", "cardNum", "user-pin", "door_password"])
def test_a_secret_in_another_spelling_does_not_stay_in_clear(name: str) -> None:
    kept, cut = redact(json.dumps({"users": {"1": {name: "123456", "status": "enabled"}}}).encode(), keyed)
    assert b"123456" not in kept
    assert b"hmac:" in kept
    assert json.loads(kept)["users"]["1"]["status"] == "enabled"
    assert cut == {plain(name)}


@pytest.mark.parametrize(
    "name",
    [
        *("admin", "account", "username", "user_name", "real_name", "id_card", "IDCardNum", "certNo"),
        *("userIdCard", "phone_number", "Phone-Number", "visitor_name"),
    ],
)
def test_a_person_in_another_spelling_does_not_stay_in_clear(name: str) -> None:
    for payload in (
        json.dumps({name: "Wang 13800138000"}).encode(),
        f"<a><{name}>Wang 13800138000</{name}></a>".encode(),
        f"{name}=Wang+13800138000&x=1".encode(),
    ):
        kept, cut = redact(payload)
        assert b"Wang" not in kept
        assert cut == {plain(name)}


@pytest.mark.parametrize(
    "name",
    ["faceImg", "img", "imgBase64", "picBase64", "FacePicture", "capturePic", "capture_pic", "snap_image"],
)
def test_a_picture_in_another_spelling_does_not_stay_in_clear(name: str) -> None:
    kept, _ = redact(json.dumps({name: "/9j/4AAQ"}).encode())
    assert json.loads(kept)[name] == f"sha256:{hashlib.sha256(b'/9j/4AAQ').hexdigest()}"


@pytest.mark.parametrize(
    "name",
    [
        *("energy", "active_energy", "device_name", "phase_a", "phone_battery", "image_count", "temperature"),
        *(
            "pin_count",
            "card_count",
            "voltage",
            "id",
            "device_id",
            "meterNo",
            "no",
            "number",
            "base64",
            "data",
        ),
    ],
)
def test_what_is_measured_is_not_taken_for_personal(name: str) -> None:
    payload = json.dumps({name: "12.5"}).encode()
    assert redact(payload) == (payload, frozenset())
