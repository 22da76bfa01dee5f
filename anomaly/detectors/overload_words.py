"""What the overload detector says to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from anomaly.findings import Evidence, Unknown

NO_CONTRACT = Unknown(
    zh="没有登记报装容量，无法判断是否超过。",
    en="The contracted power is not on record: whether more is drawn cannot be told.",
)
#: From this many times the contract on it weighs more: a matter of ranking alone.
_FAR = 1.2


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the sentences say; times as the clock on the wall shows them."""

    contract_kw: float
    first: date
    last: date
    #: Days and hours above the contract, and those of the last day.
    days: int
    hours: int
    last_hours: int
    #: The highest hour.
    most_kw: float
    most_at: datetime


def evidence(facts: Facts) -> tuple[Evidence, ...]:
    """The evidence of one finding."""
    share = facts.most_kw / facts.contract_kw
    items = [
        _item(
            facts,
            code="above_contract",
            weight=3 if share >= _FAR else 2,
            zh=f"{facts.last:%m-%d}有{facts.last_hours}小时平均功率超过报装的{facts.contract_kw:g}千瓦，"
            f"最高{facts.most_kw:.1f}千瓦（{facts.most_at:%m-%d %H}时起一小时）",
            en=f"{facts.last_hours} {'hour' if facts.last_hours == 1 else 'hours'} on {facts.last:%m-%d}"
            f" above the contracted {facts.contract_kw:g} kW on average, at most {facts.most_kw:.1f} kW"
            f" (the hour from {facts.most_at:%m-%d %H}:00)",
            numbers={
                "contract_kw": round(facts.contract_kw, 2),
                "most_kw": round(facts.most_kw, 2),
                "share": round(share, 2),
                "hours": facts.hours,
            },
        )
    ]
    if facts.days > 1:
        items.append(
            _item(
                facts,
                code="above_again",
                weight=1,
                zh=f"从{facts.first:%m-%d}起共{facts.days}天出现过",
                en=f"On {facts.days} days since {facts.first:%m-%d}",
                numbers={"days": facts.days},
            )
        )
    items.append(
        _item(
            facts,
            code="hour_before_known",
            weight=1,
            zh="前一小时有读数，不是补传合并的电量",
            en="The hour before was read, so that nothing missed was added to it",
            numbers={},
        )
    )
    return tuple(items)


def unknown() -> tuple[Unknown, ...]:
    """What is still not known."""
    return (
        Unknown(
            zh="是哪些电器不知道；报装容量的登记是否最新也不知道。",
            en="Which appliances, and whether the contract on record is the latest.",
        ),
    )


def _item(
    facts: Facts, *, code: str, weight: int, zh: str, en: str, numbers: Mapping[str, float | str]
) -> Evidence:
    return Evidence(
        code=code,
        weight=weight,
        zh=zh,
        en=en,
        source="energy",
        first=facts.first,
        last=facts.last,
        numbers=numbers,
    )
