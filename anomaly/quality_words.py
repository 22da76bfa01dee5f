"""What is said of meters and locks that seem wrong: what was seen, since when, and where to look.

The sentences stand on the list of the devices, so they speak of devices and never of the people in a home.
"""

from dataclasses import dataclass
from datetime import date, datetime

from anomaly.quality_faults import ENERGY, QualityRules


@dataclass(frozen=True, kw_only=True)
class Still:
    """A meter that stands still."""

    channel: str
    since: date
    #: Days seen without movement, those among them with life, and those with a door heard.
    days: int
    alive: int
    passed: int
    #: Of each such day.
    amount: float
    #: It was never seen to move.
    at_least: bool


def clock(hours: int, since: date, rules: QualityRules) -> tuple[str, str]:
    """Both meters' days lie some hours later (above zero) or earlier than they did."""
    way = ("晚", "later") if hours > 0 else ("早", "earlier")
    return (
        f"自{since:%Y-%m-%d}起，用电和用水的时段比此前{rules.earlier_weeks}周整体{way[0]}了{abs(hours)}小时；"
        "请核对表计和网关的时钟，时钟无误则表计没有问题",
        f"Since {since:%Y-%m-%d} electricity and water are used {abs(hours)} hours {way[1]} in the day than "
        f"in the {rules.earlier_weeks} weeks before: please check the clock of the meters and their gateway; "
        "if that is right, nothing is wrong with them",
    )


def stuck(facts: Still) -> tuple[str, str]:
    """A meter reports and stands still beside life."""
    zh_name, en_name = ("电表", "electricity meter") if facts.channel == ENERGY else ("水表", "water meter")
    zh_other, en_other = ("水表", "the water meter") if facts.channel == ENERGY else ("电表", "electricity")
    if facts.passed:
        zh_other, en_other = f"{zh_other}或门锁", f"{en_other} or the door"
    zh_value = "没有走数" if facts.amount == 0 else f"每小时读数完全相同（每日{facts.amount:g}）"
    en_value = "did not move" if facts.amount == 0 else f"counted the same each hour ({facts.amount:g} a day)"
    zh_since, en_since = ("至少自", "at least since") if facts.at_least else ("自", "since")
    return (
        f"{zh_name}{zh_since}{facts.since:%Y-%m-%d}起有上报但{zh_value}，"
        f"而{facts.days}天中有{facts.alive}天{zh_other}照常有变化；请查表计",
        f"The {en_name} reports but {en_value} {en_since} {facts.since:%Y-%m-%d}, while on {facts.alive} of "
        f"{facts.days} days {en_other} moved as ever: please look at the meter",
    )


def lock(since: date, days: int, moved: int) -> tuple[str, str]:
    """A door of which nothing is heard while the meters move."""
    return (
        f"门锁自{since:%Y-%m-%d}起{days}天没有开门记录，而其中{moved}天电表水表照常走数；请查门锁的电池和网络",
        f"No opening of the door was heard for {days} days since {since:%Y-%m-%d}, while on {moved} of them "
        "the meters moved as ever: please look at the lock's battery and line",
    )


def crossed(since: date, rules: QualityRules) -> tuple[str, str]:
    """The electricity of two homes changed places."""
    return (
        f"自{since:%Y-%m-%d}起，本户与另一户的用电互换：两户最近{rules.recent_weeks}周的用电各与对方此前"
        f"{rules.earlier_weeks}周相符，与自己的不符；请核对两户电表的登记和接线",
        f"Since {since:%Y-%m-%d} the electricity of this home and of another have changed places: the latest "
        f"{rules.recent_weeks} weeks of each fit the {rules.earlier_weeks} weeks before of the other and not "
        "its own; please check the register and the wiring of both meters",
    )


def lump(at: datetime, gap_h: int, kwh: float) -> tuple[str, str]:
    """What was used over a gap stands in one hour."""
    return (
        f"电表中断{gap_h}小时后，{at:%Y-%m-%d %H}时一小时内记入{kwh:.1f}千瓦时，"
        "是中断期间用量的合计；请查线路或集中器",
        f"After {gap_h} hours without data, {kwh:.1f} kWh stand in the one hour from {at:%Y-%m-%d %H}:00: "
        "the sum of what was used meanwhile; please look at the line or concentrator",
    )
