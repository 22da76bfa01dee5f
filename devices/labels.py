"""What stands on a device's label: its code, its serial number, or a maker's own form with both. Pure."""

import re

#: What can be a code, a serial number or an address; whatever a maker puts around it.
_PART = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{2,63}")
_DIGITS = re.compile(r"\d")
_LETTERS = re.compile(r"[A-Za-z]")
#: 3-2-0703, as people call a home.
_FLAT = re.compile(r"\d{1,3}-\d{1,2}-\d{3,4}")
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
    """The part that looks most like a serial number; empty: nothing does, it is a word or a flat's code.

    The longest part with some digits; else all of the text where it is one word of letters and digits.
    """
    plain = text[:_LONGEST].strip()
    parts = [part for part in _PART.findall(plain) if not _FLAT.fullmatch(part)]
    numbers = [part for part in parts if len(_DIGITS.findall(part)) >= _FEWEST_DIGITS]
    mixed = [part for part in parts if part == plain and _DIGITS.search(part) and _LETTERS.search(part)]
    return max(numbers or mixed, key=len, default="")
