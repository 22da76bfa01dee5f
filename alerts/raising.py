"""Raises, updates and clears alerts: a function of what is wrong now, worked out anew at every pass.

One pass at a time, in the transaction that looked at the devices. One alert an origin and kind whose cause
goes on; what was over and comes again is the same alert, counted, while nobody has looked at it or within a
time of the policy. Persons move its status; only the cause clears it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.kinds import KINDS, OF_FAULT
from alerts.plant import Trouble
from devices.conditions import Kind as Fault
from devices.profiles import load_profiles
from policy.groups import Alerts
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_CODE

_SQL = load("alerts", "raising.sql")
_LOCK = 7_309_004_719
#: Who raises.
WORKER = "system:worker"


@dataclass(frozen=True, kw_only=True)
class Raised:
    """What a pass did."""

    raised: int
    #: Alerts that were over, or closed, and came again.
    again: int
    cleared: int


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """An alert that should stand."""

    origin: str
    kind: str
    since: datetime
    detail: dict[str, object]
    estate_id: int | None = None
    unit_id: int | None = None
    device_id: int | None = None


def raise_alerts(
    connection: Connection, *, troubles: Sequence[Trouble], rules: Alerts, now: datetime
) -> Raised:
    """Make the alerts agree with `device_condition`, standing cuts and the troubles of the installation.

    What a gateway's fault explains raises nothing of its own.
    """
    connection.execute(_SQL["lock"], {"lock": _LOCK})
    wanted = [*_of_devices(connection), *_of_cuts(connection), *(_of_trouble(one) for one in troubles)]
    parameters = {
        "origins": [one.origin for one in wanted],
        "kinds": [one.kind for one in wanted],
        "severities": [KINDS[one.kind].severity for one in wanted],
        "estates": [one.estate_id for one in wanted],
        "units": [one.unit_id for one in wanted],
        "devices": [one.device_id for one in wanted],
        "since": [one.since for one in wanted],
        "details": [json.dumps(one.detail) for one in wanted],
        "now": now,
        "flap_within": rules.flap_within,
        "repeat_after": rules.repeat_after,
        "by": WORKER,
    }
    cleared = connection.execute(_SQL["clear"], parameters).rowcount
    connection.execute(_SQL["update"], parameters)
    again = connection.execute(_SQL["repeat"], parameters).rowcount
    again += connection.execute(_SQL["reopen"], parameters).rowcount
    raised = connection.execute(_SQL["raise"], parameters).rowcount
    return Raised(raised=raised, again=again, cleared=cleared)


def _of_devices(connection: Connection) -> list[_Wanted]:
    profiles = load_profiles()
    found: list[_Wanted] = []
    for device_id, kind, channel, since, said, profile, estate_id, unit_id in connection.execute(
        _SQL["faults"]
    ):
        name = OF_FAULT[Fault(kind)]
        is_gateway = profile in profiles and profiles[profile].gateway
        if name in ("device_offline", "device_never_heard") and (is_gateway or "children" in said):
            name = "gateway_offline"
        origin, detail = f"device:{device_id}", said
        if channel:
            origin = f"{origin}:{BY_CODE[channel].name}"
            detail = {"channel": BY_CODE[channel].name, **said}
        found.append(
            _Wanted(
                origin=origin,
                kind=name,
                since=since,
                detail=detail,
                estate_id=estate_id,
                unit_id=unit_id,
                device_id=device_id,
            )
        )
    return found


def _of_cuts(connection: Connection) -> list[_Wanted]:
    return [
        _Wanted(
            origin=f"device:{device_id}:{name}",
            kind="supply_cut",
            since=since,
            detail={"command": name, "reason": reason},
            estate_id=estate_id,
            unit_id=unit_id,
            device_id=device_id,
        )
        for device_id, name, reason, since, estate_id, unit_id in connection.execute(_SQL["cuts"])
    ]


def _of_trouble(one: Trouble) -> _Wanted:
    return _Wanted(origin=one.origin, kind=one.kind, since=one.since, detail=one.detail)
