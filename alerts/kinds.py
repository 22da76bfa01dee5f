"""The closed list of what an alert can be about, with its words. Device faults never speak of residents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

from devices.conditions import Kind as Fault
from wire.spans import spoken

Severity = Literal["info", "warning", "critical"]
#: The most pressing first.
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What an alert is about."""

    code: str
    severity: Severity
    #: What was seen, and where to look first; `{…}` are values of the alert's detail, seconds as a span.
    #: What the use of a home says of a device comes with its own sentence.
    zh: str
    en: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.code: kind
        for kind in (
            Kind(
                code="gateway_offline",
                severity="critical",
                zh="网关未上报，下属 {children} 台设备同时收不到；请先查网关的电源和网络",
                en="Gateway not heard, and with it {children} devices: check its power and line first",
            ),
            Kind(
                code="gateway_children_silent",
                severity="critical",
                zh="网关在线，但下属 {children} 台设备同时未上报；请查网关的天线或总线",
                en="Gateway heard, but {children} of its devices fell silent together: check its bus",
            ),
            Kind(
                code="device_offline",
                severity="warning",
                zh="设备未上报；请查电源、信号或电池",
                en="Device not heard: check power, signal or battery",
            ),
            Kind(
                code="device_never_heard",
                severity="warning",
                zh="设备已安装，但从未上报；请查登记的编号和接线",
                en="Installed but never heard: check its number in the register and its wiring",
            ),
            Kind(
                code="channel_silent",
                severity="warning",
                zh="设备在线，但其中一路（{channel}）没有数据；请查该路传感器和接线",
                en="Device heard, but one channel ({channel}) says nothing: check that sensor and its wiring",
            ),
            Kind(
                code="value_stuck",
                severity="warning",
                zh="读数停滞：{channel} 连续 {readings} 次完全相同；请查表计",
                en="Reading stuck: {channel} was exactly the same {readings} times: check the meter",
            ),
            Kind(
                code="data_late",
                severity="info",
                zh="数据迟到：最新数据晚到 {seconds}；请查线路或集中器",
                en="Data late: the newest was {seconds} old on arrival: check the line or concentrator",
            ),
            Kind(
                code="clock_drift",
                severity="info",
                zh="设备时钟偏差 {seconds}；请校时",
                en="Device clock off by {seconds}: set it",
            ),
            Kind(
                code="sequence_gap",
                severity="info",
                zh="最近 {of} 条消息中缺 {missing} 条；请查信号",
                en="{missing} of its latest {of} messages did not come: check the signal",
            ),
            Kind(
                code="battery_low",
                severity="info",
                zh="电池电量不足；请安排更换",
                en="Battery low: plan a replacement",
            ),
            Kind(
                code="rate_limited",
                severity="warning",
                zh="设备发送过多，超出部分已隔离；请查设备设置",
                en="Device sends too much, the excess is in quarantine: check its settings",
            ),
            Kind(
                code="clock_skew", severity="info", zh="用量时段偏移：{zh}", en="Hours of use shifted: {en}"
            ),
            Kind(code="meter_stuck", severity="warning", zh="表计不走：{zh}", en="Meter stands still: {en}"),
            Kind(
                code="lock_silent",
                severity="warning",
                zh="门锁无开门记录：{zh}",
                en="Lock tells no openings: {en}",
            ),
            Kind(
                code="meters_crossed",
                severity="warning",
                zh="电表疑似接错：{zh}（另一户：{other_unit}）",
                en="Meters perhaps crossed: {en} (the other home: {other_unit})",
            ),
            Kind(code="usage_lump", severity="info", zh="中断后合计用量：{zh}", en="Sum after a gap: {en}"),
            Kind(
                code="supply_cut",
                severity="warning",
                zh="按安全指令切断的水、电或气尚未恢复；险情解除后请恢复供应",
                en="Water, power or gas cut by a command is not given back: do so once the danger is over",
            ),
            Kind(
                code="ingest_silent",
                severity="critical",
                zh="接收程序无心跳：设备数据暂存在消息服务器",
                en="Ingest gives no sign: what devices send waits at the broker",
            ),
            Kind(
                code="ingest_behind",
                severity="critical",
                zh="消息等待入库最长 {seconds}；请查数据库",
                en="Messages waited up to {seconds} to be stored: check the database",
            ),
            Kind(
                code="worker_behind",
                severity="warning",
                zh="用量计算滞后：待算标记长时间未处理",
                en="Usage is behind: days to compute have been waiting for long",
            ),
            Kind(
                code="disk_full",
                severity="critical",
                zh="数据盘只剩 {percent}% 空间",
                en="Only {percent} % of the data disk is free",
            ),
            Kind(
                code="quarantine_growth",
                severity="warning",
                zh="今日 {quarantined} 条消息被隔离，占 {percent}%；请查设备配置或格式",
                en="{quarantined} messages were quarantined today, {percent} %: check profiles or formats",
            ),
        )
    }
)

#: What is wrong with a device → the alert; a gateway's faults have names of their own.
OF_FAULT: Mapping[Fault, str] = MappingProxyType(
    {
        Fault.offline: "device_offline",
        Fault.never_heard: "device_never_heard",
        Fault.children_silent: "gateway_children_silent",
        Fault.channel_silent: "channel_silent",
        Fault.late: "data_late",
        Fault.clock_drift: "clock_drift",
        Fault.sequence_gap: "sequence_gap",
        Fault.stuck: "value_stuck",
        Fault.low_battery: "battery_low",
        Fault.rate_limited: "rate_limited",
        Fault.clock_skew: "clock_skew",
        Fault.stuck_beside_life: "meter_stuck",
        Fault.lock_outage: "lock_silent",
        Fault.crossed: "meters_crossed",
        Fault.lump: "usage_lump",
    }
)


def sentence(kind: str, detail: Mapping[str, Any]) -> tuple[str, str]:
    """What an alert says, in Chinese and English."""
    found = KINDS[kind]
    zh, en = _Known(detail), _Known(detail)
    if "seconds" in detail:
        zh["seconds"], en["seconds"] = spoken(timedelta(seconds=detail["seconds"]))
    return found.zh.format_map(zh), found.en.format_map(en)


class _Known(dict[str, Any]):
    """What the detail does not hold is not known."""

    def __missing__(self, key: str) -> str:
        return "?"
