"""What the burst detector says to people: "620 L in an hour", not "a burst pipe"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from anomaly.findings import Evidence, Unknown

#: From this many times the most before on it weighs more: a matter of ranking alone.
_FAR = 3.0


class WordRules(Protocol):
    """The part of the policy that the sentences need; `policy.groups.Burst` is one."""

    @property
    def memory_days(self) -> int: ...
    @property
    def min_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the sentences say; times as the clock on the wall shows them."""

    since: datetime
    until: datetime
    hours: int
    #: Most in one hour, and in all of them.
    most_l: float
    total_l: float
    #: Most that the home used in an hour before; 0: nothing is known, or it used none.
    before_l: float
    #: Known days before.
    days: int
    #: Nothing is known of the time after it.
    running: bool
    #: Nothing is known of the hour before it.
    gap: bool


def evidence(facts: Facts, rules: WordRules) -> tuple[Evidence, ...]:
    """The evidence of one finding."""
    return (
        _top(facts),
        _before(facts, rules),
        _item(
            facts,
            code="no_second_source",
            weight=0,
            zh="没有阀门或漏水传感器可以核对",
            en="No valve or leak sensor to compare with",
            numbers={},
        ),
    )


def unknown(facts: Facts, rules: WordRules) -> tuple[Unknown, ...]:
    """What is still not known."""
    items = [
        Unknown(
            zh="水流到了哪里不知道：可能是管道或软管破裂，也可能是一次很大的用水。",
            en="Where the water went: a pipe or hose may have burst, or somebody drew very much at once.",
        )
    ]
    if facts.days < rules.min_days:
        items.append(
            Unknown(
                zh=f"此前只有{facts.days}天的数据，这户平时一小时最多用多少还不知道。",
                en=f"Only {facts.days} days are known before it: how much this home uses at most"
                " in an hour is not known yet.",
            )
        )
    if facts.gap:
        items.append(
            Unknown(
                zh="之前一小时没有读数，可能开始得更早。",
                en="The hour before has no reading; it may have begun earlier.",
            )
        )
    return tuple(items)


def _top(facts: Facts) -> Evidence:
    zh, en = f"一小时用水{facts.most_l:.0f}升", f"{facts.most_l:.0f} L of water in one hour"
    if facts.hours > 1:
        zh = f"{facts.hours}小时用水{facts.total_l:.0f}升，最多一小时{facts.most_l:.0f}升"
        en = f"{facts.total_l:.0f} L of water in {facts.hours} hours, at most {facts.most_l:.0f} L in one"
    begun, ended = f"{facts.since:%m-%d %H}", f"{facts.until:%m-%d %H}"
    if facts.running:
        zh, en = (
            f"{zh}；{begun}时开始，到{ended}时仍在流",
            f"{en}; from {begun}:00, still running at {ended}:00",
        )
    else:
        zh, en = f"{zh}；{begun}时开始，{ended}时前后停止", f"{en}; from {begun}:00, over by {ended}:00"
    return _item(
        facts,
        code="much_water",
        weight=3 if facts.hours > 1 else 2,
        zh=zh,
        en=en,
        numbers={
            "most_l_an_hour": round(facts.most_l, 1),
            "total_l": round(facts.total_l),
            "hours": facts.hours,
            "running": facts.running,
        },
    )


def _before(facts: Facts, rules: WordRules) -> Evidence:
    numbers: dict[str, float | str] = {"days": facts.days, "before_l_an_hour": round(facts.before_l, 1)}
    if facts.days < rules.min_days:
        return _item(
            facts,
            code="most_before_unknown",
            weight=0,
            zh=f"此前只有{facts.days}天的数据，无法与平时比较",
            en=f"Only {facts.days} days are known before it, too few to compare with",
            numbers=numbers,
        )
    far = facts.most_l >= _FAR * facts.before_l
    return _item(
        facts,
        code="most_before",
        weight=3 if far else 2,
        zh=f"此前{facts.days}天里一小时最多用过{facts.before_l:.0f}升",
        en=f"In the {facts.days} days known before, at most {facts.before_l:.0f} L in one hour",
        numbers=numbers,
    )


def _item(
    facts: Facts, *, code: str, weight: int, zh: str, en: str, numbers: Mapping[str, float | str]
) -> Evidence:
    return Evidence(
        code=code,
        weight=weight,
        zh=zh,
        en=en,
        source="water",
        first=facts.since.date(),
        last=facts.until.date(),
        numbers=numbers,
    )
