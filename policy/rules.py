"""Single rules: read from a city's file, checked, and answered for with their article."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import cast

from policy.errors import RuleRefused
from policy.groups import CHANNELS, CLOCKS, GROUPS
from policy.values import limits

#: Limits of a channel: this and its name.
LIMITS = "ingest_limits_"
_CITY = re.compile(r"[a-z][a-z0-9_]*")
_MARKS = ("V", "S", "M", "J")
_HEAD = {"code", "name", "name_en", "example"}
_RULE = {"key", "value", "clock", "effective_from", "effective_to", "article", "mark"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of one file: a value, since when, and on what it rests."""

    key: str
    value: object
    #: ``consecutive`` or ``cumulative``, where the key is a clock of the law.
    clock: str | None
    effective_from: date
    #: Last day in force; None: until further notice.
    effective_to: date | None
    #: The provision, or whose judgement it is, as shown to people.
    article: str
    #: V read at the source, S secondary source, M general knowledge (blocks going live), J judgement.
    mark: str
    #: File and position, for messages.
    file: str
    number: int

    def in_force(self, on: date) -> bool:
        """Whether the rule holds on a day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


@dataclass(frozen=True, kw_only=True)
class City:
    """Head of a city's file."""

    code: str
    name: str
    name_en: str
    #: An invented city, for trying out.
    example: bool


@dataclass(frozen=True, kw_only=True)
class _Key:
    """What the table says of one key."""

    read: Callable[[object], object]
    clock: str | None


def _keys() -> Mapping[str, _Key]:
    table: dict[str, _Key] = {}
    for group, kind in GROUPS.items():
        for one in fields(kind):
            if one.metadata:
                table[f"{group}_{one.name}"] = _Key(read=one.metadata["read"], clock=one.metadata["clock"])
    for channel in CHANNELS:
        table[LIMITS + channel] = _Key(read=limits, clock=None)
    return MappingProxyType(table)


#: The closed table: every key with its reader.
KEYS = _keys()


def read_national(file: Path) -> tuple[Rule, ...]:
    """The national rules: for every key without a gap and until further notice."""
    rules = _read_rules(file, _parse(file))
    for key in KEYS:
        own = sorted((rule for rule in rules if rule.key == key), key=lambda rule: rule.effective_from)
        for before, after in pairwise(own):
            if before.effective_to is None or after.effective_from - before.effective_to > timedelta(days=1):
                raise RuleRefused(
                    file=file.name, number=after.number, key=key, problem=f"a gap after rule {before.number}"
                )
        if not own or own[-1].effective_to is not None:
            raise RuleRefused(
                file=file.name, number=None, key=key, problem="no rule that holds until further notice"
            )
    return rules


def _parse(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RuleRefused(file=file.name, number=None, key=None, problem=str(error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RuleRefused(file=file.name, number=None, key=None, problem=f"not TOML: {error}") from error


def read_city(file: Path) -> tuple[City, tuple[Rule, ...]]:
    """A city's head and its own rules."""
    content = _parse(file)
    head = content.pop("city", None)

    def refuse(problem: str) -> RuleRefused:
        return RuleRefused(file=file.name, number=None, key="city", problem=problem)

    if not isinstance(head, dict):
        raise refuse("the table [city] is missing")
    table = cast(dict[str, object], head)
    if set(table) - _HEAD:
        raise refuse(f"unknown: {', '.join(sorted(set(table) - _HEAD))}")
    if table.get("code") != file.stem or _CITY.fullmatch(file.stem) is None:
        raise refuse(f"code must be the name of the file, {file.stem!r}")
    names = [table.get("name"), table.get("name_en")]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise refuse("name and name_en are wanted")
    if not isinstance(table.get("example", False), bool):
        raise refuse("example is true or false")
    city = City(
        code=file.stem, name=str(names[0]), name_en=str(names[1]), example=bool(table.get("example", False))
    )
    return city, _read_rules(file, content)


def _read_rules(file: Path, content: Mapping[str, object]) -> tuple[Rule, ...]:
    odd = sorted(set(content) - {"rule"})
    if odd:
        raise RuleRefused(file=file.name, number=None, key=odd[0], problem="unknown table")
    tables = content.get("rule", [])
    if not isinstance(tables, list):
        raise RuleRefused(file=file.name, number=None, key="rule", problem="rules are written [[rule]]")
    rules = [
        _read_rule(file.name, number, table)
        for number, table in enumerate(cast(list[object], tables), start=1)
    ]
    _refuse_overlap(rules)
    return tuple(rules)


def _read_rule(file: str, number: int, table: object) -> Rule:
    row = cast(dict[str, object], table) if isinstance(table, dict) else {}
    key = row.get("key")

    def refuse(problem: str) -> RuleRefused:
        return RuleRefused(
            file=file, number=number, key=key if isinstance(key, str) else None, problem=problem
        )

    if not isinstance(key, str):
        raise refuse("no key")
    if key not in KEYS:
        raise refuse("unknown key")
    odd = sorted(set(row) - _RULE)
    if odd:
        raise refuse(f"unknown entry {odd[0]!r}")
    if "value" not in row:
        raise refuse("no value")
    try:
        value = KEYS[key].read(row["value"])
    except ValueError as error:
        raise refuse(str(error)) from error
    clock, wanted = row.get("clock"), KEYS[key].clock
    if clock != wanted:
        raise refuse(
            f"clock must be {wanted!r}, one of {', '.join(CLOCKS)}" if wanted else "no clock of the law"
        )
    article, mark = row.get("article"), row.get("mark")
    if not isinstance(article, str) or not article.strip():
        raise refuse("no article")
    if mark not in _MARKS:
        raise refuse(f"mark must be one of {', '.join(_MARKS)}")
    first, last = row.get("effective_from"), row.get("effective_to")
    if not _is_day(first):
        raise refuse("effective_from must be a date")
    if last is not None and not _is_day(last):
        raise refuse("effective_to must be a date")
    start, end = cast(date, first), cast(date | None, last)
    if end is not None and end < start:
        raise refuse("effective_to is before effective_from")
    return Rule(
        key=key,
        value=value,
        clock=wanted,
        effective_from=start,
        effective_to=end,
        article=article.strip(),
        mark=str(mark),
        file=file,
        number=number,
    )


def _refuse_overlap(rules: list[Rule]) -> None:
    last: dict[str, Rule] = {}
    for rule in sorted(rules, key=lambda rule: (rule.key, rule.effective_from, rule.number)):
        before = last.get(rule.key)
        if before is not None and (before.effective_to is None or rule.effective_from <= before.effective_to):
            raise RuleRefused(
                file=rule.file,
                number=rule.number,
                key=rule.key,
                problem=f"its dates overlap those of rule {before.number}",
            )
        last[rule.key] = rule


def _is_day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)
