"""Signals become leads, one an episode, by the rule of `housing.leads` as long as nobody decides any.

An episode goes on while its claim reaches back into what was said last, and while every evening since has
found it; only a count of hours that does not reach back shows that it paused in between. The lead says what
the first evening said: its moment never moves.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from anomaly.signals import Signal

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """What one detector said first of one episode of one home."""

    #: Code of the home.
    unit: str
    kind: str
    at: datetime
    since: datetime
    score: float
    #: The sentence on top, in Chinese.
    evidence: str
    #: The newest evening that found it: its day and its end.
    last_as_of: date
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Said:
    """What episodes need of a signal."""

    unit: str
    kind: str
    as_of: date
    #: End of that local day.
    evening: datetime
    at: datetime
    since: datetime
    score: float
    evidence: str
    #: Of water: for how many hours it was seen.
    hours: float | None

    @staticmethod
    def of(signal: Signal, unit: str, evening: datetime) -> "Said":
        """A signal of a home by its code."""
        finding = signal.finding
        hours = finding.evidence[0].numbers.get("hours") if finding.evidence else None
        return Said(
            unit=unit,
            kind=finding.kind,
            as_of=signal.as_of,
            evening=evening,
            at=signal.at,
            since=finding.since,
            score=finding.score,
            evidence=finding.evidence[0].zh if finding.evidence else "",
            hours=hours if isinstance(hours, (int, float)) else None,
        )


def follow(leads: Iterable[Lead], said: Iterable[Said]) -> list[Lead]:
    """The leads with what later evenings added, by moment, home and kind."""
    found = sorted(leads, key=_place)
    newest = {(lead.unit, lead.kind): number for number, lead in enumerate(found)}
    for one in sorted(said, key=lambda one: (one.as_of, one.unit, one.kind)):
        number = newest.get((one.unit, one.kind))
        if number is not None and _goes_on(found[number], one):
            found[number] = replace(found[number], last_as_of=one.as_of, last_at=one.evening)
            continue
        newest[one.unit, one.kind] = len(found)
        found.append(
            Lead(
                unit=one.unit,
                kind=one.kind,
                at=one.at,
                since=one.since,
                score=one.score,
                evidence=one.evidence,
                last_as_of=one.as_of,
                last_at=one.evening,
            )
        )
    return sorted(found, key=_place)


def _goes_on(lead: Lead, one: Said) -> bool:
    if one.since <= lead.last_at:
        return True
    reaches_back = one.hours is None or one.hours >= (one.evening - lead.last_at) / _HOUR
    return one.as_of - lead.last_as_of <= _DAY and reaches_back


def _place(lead: Lead) -> tuple[datetime, str, str, date]:
    return lead.at, lead.unit, lead.kind, lead.last_as_of
