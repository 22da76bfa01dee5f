"""The demo's history, stored in bulk as an operator's import would store it."""

from collections.abc import Callable

from anju.demo.doors import DoorEvent
from anju.demo.estate import devices
from anju.demo.replay import HomeData
from ingest import history
from ingest.history import PastEvent
from storage.pool import Connection
from wire.channels import BY_NAME
from wire.events import EventType, Method, Result

#: A message of the past arrived so long after what it tells of.
_ON_THE_WAY_US = 20_000_000


def store(connection: Connection, data: HomeData, device_id: Callable[[str], int]) -> int:
    """Store what the devices of one home measured and saw, in the caller's transaction.

    Returns
    -------
    int
        Rows that were not there before.
    """
    new = 0
    for device in devices(data.home):
        number = device_id(device.code)
        for name in device.measures:
            register = data.registers[name]
            new += history.store_readings(
                connection,
                device_id=number,
                channel=BY_NAME[name].code,
                time_us=register.time_us,
                received_us=register.time_us + _ON_THE_WAY_US,
                value=register.value,
            ).stored
        if device.events:
            new += history.store_events(connection, [_past(event, number) for event in data.events]).stored
    return new


def _past(event: DoorEvent, device_id: int) -> PastEvent:
    return PastEvent(
        device_id=device_id,
        type=EventType[event.type],
        time_us=event.time_us,
        received_us=event.time_us + _ON_THE_WAY_US,
        method=Method[event.method or "none"],
        result=Result[event.result or "none"],
        subject=event.subject,
    )
