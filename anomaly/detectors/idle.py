"""The idle clock: consecutive days without a sign of life, seen by sources that agree.

A day counts when at least `min_sources` live sources are quiet and none is alive. A day on which a
source is alive sets the clock back to nothing. Every other day, whether little is known or sources
leave it open, neither counts nor sets back; nor does a day that a registered absence covers, from the
moment at which the absence is known. The clock belongs to the tenant: it starts anew with a lease.

Two kinds come out of one clock: `vacancy` past the policy's lead step, `idle_limit` past the limit of
the law. The legal limit is a period of the calendar that starts with the last day before the first
quiet one and is prolonged by every day that did not count.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from anomaly.detectors import idle_words as words
from anomaly.findings import Evidence, Finding, ScoreRules, score
from anomaly.window import Calendar, Flags, Floats, Ints

VACANCY, IDLE_LIMIT = "vacancy", "idle_limit"
#: Order of the sources on axis 0 of `IdleView.signs`.
SOURCES = ("energy", "water", "door")


class LegalPeriod(Protocol):
    """A period counted on the calendar; `policy.periods.Period` is one."""

    def after(self, day: date) -> date: ...


class IdleRules(words.WordRules, Protocol):
    """The part of the policy that the clock needs; `policy.groups.Idle` is one."""

    @property
    def limit(self) -> LegalPeriod: ...
    @property
    def lead_days(self) -> int: ...
    @property
    def min_sources(self) -> int: ...
    @property
    def fresh_days(self) -> int: ...
    @property
    def mostly_days(self) -> int: ...
    @property
    def mostly_share(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class IdleView:
    """The days of a block up to one evening; (units, days), the last day is the one looked from."""

    calendar: Calendar
    #: (sources, units, days): 1 alive, 0 quiet, NaN unknown.
    signs: Floats
    #: Meters that count finely enough, and were seen to move, to be a witness: (2, units), electricity and
    #: water.
    fine: Flags
    #: Days that a registered absence covers, as far as it was known.
    absent: Flags
    #: First day of the lease in force, 0 where it began earlier; beyond the last day: no lease.
    lease_from: Ints
    energy_kwh: Floats
    water_l: Floats
    water_floor_l: Floats
    happenings: Floats
    #: Coarsest step seen of each meter: (2, units); NaN where it never moved.
    step: Floats


@dataclass(frozen=True, kw_only=True)
class Clocks:
    """The clocks of a block, (units,)."""

    #: Days counted.
    count: Ints
    #: Position of the last day with a sign of life, or before the lease; -1: none in the window.
    alive: Ints
    #: Position of the first and of the last day counted.
    first: Ints
    last: Ints
    #: (units, days): the days counted.
    counted: Flags


def clocks(view: IdleView, rules: IdleRules) -> Clocks:
    """Read the clocks at the last day of the view."""
    days = view.absent.shape[1]
    at = np.arange(days, dtype=np.int32)
    quiet, alive = _quiet_and_alive(view, rules)
    last_alive = np.where(alive, at, -1).max(axis=1, initial=-1).astype(np.int32)
    counted = quiet & ~view.absent & (at > last_alive[:, None])
    return Clocks(
        count=counted.sum(axis=1, dtype=np.int32),
        alive=last_alive,
        first=np.where(counted, at, days).min(axis=1, initial=days).astype(np.int32),
        last=np.where(counted, at, -1).max(axis=1, initial=-1).astype(np.int32),
        counted=counted,
    )


def _quiet_and_alive(view: IdleView, rules: IdleRules) -> tuple[Flags, Flags]:
    """Days without and with a sign of life; before the lease somebody else may have lived there."""
    signs = witnesses(view)
    at = np.arange(signs.shape[2], dtype=np.int32)
    alive = (signs == 1).any(axis=0) | (at < view.lease_from[:, None])
    return ((signs == 0).sum(axis=0) >= rules.min_sources) & ~alive, alive


def witnesses(view: IdleView) -> Floats:
    """The signs without those of meters that cannot be a witness."""
    signs = view.signs.copy()
    for source in (0, 1):
        signs[source, ~view.fine[source]] = np.nan
    return signs


def detect(view: IdleView, rules: IdleRules, scores: ScoreRules) -> list[Finding]:
    """The clocks of a block that are past a step, as of the last day of the view.

    Parameters
    ----------
    view : IdleView
        Days of the units, at least as many as the longest clock.
    rules, scores
        The policy in force on the last day.

    Returns
    -------
    list[Finding]
        In the order of the units; `vacancy` before `idle_limit`. Nothing where the newest day counted
        is older than `fresh_days`: a detector without good data is silent.
    """
    found = clocks(view, rules)
    days = view.absent.shape[1]
    fresh = found.last >= days - rules.fresh_days
    past = (found.count >= rules.lead_days) & fresh
    visited = mostly_quiet(view, rules) & ~past
    findings: list[Finding] = []
    for unit in np.flatnonzero(past | visited):
        if past[unit]:
            findings += _findings(view, found, int(unit), rules, scores)
        else:
            findings.append(_looked_in_on(view, int(unit), rules, scores))
    return findings


def mostly_quiet(view: IdleView, rules: IdleRules) -> Flags:
    """Homes that somebody looks in on: quiet on all but a few of the latest days, none of them excused."""
    days = view.absent.shape[1]
    quiet, _ = _quiet_and_alive(view, rules)
    latest = slice(max(days - rules.mostly_days, 0), days)
    enough = quiet[:, latest].sum(axis=1) >= rules.mostly_share * rules.mostly_days
    return enough & ~view.absent[:, latest].any(axis=1)


def due(view: IdleView, found: Clocks, unit: int, rules: IdleRules) -> date:
    """The last day within the legal limit: the period from the day before the first quiet one on,
    prolonged by the days that did not count."""
    first, days = int(found.first[unit]), view.absent.shape[1]
    uncounted = days - first - int(found.count[unit])
    return rules.limit.after(view.calendar.day(first - 1)) + timedelta(days=uncounted)


def _findings(
    view: IdleView, found: Clocks, unit: int, rules: IdleRules, scores: ScoreRules
) -> list[Finding]:
    first, alive = int(found.first[unit]), int(found.alive[unit])
    facts = _facts(view, rules, unit, first=first, count=int(found.count[unit]), alive=alive)
    over = due(view, found, unit, rules)
    kinds = [VACANCY, IDLE_LIMIT] if facts.last > over else [VACANCY]
    return [
        _finding(
            view,
            unit,
            kind,
            words.evidence(facts, over=over if kind == IDLE_LIMIT else None, rules=rules),
            facts=facts,
            since=first,
            unsure=first - alive - 1 if alive >= 0 else first,
            scores=scores,
        )
        for kind in kinds
    ]


def _looked_in_on(view: IdleView, unit: int, rules: IdleRules, scores: ScoreRules) -> Finding:
    """The lead of a home that is quiet but for a few days. Since when it has been so: a day with life speaks
    against it as much as the policy lets quiet days outweigh one."""
    quiet, alive = (of[unit] for of in _quiet_and_alive(view, rules))
    quiet &= ~view.absent[unit]
    outweighed_by = rules.mostly_share / (1 - rules.mostly_share + 1e-9)
    gain = np.cumsum((quiet - outweighed_by * alive)[::-1])[::-1]
    first = int(np.where(quiet, gain, -np.inf).argmax())
    counts = np.cumsum(quiet[::-1])[::-1]
    before = np.flatnonzero(alive[:first])
    last_alive = int(before[-1]) if before.size else -1
    facts = _facts(view, rules, unit, first=first, count=int(counts[first]), alive=last_alive)
    evidence = words.evidence(facts, over=None, rules=rules)
    unsure = first - last_alive - 1 if before.size else first
    return _finding(view, unit, VACANCY, evidence, facts=facts, since=first, unsure=unsure, scores=scores)


def _facts(view: IdleView, rules: IdleRules, unit: int, *, first: int, count: int, alive: int) -> words.Facts:
    days = view.absent.shape[1]
    signs = witnesses(view)[:, unit, first:]
    return words.Facts(
        count=count,
        visits=int((signs == 1).any(axis=0).sum()),
        first=view.calendar.day(first),
        last=view.calendar.day(days - 1),
        span=days - first,
        absent=int(view.absent[unit, first:].sum()),
        at_least=alive < 0,
        quiet={name: int((signs[i] == 0).sum()) for i, name in enumerate(SOURCES)},
        known={name: int(np.isfinite(signs[i]).sum()) for i, name in enumerate(SOURCES)},
        fine={"energy": bool(view.fine[0, unit]), "water": bool(view.fine[1, unit])},
        step={"energy": float(view.step[0, unit]), "water": float(view.step[1, unit])},
        energy=words.Level.of(view.energy_kwh[unit], first),
        water=words.Level.of(view.water_l[unit], first),
        floor_l=words.middle(view.water_floor_l[unit, first:]),
        doors=words.Level.of(view.happenings[unit], first),
        longest_before=_longest_before(view, rules, unit, alive),
    )


def _finding(
    view: IdleView,
    unit: int,
    kind: str,
    evidence: tuple[Evidence, ...],
    *,
    facts: words.Facts,
    since: int,
    unsure: int,
    scores: ScoreRules,
) -> Finding:
    return Finding(
        unit=unit,
        kind=kind,
        since=view.calendar.instant(24 * since),
        since_pm_days=0.5 + unsure,
        score=score(evidence, scores),
        evidence=evidence,
        known={name: (facts.known[name], facts.span) for name in SOURCES},
        unknown=words.unknown(facts),
    )


def _longest_before(view: IdleView, rules: IdleRules, unit: int, alive: int) -> int:
    """The most days in a row that counted before the last sign of life, unknown days left out."""
    signs = witnesses(view)[:, unit, : alive + 1]
    life = (signs == 1).any(axis=0)
    quiet = ((signs == 0).sum(axis=0) >= rules.min_sources) & ~life
    stretch = np.cumsum(life)  # days between the same two signs of life share a number
    return int(np.bincount(stretch[quiet]).max(initial=0))
