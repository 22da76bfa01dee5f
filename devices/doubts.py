"""What the use of a home says of its devices: kept beside what their own signs say, and cleared by use.

Whoever looks at what homes use finds that a meter stands still or that a clock is off, and says so here of a
home and a channel; which device that is now is the registry's to know.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from devices.conditions import DOUBTS, Kind
from devices.profiles import Profile, load_profiles
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "doubts.sql")
#: A device watches the door when it reports one of these.
_DOOR_EVENTS = frozenset({"entry", "door_opened"})


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """One thing that seems wrong with what serves a home."""

    unit_id: int
    #: `wire.channels` code; 0: the door.
    channel: int
    #: One of `devices.conditions.DOUBTS`.
    kind: Kind
    since: datetime
    detail: Mapping[str, object] = field(default_factory=dict[str, object])
    #: Of crossed meters: the other home.
    other_id: int | None = None


def doubt(
    connection: Connection,
    found: Sequence[Doubt],
    *,
    unit_ids: Collection[int],
    now: datetime,
    profiles: Mapping[str, Profile] | None = None,
) -> None:
    """Let the conditions of the devices of some homes agree with what their use says.

    What was said before and is not said again is cleared; other homes' devices are left alone.

    Parameters
    ----------
    unit_ids : collection of int
        The homes that were looked at.
    now : datetime
        Business time.
    """
    known = load_profiles() if profiles is None else profiles
    parameters = {
        "homes": sorted(unit_ids),
        "now": now,
        "doubts": [str(kind) for kind in DOUBTS],
        "locks": [name for name, profile in known.items() if profile.events & _DOOR_EVENTS],
        "units": [one.unit_id for one in found],
        "channels": [one.channel for one in found],
        "kinds": [str(one.kind) for one in found],
        "since": [one.since for one in found],
        "details": [json.dumps(one.detail, ensure_ascii=False) for one in found],
        "others": [one.other_id for one in found],
    }
    connection.execute(_SQL["clear"], parameters)
    connection.execute(_SQL["put"], parameters)
