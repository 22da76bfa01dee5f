"""More water at once than this home ever used: a pipe that burst, or a very large draw.

An hour counts that is far above the most the home used in any hour before, or two hours in a row that are
above it by less: people stop, a pipe does not. What the home itself used sets the bar; a home of which little
is known is held against the least bar alone, and the answer says so.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from anomaly.detectors import burst_words as words
from anomaly.findings import Finding, ScoreRules, score
from anomaly.window import Calendar, Flags, Floats, Ints

BURST = "burst"


class BurstRules(words.WordRules, Protocol):
    """The part of the policy that the detector needs; `policy.groups.Burst` is one."""

    @property
    def hour_l(self) -> float: ...
    @property
    def hour_factor(self) -> float: ...
    @property
    def sustained_l(self) -> float: ...
    @property
    def sustained_factor(self) -> float: ...
    @property
    def flow_share(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class BurstView:
    """The water of some units up to one moment; hours are local, the last one ends the last day."""

    calendar: Calendar
    #: Positions in the block, (units,).
    unit: Ints
    #: (units, hours): litres; NaN where nothing was measured, or had not arrived.
    litres: Floats
    #: (units, hours): by which hour of the calendar each was known.
    arrived: Ints
    #: (units, hours): hours that may be reported now.
    news: Flags
    #: So many hours at the end teach nothing: what is looked for may stand in them.
    latest_hours: int


def detect(view: BurstView, rules: BurstRules, scores: ScoreRules) -> list[Finding]:
    """The bursts of some units, as of the last hour of the view.

    Parameters
    ----------
    view : BurstView
        Hours of the units, at least as many as are compared with.
    rules, scores
        The policy in force.

    Returns
    -------
    list[Finding]
        In the order of the units, at most one each: its latest.
    """
    if not view.unit.size:
        return []
    litres = view.litres
    past = litres[:, : -view.latest_hours]
    most = np.where(np.isfinite(past), past, np.float32(0)).max(axis=1, initial=0)[:, None]
    previous = np.concatenate([np.full((litres.shape[0], 1), np.nan, np.float32), litres[:, :-1]], axis=1)
    with np.errstate(invalid="ignore"):
        at_once = litres >= np.maximum(rules.hour_l, rules.hour_factor * most)
        bar = np.maximum(rules.sustained_l, rules.sustained_factor * most)
        sustained = (litres >= bar) & (previous >= bar)
    above = at_once | sustained
    findings: list[Finding] = []
    for row in np.flatnonzero((above & view.news).any(axis=1)):
        hour = int(np.flatnonzero(above[row] & view.news[row])[-1])
        hours = _run(litres[row], hour, rules.flow_share)
        crossed = hours.start + int(above[row, hours].argmax())
        needs = slice(crossed if at_once[row, crossed] else crossed - 1, crossed + 1)
        run = _Run(
            row=int(row),
            hours=hours,
            known_h=max(int(view.arrived[row, needs].max()), crossed + 1),
            before_l=float(most[row, 0]),
        )
        findings.append(_finding(view, run, rules, scores))
    return findings


def _run(litres: Floats, hour: int, flow_share: float) -> slice:
    """The hours around one that flow alike."""
    with np.errstate(invalid="ignore"):
        low = ~(litres >= flow_share * litres[hour])  # an unknown hour ends it as well
    before, after = np.flatnonzero(low[:hour]), np.flatnonzero(low[hour:])
    return slice(
        int(before[-1]) + 1 if before.size else 0, hour + int(after[0]) if after.size else litres.size
    )


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One burst of one row: its hours, by which hour it was known, and the most that was used before."""

    row: int
    hours: slice
    known_h: int
    before_l: float


def _finding(view: BurstView, run: _Run, rules: BurstRules, scores: ScoreRules) -> Finding:
    litres, calendar, hours = view.litres[run.row], view.calendar, run.hours
    days = np.isfinite(litres).reshape(-1, 24).any(axis=1)
    past_days = days[: hours.start // 24]
    facts = words.Facts(
        since=calendar.local(hours.start),
        until=calendar.local(hours.stop),
        hours=hours.stop - hours.start,
        most_l=float(litres[hours].max()),
        total_l=float(litres[hours].sum()),
        before_l=run.before_l,
        days=int(past_days.sum()),
        running=not np.isfinite(litres[hours.stop :]).any(),
        gap=hours.start == 0 or not np.isfinite(litres[hours.start - 1]),
    )
    evidence = words.evidence(facts, rules)
    return Finding(
        unit=int(view.unit[run.row]),
        kind=BURST,
        since=calendar.instant(hours.start),
        since_pm_days=1 / 24,
        score=score(evidence, scores),
        evidence=evidence,
        known={"water": (int(days.sum()), int(days.size))},
        unknown=words.unknown(facts, rules),
        at=calendar.instant(run.known_h),
    )
