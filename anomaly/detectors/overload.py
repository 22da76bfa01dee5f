"""More power than the connection is contracted for: hours whose mean is above it.

An hour stands for two half hours; the hour before it must be known, because a concentrator may add what it
missed to the first hour after a gap, and that is no load. Far beyond the contract a reading is wrong. Without
a contract on record nobody can say anything.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from anomaly.detectors import overload_words as words
from anomaly.findings import Finding, ScoreRules, Unknown, score
from anomaly.window import Calendar, Flags, Floats, Ints

OVERLOAD = "overload"


class OverloadRules(Protocol):
    """The part of the policy that the detector needs; `policy.groups.Overload` is one."""

    @property
    def min_hours(self) -> int: ...
    @property
    def impossible_factor(self) -> float: ...
    @property
    def bridge_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class OverloadView:
    """The electricity of some units up to one moment; hours are local, the last one ends the last day."""

    calendar: Calendar
    #: Positions in the block, (units,).
    unit: Ints
    #: (units, hours): kWh, which over an hour is the mean power in kW; NaN: unknown.
    kwh: Floats
    #: (units, hours): by which hour of the calendar each was known.
    arrived: Ints
    #: (units, hours): hours that may be reported now.
    news: Flags
    #: (units,): NaN: not on record.
    contract_kw: Floats


def why_silent(contract_kw: float) -> Unknown | None:
    """Why nothing is said of a home, if its record is to blame."""
    return None if contract_kw > 0 else words.NO_CONTRACT


def above(kwh: Floats, contract_kw: Floats, rules: OverloadRules) -> Flags:
    """The hours of (units, hours) above the contract of (units,)."""
    before = np.concatenate([np.full((kwh.shape[0], 1), np.nan, np.float32), kwh[:, :-1]], axis=1)
    contract = contract_kw[:, None]
    with np.errstate(invalid="ignore"):
        over = (contract > 0) & (kwh > contract) & (kwh < rules.impossible_factor * contract)
    return over & np.isfinite(before)


def detect(view: OverloadView, rules: OverloadRules, scores: ScoreRules) -> list[Finding]:
    """The units that drew more than their contract, as of the last hour of the view.

    Parameters
    ----------
    view : OverloadView
        Whole days of the units.
    rules, scores
        The policy in force.

    Returns
    -------
    list[Finding]
        In the order of the units, at most one each: its latest stretch of such days.
    """
    if not view.unit.size:
        return []
    over = above(view.kwh, view.contract_kw, rules).reshape(view.unit.size, -1, 24)
    over &= over.sum(axis=2, keepdims=True) >= rules.min_hours
    fresh = (over & view.news.reshape(over.shape)).any(axis=2)
    findings: list[Finding] = []
    for row in np.flatnonzero(fresh.any(axis=1)):
        days = np.flatnonzero(over[row].any(axis=1))
        days = days[days <= np.flatnonzero(fresh[row])[-1]]
        gaps = np.flatnonzero(np.diff(days) > rules.bridge_days + 1)
        days = days[gaps[-1] + 1 :] if gaps.size else days
        hours = np.flatnonzero(over[row].reshape(-1))
        hours = hours[(hours // 24 >= days[0]) & (hours // 24 <= days[-1])].astype(np.int32)
        findings.append(_finding(view, int(row), hours, rules, scores))
    return findings


def _finding(view: OverloadView, row: int, hours: Ints, rules: OverloadRules, scores: ScoreRules) -> Finding:
    """The finding of one unit, from its hours above the contract."""
    calendar, kwh, contract = view.calendar, view.kwh[row], float(view.contract_kw[row])
    days = np.unique(hours // 24)
    crossed = hours[: rules.min_hours]
    known_h = max(int(view.arrived[row, crossed].max()), int(crossed[-1]) + 1)
    most = int(hours[kwh[hours].argmax()])
    facts = words.Facts(
        contract_kw=contract,
        first=calendar.day(int(days[0])),
        last=calendar.day(int(days[-1])),
        days=int(days.size),
        hours=int(hours.size),
        last_hours=int((hours // 24 == days[-1]).sum()),
        most_kw=float(kwh[most]),
        most_at=calendar.local(most),
    )
    evidence = words.evidence(facts)
    known = np.isfinite(kwh).reshape(-1, 24).any(axis=1)
    return Finding(
        unit=int(view.unit[row]),
        kind=OVERLOAD,
        since=calendar.instant(int(hours[0])),
        since_pm_days=1 / 24,
        score=score(evidence, scores),
        evidence=evidence,
        known={"energy": (int(known.sum()), int(known.size))},
        unknown=words.unknown(),
        at=calendar.instant(known_h),
    )
