"""What is said of a home in which somebody else, or more people, may live: what was seen, over which days,
against what; never what it means."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from anomaly.detectors.people_model import Numbers
from anomaly.findings import Evidence, Unknown
from anomaly.measures import PLACE
from anomaly.week_fields import AT

#: Weeks that count as recent, weeks left out, and weeks before; as the measures have them.
_NOW, _SKIP, _BEFORE = 3, 2, 10
#: Logarithm of the odds that one point of weight stands for.
_POINT = 0.7

_KINDS: Mapping[str, tuple[str, str]] = {
    "sublet": ("住的可能是另一户人", "another household"),
    "group_rental": ("人数可能多于登记", "more people than registered"),
    "business": ("工作日白天可能有人办公", "people at work on working days"),
    "short_stay": ("来往的人可能常换", "guests who change"),
}


class WordRules(Protocol):
    """The part of the policy that decides what is said; `policy.groups.People` is one."""

    @property
    def say_from(self) -> float: ...
    @property
    def most_items(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the sentences say of one home."""

    #: (weeks, fields), and the measures of the last week.
    rows: Numbers
    measures: Numbers
    #: The Monday of the first week.
    first: date
    weeks: int
    since: date
    unsure_days: float
    #: The door was heard of late.
    door: bool
    #: Item -> what it adds to the logarithm of the odds of the kind that weighs most.
    added: Mapping[str, float]
    #: Kind -> how likely it is, given that it is one of them.
    kinds: Mapping[str, float]

    @property
    def last(self) -> date:
        """The Sunday of the last week."""
        return self.first + timedelta(days=7 * self.weeks - 1)

    @property
    def recent(self) -> date:
        """The Monday from which weeks count as recent."""
        return self.first + timedelta(days=7 * max(self.weeks - _NOW, 0))

    def now(self, field: str) -> float:
        """Mean a week of the recent weeks that are known."""
        return _mean(self.rows[-_NOW:, AT[field]])

    def before(self, field: str) -> float:
        """Mean a week of the weeks before."""
        end = max(self.weeks - _NOW - _SKIP, 0)
        return _mean(self.rows[max(end - _BEFORE, 0) : end, AT[field]])

    def measure(self, name: str) -> float:
        """A measure of the last week."""
        return float(self.measures[PLACE[name]])


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence with its numbers."""

    zh: str
    en: str
    numbers: Mapping[str, float]


def evidence(facts: Facts, rules: WordRules) -> tuple[Evidence, ...]:
    """The evidence of one finding, what weighs most first; what says nothing is left out."""
    ranked = sorted(facts.added.items(), key=lambda item: (-abs(item[1]), item[0]))
    strong = [(name, added) for name, added in ranked if abs(added) >= rules.say_from][: rules.most_items]
    if not strong:
        strong = ranked[:1]
    items: list[Evidence] = []
    for name, added in sorted(strong, key=lambda item: (-item[1], item[0])):
        source, say = _SAY[name]
        said = say(facts)
        if said is not None:
            items.append(_item(facts, name, said, source, weight=_weight(added), added=added))
    items.append(_ranking(facts))
    if not facts.door:
        items.append(_no_door(facts))
    return tuple(items)


def unknown(facts: Facts) -> tuple[Unknown, ...]:
    """What is still not known."""
    found = [
        Unknown(
            zh="是谁、为什么，数据说不清：可能是亲友、护工、在家办公，也可能已经登记但尚未录入。请上门看看。",
            en="Who it is, and why: relatives, carers, work at home, or a registration not yet entered."
            " Please look.",
        ),
        Unknown(
            zh=f"从哪天开始只能估计：{facts.since:%m月%d日}前后{facts.unsure_days:.0f}天。",
            en=f"Since when, more exactly: {facts.since:%d %b} give or take {facts.unsure_days:.0f} days.",
        ),
    ]
    if not facts.door:
        found.append(
            Unknown(zh="谁进出不知道：没有门锁数据。", en="Who comes and goes: there are no data of a lock.")
        )
    return tuple(found)


def _strangers(facts: Facts) -> Said | None:
    days, before = facts.now("foreign_days"), facts.before("foreign_days")
    entries = facts.now("foreign")
    if not np.isfinite(days):
        return None
    seen = round(_NOW * days)
    if seen == 0:
        return Said(
            zh=f"{_when_zh(facts)}没有未登记人员进门的记录",
            en=f"No entry by anybody who is not registered {_when_en(facts)}",
            numbers={"days": 0},
        )
    return Said(
        zh=f"{_when_zh(facts)}有{seen}天有未登记人员进门，每周约{entries:.0f}次；此前{_days_zh(before)}",
        en=f"Entries by people who are not registered on {seen} of {7 * _NOW} days {_when_en(facts)},"
        f" about {entries:.0f} a week; before: {_days_en(before)}",
        numbers={"days": seen, "of_days": 7 * _NOW, "a_week": _r(entries), "days_a_week_before": _r(before)},
    )


def _own_entries(facts: Facts) -> Said | None:
    return _change(
        facts,
        "known",
        "登记人员每周进门约{now}次，此前约{before}次",
        "Entries by registered people: about {now} a week, before about {before}",
    )


def _own_way(facts: Facts) -> Said | None:
    now, before = (_part(of("known_code"), of("known")) for of in (facts.now, facts.before))
    if not np.isfinite(now):
        return None
    zh = f"用登记人员的身份进门，{now:.0%}是输密码"
    en = f"{now:.0%} of the entries in the name of registered people were by code"
    if np.isfinite(before):
        zh, en = f"{zh}，此前{before:.0%}", f"{en}, before {before:.0%}"
    return Said(zh=zh, en=en, numbers={"share": _r(now), "share_before": _r(before)})


def _each_own(facts: Facts) -> Said | None:
    now, people = facts.now("known"), facts.now("known_people")
    each = now / people if people > 0 else float("nan")
    if not np.isfinite(each):
        return None
    return Said(
        zh=f"每个登记人员的身份每周进门约{each:.0f}次",
        en=f"About {each:.0f} entries a week in the name of each registered person who came",
        numbers={"a_week": _r(each), "people": _r(people)},
    )


def _different_people(facts: Facts) -> Said | None:
    now, before = facts.now("people"), facts.before("people")
    if not np.isfinite(now):
        return None
    return Said(
        zh=f"每周约有{now:.1f}个不同的未登记人员进门"
        + (f"，此前约{before:.1f}个" if np.isfinite(before) else ""),
        en=f"About {now:.1f} different people a week who are not registered"
        + (f", before about {before:.1f}" if np.isfinite(before) else ""),
        numbers={"a_week": _r(now), "a_week_before": _r(before)},
    )


def _new_people(facts: Facts) -> Said | None:
    fresh = facts.measure("fresh")
    if not np.isfinite(fresh):
        return None
    count = round(6 * fresh)
    return Said(
        zh=f"近6周约有{count}个从未来过的人进门",
        en=f"About {count} people came in the last 6 weeks who had not come before",
        numbers={"people": count},
    )


def _office_hours(facts: Facts) -> Said | None:
    share = _part(facts.now("office"), facts.now("foreign"))
    if not np.isfinite(share):
        return None
    return Said(
        zh=f"未登记人员的进门有{share:.0%}在工作日白天",
        en=f"{share:.0%} of the entries by others were on working days by day",
        numbers={"share": _r(share)},
    )


def _codes(facts: Facts) -> Said | None:
    share = _part(facts.now("foreign_code"), facts.now("foreign"))
    if not np.isfinite(share):
        return None
    return Said(
        zh=f"未登记人员的进门有{share:.0%}是输密码",
        en=f"{share:.0%} of the entries by others were by code",
        numbers={"share": _r(share)},
    )


def _openings(facts: Facts) -> Said | None:
    now, before, heads = facts.now("openings"), facts.before("openings"), facts.now("heads")
    if not np.isfinite(now):
        return None
    return Said(
        zh=f"每周开门约{now:.0f}次，登记{heads:.0f}人"
        + (f"，此前约{before:.0f}次" if np.isfinite(before) else ""),
        en=f"The door opened about {now:.0f} times a week, registered people: {heads:.0f}"
        + (f"; before about {before:.0f} times" if np.isfinite(before) else ""),
        numbers={"a_week": _r(now), "a_week_before": _r(before), "registered": _r(heads)},
    )


def _power_shape(facts: Facts) -> Said | None:
    return _shape(facts, "power_shift_6", "一天里用电的分布", "How electricity lies over the day")


def _water_shape(facts: Facts) -> Said | None:
    return _shape(facts, "water_shift_6", "一天里用水的分布", "How water lies over the day")


def _both_meters(facts: Facts) -> Said | None:
    least = facts.measure("both_shift_6")
    if not np.isfinite(least):
        return None
    times = np.expm1(least) / 4
    return Said(
        zh=f"用电和用水的习惯都与此前不同，至少为平常波动的{times:.1f}倍",
        en=f"Both electricity and water differ from before, by {times:.1f} times their usual spread at least",
        numbers={"times": _r(times)},
    )


def _power_level(facts: Facts) -> Said | None:
    now, before = (24 * (np.exp(of("power_level")) - 0.01) for of in (facts.now, facts.before))
    if not np.isfinite(now):
        return None
    return _beside(
        facts, f"每天用电约{now:.1f}千瓦时", f"About {now:.1f} kWh a day", {"kwh": now, "kwh_before": before}
    )


def _water_level(facts: Facts) -> Said | None:
    now, before = (24 * (np.exp(of("water_level")) - 0.5) for of in (facts.now, facts.before))
    if not np.isfinite(now):
        return None
    return _beside(
        facts, f"每天用水约{now:.0f}升", f"About {now:.0f} L of water a day", {"l": now, "l_before": before}
    )


def _beside(facts: Facts, zh: str, en: str, numbers: Mapping[str, float]) -> Said:
    """An amount a day beside what it was, and how many are registered."""
    before, heads = list(numbers.values())[1], facts.now("heads")
    if np.isfinite(before):
        zh, en = f"{zh}，此前约{before:.1f}", f"{en}, before about {before:.1f}"
    return Said(
        zh=f"{zh}（登记{heads:.0f}人）",
        en=f"{en} (registered people: {heads:.0f})",
        numbers={name: _r(value) for name, value in numbers.items()} | {"registered": _r(heads)},
    )


def _work_days(facts: Facts) -> Said | None:
    now, before = (np.exp(of("power_work")) for of in (facts.now, facts.before))
    if not np.isfinite(now):
        return None
    zh = f"工作日白天（8—20时）的用电是周末的{now:.1f}倍"
    en = f"By day (8:00 to 20:00) working days take {now:.1f} times the electricity of weekends"
    if np.isfinite(before):
        zh, en = f"{zh}，此前{before:.1f}倍", f"{en}, before {before:.1f} times"
    return Said(zh=zh, en=en, numbers={"times": _r(now), "times_before": _r(before)})


def _unsteady(facts: Facts) -> Said | None:
    for name, zh, en in (("water_spread", "用水", "water"), ("power_spread", "用电", "electricity")):
        now, before = (np.expm1(of(name)) for of in (facts.now, facts.before))
        if np.isfinite(now):
            said_zh = f"每天的{zh}相差约{now:.0%}"
            said_en = f"The {en} of one day differs from the next by about {now:.0%}"
            if np.isfinite(before):
                said_zh, said_en = f"{said_zh}，此前约{before:.0%}", f"{said_en}, before about {before:.0%}"
            return Said(zh=said_zh, en=said_en, numbers={"share": _r(now), "share_before": _r(before)})
    return None


def _empty_days(facts: Facts) -> Said | None:
    quiet = facts.rows[-9:, AT["quiet_days"]]
    if not np.isfinite(quiet).any():
        return None
    days = int(np.nansum(quiet))
    return Said(
        zh=f"近{len(quiet)}周有{days}天没有任何动静",
        en=f"{days} days without a sign of life in the last {len(quiet)} weeks",
        numbers={"days": days, "weeks": len(quiet)},
    )


def _registered(facts: Facts) -> Said | None:
    joined = int(np.nansum(facts.rows[-20:, AT["joined"]]))
    leases = int(np.nansum(facts.rows[-20:, AT["lease_began"]]))
    heads = facts.now("heads")
    zh, en = f"登记{heads:.0f}人", f"Registered people: {heads:.0f}"
    if joined or leases:
        zh += f"，近20周新登记{joined}人" + ("，租约有变更" if leases else "")
        en += f"; {joined} joined in the last 20 weeks" + (", and a lease began" if leases else "")
    else:
        zh, en = f"{zh}，近20周没有变化", f"{en}, no change in the last 20 weeks"
    return Said(zh=zh, en=en, numbers={"registered": _r(heads), "joined": joined, "leases": leases})


#: Item -> the source that it rests on, and its sentence.
_SAY: Mapping[str, tuple[str, Callable[[Facts], Said | None]]] = {
    "strangers": ("door", _strangers),
    "own_entries": ("door", _own_entries),
    "own_way": ("door", _own_way),
    "each_own": ("door", _each_own),
    "different_people": ("door", _different_people),
    "new_people": ("door", _new_people),
    "office_hours": ("door", _office_hours),
    "codes": ("door", _codes),
    "openings": ("door", _openings),
    "power_shape": ("energy", _power_shape),
    "power_level": ("energy", _power_level),
    "water_shape": ("water", _water_shape),
    "water_level": ("water", _water_level),
    "both_meters": ("energy", _both_meters),
    "work_days": ("energy", _work_days),
    "unsteady": ("water", _unsteady),
    "empty_days": ("energy", _empty_days),
    "registered": ("register", _registered),
}
#: The items that there are words for.
ITEMS = tuple(_SAY)


def _ranking(facts: Facts) -> Evidence:
    ranked = sorted(facts.kinds.items(), key=lambda item: (-item[1], item[0]))
    said = [(name, share) for name, share in ranked if share >= 0.1]
    zh = "、".join(f"{_KINDS[name][0]}（{share:.0%}）" for name, share in said)
    en = ", ".join(f"{_KINDS[name][1]} ({share:.0%})" for name, share in said)
    return _item(
        facts,
        "kinds",
        Said(zh=f"若确有其事：{zh}", en=f"If there is something: {en}", numbers=dict(ranked)),
        "register",
    )


def _no_door(facts: Facts) -> Evidence:
    return _item(
        facts,
        "no_door",
        Said(
            zh="没有门锁数据，只能看水电，把握较小",
            en="No lock data: electricity and water alone, which say less",
            numbers={},
        ),
        "door",
    )


def _change(facts: Facts, field: str, zh: str, en: str) -> Said | None:
    now, before = facts.now(field), facts.before(field)
    if not np.isfinite(now) or not np.isfinite(before):
        return None
    said = {"now": f"{now:.0f}", "before": f"{before:.0f}"}
    return Said(
        zh=_when_zh(facts) + zh.format(**said),
        en=f"{en.format(**said)} ({_when_en(facts)})",
        numbers={"a_week": _r(now), "a_week_before": _r(before)},
    )


def _shape(facts: Facts, measure: str, zh: str, en: str) -> Said | None:
    shift = facts.measure(measure)
    if not np.isfinite(shift):
        return None
    times = np.expm1(shift) / 4
    return Said(
        zh=f"{zh}与此前不同，为平常波动的{times:.1f}倍",
        en=f"{en} differs from before, by {times:.1f} times its usual spread",
        numbers={"times": _r(times)},
    )


def _item(
    facts: Facts, code: str, said: Said, source: str, *, weight: int = 0, added: float | None = None
) -> Evidence:
    numbers: dict[str, float | str] = {
        name: value for name, value in said.numbers.items() if np.isfinite(value)
    }
    if added is not None:
        numbers["log_odds"] = round(added, 2)
    return Evidence(
        code=code,
        weight=weight,
        zh=said.zh,
        en=said.en,
        source=source,
        first=facts.recent,
        last=facts.last,
        numbers=numbers,
    )


def _weight(added: float) -> int:
    return int(np.clip(round(added / _POINT), -3, 3))


def _when_zh(facts: Facts) -> str:
    return f"近{7 * _NOW}天（{facts.recent:%m-%d}至{facts.last:%m-%d}）"


def _when_en(facts: Facts) -> str:
    return f"from {facts.recent:%m-%d} to {facts.last:%m-%d}"


def _days_zh(days: float) -> str:
    if not np.isfinite(days):
        return "情况不明"
    return "没有" if days < 0.05 else f"每周约{days:.1f}天"


def _days_en(days: float) -> str:
    if not np.isfinite(days):
        return "unknown"
    return "none" if days < 0.05 else f"about {days:.1f} days a week"


def _part(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def _mean(values: Numbers) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _r(value: float) -> float:
    return round(float(value), 2)
