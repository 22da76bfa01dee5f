"""Faults of meters and locks as doubts about devices: for their list, and never for inspectors."""

from collections.abc import Iterable

from anomaly.quality_faults import DOOR, Fault
from anomaly.window import Window
from devices.conditions import Kind
from devices.doubts import Doubt
from wire.channels import BY_NAME, EVENTS


def doubts(window: Window, faults: Iterable[Fault]) -> list[Doubt]:
    """What the faults of a block say of the devices of its homes."""
    return [
        Doubt(
            unit_id=window.unit_ids[one.unit],
            channel=EVENTS if one.channel == DOOR else BY_NAME[one.channel].code,
            kind=Kind(one.kind),
            since=window.calendar.instant(one.since_h),
            detail={**one.numbers, "sure": one.sure, "zh": one.zh, "en": one.en},
            other_id=None if one.other is None else window.unit_ids[one.other],
        )
        for one in faults
    ]
