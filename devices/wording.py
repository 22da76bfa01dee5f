"""The words in the names of fields, in states and in the names of products (`meaning.toml`)."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from types import MappingProxyType

#: Letters, then digits; capitals begin a word, a run of capitals is one.
_TOKENS = re.compile(r"[A-Z]+(?![a-zà-öø-ÿ])|[A-Z]?[a-zà-öø-ÿ]+|\d+|[^\W\d_A-Za-zà-öø-ÿ]+")
#: Tokens that are one word with the digits behind them.
_NUMBERED = re.compile(
    r"(l|t|p|ch|q)\d{1,4}|co2|pm\d{1,3}|d?m3|ft3|no2|so2|o3|h2s|nh3|ch4|pt1000?|dis\d|5te|ds18b20|ec5"
)
#: Units whose capitals stand in the middle of a word or its end.
_MIXED = re.compile(
    r"(?<![A-Z])(k[Ww][Hh]|K[Ww][Hh]|[Mm][Ww][Hh]|Wh|k[Ww]|K[Ww]|[Mm]W|mV|mA|dBm|VArh?|VAC|VDC|VA)(?![a-zA-Z])"
)
#: Meters' names of active energy and power, to the flat and from it: ``A+``, ``P-``.
_SIGNED = re.compile(r"(?<![A-Za-z])[AP]([+-])(?![A-Za-z0-9])")
_SIGNS = MappingProxyType({"+": "active_import_", "-": "active_export_"})
#: A thousandth and a million, as words that are not lost in lower case.
_SCALED = MappingProxyType({"mWh": "milliwh", "MWh": "megawh", "mW": "milliw", "MW": "megaw"})
_SHORTEST = 3
_LONGEST = 40
#: What stands behind says nothing more.
_LONGEST_NAME = 256


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a name says."""

    #: In their order, lower case, as written.
    plain: tuple[str, ...] = ()
    #: The same, and what `meaning.toml` calls them.
    known: frozenset[str] = frozenset()

    def __or__(self, other: "Words") -> "Words":
        """Both."""
        return Words(plain=self.plain + other.plain, known=self.known | other.known)

    def has(self, *words: str) -> bool:
        """Whether one of the words is among them."""
        return not self.known.isdisjoint(words)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that stand alone: which of several it is."""
        return tuple(int(word) for word in self.plain if word.isdigit() and word.isascii() and len(word) < 5)


@cache
def vocabulary() -> Mapping[str, frozenset[str]]:
    """What each word is called in the vocabulary; several, where it has several meanings."""
    into: dict[str, set[str]] = {}
    for known, words in _file()["words"].items():
        for word in (known, *words):
            into.setdefault(word, set()).add(known)
    return MappingProxyType({word: frozenset(known) for word, known in into.items()})


def words(name: str) -> Words:
    """Split a name into words: ``batV``, ``temp_c``, ``TotalVolume``, ``waterleak``, ``漏水``."""
    return _words(name[:_LONGEST_NAME])


@lru_cache(maxsize=8192)
def _words(name: str) -> Words:
    plain = tuple(part for token in _joined(name) for part in _parts(token))
    table = vocabulary()
    known = {found for word in plain for found in table.get(word, frozenset())} | set(plain)
    for first, second in pairwise(plain):
        known |= table.get(first + second, frozenset())
    return Words(plain=plain, known=frozenset(known))


def truth(text: str) -> bool | None:  # noqa: PLR0911 - guard clauses
    """Read a state in words: whether what its field is about is so. None: it does not say."""
    said = words(text)
    states = _states()
    if not said.plain:
        return None
    plain = {"".join(said.plain), *said.known}
    if not plain.isdisjoint(states["unsure"]):
        return None
    if not plain.isdisjoint(states["negation"]) or any(_negated(word) for word in said.plain):
        return False
    if not plain.isdisjoint(states["unknown"]):
        return None
    if not plain.isdisjoint(states["false"]):
        return False
    if not plain.isdisjoint(states["true"]):
        return True
    return None


@cache
def suffixes() -> Mapping[str, str]:
    """Words at the end of a name that are units, and the units."""
    return MappingProxyType({word: unit for unit, words in _file()["suffixes"].items() for word in words})


def _negated(word: str) -> bool:
    """Written together: ``unoccupied``, ``noleak``."""
    table = vocabulary()
    return any(word.startswith(front) and word.removeprefix(front) in table for front in ("no", "un", "non"))


def _joined(name: str) -> Iterator[str]:
    """Tokens, those that are one word with their digits joined to them."""
    # Where all is in capitals, an M says no more than an m where all is small.
    scaled = {} if name.isupper() else _SCALED
    name = _SIGNED.sub(lambda found: _SIGNS[found[1]], name)
    spelled = _MIXED.sub(lambda found: f"_{scaled.get(found[0], found[0].lower())}_", name.replace("³", "3"))
    tokens = [(found[0].lower(), found.start(), found.end()) for found in _TOKENS.finditer(spelled)]
    at = 0
    while at < len(tokens):
        token, _, end = tokens[at]
        if at + 1 < len(tokens):
            following, start, _ = tokens[at + 1]
            if start == end and following.isdigit() and _NUMBERED.fullmatch(token + following):
                yield token + following
                at += 2
                continue
        yield token
        at += 1


def _parts(token: str) -> tuple[str, ...]:
    """A word of the vocabulary, or several that are written together."""
    table = vocabulary()
    if token in table or len(token) > _LONGEST or token.isdigit():
        return (token,)
    if not token.isascii() and not token[0].isascii():
        return tuple(word for word in table if not word.isascii() and word in token) or (token,)
    for at in range(len(token) - 1, 1, -1):
        front, back = token[:at], token[at:]
        if (
            front in table
            and (back in table or back in _ENDINGS)
            and len(front) >= _SHORTEST - (back in _ENDINGS)
        ):
            return (front, back)
    return (token,)


#: Units at the end of a word that is written without a joint: ``batv``, ``tempc``.
_ENDINGS = frozenset(
    {"v", "mv", "c", "f", "kwh", "wh", "kw", "pct", "m3", "ppm", "dbm", "ma", "co2", "status", "state"}
)


@cache
def _states() -> Mapping[str, frozenset[str]]:
    return MappingProxyType({name: frozenset(found) for name, found in _file()["states"].items()})


@cache
def _file() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads(resources.files("devices").joinpath("meaning.toml").read_text(encoding="utf-8"))
