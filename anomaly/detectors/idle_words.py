"""What the idle clock says to people: sentences with numbers and dates, for and against."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from anomaly.findings import Evidence, Unknown
from anomaly.window import Floats

_ZH = {"energy": "电", "water": "水", "door": "门"}
_EN = {"energy": "electricity", "water": "water", "door": "door"}
_COUNT_ZH = {2: "两个", 3: "三个"}
#: Days before a change that are said beside it; they decide nothing.
_BEFORE = 28


class WordRules(Protocol):
    """The part of the policy that decides how much a sentence weighs; `policy.groups.Idle` is one."""

    @property
    def long_days(self) -> int: ...
    @property
    def agreeing_share(self) -> float: ...
    @property
    def gaps_share(self) -> float: ...
    @property
    def habit_share(self) -> float: ...


@dataclass(frozen=True, kw_only=True)
class Level:
    """Daily amount during the quiet time and before it; NaN where unknown."""

    now: float
    before: float

    @classmethod
    def of(cls, values: Floats, first: int) -> "Level":
        """Means of (days,) from `first` on, and of the four weeks before."""
        return cls(now=_mean(values[first:]), before=_mean(values[max(first - _BEFORE, 0) : first]))


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the sentences say of one clock."""

    count: int
    first: date
    last: date
    #: Days from the first to the last.
    span: int
    absent: int
    #: Days with a sign of life among them: somebody looked in.
    visits: int
    #: No sign of life is known at all: the time may be longer.
    at_least: bool
    #: By source: days on which it was quiet, days on which it said anything.
    quiet: Mapping[str, int]
    known: Mapping[str, int]
    #: By meter: whether it counts finely enough, and its step.
    fine: Mapping[str, bool]
    step: Mapping[str, float]
    energy: Level
    water: Level
    floor_l: float
    doors: Level
    #: Longest time of the same kind before the last sign of life.
    longest_before: int

    @property
    def unknown(self) -> int:
        """Days that neither counted nor were excused."""
        return self.span - self.count - self.absent - self.visits

    def agreeing(self, rules: WordRules) -> list[str]:
        """Sources that were quiet on enough of the days counted."""
        return [name for name, days in self.quiet.items() if days > rules.agreeing_share * self.count]


def middle(values: Floats) -> float:
    """Median of the known of (days,); 0 where none is known."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def evidence(facts: Facts, over: date | None, rules: WordRules) -> tuple[Evidence, ...]:
    """The evidence of one finding; `over` is the end of the legal limit where that is passed."""
    items = [_top(facts, over, rules), _energy(facts), _water(facts), _door(facts, rules)]
    if facts.visits:
        items.append(_visits(facts))
    if facts.absent:
        items.append(_absence(facts))
    if facts.unknown > rules.gaps_share * facts.count:
        items.append(_gaps(facts))
    if facts.longest_before > rules.habit_share * facts.count:
        items.append(_habit(facts))
    return tuple(items)


def unknown(facts: Facts) -> tuple[Unknown, ...]:
    """What is still not known."""
    items = [
        Unknown(
            zh="是否有尚未报备的离家原因，例如住院、探亲、外地工作。",
            en="Whether somebody is away for a reason not registered: hospital, family, work elsewhere.",
        )
    ]
    if facts.known["door"] == 0:
        items.append(
            Unknown(
                zh="没有门锁数据，是否有人进出不知道。", en="No lock data: nobody knows who came and went."
            )
        )
    elif facts.known["door"] < facts.span:
        days = facts.span - facts.known["door"]
        items.append(
            Unknown(
                zh=f"有{days}天门锁没有消息，那些天是否有人进出不知道。",
                en=f"The lock was silent on {days} days: nobody knows who came and went.",
            )
        )
    if facts.unknown:
        items.append(
            Unknown(
                zh=f"有{facts.unknown}天数据不足或来源不一致，没有计入，那些天是否有人不知道。",
                en=f"{facts.unknown} days with too little or unclear data did not count; they are unknown.",
            )
        )
    if facts.energy.now == 0:
        items.append(
            Unknown(
                zh="电表读数完全没有变化：可能断了电，也可能表或通信停走，请先核对设备。",
                en="The electricity register stands still: power may be off, or meter or link may have"
                " stopped; check the device first.",
            )
        )
    if facts.at_least:
        items.append(
            Unknown(
                zh="数据开始之前的情况不知道，时间可能更长。",
                en="Nothing is known of the time before the data begin; it may be longer.",
            )
        )
    return tuple(items)


def _top(facts: Facts, over: date | None, rules: WordRules) -> Evidence:
    names = facts.agreeing(rules)
    zh_sources = "、".join(_ZH[name] for name in names[:-1]) + "和" + _ZH[names[-1]] if len(names) > 1 else ""
    en_sources = (
        ", ".join(_EN[name] for name in names[:-1]) + " and " + _EN[names[-1]] if len(names) > 1 else ""
    )
    agree_zh = f"，{zh_sources}{_COUNT_ZH[len(names)]}来源一致" if names[1:] else "，各来源轮流有数据且一致"
    agree_en = f"; {en_sources} agree" if names[1:] else "; sources agree"
    excused_zh = f"；另有{facts.absent}天已报备离家，不计入" if facts.absent else "；无离家报备"
    excused_en = (
        f"; {facts.absent} more days of a registered absence do not count"
        if facts.absent
        else "; no absence registered"
    )
    least_zh, least_en = ("至少", "at least ") if facts.at_least else ("", "")
    days_zh, days_en = f"{least_zh}{facts.count}天", f"for {least_en}{facts.count} days"
    if facts.visits:
        days_zh, days_en = f"{facts.span}天中有{facts.count}天", f"on {facts.count} of {facts.span} days"
    zh = f"{days_zh}没有生活迹象{agree_zh}{excused_zh}"
    en = f"No sign of life {days_en}{agree_en}{excused_en}"
    numbers: dict[str, float | str] = {
        "days": facts.count,
        "unknown_days": facts.unknown,
        "absent_days": facts.absent,
    }
    if over is not None:
        numbers["limit_on"] = over.isoformat()
        zh = f"连续{zh}；法定期限至{over.isoformat()}，已超过"
        en = f"{en}; the legal limit ended on {over.isoformat()}"
    return Evidence(
        code="idle_limit" if over is not None else "idle_days",
        weight=3 if over is not None or facts.count >= rules.long_days else 2,
        zh=zh,
        en=en,
        source=names[0] if names else "energy",
        first=facts.first,
        last=facts.last,
        numbers=numbers,
    )


def _visits(facts: Facts) -> Evidence:
    return Evidence(
        code="looked_in",
        weight=-1,
        zh=f"其间有{facts.visits}天有生活迹象，可能有人短暂来过",
        en=f"Signs of life on {facts.visits} days in between: somebody may have looked in",
        source="register",
        first=facts.first,
        last=facts.last,
        numbers={"days_with_life": facts.visits},
    )


def _energy(facts: Facts) -> Evidence:
    level, days = facts.energy, facts.known["energy"]
    if days == 0:
        zh, en = "没有可用的电表数据", "No usable electricity data"
        return _missing(facts, source="energy", zh=zh, en=en, units=("千瓦时", "kWh"))
    if level.now == 0:
        zh, en, weight = "电表读数没有任何变化", "The electricity register did not move at all", 0
    else:
        zh = f"用电停在待机水平，每天约{level.now:.1f}千瓦时"
        en = f"Electricity stays at standby, about {level.now:.1f} kWh a day"
        weight = 1
    if np.isfinite(level.before):
        zh += f"，之前四周每天约{level.before:.1f}千瓦时"
        en += f"; in the four weeks before about {level.before:.1f}"
    return _item(
        facts,
        code="energy_standby",
        source="energy",
        weight=weight,
        zh=f"{zh}（{days}天有数据）",
        en=f"{en} ({days} days with data)",
        numbers=_numbers(known_days=days, kwh_a_day=level.now, kwh_a_day_before=level.before),
    )


def _water(facts: Facts) -> Evidence:
    level, days = facts.water, facts.known["water"]
    if days == 0:
        zh, en = "没有可用的水表数据", "No usable water data"
        return _missing(facts, source="water", zh=zh, en=en, units=("升", "L"))
    if facts.floor_l > 0:
        zh = f"只有全天不断的水流，每小时约{facts.floor_l:.0f}升，不像有人用水"
        en = f"Only flow that runs all day, about {facts.floor_l:.0f} L an hour, unlike people"
    elif level.now < 1:
        zh, en = "没有用水", "No water was used"
    else:
        zh, en = f"几乎没有用水，每天约{level.now:.0f}升", f"Hardly any water, about {level.now:.0f} L a day"
    if np.isfinite(level.before):
        zh += f"，之前四周每天约{level.before:.0f}升"
        en += f"; in the four weeks before about {level.before:.0f} L a day"
    return _item(
        facts,
        code="water_none",
        source="water",
        weight=1,
        zh=f"{zh}（{days}天有数据）",
        en=f"{en} ({days} days with data)",
        numbers=_numbers(
            known_days=days,
            litres_a_day=level.now,
            litres_a_day_before=level.before,
            floor_l_an_hour=facts.floor_l,
        ),
    )


def _door(facts: Facts, rules: WordRules) -> Evidence:
    days, before = facts.quiet["door"], facts.doors.before
    zh, en = "没有门锁数据", "No lock data"
    if days:
        zh = f"门锁有消息的{days}天里没有人进出"
        en = f"Nobody came or went on the {days} days on which the lock can be relied on"
        if np.isfinite(before) and before > 0:
            zh += f"，之前四周每天约{before:.1f}次"
            en += f"; in the four weeks before about {before:.1f} times a day"
    return _item(
        facts,
        code="door_quiet" if days else "door_missing",
        source="door",
        weight=1 if "door" in facts.agreeing(rules) else 0,
        zh=zh,
        en=en,
        numbers=_numbers(known_days=days, happenings_a_day_before=before),
    )


def _missing(facts: Facts, *, source: str, zh: str, en: str, units: tuple[str, str]) -> Evidence:
    step = facts.step[source]
    if not facts.fine[source] and np.isfinite(step):
        zh += f"：表的步长约{step:g}{units[0]}，太粗，看不出一天的安静"
        en += f": the meter counts in steps of about {step:g} {units[1]}, too coarse to show a quiet day"
    return _item(
        facts,
        code=f"{source}_missing",
        source=source,
        weight=0,
        zh=zh,
        en=en,
        numbers=_numbers(step=step),
    )


def _absence(facts: Facts) -> Evidence:
    days = facts.absent
    return _item(
        facts,
        code="absence_registered",
        source="register",
        weight=-1,
        zh=f"其间有{days}天已报备离家，这户有离家的正当理由",
        en=f"{days} days in between are a registered absence: this home has had good reason to be away",
        numbers={"days": days},
    )


def _gaps(facts: Facts) -> Evidence:
    days = facts.unknown
    return _item(
        facts,
        code="days_unknown",
        source="register",
        weight=-1,
        zh=f"其间{days}天数据不足，没有计入",
        en=f"{days} days in between are not known well enough and did not count",
        numbers={"days": days},
    )


def _habit(facts: Facts) -> Evidence:
    days = facts.longest_before
    return _item(
        facts,
        code="earlier_return",
        source="register",
        weight=-1,
        zh=f"以前也有过{days}天没有生活迹象，后来有人回来",
        en=f"Once before there was no sign of life for {days} days, and then people came back",
        numbers={"days": days},
    )


def _item(
    facts: Facts,
    *,
    code: str,
    source: str,
    weight: int,
    zh: str,
    en: str,
    numbers: Mapping[str, float],
) -> Evidence:
    return Evidence(
        code=code,
        weight=weight,
        zh=zh,
        en=en,
        source=source,
        first=facts.first,
        last=facts.last,
        numbers=numbers,
    )


def _numbers(**values: float) -> dict[str, float]:
    """The known ones, rounded as they are said."""
    return {name: round(value, 2) for name, value in values.items() if np.isfinite(value)}


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")
