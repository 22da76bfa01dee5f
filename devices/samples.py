"""What a report says, one thing at a time: its words, its value, its unit, its time.

Messages put this in many ways: a plain field with or without its unit in the name, the unit in a field
beside it, an object of value and unit, a list of named values, each perhaps with a time of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from devices.decoders.reports import Value
from devices.setdates import SetDates
from devices.wording import Words, words
from wire.instants import to_us

#: Counts since 1970 that are taken for times: from 2010 to 2100, in seconds or milliseconds.
_FIRST_S, _LAST_S = 1_262_304_000, 4_102_444_800

#: Keys, lower case without joints, of an object that holds a value …
_VALUE = frozenset(
    {"value", "val", "data", "v", "measurementvalue", "record", "reading", "readingvalue", "valeur", "wert"}
)
#: … of its unit …
_UNIT = frozenset(
    {"unit", "units", "typeunits", "unitid", "uom", "unitofmeasurement", "einheit", "unite", "unité"}
)
_UNIT_ENDS = ("unit", "units", "单位")
#: … and of its name.
_NAME = (
    "variable", "typename", "name", "type", "measurementtype", "quantity", "label", "parameter", "key",
    "desc", "description", "channelname",
)  # fmt: skip
_TIME_WORDS = frozenset(
    {
        "time", "timestamp", "stamp", "ts", "date", "datetime", "at", "utc", "iso", "unix", "isotime",
        "unixtime", "epoch", "read", "reading",
        "measure", "measured", "measurement", "measurements", "data", "datalogger", "logger", "logged",
        "log", "sample", "frame", "record", "recorded", "event",
        "ms", "s", "seconds", "value", "start",
    }
)  # fmt: skip
_TIME_NOUNS = frozenset(
    {"time", "timestamp", "stamp", "ts", "date", "datetime", "isotime", "unixtime", "epoch"}
)
#: A number and the unit behind it: ``3.4V``, ``25 ℃``.
_AMOUNT = re.compile(r"\s*([-+]?\d+(?:\.\d+|,\d\d?)?)\s*([^\d\s.,:;/-][^\s\d:;,-]{0,8}(?:\d|/\w{1,3})?)?\s*")
#: Of the object that they stand in.
_MORE = frozenset({"current", "actual", "now", "celsius", "degc", "percent", "percentage", "pct", "ambient"})
_OF_BATTERY = frozenset(
    {"level", "percent", "percentage", "pct", "soc", "charge", "remaining", "capacity"}
    | {"voltage", "volt", "volts", "v", "mv", "status", "state", "low", "ok", "alarm"}
)
_LINES = frozenset({"l1", "l2", "l3", "phase1", "phase2", "phase3", "phasea", "phaseb", "phasec", "total"})
_JOINTS = re.compile(r"[\W_]+")
#: Lists of what was measured before. Hourly and daily ones may be of amounts, not of readings.
_LOGS = frozenset(
    {"history", "historic", "historical", "archive", "archived", "archieved", "log", "logged", "logs"}
)
_DEEPEST = 8
#: What a unit alone in an object can be of.
_MEASURED = ("volume", "total", "consumption", "energy")
#: Of one object; more is no message of a meter.
_MOST_UNITS = 64


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One thing that a report says."""

    #: The field it came from.
    field: str
    #: What it is called …
    own: Words
    #: … and what the objects and lists around it are called.
    around: Words
    value: Value
    #: As the message states it, if it does.
    unit: str = ""
    #: Microseconds since 1970, UTC; None: when the report was made.
    at_us: int | None = None
    #: Which list it stands in, without the place in it; "": in none.
    series: str = ""
    #: A value of a set date, as meters keep it beside the present one.
    dated: bool = False
    #: One of a list of what was measured before, each with a time of its own.
    logged: bool = False

    @property
    def words(self) -> Words:
        """All of it."""
        return self.own | self.around

    @property
    def number(self) -> float | None:
        """The value as a number, where it is one; truth is none."""
        if isinstance(self.value, bool):
            return None
        if isinstance(self.value, str):
            found = _AMOUNT.fullmatch(self.value)
            return None if found is None else float(found[1].replace(",", "."))
        return float(self.value)


def samples(fields: Mapping[str, Value], units: Mapping[str, str], zone: tzinfo) -> list[Sample]:
    """Read a report's fields, in their order."""
    return list(_Reader(fields, units, zone).read())


class _Units(NamedTuple):
    """What one object says of units."""

    #: Of its value, where it has one.
    unit: str
    #: By the plain name of a field, and by the words of it.
    by_name: Mapping[str, str]
    by_words: Sequence[tuple[frozenset[str], str]]
    holds_value: bool


class _Reader:
    def __init__(self, fields: Mapping[str, Value], units: Mapping[str, str], zone: tzinfo) -> None:
        self._fields = fields
        self._units = units
        self._zone = zone
        #: By the name of an object or list: what stands directly in it.
        self._groups: dict[str, dict[str, Value]] = {}
        for name, value in fields.items():
            parent, _, leaf = name.rpartition(".")
            self._groups.setdefault(parent, {})[leaf] = value
        self._times: dict[str, int | None] = {}
        self._stated: dict[str, _Units] = {}
        self._named_by: dict[str, list[str]] = {}
        self._dates: dict[str, SetDates] = {}
        self._dated: dict[str, bool] = {}

    def read(self) -> Iterator[Sample]:
        for name, value in self._fields.items():
            parent, _, leaf = name.rpartition(".")
            group = self._groups[parent]
            if self._is_unit(leaf, group) or self._is_time(leaf, value):
                continue
            found = self._named(name, parent, leaf, group)
            if found is not None:
                own, around = found
                if parent not in self._dates:
                    self._dates[parent] = SetDates(group, self._zone)
                date = self._dates[parent].of(own)
                logged = date is None and around.has("past") and self._is_dated(name)
                yield Sample(
                    field=name,
                    own=own if date is None else date.rest,
                    around=_without_log(around) if logged else around,
                    value=value,
                    unit=self._unit(name, parent, leaf, own, value),
                    at_us=self._time(parent) if date is None else date.at_us,
                    series=_series(name),
                    dated=date is not None,
                    logged=logged,
                )

    def _named(
        self, name: str, parent: str, leaf: str, group: Mapping[str, Value]
    ) -> tuple[Words, Words] | None:
        """What a field is called, and what is around it; None: it only names or dates another."""
        titles = self._titles(parent)
        if _plain(leaf) in _VALUE:
            title = next((group[key] for key in titles if key != leaf), None)
            if isinstance(title, str):
                return words(title), _path(parent)
            front, _, last = _without_numbers(parent).rpartition(".")
            return words(last), _path(front)
        if leaf in titles and self._beside(parent).holds_value:
            return None
        if leaf.isdigit():
            front, _, last = _without_numbers(name).rpartition(".")
            return words(last), _path(front)
        front, _, last = _without_numbers(parent).rpartition(".")
        if _says_more(leaf, last):
            return words(f"{last}_{leaf}"), _path(front)
        return words(leaf), _path(parent)

    def _titles(self, parent: str) -> list[str]:
        """The keys of an object that name its value, the surest first."""
        if parent not in self._named_by:
            group = self._groups[parent]
            keys = {_plain(key): key for key, value in group.items() if isinstance(value, str)}
            self._named_by[parent] = [keys[title] for title in _NAME if title in keys]
        return self._named_by[parent]

    def _unit(self, name: str, parent: str, leaf: str, own: Words, value: Value) -> str:
        if name in self._units:
            return self._units[name]
        if isinstance(value, str):
            amount = _AMOUNT.fullmatch(value)
            if amount is not None and amount[2]:
                return amount[2]
        beside = self._beside(parent)
        if _plain(leaf) in _VALUE:
            return beside.unit or beside.by_name.get(_plain(leaf), "")
        if beside.holds_value:
            return ""
        exact = beside.by_name.get(_plain(leaf))
        if exact is not None or (beside.unit and own.has(*_MEASURED)):
            return exact or beside.unit
        of_a_part = (unit for called, unit in beside.by_words if called <= set(own.plain))
        return next(of_a_part, "")

    def _beside(self, parent: str) -> "_Units":
        """The units that an object states for what stands in it."""
        if parent not in self._stated:
            group = self._groups[parent]
            keys = [key for key, value in group.items() if isinstance(value, str)][:_MOST_UNITS]
            by_name: dict[str, str] = {}
            by_words: list[tuple[frozenset[str], str]] = []
            unit = ""
            for key in keys:
                called, value = _plain(key), str(group[key])
                if called in _UNIT:
                    unit = unit or value
                elif called.endswith(_UNIT_ENDS):
                    by_name[called.removesuffix("单位").removesuffix("s").removesuffix("unit")] = value
                    by_words.append((frozenset(words(key).plain[:-1]), value))
            self._stated[parent] = _Units(
                unit=unit,
                by_name=by_name,
                by_words=[(stem, value) for stem, value in by_words if stem],
                holds_value=not _VALUE.isdisjoint(map(_plain, group)),
            )
        return self._stated[parent]

    def _is_unit(self, leaf: str, group: Mapping[str, Value]) -> bool:
        plain = _plain(leaf)
        return isinstance(group[leaf], str) and (plain in _UNIT or plain.endswith(_UNIT_ENDS))

    def _is_time(self, leaf: str, value: Value) -> bool:
        if leaf == "0" and isinstance(value, str):
            return self._moment(value) is not None
        plain = words(leaf).plain
        return bool(plain) and set(plain) <= _TIME_WORDS and not _TIME_NOUNS.isdisjoint(plain)

    def _time(self, parent: str) -> int | None:
        """The time in the object a field stands in, or in one around it."""
        if parent not in self._times:
            found = self._own_time(parent)
            if found is None and parent:
                found = self._time(parent.rpartition(".")[0]) if parent.count(".") < _DEEPEST else None
            self._times[parent] = found
        return self._times[parent]

    def _is_dated(self, name: str) -> bool:
        """Whether a field stands in a list, each entry of which tells its own time."""
        front, _, _ = name.rpartition(".")
        while front and not front.rpartition(".")[2].isdigit():
            front = front.rpartition(".")[0]
        if front not in self._dated:
            self._dated[front] = bool(front) and self._own_time(front) is not None
        return self._dated[front]

    def _own_time(self, parent: str) -> int | None:
        for leaf, value in self._groups.get(parent, {}).items():
            if self._is_time(leaf, value):
                found = self._moment(value, naive=bool(parent))
                if found is not None:
                    return found
        return None

    def _moment(self, value: Value, *, naive: bool = True) -> int | None:
        """A time; one without a zone is the estate's, where it is of one value among many."""
        if isinstance(value, bool):
            return None
        if not isinstance(value, str):
            seconds = value if value < _LAST_S else value / 1000
            return round(seconds * 1_000_000) if _FIRST_S <= seconds < _LAST_S else None
        try:
            at = datetime.fromisoformat(_short(value))
        except ValueError:
            return None
        if len(value) <= len("2026-11-24") or (at.tzinfo is None and not naive):
            return None
        at = at if at.tzinfo is not None else at.replace(tzinfo=self._zone)
        try:
            found = to_us(at)
        except OverflowError:
            return None
        return found if _FIRST_S <= found / 1_000_000 < _LAST_S else None


def _short(text: str) -> str:
    """Nine digits of a second are more than a clock of ours reads."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text.strip())


def _says_more(leaf: str, parent: str) -> bool:
    """Whether a name only says more of its object's: ``battery: {level}``, ``temperature: {celsius}``."""
    around = words(parent)
    if around.has("battery"):
        return _plain(leaf) in _OF_BATTERY
    if around.has("voltage", "current", "power"):
        return _plain(leaf) in _LINES
    return around.has("temperature", "humidity") and _plain(leaf) in _MORE


def _without_log(around: Words) -> Words:
    """What is around, without the word for a list of earlier values: their times say it better."""
    return words("_".join(word for word in around.plain if word not in _LOGS))


def _series(name: str) -> str:
    parts = name.split(".")
    numbered = [at for at, part in enumerate(parts) if part.isdigit()]
    return ".".join(parts[: numbered[-1]]) if numbered else ""


def _without_numbers(name: str) -> str:
    return ".".join(part for part in name.split(".") if not part.isdigit())


@lru_cache(maxsize=4096)
def _path(name: str) -> Words:
    found = Words()
    for part in _without_numbers(name).split("."):
        found |= words(part)
    return found


@lru_cache(maxsize=8192)
def _plain(key: str) -> str:
    return _JOINTS.sub("", key.lower())
