"""The closed lists of commands, and of the reasons for which what is dangerous may be commanded.

A command that cuts off or gives back power, water or gas, or opens a door, needs two persons and a reason of
safety. Nobody is made to comply by cutting them off (行政强制法 Art. 43): the reasons that would be one are
listed too, so that who gives one is told why it is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from wire.events import EventType

#: The law that forbids cutting off water, power, heating or gas to make a resident comply.
PRESSURE_ARTICLE = "行政强制法第四十三条"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A reason of safety."""

    code: str
    zh: str
    en: str
    #: Events that show it.
    shown_by: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Pressure:
    """A reason for which nothing may be commanded."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Command:
    """Something a device can be told to do."""

    #: The name in payloads, profiles and the API.
    name: str
    zh: str
    en: str
    #: The reasons for which it may be asked; none: it needs neither a reason nor a second person.
    reasons: frozenset[str] = frozenset()
    #: It takes power, water or gas away.
    cuts: bool = False
    #: Whole numbers that go with it: the smallest and the largest by name. All of them must be given.
    arguments: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    @property
    def needs_two(self) -> bool:
        """Whether a second person must approve."""
        return bool(self.reasons)


REASONS = MappingProxyType(
    {
        reason.code: reason
        for reason in (
            Reason(code="gas_leak", zh="燃气泄漏", en="a gas leak", shown_by=frozenset({EventType.gas})),
            Reason(code="fire", zh="火情", en="a fire", shown_by=frozenset({EventType.smoke})),
            Reason(
                code="water_leak",
                zh="漏水、爆管",
                en="a water leak, a burst pipe",
                shown_by=frozenset({EventType.water_leak}),
            ),
            Reason(
                code="electrical_danger",
                zh="用电危险",
                en="an electrical danger",
                shown_by=frozenset({EventType.smoke, EventType.water_leak}),
            ),
            Reason(
                code="person_in_danger",
                zh="有人遇险",
                en="a person in danger",
                shown_by=frozenset({EventType.emergency_button, EventType.smoke, EventType.gas}),
            ),
            Reason(code="hazard_over", zh="险情解除，恢复供应", en="the danger is over: supply comes back"),
        )
    }
)

PRESSURES = MappingProxyType(
    {
        pressure.code: pressure
        for pressure in (
            Pressure(code="arrears", zh="欠租、欠费", en="arrears of rent or fees"),
            Pressure(code="lease_ended", zh="租约到期", en="the lease has ended"),
            Pressure(code="eviction", zh="腾退、清退", en="moving somebody out"),
            Pressure(code="breach", zh="违约、违规", en="a breach of the lease or the rules"),
            Pressure(code="fine_unpaid", zh="未缴罚款", en="an unpaid fine"),
            Pressure(code="enforcement", zh="执行决定", en="carrying out a decision"),
            Pressure(code="complaint", zh="投诉、纠纷", en="a complaint or dispute"),
        )
    }
)

_DANGERS = frozenset({"gas_leak", "fire", "water_leak", "electrical_danger"})
_OVER = frozenset({"hazard_over"})

COMMANDS = MappingProxyType(
    {
        command.name: command
        for command in (
            Command(name="relay_open", zh="断电", en="cut the power", reasons=_DANGERS, cuts=True),
            Command(name="relay_close", zh="恢复供电", en="give the power back", reasons=_OVER),
            Command(name="valve_close", zh="关阀", en="close the valve", reasons=_DANGERS, cuts=True),
            Command(name="valve_open", zh="开阀", en="open the valve", reasons=_OVER),
            Command(
                name="unlock",
                zh="远程开门",
                en="unlock the door",
                reasons=frozenset({"gas_leak", "fire", "water_leak", "person_in_danger"}),
            ),
            Command(name="restart", zh="重启设备", en="restart the device"),
            Command(name="read_now", zh="立即抄读", en="read now"),
            Command(
                name="set_interval",
                zh="设置上报间隔",
                en="set how often it reports",
                arguments=MappingProxyType({"seconds": (60, 86_400)}),
            ),
        )
    }
)
