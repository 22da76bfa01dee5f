"""No sign of life in the home of an older person living alone, for longer than that home was ever quiet.

Signs are hours in which electricity rises above what this home draws at rest, in which water runs beyond what
always runs, or in which the door or a sensor tells of somebody. A quiet hour weighs -log(share of days on
which nothing stirs in that hour): a night little, a noon much; an hour of which one meter alone is known
counts in part, one that a registered absence covers not at all. The sum is held against the home's own
longest quiet times of the past. Where a lock says that somebody went out last, nothing is said. Without a
lock trips look alike: more is wanted, and the answer asks for a call.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomaly.detectors import silence_words as words
from anomaly.detectors.resting import RestRules, resting
from anomaly.findings import Finding, ScoreRules, score
from anomaly.window import Calendar, Flags, Floats, Ints

ELDER_SILENCE = "elder_silence"
#: `SilenceView.last`: what the door told last.
UNKNOWN, CAME_IN, WENT_OUT = 0, 1, 2

Doubles = NDArray[np.float64]


class SilenceRules(RestRules, words.WordRules, Protocol):
    """The part of the policy that the detector needs; `policy.groups.ElderSilence` is one."""

    @property
    def min_hours(self) -> int: ...
    @property
    def min_hours_unlocked(self) -> int: ...
    @property
    def min_gain(self) -> float: ...
    @property
    def longest_factor(self) -> float: ...
    @property
    def rank(self) -> int: ...
    @property
    def rank_unlocked(self) -> int: ...
    @property
    def came_in_factor(self) -> float: ...
    @property
    def by_day_factor(self) -> float: ...
    @property
    def day_from_h(self) -> int: ...
    @property
    def day_to_h(self) -> int: ...
    @property
    def one_meter_share(self) -> float: ...
    @property
    def water_factor(self) -> float: ...
    @property
    def water_margin_l(self) -> float: ...
    @property
    def most_gain(self) -> float: ...
    @property
    def lock_days(self) -> int: ...
    @property
    def reader_days(self) -> int: ...
    @property
    def empty_share(self) -> float: ...
    @property
    def empty_days(self) -> int: ...
    @property
    def empty_hours(self) -> int: ...
    @property
    def min_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class SilenceView:
    """Homes of an older person alone up to one moment; hours are local, the last one ends the last day."""

    calendar: Calendar
    #: Positions in the block, (units,).
    unit: Ints
    #: (units, hours): NaN where nothing was measured, or had not arrived.
    kwh: Floats
    litres: Floats
    #: (units, hours): by which hour of the calendar each was known.
    kwh_arrived: Ints
    litres_arrived: Ints
    #: (units, hours): hours that may be reported now.
    news: Flags
    #: (units, hours): the door, or a sensor inside, told of somebody; and of the door alone.
    stirred: Flags
    door: Flags
    #: (units, hours): somebody was let in by a reader.
    entry: Flags
    #: (units, hours): what the door had told last by the end of the hour.
    last: NDArray[np.int8]
    #: (units, days): the lock was heard.
    heard: Flags
    #: (units, hours): a registered absence covers it.
    absent: Flags


@dataclass(frozen=True, kw_only=True)
class _Home:
    """One home: its hours, (hours,) each."""

    row: int
    alive: Flags
    #: How much of an hour each counts: meters known, nobody excused.
    counts: Doubles
    known_energy: Flags
    known_water: Flags
    #: Where its quiet times start, and the hours after their last, in order; (spells,).
    starts: Ints
    ends: Ints


@dataclass(frozen=True, kw_only=True)
class _Past:
    """What one home was like before a quiet time."""

    #: Weight of each local hour, (24,).
    gain: Doubles
    #: (gain, hours) of its quiet times, the longest first.
    longest: tuple[tuple[float, float], ...]
    days: int
    empty: float


def water_stirs(litres: Floats, rules: SilenceRules) -> Flags:
    """The hours of (units, hours) with more than what ran in every hour of the day before."""
    padded = np.pad(np.where(np.isfinite(litres), litres, np.inf), ((0, 0), (23, 0)), constant_values=np.inf)
    floor = np.lib.stride_tricks.sliding_window_view(padded, 24, axis=1).min(axis=-1)
    with np.errstate(invalid="ignore"):
        return litres > rules.water_factor * floor + rules.water_margin_l


def may_be_quiet(litres: Floats, stirred: Flags, news: Flags, rules: SilenceRules) -> Flags:
    """A cheap look at the latest hours, (units, hours) each: the units that can be quiet for long enough in
    what is news. Others need not be looked at."""
    alive = water_stirs(litres, rules) | stirred
    at = np.arange(news.shape[1], dtype=np.int32)
    since = at - np.maximum.accumulate(np.where(alive, at, -1), axis=1)
    return (news & (since >= rules.min_hours)).sum(axis=1) > 0


def detect(view: SilenceView, rules: SilenceRules, scores: ScoreRules) -> list[Finding]:
    """The homes that are quiet for too long, as of the last hour of the view.

    Parameters
    ----------
    view : SilenceView
        Whole days of the units, at least the habit and the longest time looked at.
    rules, scores
        The policy in force.

    Returns
    -------
    list[Finding]
        In the order of the units, at most one each: its latest.
    """
    if not view.unit.size:
        return []
    rest = resting(view.kwh, rules)
    bar = np.repeat(rules.rest_factor * rest + rules.rest_margin_kwh, 24, axis=1)
    known_energy = np.isfinite(view.kwh) & np.isfinite(bar)
    known_water = np.isfinite(view.litres)
    with np.errstate(invalid="ignore"):
        alive = (view.kwh > bar) | water_stirs(view.litres, rules) | view.stirred
    counts = np.where(
        known_energy & known_water, 1.0, np.where(known_energy | known_water, rules.one_meter_share, 0.0)
    )
    counts[view.absent] = 0
    findings: list[Finding] = []
    for row in range(view.unit.size):
        starts, ends = _spells(alive[row])
        home = _Home(
            row=row,
            alive=alive[row],
            counts=counts[row],
            known_energy=known_energy[row],
            known_water=known_water[row],
            starts=starts,
            ends=ends,
        )
        finding = _latest(home, view, rules, scores)
        if finding is not None:
            findings.append(finding)
    return findings


def _spells(alive: Flags) -> tuple[Ints, Ints]:
    """Starts and ends of the stretches of (hours,) without a sign."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], alive, [True]]).astype(np.int8)))
    spells = edges.reshape(-1, 2).astype(np.int32)
    return spells[:, 0], spells[:, 1]


def _latest(home: _Home, view: SilenceView, rules: SilenceRules, scores: ScoreRules) -> Finding | None:
    """What is said of the latest quiet time of one home that is news."""
    reach = view.news.shape[1] - np.argmax(view.news[home.row])  # news lie in so many last hours
    long = (home.ends - home.starts >= rules.min_hours) & (home.ends > view.news.shape[1] - reach)
    for start, end in zip(home.starts[long][::-1].tolist(), home.ends[long][::-1].tolist(), strict=True):
        news = np.flatnonzero(view.news[home.row, start:end])
        quiet = _Quiet.of(home, view, start, end, rules) if news.size else None
        crossed = None if quiet is None else quiet.crossed(home, view)
        if quiet is not None and crossed is not None and start + int(news[-1]) >= crossed:
            return _finding(home, view, quiet, crossed, scores)
    return None


@dataclass(frozen=True, kw_only=True)
class _Quiet:
    """One quiet time and what it is held against."""

    start: int
    end: int
    past: _Past
    #: The lock is a witness that nobody went out.
    locked: bool
    #: The last sign was the door, or came with it.
    came_in: bool
    need_hours: float
    need_gain: float

    @classmethod
    def of(cls, home: _Home, view: SilenceView, start: int, end: int, rules: SilenceRules) -> "_Quiet | None":
        """None where nothing can be said: somebody went out, little is known, or nobody lives there."""
        row, before = home.row, max(start - 1, 0)
        locked = _is_witness(view, row, start, rules)
        if locked and view.last[row, before] == WENT_OUT:
            return None
        past = _past(home, view, start, rules, by_door=locked)
        if past.days < rules.min_days or past.empty > rules.empty_share:
            return None
        came_in = bool(view.door[row, before])
        factor = rules.came_in_factor if came_in else 1.0
        if rules.day_from_h <= before % 24 < rules.day_to_h:
            factor *= rules.by_day_factor
        rank = rules.rank if locked else rules.rank_unlocked
        own = past.longest[rank - 1][0] if len(past.longest) >= rank else 0.0
        return cls(
            start=start,
            end=end,
            past=past,
            locked=locked,
            came_in=came_in,
            need_hours=factor * (rules.min_hours if locked else rules.min_hours_unlocked),
            need_gain=factor * max(rules.min_gain, rules.longest_factor * own),
        )

    def sums(self, home: _Home) -> tuple[Doubles, Doubles]:
        """Hours and gain from the start on, up to each hour."""
        counts = home.counts[self.start : self.end]
        weights = self.past.gain[np.arange(self.start, self.end) % 24]
        return np.cumsum(counts), np.cumsum(counts * weights)

    def crossed(self, home: _Home, view: SilenceView) -> int | None:
        """The hour at which it was too long."""
        hours, gain = self.sums(home)
        past = (hours >= self.need_hours) & (gain >= self.need_gain)
        past &= ~view.absent[home.row, self.start : self.end]
        return self.start + int(past.argmax()) if past.any() else None


def _is_witness(view: SilenceView, row: int, start: int, rules: SilenceRules) -> bool:
    """Whether the lock would have told of somebody who went out."""
    day = start // 24
    heard = view.heard[row, max(day - rules.lock_days, 0) :].any()
    entered = view.entry[row, max(start - 24 * rules.reader_days, 0) : start].any()
    return bool(heard and entered and view.last[row, max(start - 1, 0)] != UNKNOWN)


def _past(home: _Home, view: SilenceView, start: int, rules: SilenceRules, *, by_door: bool) -> _Past:
    """The habit and the longest quiet times of a home before one of them."""
    end_day = start // 24
    memory = rules.door_memory_days if by_door else rules.memory_days
    first_day = max(end_day - memory, 0)
    days = slice(first_day, end_day)
    known = (home.known_energy | home.known_water).reshape(-1, 24)[days]
    alive = home.alive.reshape(-1, 24)[days]
    lived = (alive & known).any(axis=1)
    n = known[lived].sum(axis=0)
    share = ((alive & known)[lived].sum(axis=0) + 0.5) / (n + 1.5)
    smooth = (np.roll(share, 1) + 2 * share + np.roll(share, -1)) / 4
    gain = np.minimum(-np.log1p(-smooth), rules.most_gain)
    hours = np.concatenate([[0.0], np.cumsum(home.counts)])
    weights = home.counts * np.tile(gain, home.counts.size // 24)
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    chosen = (home.ends <= start) & (home.ends > 24 * first_day)
    starts, ends = home.starts[chosen], home.ends[chosen]
    length = hours[ends] - hours[starts]
    recent = hours[ends] - hours[np.clip(starts, start - 24 * rules.empty_days, ends)]
    empty = float(recent[length >= rules.empty_hours].sum())
    at_home = starts >= 24 * first_day  # nobody knows how long one was that began before
    if by_door:
        at_home &= view.last[home.row, np.maximum(starts - 1, 0)] != WENT_OUT
    longest = zip((sums[ends] - sums[starts])[at_home].tolist(), length[at_home].tolist(), strict=True)
    return _Past(
        gain=gain,
        longest=tuple(sorted(longest, reverse=True)),
        days=int(known.any(axis=1).sum()),
        empty=empty / (24 * rules.empty_days),
    )


def _finding(home: _Home, view: SilenceView, quiet: _Quiet, crossed: int, scores: ScoreRules) -> Finding:
    calendar, row, start, end = view.calendar, home.row, quiet.start, quiet.end
    hours, gain = quiet.sums(home)
    known = (home.known_energy | home.known_water)[start:end]
    last_known = start + int(np.flatnonzero(known)[-1]) + 1
    counted = slice(start, crossed + 1)
    late = [
        int(arrived[row, counted][seen[counted]].max(initial=0))
        for arrived, seen in (
            (view.kwh_arrived, home.known_energy),
            (view.litres_arrived, home.known_water),
        )
    ]
    doors = np.flatnonzero(view.door[row, :start])
    longest = quiet.past.longest[0][1] if quiet.past.longest else 0.0
    facts = words.Facts(
        since=calendar.local(start),
        until=calendar.local(last_known),
        hours=float(hours[-1]),
        far=float(gain[-1]) >= 2 * quiet.need_gain,
        running=end == view.news.shape[1],
        longest_h=longest,
        memory_days=quiet.past.days,
        locked=quiet.locked,
        came_in=quiet.came_in,
        door_at=calendar.local(int(doors[-1])) if doors.size else None,
        energy_h=int(home.known_energy[start:last_known].sum()),
        water_h=int(home.known_water[start:last_known].sum()),
        span_h=last_known - start,
        absent_h=int(view.absent[row, start:last_known].sum()),
    )
    evidence = words.evidence(facts)
    known_days = {
        "energy": home.known_energy.reshape(-1, 24).any(axis=1),
        "water": home.known_water.reshape(-1, 24).any(axis=1),
        "door": view.heard[row],
    }
    before = np.flatnonzero((home.known_energy | home.known_water | home.alive)[:start])
    return Finding(
        unit=int(view.unit[row]),
        kind=ELDER_SILENCE,
        since=calendar.instant(start),
        since_pm_days=(1 + (start - 1 - int(before[-1]) if before.size else start)) / 24,
        score=score(evidence, scores),
        evidence=evidence,
        known={name: (int(days.sum()), int(days.size)) for name, days in known_days.items()},
        unknown=words.unknown(facts),
        at=calendar.instant(max(crossed + 1, *late)),
    )
