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
from anomaly.findings import Finding, ScoreRules, score
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
    signs = witnesses(view)
    alive = (signs == 1).any(axis=0) | (at < view.lease_from[:, None])
    quiet = (signs == 0).sum(axis=0) >= rules.min_sources
    last_alive = np.where(alive, at, -1).max(axis=1, initial=-1).astype(np.int32)
    counted = quiet & ~alive & ~view.absent & (at > last_alive[:, None])
    return Clocks(
        count=counted.sum(axis=1, dtype=np.int32),
        alive=last_alive,
        first=np.where(counted, at, days).min(axis=1, initial=days).astype(np.int32),
        last=np.where(counted, at, -1).max(axis=1, initial=-1).astype(np.int32),
        counted=counted,
    )


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
    past = (found.count >= rules.lead_days) & (found.last >= days - rules.fresh_days)
    findings: list[Finding] = []
    for unit in np.flatnonzero(past):
        findings += _findings(view, found, int(unit), rules, scores)
    return findings


def due(view: IdleView, found: Clocks, unit: int, rules: IdleRules) -> date:
    """The last day within the legal limit: the period from the day before the first quiet one on,
    prolonged by the days that did not count."""
    first, days = int(found.first[unit]), view.absent.shape[1]
    uncounted = days - first - int(found.count[unit])
    return rules.limit.after(view.calendar.day(first - 1)) + timedelta(days=uncounted)


def _findings(
    view: IdleView, found: Clocks, unit: int, rules: IdleRules, scores: ScoreRules
) -> list[Finding]:
    first, alive, days = int(found.first[unit]), int(found.alive[unit]), view.absent.shape[1]
    signs = witnesses(view)[:, unit, first:]
    facts = words.Facts(
        count=int(found.count[unit]),
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
    over = due(view, found, unit, rules)
    kinds = [VACANCY, IDLE_LIMIT] if facts.last > over else [VACANCY]
    findings: list[Finding] = []
    for kind in kinds:
        evidence = words.evidence(facts, over=over if kind == IDLE_LIMIT else None, rules=rules)
        findings.append(
            Finding(
                unit=unit,
                kind=kind,
                since=view.calendar.instant(24 * first),
                since_pm_days=0.5 + (first - alive - 1 if alive >= 0 else first),
                score=score(evidence, scores),
                evidence=evidence,
                known={name: (facts.known[name], facts.span) for name in SOURCES},
                unknown=words.unknown(facts),
            )
        )
    return findings


def _longest_before(view: IdleView, rules: IdleRules, unit: int, alive: int) -> int:
    """The most days in a row that counted before the last sign of life, unknown days left out."""
    signs = witnesses(view)[:, unit, : alive + 1]
    life = (signs == 1).any(axis=0)
    quiet = ((signs == 0).sum(axis=0) >= rules.min_sources) & ~life
    stretch = np.cumsum(life)  # days between the same two signs of life share a number
    return int(np.bincount(stretch[quiet]).max(initial=0))
