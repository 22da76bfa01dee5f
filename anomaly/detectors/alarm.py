"""What a device itself calls an alarm: smoke, gas, a forced door, a door that stood open for long.

What a detector reports around its own test is the test. An alarm that comes again soon is the same one.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomaly.detectors import alarm_words as words
from anomaly.findings import Finding, ScoreRules, score
from anomaly.window import Calendar, Flags, Floats, Ints

ALARM = "alarm"
_SMOKE, _TEST, _LEFT_OPEN = "smoke", "smoke_test", "door_left_open"
#: Names of the events that the detector looks at.
TYPES = (*words.NAMES, _TEST)


class AlarmRules(Protocol):
    """The part of the policy that the detector needs; `policy.groups.Alarm` is one."""

    @property
    def open_min(self) -> float: ...
    @property
    def test_min(self) -> float: ...
    @property
    def again_hours(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class AlarmView:
    """What was reported up to one moment, an element each, by unit and then by time; one length."""

    calendar: Calendar
    #: Positions in the block.
    unit: Ints
    #: Hours from the first local midnight, with the minutes.
    hour: NDArray[np.float64]
    #: By which hour it was known.
    arrived: Ints
    #: Place in `TYPES`.
    type: NDArray[np.int16]
    #: As the event has it.
    value: Floats
    #: What may be reported now.
    news: Flags


def grave(view: AlarmView, rules: AlarmRules) -> Flags:
    """Which of the reports are alarms: not over, no test, no door that was open for a moment."""
    is_door = view.type == TYPES.index(_LEFT_OPEN)
    alarms = (view.type != TYPES.index(_TEST)) & (view.value > 0)
    alarms &= ~is_door | (view.value >= rules.open_min)
    smoke = np.flatnonzero(alarms & (view.type == TYPES.index(_SMOKE)))
    for one in np.flatnonzero(view.type == TYPES.index(_TEST)):
        near = np.abs(view.hour[smoke] - view.hour[one]) * 60 <= rules.test_min
        alarms[smoke[near & (view.unit[smoke] == view.unit[one])]] = False
    return alarms


def detect(view: AlarmView, rules: AlarmRules, scores: ScoreRules) -> list[Finding]:
    """The alarms of a block, as of the last hour of the view.

    Parameters
    ----------
    view : AlarmView
        What was reported in the days that matter.
    rules, scores
        The policy in force.

    Returns
    -------
    list[Finding]
        In the order of the units, at most one each: its latest time of alarm, with every device in it.
    """
    chosen = np.flatnonzero(grave(view, rules))
    findings: list[Finding] = []
    for unit in np.unique(view.unit[chosen[view.news[chosen]]]):
        mine = chosen[view.unit[chosen] == unit]
        mine = mine[: np.flatnonzero(view.news[mine])[-1] + 1]
        gaps = np.flatnonzero(np.diff(view.hour[mine]) > rules.again_hours)
        episode = mine[gaps[-1] + 1 :] if gaps.size else mine
        findings.append(_finding(view, episode, scores))
    return findings


def _finding(view: AlarmView, episode: NDArray[np.intp], scores: ScoreRules) -> Finding:
    calendar = view.calendar
    said: dict[str, words.Said] = {}
    for one in episode:
        type_ = TYPES[int(view.type[one])]
        before = said.get(type_)
        open_min = float(view.value[one]) if type_ == _LEFT_OPEN else 0.0
        said[type_] = words.Said(
            type=type_,
            first=calendar.local(float(view.hour[one])) if before is None else before.first,
            last=calendar.local(float(view.hour[one])),
            times=1 if before is None else before.times + 1,
            open_min=open_min if before is None else max(open_min, before.open_min),
        )
    evidence = words.evidence(tuple(said.values()))
    begun = min(
        float(view.hour[one] - words.open_hours(TYPES[int(view.type[one])], float(view.value[one])))
        for one in episode
    )
    known_h = int(view.arrived[episode].min())
    return Finding(
        unit=int(view.unit[episode[0]]),
        kind=ALARM,
        since=calendar.instant(begun),
        since_pm_days=0.0,
        score=score(evidence, scores),
        evidence=evidence,
        known={item.source: (1, 1) for item in evidence},
        unknown=words.unknown(tuple(said.values())),
        at=calendar.instant(known_h),
    )
