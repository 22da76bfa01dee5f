"""The last days of the demo as the messages that the devices would have published."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np

from anju.demo import doors, series
from anju.demo.estate import HomeDevice, devices, local_day
from anju.demo.people import Tenancy
from anju.demo.plan import SEED, Home
from anju.demo.series import Register
from anju.demo.simulator import Outgoing
from wire.envelope import MAX_ELEMENTS, EventMessage, Kind, MeterMessage, Reading, topic_of

#: One device in so many had no connection for a day and sends what it kept as arrays.
_BACKLOG_EVERY = 9
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class HomeData:
    """All that the devices of one home measured and saw."""

    home: Home
    #: By channel name.
    registers: dict[str, Register]
    events: list[doors.DoorEvent]


@dataclass(frozen=True, slots=True)
class _Element:
    time_us: int
    kind: Kind
    body: MeterMessage | EventMessage


def home_data(
    home: Home, tenants: Tenancy, anchor: int, *, since_us: int | None, until: datetime
) -> HomeData:
    """Measure one home up to `until`; door events from `since_us` on, registers whole."""
    last = local_day(until) - anchor
    first = -series.YEAR if since_us is None else local_day(_moment(since_us)) - anchor
    until_us = int(until.timestamp() * 1_000_000)
    registers = {
        "energy_kwh": series.electricity(home, anchor, last),
        "water_l": series.water(home, anchor, last),
        "battery_pct": series.battery(home, anchor, last),
    }
    return HomeData(
        home=home,
        registers={name: r.between(since_us or 0, until_us) for name, r in registers.items()},
        events=[
            event
            for event in doors.events(home, tenants.people, anchor, last, first=first)
            if (since_us or 0) < event.time_us <= until_us
        ],
    )


def messages(data: Sequence[HomeData]) -> list[Outgoing]:
    """Every message in the order in which it was sent; a device that was offline sends arrays."""
    sent: list[tuple[int, Outgoing]] = []
    for one in data:
        for number, device in enumerate(devices(one.home)):
            elements = _elements(one, device)
            offline = np.random.default_rng([SEED, one.home.index, 8, number]).integers(_BACKLOG_EVERY) == 0
            sent += _arrays(device, elements) if offline else _singles(device, elements)
    sent.sort(key=lambda found: found[0])
    return [message for _, message in sent]


def _elements(data: HomeData, device: HomeDevice) -> list[_Element]:
    shown = [
        (int(time_us), Reading(ch=name, v=float(value)))
        for name in device.measures
        for time_us, value in zip(data.registers[name].time_us, data.registers[name].value, strict=True)
    ]
    seen = [(event.time_us, event) for event in (data.events if device.events else [])]
    order: list[tuple[int, Reading | doors.DoorEvent]] = sorted([*shown, *seen], key=lambda found: found[0])
    elements: list[_Element] = []
    # seconds since 1970 of the first, then one by one: it goes on counting in the next replay
    counter = order[0][0] // 1_000_000 if order else 0
    for place, (time_us, found) in enumerate(order):
        kind, body = _told(counter + place, _moment(time_us), found)
        elements.append(_Element(time_us, kind, body))
    return elements


def _told(
    seq: int, at: datetime, found: Reading | doors.DoorEvent
) -> tuple[Kind, MeterMessage | EventMessage]:
    if isinstance(found, Reading):
        return Kind.readings, MeterMessage(seq=seq, at=at, readings=[found])
    event = EventMessage(
        seq=seq, at=at, type=found.type, subject=found.subject, method=found.method, result=found.result
    )
    return Kind.events, event


def _singles(device: HomeDevice, elements: list[_Element]) -> Iterator[tuple[int, Outgoing]]:
    for element in elements:
        yield element.time_us, Outgoing(topic_of(device.code, element.kind), _encode(element.body))


def _arrays(device: HomeDevice, elements: list[_Element]) -> Iterator[tuple[int, Outgoing]]:
    """What was kept, in as few arrays as the format allows, sent when the last of each was there."""
    for kind in Kind:
        mine = [element for element in elements if element.kind is kind]
        for start in range(0, len(mine), MAX_ELEMENTS):
            part = mine[start : start + MAX_ELEMENTS]
            payload = _encode([element.body for element in part])
            yield part[-1].time_us, Outgoing(topic_of(device.code, kind), payload)


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC)
