"""Somebody else, or more people, live here: one lead a home, the kinds ranked in it.

What the latest weeks show is held against the home's own past, with what all peers did taken out. Each item
of evidence moves the odds of four kinds: another household lives there, more people than one household,
work on working days, guests who change. Their odds together are those that a visit finds anything; the kind
that weighs most names the lead. The mean over the last weeks counts, so that one odd week says nothing; a
home whose door is not heard must look odd for longer.

A lease that began of late, and a day that only looks turned by some hours, as a wrong clock turns it, are
explanations that meters alone cannot beat: then nothing is said without a door.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomaly.detectors import people_words as words
from anomaly.detectors.people_model import Chances, Flags, Model, Numbers, shares
from anomaly.findings import Finding
from anomaly.measures import PLACE, shapes
from anomaly.week_fields import AT
from anomaly.window import Calendar

SUBLET, GROUP_RENTAL, BUSINESS, SHORT_STAY = "sublet", "group_rental", "business", "short_stay"
KINDS = (SUBLET, GROUP_RENTAL, BUSINESS, SHORT_STAY)
#: Weeks among which the start is looked for, and the fewest on either side.
_BACK, _SIDE = 16, 2

#: Splits whose gain is this near to the best one's may be it, too.
_CLOSE = 0.9

Places = NDArray[np.intp]


class PeopleRules(words.WordRules, Protocol):
    """The part of the policy that the detector needs; `policy.groups.People` is one."""

    @property
    def raise_at(self) -> float: ...
    @property
    def raise_at_other_household(self) -> float: ...
    @property
    def raise_at_meters(self) -> float: ...
    @property
    def kind_share(self) -> float: ...
    @property
    def agree_weeks(self) -> int: ...
    @property
    def agree_weeks_meters(self) -> int: ...
    @property
    def past_weeks(self) -> int: ...
    @property
    def item_cap(self) -> float: ...
    @property
    def new_lease_weeks(self) -> int: ...
    @property
    def turned_from(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class PeopleView:
    """The weeks of a block up to the end of one."""

    #: From the Monday of the first week on; whole weeks.
    calendar: Calendar
    #: (units, weeks, fields)
    rows: Numbers
    #: (weeks, fields of meters): what the city's homes had in common.
    peers: Numbers
    #: (units, latest weeks, measures): the last is the week looked from.
    measures: Numbers


@dataclass(frozen=True, kw_only=True)
class Odds:
    """What is said of a block; (units,) each but the odds by kind."""

    #: Logarithm of the odds of each kind against nothing, over the weeks that must agree; (units, kinds).
    log_odds: Chances
    #: Probability that a visit finds something.
    chance: Chances
    #: The door was heard of late.
    door: Flags
    #: Enough is known to say anything.
    known: Flags


def odds(view: PeopleView, rules: PeopleRules, model: Model) -> Odds:
    """The odds of every home of a block."""
    units, weeks = view.measures.shape[:2]
    flat = view.measures.reshape(units * weeks, -1)
    each = model.log_odds(flat, rules.item_cap).reshape(units, weeks, -1)
    door = model.doors(view.measures[:, -1])
    heard: Chances = each[:, -rules.agree_weeks :].mean(axis=1)
    unheard: Chances = each[:, -rules.agree_weeks_meters :].mean(axis=1)
    agreed: Chances = np.where(door[:, None], heard, unheard)
    return Odds(
        log_odds=agreed,
        chance=model.chance(agreed, door),
        door=door,
        known=_known(view, rules) & ~_explained(view, rules, door),
    )


def detect(view: PeopleView, rules: PeopleRules, model: Model) -> list[Finding]:
    """The homes of a block that are worth a visit, as of the end of the last week.

    Parameters
    ----------
    view : PeopleView
        At least the weeks that are compared.
    rules
        The policy in force.
    model : Model
        The weights.

    Returns
    -------
    list[Finding]
        In the order of the units, at most one each.
    """
    found = odds(view, rules, model)
    raised = np.flatnonzero(_raised(found, rules, model))
    if not raised.size:
        return []
    starts = since(view, raised)
    parts = model.parts(view.measures[raised, -1], rules.item_cap)
    return [
        _finding(_Home(unit=int(unit), start=starts[row], parts=parts[row]), view, found, rules, model)
        for row, unit in enumerate(raised)
    ]


@dataclass(frozen=True, kw_only=True)
class _Home:
    """One unit: its position in the block, when it changed, what each item adds; (items, kinds)."""

    unit: int
    start: tuple[int, float]
    parts: Chances


def since(view: PeopleView, units: Places) -> list[tuple[int, float]]:
    """When each of some homes changed: day of the calendar, and within how many days that is right.

    The split of the last weeks that separates two means best; where the home was empty before it, the end of
    the empty days.
    """
    values = _standard(view)[units, -_BACK:]
    count = values.shape[1]
    days = view.calendar.days
    if count < 2 * _SIDE:
        return [(max(days - 21, 0), 21.0)] * len(units)
    cuts = np.arange(_SIDE, count - _SIDE + 1, dtype=np.intp)
    total: Chances = values.cumsum(axis=1)
    before: Chances = total[:, cuts - 1] / cuts[None, :, None]
    after: Chances = (total[:, -1:] - total[:, cuts - 1]) / (count - cuts)[None, :, None]
    apart: Chances = ((before - after) ** 2).sum(axis=2) * cuts * (count - cuts) / count
    best: Places = cuts[apart.argmax(axis=1)]
    close: Flags = apart >= _CLOSE * apart.max(axis=1, keepdims=True)
    found: list[tuple[int, float]] = []
    for row, unit in enumerate(units):
        cut = int(best[row])
        week = view.rows.shape[1] - count + cut
        quiet = float(view.rows[unit, week, AT["quiet_days"]])
        day = 7 * week + (int(quiet) if 0 < quiet < 7 else 0)
        near: Places = cuts[close[row]]
        found.append((day, 3.5 + 7 * max(cut - int(near.min()), int(near.max()) - cut)))
    return found


def _standard(view: PeopleView) -> Numbers:
    """Weeks as numbers of like size, unknown ones at the home's own mean: shapes, and who came."""
    power, water = shapes(view.rows, view.peers)
    door = np.stack(
        [
            np.sqrt(view.rows[:, :, AT["foreign"]]),
            np.log1p(view.rows[:, :, AT["known"]]),
            np.log1p(view.rows[:, :, AT["known_code"]]),
        ],
        axis=2,
    )
    size = np.concatenate([np.ones(5), np.full(12, 0.5), np.ones(water.shape[2]), np.full(3, 3.0)])
    values: Numbers = np.concatenate([power, water, door], axis=2)
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    own = np.where(known, values, 0).sum(axis=1, keepdims=True) / count
    beside = np.where(known, values - own, 0)
    spread = np.sqrt((beside**2).sum(axis=(0, 1)) / np.maximum(known.sum(axis=(0, 1)), 1))
    return beside / (spread + 1e-6) * size


def _raised(found: Odds, rules: PeopleRules, model: Model) -> Flags:
    """Homes that are past what their kind and sources ask for."""
    ranked = shares(found.log_odds)
    other = ranked.argmax(axis=1) == model.kinds.index(SUBLET)
    meters = np.where(other, rules.raise_at_other_household, rules.raise_at_meters)
    needed = np.where(found.door, rules.raise_at, meters)
    return found.known & (found.chance >= needed) & (ranked.max(axis=1) >= rules.kind_share)


def _known(view: PeopleView, rules: PeopleRules) -> Flags:
    """Homes of which the latest weeks and enough of the past are known, by one source at least."""
    seen = np.stack(
        [view.rows[:, :, AT["power_level"]], view.rows[:, :, AT["water_level"]], view.rows[:, :, AT["known"]]]
    )
    weeks = np.isfinite(seen)
    now = weeks[:, :, -3:].sum(axis=2) >= 2
    before = weeks[:, :, :-3].sum(axis=2) >= rules.past_weeks
    return (now & before).any(axis=0)


def _explained(view: PeopleView, rules: PeopleRules, door: Flags) -> Flags:
    """Homes whose meters changed for a reason that is on record, or looks like a wrong clock."""
    leases = np.nan_to_num(view.rows[:, -rules.new_lease_weeks :, AT["lease_began"]]).sum(axis=1) > 0
    with np.errstate(invalid="ignore"):
        turned = view.measures[:, -1, PLACE["power_turned"]] >= rules.turned_from
    return ~door & (leases | turned)


def _finding(home: _Home, view: PeopleView, found: Odds, rules: PeopleRules, model: Model) -> Finding:
    unit, (day, unsure) = home.unit, home.start
    ranked = shares(found.log_odds[unit])
    top = int(ranked.argmax())
    rows = view.rows[unit]
    facts = words.Facts(
        rows=rows,
        measures=view.measures[unit, -1],
        first=view.calendar.first,
        weeks=rows.shape[0],
        since=view.calendar.day(day),
        unsure_days=unsure,
        door=bool(found.door[unit]),
        added=dict(zip(model.items, home.parts[:, top].tolist(), strict=True)),
        kinds=dict(zip(model.kinds, ranked.tolist(), strict=True)),
    )
    return Finding(
        unit=unit,
        kind=model.kinds[top],
        since=view.calendar.instant(24 * day),
        since_pm_days=unsure,
        score=float(found.chance[unit]),
        evidence=words.evidence(facts, rules),
        known={
            source: (int(np.nansum(rows[-15:, AT[field]])), 7 * min(rows.shape[0], 15))
            for source, field in (("energy", "energy_days"), ("water", "water_days"), ("door", "lock_days"))
        },
        unknown=words.unknown(facts),
    )
