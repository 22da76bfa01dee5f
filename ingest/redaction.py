"""Personal values are cut out of a payload before anything else sees it; the journal lists which.

Devices and gateways send names, ID numbers, pictures and door codes that we have no use for. What stands in
place of each is said in `ingest.personal`; every other byte stays as received, so that the decoder's version
of a later day meets the same message. Keys are found by their text, not by parsing: it also works on what is
not quite JSON, inside JSON that is quoted in JSON, and on XML and forms (`ingest.markup`). Where it cannot be
seen where a value ends, all that follows is cut.

Anybody can send 2 MiB of anything, so the time taken is linear in the size: no pattern starts twice in one
run of backslashes, what one value covers is not looked at for another, and what fails to end ends the scan.
"""

import json
import re
from typing import NamedTuple

from ingest import markup
from ingest.personal import MOST, Keyed, is_replaced, is_telling, replacement
from wire.personal import PEOPLE, WATCHED, plain

_PERSONAL_BYTES = frozenset(name.encode() for name in WATCHED)

# The cheap test of every payload: all names are so.
_NAME = re.compile(rb'"([a-z0-9]{3,40})\\*"\s*:')
# A quote with all its backslashes; at no other place of the run. How many there are says how deep the
# string is that it opens or closes.
_QUOTE = r'(?<!\\)\\*"'
_KEY = re.compile(
    rf'(?P<opening>{_QUOTE})(?=[^"]{{3}})(?P<name>[^"\\]*(?:\\+u[0-9a-fA-F]{{4}}[^"\\]*)*)(?P<closing>\\*")\s*:'
    r"(?:\s|\\+[nrt])*"
)
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_QUOTES = re.compile(_QUOTE)
_REST_OF_STRING = re.compile(r'[^"\\]*(?:\\.?[^"\\]*)*"?', re.DOTALL)
_STRUCTURE = re.compile(rf"{_QUOTE}|[\[{{]+|[\]}}]+")
_BARE = re.compile(r'[^",\]}\\\s]*')
# Numbers stay text: Python refuses to make a number of very many digits.
_JSON = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


class _Value(NamedTuple):
    """Where a value ends, and what it is if that is text or a number that ends properly."""

    end: int
    text: str | None = None


def redact(payload: bytes, keyed: Keyed | None = None) -> tuple[bytes, frozenset[str]]:
    """Cut personal values.

    Parameters
    ----------
    payload : bytes
        As received, JSON or not.
    keyed : Keyed | None
        Hashes door codes (`ingest.personal`).

    Returns
    -------
    tuple[bytes, frozenset[str]]
        The payload to keep, and the keys (lower case) whose values were cut; mostly the same bytes and
        nothing.
    """
    wide = markup.wide_text(payload)
    if wide is not None:
        kept, cut = _redact(wide.encode("utf-8", "surrogatepass"), keyed)
        return (kept, cut) if cut else (payload, cut)
    return _redact(payload, keyed)


def _redact(payload: bytes, keyed: Keyed | None) -> tuple[bytes, frozenset[str]]:
    payload, cut = _redact_json(payload, keyed)
    if markup.is_xml(payload):
        payload, more = markup.redact_xml(payload, keyed)
        cut |= more
    elif markup.is_form(payload):
        payload, more = markup.redact_form(payload, keyed, quoted=_redact)
        cut |= more
    return payload, cut


def _redact_json(payload: bytes, keyed: Keyed | None) -> tuple[bytes, frozenset[str]]:
    if (
        _PERSONAL_BYTES.isdisjoint(_NAME.findall(payload.lower().translate(None, b"_- ")))
        and b"\\u" not in payload
    ):
        return payload, frozenset()
    text = payload.decode("utf-8", "surrogateescape")
    kept: list[str] = []
    cut: set[str] = set()
    at = copied = 0
    while (found := _KEY.search(text, at)) is not None:
        at = found.end()
        name = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), found["name"])
        name = plain(name)
        if name not in WATCHED or len(found["closing"]) > len(found["opening"]):
            continue
        depth = _depth(found["closing"])
        is_people = name in PEOPLE
        if is_people and text.startswith(("[", "{"), at):
            continue
        value = _Value(len(text)) if len(kept) >= 2 * MOST else _value(text, at, depth)
        if is_people and (value.text is None or not is_telling(value.text)):
            continue  # what is in it is looked at all the same
        if value.text is not None and is_replaced(value.text):
            at = value.end
            continue
        kept += [text[copied:at], _quoted(name, value, depth, keyed)]
        cut.add(name)
        at = copied = value.end
    return "".join([*kept, text[copied:]]).encode("utf-8", "surrogateescape"), frozenset(cut)


def _quoted(name: str, value: _Value, depth: int, keyed: Keyed | None) -> str:
    """Write what stands in place of a value in as many strings as it stood in."""
    stays = None if value.text is None else replacement(name, value.text, keyed)
    if stays is None:
        return "null"
    quote = "\\" * (2**depth - 1) + '"'
    return f"{quote}{stays}{quote}"


def _depth(quote: str) -> int:
    r"""In how many strings the string lies that a quote opens or closes: " is 0, \" is 1, \\\" is 2.

    Backslashes that belong to the string's own end count as pairs: \\" closes a string of depth 0.
    """
    count = len(quote)
    return (count & -count).bit_length() - 1


def _value(text: str, at: int, depth: int) -> _Value:
    opening = _QUOTES.match(text, at)
    if opening is not None:
        inner = _depth(opening[0])
        if inner < depth:
            return _Value(at)
        end = _end_of_string(text, opening.end(), inner)
        content = text[opening.end() : end - len(opening[0])]
        # A proper string ends as it began; its escapes stay as they are.
        is_proper = inner == depth and text[max(at, end - len(opening[0])) : end] == opening[0]
        return _Value(end, content if is_proper and end > opening.end() else None)
    if text.startswith(("[", "{"), at):
        end = _end_of_container(text, at) if depth == 0 else _end_of_quoted_container(text, at, depth)
        return _Value(end)
    end = _end(_BARE, text, at)
    bare = text[at:end]
    return _Value(end, bare if bare not in ("null", "true", "false") else None)


def _end_of_string(text: str, at: int, depth: int) -> int:
    """Find where a string ends that was opened before `at`: at its own quote, or before an outer one's."""
    if depth == 0:
        return _end(_REST_OF_STRING, text, at)
    for quote in _QUOTES.finditer(text, at):
        found = _depth(quote[0])
        if found <= depth:
            return quote.end() if found == depth else quote.start()
    return len(text)


def _end_of_container(text: str, at: int) -> int:
    try:
        return _JSON.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return len(text)


def _end_of_quoted_container(text: str, at: int, depth: int) -> int:
    open_brackets = 0
    for _ in range(MOST):
        found = _STRUCTURE.search(text, at)
        if found is None:
            break
        start, at = found.span()
        if text[start] in "[{":
            open_brackets += at - start
        elif text[start] in "]}":
            if at - start >= open_brackets:
                return start + open_brackets
            open_brackets -= at - start
        else:
            inner = _depth(found[0])
            if inner < depth:
                return start
            at = _end_of_string(text, at, inner)
    return len(text)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()
