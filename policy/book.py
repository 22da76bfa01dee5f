"""The rules of one city, by day."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from policy.errors import NotInForce, RuleRefused, UnknownCity
from policy.groups import (
    CHANNELS,
    GROUPS,
    Alarm,
    Alerts,
    Bands,
    Breach,
    Burst,
    Command,
    Commissioning,
    ElderSilence,
    Hazard,
    Idle,
    Ingest,
    Leads,
    Leak,
    Learning,
    Lease,
    Overload,
    People,
    Quality,
    Receivers,
    Retention,
    Signs,
    Silence,
    conflicts,
)
from policy.rules import KEYS, LIMITS, City, Rule, read_city, read_national
from policy.values import Limits

#: Where the files of this deployment lie.
FOLDER = Path(__file__).parent
_NATIONAL = "national.toml"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All values in force on one day."""

    #: City, date of the newest rule in force, and a hash of all rules in force.
    version: str
    ingest: Ingest
    receivers: Receivers
    command: Command
    silence: Silence
    alerts: Alerts
    signs: Signs
    quality: Quality
    people: People
    idle: Idle
    leak: Leak
    hazard: Hazard
    burst: Burst
    overload: Overload
    alarm: Alarm
    elder_silence: ElderSilence
    bands: Bands
    leads: Leads
    learning: Learning
    lease: Lease
    breach: Breach
    commissioning: Commissioning
    retention: Retention
    #: The rule behind each key, with its article and mark.
    rules: Mapping[str, Rule]

    @property
    def unconfirmed(self) -> tuple[Rule, ...]:
        """Rules from general knowledge only (mark M): a deployment must not go live on them."""
        return tuple(rule for rule in self.rules.values() if rule.mark == "M")


class PolicyBook:
    """The rules of one city over all time; a city's rule stands before the national one of its key."""

    def __init__(self, *, city: City, national: Iterable[Rule], own: Iterable[Rule]) -> None:
        self.city = city
        self._layers = (tuple(own), tuple(national))
        self._policies: dict[tuple[Rule, ...], Policy] = {}
        #: Ingest asks several times a batch.
        self._days: dict[date, Policy] = {}

    @property
    def first_day(self) -> date:
        """The first day on which every key has a rule."""
        starts: dict[str, date] = {}
        for layer in self._layers:
            for rule in layer:
                starts[rule.key] = min(rule.effective_from, starts.get(rule.key, date.max))
        return max(starts.values())

    def changes(self) -> list[date]:
        """The days from `first_day` on which some value may change."""
        turns = {self.first_day}
        for layer in self._layers:
            for rule in layer:
                turns.add(rule.effective_from)
                if rule.effective_to is not None:
                    turns.add(rule.effective_to + timedelta(days=1))
        return sorted(turn for turn in turns if turn >= self.first_day)

    def on(self, day: date) -> Policy:
        """The policy in force on a day; the same object while nothing changes.

        Raises
        ------
        NotInForce
            Some key has no rule on that day.
        RuleRefused
            Values that are each possible but not together.
        """
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._on(day)
        return known

    def _on(self, day: date) -> Policy:
        found: dict[str, Rule] = {}
        for layer in self._layers:
            for rule in layer:
                if rule.in_force(day):
                    found.setdefault(rule.key, rule)
        missing = sorted(set(KEYS) - set(found))
        if missing:
            raise NotInForce(f"{self.city.code}: no rule for {missing[0]} on {day}")
        chosen = tuple(found[name] for name in KEYS)
        if chosen not in self._policies:
            self._policies[chosen] = _policy(self.city, found)
        return self._policies[chosen]


def cities(folder: Path = FOLDER) -> tuple[City, ...]:
    """The cities that have a file, by code."""
    return tuple(read_city(file)[0] for file in _city_files(folder))


def load(city: str, folder: Path = FOLDER) -> PolicyBook:
    """Read and check every policy file, and answer for one city.

    Parameters
    ----------
    city : str
        Code, which is the name of its file.
    folder : Path
        Where ``national.toml`` and the cities' files lie.

    Raises
    ------
    UnknownCity
        There is no such file.
    RuleRefused
        A file, perhaps another city's, is wrong; names file, rule and key.
    """
    national = read_national(folder / _NATIONAL)
    books: dict[str, PolicyBook] = {}
    for file in _city_files(folder):
        head, own = read_city(file)
        books[head.code] = PolicyBook(city=head, national=national, own=own)
        for turn in books[head.code].changes():
            books[head.code].on(turn)
    if city not in books:
        raise UnknownCity(
            f"no policy file for the city {city!r}; there are: {', '.join(sorted(books)) or 'none'}"
        )
    return books[city]


def _policy(city: City, rules: Mapping[str, Rule]) -> Policy:
    groups: dict[str, object] = {}
    for name, kind in GROUPS.items():
        values: dict[str, Any] = {
            one.name: rules[f"{name}_{one.name}"].value for one in fields(kind) if one.metadata
        }
        if kind is Ingest:
            table = {channel: cast(Limits, rules[LIMITS + channel].value) for channel in CHANNELS}
            values["limits"] = MappingProxyType(table)
        groups[name] = kind(**values)
    for key, problem in conflicts({key: rule.value for key, rule in rules.items()}):
        rule = rules[key]
        raise RuleRefused(file=rule.file, number=rule.number, key=key, problem=problem)
    ordered = {key: rules[key] for key in KEYS}
    return Policy(
        version=_version(city, ordered.values()), rules=MappingProxyType(ordered), **cast(Any, groups)
    )


def _version(city: City, rules: Iterable[Rule]) -> str:
    """Equal rules have equal versions, wherever their files lie."""
    digest, newest = hashlib.sha256(), date.min
    for rule in rules:
        newest = max(newest, rule.effective_from)
        parts = (
            rule.key,
            rule.value,
            rule.clock,
            rule.effective_from,
            rule.effective_to,
            rule.article,
            rule.mark,
        )
        digest.update(repr([str(part) for part in parts]).encode())
    return f"{city.code}-{newest}-{digest.hexdigest()[:8]}"


def _city_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.toml") if file.name != _NATIONAL)
