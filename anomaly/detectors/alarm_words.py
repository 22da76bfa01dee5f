"""What is said of alarms: what which device reported, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from anomaly.findings import Evidence, Unknown

#: The alarms, by the name of their event, in the order in which they are said; zh and en.
NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "smoke": ("烟感报警", "Smoke alarm"),
        "gas": ("燃气报警", "Gas alarm"),
        "overheating": ("过热或打火报警", "Alarm of overheating or sparks"),
        "emergency_button": ("有人按了紧急按钮", "Emergency button pressed"),
        "door_forced": ("门被强行打开", "Door forced open"),
        "water_leak": ("漏水传感器报警", "Alarm of a leak sensor"),
        "electric_bicycle": ("电动自行车进入不允许停放处", "Electric bicycle where it must not be"),
        "falling_object": ("高空抛物报警", "Alarm of a falling object"),
        "device_alarm": ("设备报警", "Alarm of a device"),
        "door_left_open": ("门长时间未关", "Door left open"),
    }
)
#: What the door itself told.
_DOOR = ("door_forced", "door_left_open")


@dataclass(frozen=True, kw_only=True)
class Said:
    """One kind of alarm within one time; times as the clock on the wall shows them."""

    #: A key of `NAMES`.
    type: str
    first: datetime
    last: datetime
    times: int
    #: Of a door left open: minutes; else 0.
    open_min: float


def open_hours(type_: str, value: float) -> float:
    """How long before its report something had begun: a door left open says its minutes."""
    return value / 60 if type_ == "door_left_open" else 0.0


def evidence(said: tuple[Said, ...]) -> tuple[Evidence, ...]:
    """The evidence of one finding, the gravest first."""
    order = list(NAMES)
    return tuple(_item(one) for one in sorted(said, key=lambda one: order.index(one.type)))


def unknown(said: tuple[Said, ...]) -> tuple[Unknown, ...]:
    """What is still not known."""
    items = [
        Unknown(
            zh="现场情况不知道：误报、已处理或仍有危险都有可能，请先电话确认。",
            en="What it is like there: a false alarm, over, or still dangerous; please call first.",
        )
    ]
    if all(one.type in _DOOR for one in said):
        items.append(
            Unknown(
                zh="开门的是谁、是否有人在家不知道。", en="Who opened it, and whether anybody is at home."
            )
        )
    return tuple(items)


def _item(one: Said) -> Evidence:
    zh, en = NAMES[one.type]
    if one.open_min:
        zh, en = f"{zh}，已{one.open_min:.0f}分钟", f"{en} for {one.open_min:.0f} minutes"
    zh, en = f"{zh}（{one.first:%m-%d %H:%M}）", f"{en} ({one.first:%m-%d %H:%M})"
    if one.times > 1:
        zh = f"{zh}，到{one.last:%m-%d %H:%M}共{one.times}次，按同一次计"
        en = f"{en}, {one.times} times until {one.last:%m-%d %H:%M}, counted as one"
    return Evidence(
        code=f"alarm_{one.type}",
        weight=3,
        zh=zh,
        en=en,
        source="door" if one.type in _DOOR else "device",
        first=one.first.date(),
        last=one.last.date(),
        numbers={"times": one.times} | ({"minutes": round(one.open_min)} if one.open_min else {}),
    )
