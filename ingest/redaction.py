"""Personal keys are cut out of a payload before anything else sees it; the journal lists which.

Devices and gateways send names, ID numbers, pictures and door codes that we have no use for. Their values
become `null`; every other byte stays as received, so that the decoder's version of a later day meets the
same message. Keys are found by their text, not by parsing: it also works on what is not quite JSON, and
inside JSON that is quoted in JSON.
"""

import json
import re

#: Lower case. Spellings as devices really write them (face gates, TTLock, Hikvision).
PERSONAL = frozenset(
    {
        *("name", "personname", "persionname", "username", "realname", "nickname", "birthday"),
        *("idcard", "idcardno", "idno", "idnumber", "cardno", "cardnumber", "passport"),
        *("telnum", "tel", "telephone", "phone", "phonenumber", "mobile", "email"),
        *("keyboardpwd", "password", "passwd", "pwd"),
        *("pic", "sanppic", "snappic", "scene", "scenepic", "tempic", "platepic", "plateno"),
        *("picture", "photo", "image", "face", "facepic", "faceimage", "facefeature", "feature"),
    }
)
_PERSONAL_BYTES = frozenset(name.encode() for name in PERSONAL)

# The cheap test of every payload: all names above are letters.
_NAME = re.compile(rb'"([a-z]{3,16})\\*"\s*:')
_KEY = re.compile(r'(?P<quoted>\\*)"(?P<name>(?:[^"\\]|\\+u[0-9a-fA-F]{4})+)(?P=quoted)"\s*:\s*')
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BARE = re.compile(r'[^",\]}\\\s]*')
_JSON = json.JSONDecoder()


def redact(payload: bytes) -> tuple[bytes, frozenset[str]]:
    """Cut personal values.

    Parameters
    ----------
    payload : bytes
        As received, JSON or not.

    Returns
    -------
    tuple[bytes, frozenset[str]]
        The payload to keep, and the keys (lower case) whose values were cut; mostly the same bytes and
        nothing.
    """
    if _PERSONAL_BYTES.isdisjoint(_NAME.findall(payload.lower())) and b"\\u" not in payload:
        return payload, frozenset()
    text = payload.decode("utf-8", "surrogateescape")
    kept: list[str] = []
    cut: set[str] = set()
    at = 0
    for found in _KEY.finditer(text):
        name = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), found["name"]).lower()
        if name not in PERSONAL or found.start() < at:
            continue
        kept += [text[at : found.end()], "null"]
        at = _end_of_value(text, found.end(), found["quoted"])
        cut.add(name)
    return "".join([*kept, text[at:]]).encode("utf-8", "surrogateescape"), frozenset(cut)


def _end_of_value(text: str, at: int, quoted: str) -> int:
    if quoted:
        quote = quoted + '"'
        if not text.startswith(quote, at):
            return _end(_BARE, text, at)
        closing = text.find(quote, at + len(quote))
        return len(text) if closing < 0 else closing + len(quote)
    try:
        return _JSON.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return _end(_STRING if text.startswith('"', at) else _BARE, text, at)


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()
