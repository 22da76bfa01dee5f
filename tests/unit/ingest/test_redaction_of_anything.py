"""Whatever is sent: the same JSON stays but for the cut, nothing stops it, and nothing takes long."""

import json
import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.redaction import redact
from wire.personal import PERSONAL

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
