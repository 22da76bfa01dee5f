"""Dirty marks for what a change of the registry touches: the days of readings that are there already."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from storage.pool import Connection
from storage.queries import load
from wire.channels import EVENTS
from wire.quality import NOT_EVIDENCE

_SQL = load("devices", "marks.sql")


class Stretch(NamedTuple):
    """A device's channel at a unit, from when to when."""

    unit_id: int
    device_id: int
    channel: int
    valid_from: datetime
    valid_to: datetime | None


def mark_stretches(connection: Connection, stretches: Sequence[Stretch]) -> None:
    """Mark each unit, channel and UTC day on which a stretch has or spans sound readings, or has events."""
    if not stretches:
        return
    units, devices, channels, froms, tos = (list(column) for column in zip(*stretches, strict=True))
    columns = {"units": units, "devices": devices, "channels": channels, "froms": froms, "tos": tos}
    fixed = {"not_evidence": int(NOT_EVIDENCE), "events": EVENTS}
    connection.execute(_SQL["mark_readings"], columns | fixed)
    connection.execute(_SQL["mark_events"], columns | fixed)
    connection.execute(_SQL["notify_dirty"])


def mark_devices(connection: Connection, device_ids: Sequence[int]) -> None:
    """Mark everything that these devices have sent from units."""
    if device_ids:
        rows = connection.execute(_SQL["stretches_of"], {"devices": list(device_ids)}).fetchall()
        mark_stretches(connection, [Stretch(*row) for row in rows])
