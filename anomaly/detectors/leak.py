"""Flow without a pause: hour after hour of water, longer than this home's habit explains.

A run is a row of measured hours with flow. An hour without flow ends it. Hours of which nothing was
measured, among them those that were only spread over a gap, neither lengthen nor end it; a gap longer
than `bridge_hours` does end it, because nobody knows what happened meanwhile. Each hour of a run weighs
-log(share of days on which this home has flow at that local hour), so that a night weighs more than an
evening. People's use differs from hour to hour, a pipe's does not: enough of the latest hours must lie
close to the smallest.

The answer is "flow for 26 hours": a toilet that runs for a day is real, and no burst pipe.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from anomaly.detectors import leak_words as words
from anomaly.findings import Finding, ScoreRules, score
from anomaly.window import Calendar, Flags, Floats, Ints

LEAK = "leak"
#: Six weeks teach no share nearer to never and always than this; it keeps the logarithm finite.
_NEVER_SURE = 0.02


class LeakRules(words.WordRules, Protocol):
    """The part of the policy that the detector needs; `policy.groups.Leak` is one."""

    @property
    def flow_l(self) -> float: ...
    @property
    def min_hours(self) -> int: ...
    @property
    def min_gain(self) -> float: ...
    @property
    def bridge_hours(self) -> int: ...
    @property
    def baseline_days(self) -> int: ...
    @property
    def baseline_skip_days(self) -> int: ...
    @property
    def baseline_min_days(self) -> int: ...
    @property
    def usual_flow(self) -> tuple[float, ...]: ...
    @property
    def flat_window_hours(self) -> int: ...
    @property
    def flat_hours(self) -> int: ...
    @property
    def flat_share(self) -> float: ...
    @property
    def flat_margin_l(self) -> float: ...
    @property
    def floor_l(self) -> float: ...
    @property
    def latest_hours(self) -> int: ...
    @property
    def start_share(self) -> float: ...
    @property
    def start_margin_l(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class LeakView:
    """The water of a block up to one moment; hours are local, the last one ends the last day."""

    calendar: Calendar
    #: (units, hours): litres; NaN where nothing was measured, or had not arrived.
    litres: Floats
    #: (units, hours): hours that may be reported now, because they became known since the last look.
    news: Flags
    #: Meters that count finely enough to show an hour without flow, (units,).
    fine: Flags
    #: Local hours of the night.
    night: slice


@dataclass(frozen=True, kw_only=True)
class Runs:
    """For each hour the run that it stands in; (units, hours)."""

    #: Position before the run: the last hour without flow, or the end of a long gap.
    before: Ints
    #: Measured hours with flow, up to and including this one.
    hours: Ints
    #: Sum of their weights.
    gain: Floats


def habit(litres: Floats, rules: LeakRules) -> Floats:
    """Share of days with flow in each local hour, (units, 24), never below an ordinary home's.

    Parameters
    ----------
    litres : (units, hours)
        Up to the moment looked from; the days before `baseline_skip_days` teach.
    """
    days = litres.reshape(litres.shape[0], -1, 24)
    end = days.shape[1] - rules.baseline_skip_days
    past = days[:, max(end - rules.baseline_days, 0) : max(end, 0)]
    known = np.isfinite(past).sum(axis=1)
    with np.errstate(invalid="ignore"):
        flowing = (past >= rules.flow_l).sum(axis=1)
    own = np.where(known >= rules.baseline_min_days, flowing / np.maximum(known, 1), 0)
    usual = np.asarray(rules.usual_flow, dtype=np.float32)
    return np.clip(np.maximum(own, usual), _NEVER_SURE, 1 - _NEVER_SURE).astype(np.float32)


def runs(litres: Floats, weights: Floats, rules: LeakRules) -> Runs:
    """Follow the runs of (units, hours); `weights` is (units, 24) by local hour."""
    units, hours = litres.shape
    at = np.arange(hours, dtype=np.int32)
    known = np.isfinite(litres)
    with np.errstate(invalid="ignore"):
        flow = litres >= rules.flow_l
    last_known = np.maximum.accumulate(np.where(known, at, -1), axis=1)
    previous = np.concatenate([np.full((units, 1), -1, last_known.dtype), last_known[:, :-1]], axis=1)
    torn = known & (at - previous - 1 > rules.bridge_hours)
    breaks = np.where(known & ~flow, at, np.where(torn, at - 1, -1)).astype(np.int32)
    before = np.maximum.accumulate(breaks, axis=1)
    weight = np.where(flow, np.tile(weights, (1, hours // 24)), 0)
    count, gain = _since(np.cumsum(flow, axis=1), before), _since(np.cumsum(weight, axis=1), before)
    return Runs(before=before, hours=count.astype(np.int32), gain=gain.astype(np.float32))


def detect(view: LeakView, rules: LeakRules, scores: ScoreRules) -> list[Finding]:
    """The runs of a block that are long, rare and even enough, as of the last hour of the view.

    Parameters
    ----------
    view : LeakView
        Hours of the units, at least the baseline and the longest run.
    rules, scores
        The policy in force.

    Returns
    -------
    list[Finding]
        In the order of the units, at most one each: its latest run.
    """
    likely = np.flatnonzero(view.fine & _likely(view, rules))
    if not likely.size:
        return []
    litres = view.litres[likely]
    usual = habit(litres, rules)
    found = runs(litres, -np.log(usual), rules)
    past = (
        view.news[likely]
        & (litres >= rules.flow_l)
        & (found.hours >= rules.min_hours)
        & (found.gain >= rules.min_gain)
    )
    findings: list[Finding] = []
    for row, unit in enumerate(likely):
        for hour in np.flatnonzero(past[row])[::-1]:
            run = _run(litres[row], found, row, int(hour), rules)
            if run is not None:
                home = _Home(unit=int(unit), litres=litres[row], usual=usual[row])
                findings.append(_finding(home, run, view, rules, scores))
                break
    return findings


def evenness(litres: Floats, rules: LeakRules) -> words.Even | None:
    """How even the latest hours of a run are; None where they look like people.

    Parameters
    ----------
    litres : (hours,)
        The run.
    """
    latest = litres[np.isfinite(litres)][-rules.flat_window_hours :]
    floor = float(latest.min())
    ceiling = floor * (1 + rules.flat_share) + rules.flat_margin_l
    close = int((latest <= ceiling).sum())
    if floor < rules.floor_l or close < rules.flat_hours:
        return None
    return words.Even(floor_l=floor, ceiling_l=ceiling, close=close, of=int(latest.size))


def _likely(view: LeakView, rules: LeakRules) -> Flags:
    """A cheap look at the latest days: the units that can have a run of `min_hours` in the news."""
    days = 1 + (rules.latest_hours + 3 * rules.min_hours) // 24
    litres, news = view.litres[:, -24 * days :], view.news[:, -24 * days :]
    found = runs(litres, np.zeros((litres.shape[0], 24), dtype=np.float32), rules)
    past = news & ((found.hours >= rules.min_hours) | (found.before < 0))
    return past.sum(axis=1) > 0


def _since(total: np.ndarray, before: Ints) -> np.ndarray:
    """What a running total gained after the position `before`."""
    start = np.take_along_axis(total, np.maximum(before, 0), axis=1)
    return total - np.where(before >= 0, start, 0)


@dataclass(frozen=True, kw_only=True)
class _Home:
    """One unit: its position in the block, its hours, its habit."""

    unit: int
    litres: Floats
    usual: Floats


def _run(litres: Floats, found: Runs, row: int, hour: int, rules: LeakRules) -> words.Run | None:
    """The run that one hour ends; None where it looks like people."""
    before = int(found.before[row, hour])
    even = evenness(litres[before + 1 : hour + 1], rules)
    if even is None:
        return None
    long = found.before[row, found.hours[row] >= rules.min_hours]
    return words.Run(
        start=before + 1,
        end=hour + 1,
        hours=int(found.hours[row, hour]),
        gain=float(found.gain[row, hour]),
        even=even,
        earlier=int(np.unique(long[long < before]).size),
    )


def _finding(home: _Home, run: words.Run, view: LeakView, rules: LeakRules, scores: ScoreRules) -> Finding:
    calendar, litres, known = view.calendar, home.litres, np.isfinite(home.litres)
    start, unsure = _claimed_start(litres, run, rules)
    facts = words.Facts(
        run=run,
        since=calendar.local(start),
        until=calendar.local(run.end),
        ends_at=calendar.instant(run.end),
        running=bool(known[: run.end][-1]) and not known[run.end :].any(),
        mean_l=float(np.nanmean(litres[start : run.end])),
        total_l=float(np.nansum(litres[start : run.end])),
        at_least=not known[:start].any(),
        night=(view.night.start, view.night.stop),
        night_usual=float(home.usual[view.night].mean()),
        night_before_l=_night(litres[: start // 24 * 24], view, rules),
        night_now_l=_night(litres[-(-run.start // 24) * 24 : -(-run.end // 24) * 24], view, rules),
        unknown_h=int((~known[start : run.end]).sum()),
    )
    evidence = words.evidence(facts, rules)
    days = known.reshape(-1, 24).any(axis=1)
    return Finding(
        unit=home.unit,
        kind=LEAK,
        since=calendar.instant(start),
        since_pm_days=(1 + unsure) / 24,
        score=score(evidence, scores),
        evidence=evidence,
        known={"water": (int(days.sum()), int(days.size))},
        unknown=words.unknown(facts),
    )


def _claimed_start(litres: Floats, run: words.Run, rules: LeakRules) -> tuple[int, int]:
    """The first hour from which the flow never fell clearly below what runs now, and how many unknown
    hours lie just before it."""
    with np.errstate(invalid="ignore"):
        clearly_below = rules.start_share * run.even.floor_l - rules.start_margin_l
        low = np.flatnonzero(litres[run.start : run.end] < clearly_below)
    start = run.start + (int(low[-1]) + 1 if low.size else 0)
    first = start + int(np.isfinite(litres[start : run.end]).argmax())
    known = np.flatnonzero(np.isfinite(litres[:first]))
    if known.size:
        return first, first - int(known[-1]) - 1
    return first, first or litres.size  # it flows since the window begins: nobody knows since when


def _night(litres: Floats, view: LeakView, rules: LeakRules) -> float:
    """Median over the latest `night_days` of the smallest hour of each night; NaN where unknown.

    Parameters
    ----------
    litres : (hours,)
        Whole local days.
    """
    nights = litres.reshape(-1, 24)[-rules.night_days :, view.night]
    lows = [float(night[np.isfinite(night)].min()) for night in nights if np.isfinite(night).any()]
    return float(np.median(lows)) if lows else float("nan")
