"""What is said of a quiet home: what is known, what is not, and what to do first. Nobody is blamed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from anomaly.findings import Evidence, Unknown


class WordRules(Protocol):
    """The part of the policy that the sentences rest on; `policy.groups.ElderSilence` is one."""

    @property
    def memory_days(self) -> int: ...
    @property
    def door_memory_days(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the sentences say; times as the clock on the wall shows them."""

    #: The last sign lies in the hour before `since`; known up to `until`.
    since: datetime
    until: datetime
    #: Hours that counted.
    hours: float
    #: Twice what was wanted.
    far: bool
    #: It goes on as far as is known.
    running: bool
    #: Longest quiet time of the days before, and how many days were known.
    longest_h: float
    memory_days: int
    #: The lock says that nobody went out; the last sign was somebody who came in; when the door last moved.
    locked: bool
    came_in: bool
    door_at: datetime | None
    #: Hours known of each meter, of so many; hours that a registered absence covers.
    energy_h: int
    water_h: int
    span_h: int
    absent_h: int


def evidence(facts: Facts) -> tuple[Evidence, ...]:
    """The evidence of one finding."""
    return (_top(facts), _longest(facts), _door(facts), _meters(facts), _absence(facts))


def unknown(facts: Facts) -> tuple[Unknown, ...]:
    """What is still not known."""
    items = [
        Unknown(
            zh="老人是否平安不知道：可能在休息、住在别处，也可能需要帮助。",
            en="Whether the person is well: they may be resting, staying elsewhere, or in need of help.",
        )
    ]
    if not facts.locked:
        items.append(
            Unknown(
                zh="没有可用的门锁，出门和在家安静看起来一样：这样的住房照看不全，建议加装门锁、人体感应或插座传感器。",
                en="Without a lock that tells, going out looks like being quiet at home: such a flat is not"
                " covered well; a lock, a motion sensor or a plug sensor would help.",
            )
        )
    missing = facts.span_h - min(facts.energy_h, facts.water_h)
    if missing:
        items.append(
            Unknown(
                zh=f"其间有{missing}小时缺少电或水的读数，那些小时是否有人活动不完全知道。",
                en=f"Electricity or water is missing in {missing} of the hours; whether somebody stirred then"
                " is not fully known.",
            )
        )
    return tuple(items)


def _top(facts: Facts) -> Evidence:
    since = f"{facts.since:%m-%d %H}"
    zh = f"独居老人家中从{since}时起{facts.hours:.0f}小时没有生活迹象"
    en = f"No sign of life for {facts.hours:.0f} hours since {since}:00, an older person living alone"
    if not facts.running:
        until = f"{facts.until:%m-%d %H}"
        zh, en = f"{zh}，{until}时前后又有了", f"{en}; there was one again around {until}:00"
    elif not facts.locked:
        zh, en = f"{zh}，请先打电话", f"{en}; please call"
    return _item(
        facts,
        code="no_sign",
        weight=3 if facts.far else 2,
        zh=zh,
        en=en,
        source="energy" if facts.energy_h else "water",
        numbers={"hours": round(facts.hours, 1), "running": facts.running},
    )


def _longest(facts: Facts) -> Evidence:
    return _item(
        facts,
        code="longest_before",
        weight=2 if facts.hours > facts.longest_h else 1,
        zh=f"此前{facts.memory_days}天里，在家时最长安静{facts.longest_h:.0f}小时"
        if facts.locked
        else f"此前{facts.memory_days}天里最长安静{facts.longest_h:.0f}小时",
        en=f"In the {facts.memory_days} days before, quiet for {facts.longest_h:.0f} hours at most"
        + (" with somebody at home" if facts.locked else ""),
        source="energy" if facts.energy_h else "water",
        numbers={"longest_hours": round(facts.longest_h, 1), "days": facts.memory_days},
    )


def _door(facts: Facts) -> Evidence:
    if not facts.locked or facts.door_at is None:
        return _item(
            facts,
            code="no_lock",
            weight=-1,
            zh="没有可用的门锁数据，是否有人外出不知道",
            en="No lock data to go by: nobody knows whether the person went out",
            source="door",
            numbers={},
        )
    at = f"{facts.door_at:%m-%d %H}"
    zh, en = f"门最后一次动静在{at}时许，是进门", f"The door last moved around {at}:00, somebody came in"
    if facts.came_in:
        zh, en = f"{zh}，之后没有动静", f"{en}, and nothing stirred after it"
    else:
        zh, en = f"{zh}，之后没有人出门", f"{en}; nobody went out since"
    return _item(
        facts, code="came_in_last", weight=1 if facts.came_in else 2, zh=zh, en=en, source="door", numbers={}
    )


def _meters(facts: Facts) -> Evidence:
    one = min(facts.energy_h, facts.water_h) * 2 < facts.span_h
    if one:
        zh_name, en_name = ("电", "electricity") if facts.energy_h else ("水", "water")
        zh, en = f"多数时间只有{zh_name}的读数", f"For most of the time {en_name} alone is known"
    else:
        zh, en = (
            "电和水都停在无人活动的水平",
            "Electricity and water both stay at the level of nobody stirring",
        )
    return _item(
        facts,
        code="one_meter" if one else "both_meters",
        weight=-1 if one else 1,
        zh=zh,
        en=en,
        source="energy" if facts.energy_h else "water",
        numbers={"energy_hours": facts.energy_h, "water_hours": facts.water_h, "hours": facts.span_h},
    )


def _absence(facts: Facts) -> Evidence:
    if facts.absent_h:
        zh, en = (
            f"登记的离家时间（{facts.absent_h}小时）没有计入",
            f"{facts.absent_h} hours of a registered absence did not count",
        )
    else:
        zh, en = "没有登记离家", "No absence is registered"
    return _item(
        facts,
        code="absence" if facts.absent_h else "no_absence",
        weight=0,
        zh=zh,
        en=en,
        source="register",
        numbers={"absent_hours": facts.absent_h},
    )


def _item(
    facts: Facts,
    *,
    code: str,
    weight: int,
    zh: str,
    en: str,
    source: str,
    numbers: Mapping[str, float | str],
) -> Evidence:
    return Evidence(
        code=code,
        weight=weight,
        zh=zh,
        en=en,
        source=source,
        first=facts.since.date(),
        last=facts.until.date(),
        numbers=numbers,
    )
