"""What stands on a device's label: its code, its serial number, or a maker's own form with both. Pure."""

import re

#: What can be a code, a serial number or an address; whatever a maker puts around it.
_PART = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{2,63}")
_DIGITS = re.compile(r"\d")
#: No label needs more; a stranger's code may hold a book.
_MOST, _LONGEST = 16, 500
_FEWEST_DIGITS = 4


def candidates(text: str) -> list[str]:
    """What a scanned or typed text may name: the whole of it, then its parts, then their other spelling."""
    plain = " ".join(text[:_LONGEST].split())
    parts = _PART.findall(plain)[:_MOST]
    spelt = [other for part in parts for other in (part.upper(), part.lower())]
    return list(dict.fromkeys(one for one in (plain[:64], *parts, *spelt) if one))


def serial_in(text: str) -> str:
    """The part that looks most like a serial number: the longest with digits; else all of it."""
    parts = [part for part in _PART.findall(text[:_LONGEST]) if len(_DIGITS.findall(part)) >= _FEWEST_DIGITS]
    return max(parts, key=len, default=text.strip())[:64]
