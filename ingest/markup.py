"""Personal values in XML and in forms, cut as `ingest.redaction` cuts those of JSON; in linear time, too."""

import re
from collections.abc import Callable
from urllib.parse import quote_plus

from ingest.personal import MOST, Keyed, must_go, replacement
from wire.personal import PEOPLE, WATCHED, plain

_OPENING = re.compile(
    r"<(?P<tag>(?:[A-Za-z][\w.-]{0,30}:)?(?P<name>[A-Za-z0-9_-]{3,40}))(?:\s[^<>]*)?(?<!/)>"
)
_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_ATTRIBUTE = re.compile(r"""(?<![\w.:-])(?P<name>\w+)\s*=\s*(?P<value>"[^"<>]*"|'[^'<>]*')""")
_FORM = re.compile(rb"[A-Za-z0-9_.%+\[\]-]{1,128}=[^\s<>{}\"]*\Z")
_ESCAPE = re.compile(rb"%[0-9a-fA-F]{2}")
_BYTES = {b"%%%02x" % number: bytes([number]) for number in range(256)}
# Of UTF-16 and UTF-32, which hide every name from a search of bytes.
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

#: No number of a person is longer.
_LONGEST = 64

#: Redacts what is quoted in a form.
Redact = Callable[[bytes, Keyed | None], tuple[bytes, frozenset[str]]]


def wide_text(payload: bytes) -> str | None:
    """Read a payload of two or four bytes a character; None: it is none."""
    if not payload.startswith(_BYTE_ORDER_MARKS) and b"\x00" not in payload[:4]:
        return None
    if payload[2:4] == b"\x00\x00":
        encoding = "utf-32-le"
    elif payload.startswith(b"\x00\x00"):
        encoding = "utf-32-be"
    else:
        encoding = "utf-16-be" if payload[:1] in (b"\x00", b"\xfe") else "utf-16-le"
    return payload.decode(encoding, "replace")


def is_xml(payload: bytes) -> bool:
    """Whether a payload may hold elements."""
    return b"</" in payload


def is_form(payload: bytes) -> bool:
    """Whether a payload may be a form: pairs of which nothing stands in plain text."""
    return b"=" in payload[:128] and _FORM.match(payload) is not None


def redact_xml(payload: bytes, keyed: Keyed | None) -> tuple[bytes, frozenset[str]]:
    """Cut what stands in personal elements, and in personal attributes."""
    text = payload.decode("utf-8", "surrogateescape")
    kept: list[str] = []
    cut: set[str] = set()
    at = copied = 0
    while (found := _OPENING.search(text, at)) is not None:
        at = found.end()
        name = plain(found["name"])
        if name not in WATCHED:
            continue
        if name in PEOPLE:
            closing = at + len(text[at : at + _LONGEST].partition("<")[0])
        else:
            closing = text.find(f"</{found['tag']}>", at) if len(kept) < 2 * MOST else -1
        end = closing if closing >= 0 else len(text)
        value = text[at:end]
        if must_go(name, value):
            stays = None if closing < 0 else replacement(name, value.strip(), keyed)
            kept += [text[copied:at], stays or ""]
            cut.add(name)
            copied = end
        at = end
    text = "".join([*kept, text[copied:]])

    def of_attribute(found: re.Match[str]) -> str:
        name, value = plain(found["name"]), found["value"][1:-1]
        if not must_go(name, value):
            return found[0]
        cut.add(name)
        mark = found["value"][0]
        before = found[0][: -len(found["value"])]
        return f"{before}{mark}{replacement(name, value, keyed) or ''}{mark}"

    text = _TAG.sub(lambda tag: _ATTRIBUTE.sub(of_attribute, tag[0]) if "=" in tag[0] else tag[0], text)
    return text.encode("utf-8", "surrogateescape"), frozenset(cut)


def redact_form(payload: bytes, keyed: Keyed | None, *, quoted: Redact) -> tuple[bytes, frozenset[str]]:
    """Cut the values of personal fields, and what is personal in those that hold JSON or XML."""
    kept: list[bytes] = []
    cut: set[str] = set()
    for pair in payload.split(b"&", MOST)[:MOST]:
        name, equals, value = pair.partition(b"=")
        key = plain(_unquoted(name).decode("utf-8", "replace"))
        inner = _unquoted(value)
        text = inner.decode("utf-8", "surrogateescape")
        if must_go(key, text):
            cut.add(key)
            stays = replacement(key, text, keyed) or ""
            kept.append(name + equals + quote_plus(stays).encode())
            continue
        left, found = (inner, frozenset[str]()) if is_form(inner) else quoted(inner, keyed)
        cut |= found
        kept.append(name + equals + quote_plus(left).encode() if found else pair)
    return b"&".join(kept), frozenset(cut)


def _unquoted(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: _BYTES[escape[0].lower()], text.replace(b"+", b" "))
