"""The crossed-meter check: somebody switches something on, and the right home must move.

A check begins with a note of the time. What moved since then is read off the readings of the device and of
its neighbours: power and flow by how far they rose above their last value before, registers by how far they
counted, without jumps further than a home can use. What is found is shown while it happens; a person ends
the check, and the outcome stays on record.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row

from devices import changes
from devices.changes import Change
from devices.errors import UnknownCheck
from devices.listing import Estates
from storage.pool import Connection
from storage.queries import load
from wire.quality import NOT_EVIDENCE

_SQL = load("devices", "checks.sql")

Outcome = Literal["right", "other", "several", "nothing", "given_up"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check."""

    id: int
    device_id: int
    device: str
    estate_id: int
    #: Where the device was believed to be.
    unit_id: int
    unit: str
    channel: int
    begun_at: datetime
    begun_by: str
    ended_at: datetime | None
    ended_by: str | None
    outcome: Outcome | None
    #: Code of the device that moved instead.
    moved: str | None


@dataclass(frozen=True, kw_only=True)
class Movement:
    """How far one device moved since a check began."""

    device_id: int
    device: str
    unit: str
    #: The channel that moved furthest, measured by what counts as movement.
    channel: int
    amount: float
    #: How often what counts as movement; from 1 on it moved.
    times: float
    #: Its newest reading since; None: nothing came.
    heard_at: datetime | None

    @property
    def moved(self) -> bool:
        """Whether it moved."""
        return self.times >= 1


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a check shows so far."""

    own: Movement
    #: Neighbours that moved, the one that moved furthest first.
    others: tuple[Movement, ...]
    #: How many neighbours were watched, and how many of them sent anything.
    neighbours: int
    neighbours_heard: int

    @property
    def outcome(self) -> Outcome:
        """What it says by now."""
        if self.own.moved:
            return "several" if self.others else "right"
        return "other" if self.others else "nothing"


def begin(
    connection: Connection, *, device_id: int, unit_id: int, channel: int, by: str, now: datetime
) -> int:
    """Begin a check; one that the device had open is given up."""
    values = {"device_id": device_id, "unit_id": unit_id, "channel": channel, "by": by, "now": now}
    connection.execute(_SQL["give_up"], values)
    row = connection.execute(_SQL["begin"], values).fetchone()
    assert row is not None
    return row[0]


def check(connection: Connection, check_id: int, *, estates: Estates = None) -> Check:
    """One check.

    Raises
    ------
    UnknownCheck
        No such check, or outside the estates.
    """
    parameters = {
        "check_id": check_id,
        "device_id": None,
        "everything": estates is None,
        "estate_ids": list(estates or ()),
    }
    with connection.cursor(row_factory=class_row(Check)) as cursor:
        found = cursor.execute(_SQL["checks"], parameters).fetchone()
    if found is None:
        raise UnknownCheck
    return found


def of_device(connection: Connection, device_id: int) -> list[Check]:
    """The checks of a device, newest first."""
    parameters = {"check_id": None, "device_id": device_id, "everything": True, "estate_ids": []}
    with connection.cursor(row_factory=class_row(Check)) as cursor:
        return cursor.execute(_SQL["checks"], parameters).fetchall()


def watch(
    connection: Connection,
    found: Check,
    *,
    steps: Mapping[int, float],
    per_hour: Mapping[int, float],
    until: datetime,
) -> Watched:
    """What moved since a check began: the device, and those of its building and of its gateway.

    Parameters
    ----------
    steps : mapping
        By channel code: what counts as movement. Other channels are not looked at.
    per_hour : mapping
        By channel code of registers: the most that a home can use. A register that jumps further has not
        moved. Missing: anything is possible.
    until : datetime
        Readings of later times do not count.
    """
    rows = connection.execute(
        _SQL["moved"],
        {
            "device_id": found.device_id,
            "unit_id": found.unit_id,
            "channel": found.channel,
            "since": found.begun_at,
            "until": until,
            "channels": list(steps),
            "per_hour": [per_hour.get(channel, math.inf) for channel in steps],
            "not_evidence": int(NOT_EVIDENCE),
        },
    ).fetchall()
    furthest: dict[int, Movement] = {}
    for device_id, device, unit, channel, amount, heard_at in rows:
        step = Movement(
            device_id=device_id,
            device=device,
            unit=unit,
            channel=channel,
            amount=amount,
            times=amount / steps[channel],
            heard_at=heard_at,
        )
        if device_id not in furthest or step.times > furthest[device_id].times:
            furthest[device_id] = step
    own = furthest.pop(found.device_id, None) or Movement(
        device_id=found.device_id,
        device=found.device,
        unit=found.unit,
        channel=found.channel,
        amount=0.0,
        times=0.0,
        heard_at=None,
    )
    others = sorted((one for one in furthest.values() if one.moved), key=lambda one: -one.times)
    return Watched(
        own=own,
        others=tuple(others),
        neighbours=len(furthest),
        neighbours_heard=sum(one.heard_at is not None for one in furthest.values()),
    )


def end(
    connection: Connection, check_id: int, *, outcome: Outcome, moved_id: int | None, by: str, now: datetime
) -> bool:
    """End a check with its outcome. False if it had ended already: the first outcome stays."""
    values = {"check_id": check_id, "outcome": outcome, "moved_id": moved_id, "by": by, "now": now}
    return connection.execute(_SQL["end"], values).rowcount == 1


def exchange_of(connection: Connection, found: Check) -> Change | None:
    """The exchange that a check ended with; None: it ended otherwise, or not yet."""
    if found.moved is None:
        return None
    acts = changes.history(connection, found.device_id)
    return next((act for act in acts if act.act == "correct" and act.at == found.ended_at), None)


def home_then(connection: Connection, found: Check, device_id: int, channel: int) -> int | None:
    """Where a device was believed to be when a check was made; None: that was not changed since."""
    since = [act for act in changes.history(connection, device_id) if act.at > found.begun_at]
    if not since:
        return None
    rows = changes.believed(connection, since[-1].id, after=False)
    return next(
        (
            row.unit_id
            for row in rows
            if row.device_id == device_id
            and row.channel == channel
            and row.valid_from <= found.begun_at
            and (row.valid_to is None or row.valid_to > found.begun_at)
        ),
        None,
    )


def best_channel(installed: Sequence[int], steps: Mapping[int, float]) -> int | None:
    """The channel of a device that shows movement soonest: power, flow, then registers."""
    return next((channel for channel in steps if channel in installed), None)
