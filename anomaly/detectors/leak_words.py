"""What the leak detector says to people: "flow for 26 hours", not "leak"."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from anomaly.durations import how_long
from anomaly.findings import Evidence, Unknown

#: From this many times the smallest hour on the mean is said beside it: a matter of wording alone.
_UNLIKE = 1.5


class WordRules(Protocol):
    """The part of the policy that decides how much a sentence weighs; `policy.groups.Leak` is one."""

    @property
    def long_hours(self) -> int: ...
    @property
    def long_gain(self) -> float: ...
    @property
    def habit_share(self) -> float: ...
    @property
    def even_share(self) -> float: ...
    @property
    def night_factor(self) -> float: ...
    @property
    def night_margin_l(self) -> float: ...
    @property
    def night_days(self) -> int: ...
    @property
    def memory_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Even:
    """How even the latest hours are."""

    floor_l: float
    ceiling_l: float
    #: Hours up to the ceiling, of the hours looked at.
    close: int
    of: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: positions on the hour axis, and its measured hours."""

    start: int
    end: int
    hours: int
    gain: float
    even: Even
    #: Earlier runs that were as long as a lead needs.
    earlier: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the sentences say of one run; times as the clock on the wall shows them."""

    run: Run
    since: datetime
    until: datetime
    #: `until` as a moment.
    ends_at: datetime
    #: The run reaches the newest hour that is known.
    running: bool
    mean_l: float
    total_l: float
    #: Nothing is known before the run: it may be longer.
    at_least: bool
    #: The night: local hours from the first to before the second.
    night: tuple[int, int]
    #: Share of nights with flow.
    night_usual: float
    #: Smallest hour of the night, before the run and now; NaN where unknown.
    night_before_l: float
    night_now_l: float
    unknown_h: int


def evidence(facts: Facts, rules: WordRules) -> tuple[Evidence, ...]:
    """The evidence of one finding."""
    items = [_top(facts, rules), _rare(facts, rules), _even(facts, rules)]
    if np.isfinite(facts.night_before_l) and np.isfinite(facts.night_now_l):
        items.append(_night(facts, rules))
    if facts.run.earlier:
        items.append(_earlier(facts, rules))
    items.append(
        _item(
            facts,
            code="no_second_source",
            weight=0,
            zh="没有阀门或漏水传感器可以核对",
            en="No valve or leak sensor to compare with",
            numbers={},
        )
    )
    return tuple(items)


def unknown(facts: Facts) -> tuple[Unknown, ...]:
    """What is still not known."""
    items = [
        Unknown(
            zh="水流到了哪里不知道：可能是马桶、没关紧的水龙头、设备补水或管道。",
            en="Where the water goes: a toilet, a tap left open, an appliance that refills, or a pipe.",
        )
    ]
    if facts.at_least:
        items.append(
            Unknown(
                zh="更早的情况没有数据，时间可能更长。",
                en="Nothing is known of the time before; it may be longer.",
            )
        )
    if facts.unknown_h:
        items.append(
            Unknown(
                zh=f"其间{facts.unknown_h}小时没有读数，没有计入，那些小时是否断流不知道。",
                en=f"{facts.unknown_h} hours in between have no reading and did not count;"
                " whether the flow paused then is unknown.",
            )
        )
    return tuple(items)


def _top(facts: Facts, rules: WordRules) -> Evidence:
    run, floor, mean = facts.run, facts.run.even.floor_l, facts.mean_l
    least_zh, least_en = ("至少", "at least ") if facts.at_least else ("", "")
    zh, en = f"持续用水{least_zh}{run.hours}小时", f"Flow for {least_en}{run.hours} hours"
    if mean > _UNLIKE * floor:
        zh += f"，每小时不低于约{floor:.0f}升，平均约{mean:.0f}升"
        en += f", never below about {floor:.0f} L an hour, about {mean:.0f} L on average"
    else:
        zh += f"，每小时约{mean:.0f}升"
        en += f", about {mean:.0f} L an hour"
    when = f"{facts.until:%m-%d %H}"
    zh += f"；到{when}时仍在流" if facts.running else f"；{when}时后停止"
    en += f"; still running at {when}:00" if facts.running else f"; it paused after {when}:00"
    return _item(
        facts,
        code="flow_hours",
        weight=3 if run.hours >= rules.long_hours else 2,
        zh=zh,
        en=en,
        numbers={
            "hours": run.hours,
            "floor_l_an_hour": round(floor, 1),
            "mean_l_an_hour": round(mean, 1),
            "total_l": round(facts.total_l),
            "ends_at": facts.ends_at.isoformat(),
            "running": facts.running,
        },
    )


def _rare(facts: Facts, rules: WordRules) -> Evidence:
    (begin, end), share = facts.night, facts.night_usual
    zh = f"平时凌晨{begin}—{end}时约{share:.0%}的日子有水流"
    en = f"Water runs between {begin:02}:00 and {end:02}:00 on about {share:.0%} of ordinary days"
    if share > rules.habit_share:
        weight = -1
    else:
        weight = 2 if facts.run.gain >= rules.long_gain else 1
        zh, en = f"{zh}，这次一夜都没有停", f"{en}; now it did not pause"
    return _item(
        facts,
        code="flow_rare",
        weight=weight,
        zh=zh,
        en=en,
        numbers={"night_share_of_days": round(share, 2), "gain": round(facts.run.gain, 1)},
    )


def _even(facts: Facts, rules: WordRules) -> Evidence:
    even = facts.run.even
    span = f"{even.floor_l:.0f}", f"{even.ceiling_l:.0f}"
    return _item(
        facts,
        code="flow_even",
        weight=2 if even.close >= rules.even_share * even.of else 1,
        zh=f"最近{even.of}小时里有{even.close}小时的水量在{span[0]}到{span[1]}升之间，每小时几乎相同",
        en=f"{even.close} of the latest {even.of} hours lie between {span[0]} and {span[1]} L,"
        " nearly the same every hour",
        numbers={"even_hours": even.close, "of_hours": even.of, "floor_l": round(even.floor_l, 1)},
    )


def _night(facts: Facts, rules: WordRules) -> Evidence:
    (begin, end), before, now = facts.night, facts.night_before_l, facts.night_now_l
    more = now > rules.night_factor * before + rules.night_margin_l
    zh_ago, en_ago = how_long(rules.night_days)
    return _item(
        facts,
        code="night_flow",
        weight=1 if more else -1,
        zh=f"夜里{begin}—{end}时最小用水：之前{zh_ago}每小时约{before:.0f}升，"
        + (f"现在约{now:.0f}升" if more else f"现在约{now:.0f}升，与平时差不多"),
        en=f"Smallest night hour ({begin:02}:00 to {end:02}:00): about {before:.0f} L in the {en_ago}"
        " before, " + (f"now about {now:.0f} L" if more else f"now about {now:.0f} L, much as usual"),
        numbers={"night_before_l": round(before, 1), "night_now_l": round(now, 1)},
    )


def _earlier(facts: Facts, rules: WordRules) -> Evidence:
    runs = facts.run.earlier
    zh_back, en_back = how_long(rules.memory_days)
    return _item(
        facts,
        code="earlier_runs",
        weight=-1,
        zh=f"近{zh_back}已有{runs}次同样长的持续用水，后来都停了",
        en=f"Runs of this length in the last {en_back}: {runs}, all of which ended",
        numbers={"runs": runs},
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
