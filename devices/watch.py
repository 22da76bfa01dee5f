"""Looks at every device and writes what is wrong with it, worked out anew each time from what is there.

A pass reads, judges and writes in one transaction, one pass at a time. Nothing is carried over from the pass
before but what needs a memory: since when, a battery that was low, and a gateway's child that may still come
back. So whatever a pass gets wrong, because data came while it looked, the next one puts right.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from devices.channels import look
from devices.conditions import DOUBTS, SILENCES, Condition, Facts, Kind, Listening, conditions
from devices.gateways import Excuse, fold
from devices.profiles import Profile, load_profiles
from policy.book import Policy
from policy.groups import Silence
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "watch.sql")
_LOCK = 7_309_004_718
_RANGE = re.compile(r"\[(-?\d+),(-?\d+)\)")
_NONE: Mapping[int, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What one pass saw."""

    devices: int
    conditions: tuple[Condition, ...]


def watch(
    connection: Connection,
    *,
    policies: Mapping[str, Policy],
    now: datetime,
    profiles: Mapping[str, Profile] | None = None,
) -> Watched:
    """Look at every device that hangs somewhere, and write what is wrong as `device_condition`.

    Parameters
    ----------
    policies : mapping of str to Policy
        By city; devices of another city are not watched.
    now : datetime
        Business time.
    """
    connection.execute(_SQL["lock"], {"lock": _LOCK})
    known = load_profiles() if profiles is None else profiles
    listening = _listening(connection, policies, now)
    facts, rules = _facts(connection, policies, known, now)
    standing: dict[int, set[Kind]] = {}
    excused: dict[int, Excuse] = {}
    for device_id, kind, behind, until in connection.execute(_SQL["standing"]):
        standing.setdefault(device_id, set()).add(Kind(kind))
        if behind is not None:
            excused[device_id] = Excuse(behind=behind, until=until)
    found: list[Condition] = []
    for device_id, one in facts.items():
        found += conditions(
            one, rules[device_id], listening=listening, standing=standing.get(device_id, ()), now=now
        )
    folded = fold(found, facts, rules, listening=listening, standing=standing, excused=excused, now=now)
    _write(connection, folded, facts, now)
    return Watched(devices=len(facts), conditions=tuple(folded))


def _listening(connection: Connection, policies: Mapping[str, Policy], now: datetime) -> Listening | None:
    outage = min((policy.ingest.outage_after for policy in policies.values()), default=timedelta(0))
    row = connection.execute(_SQL["listening"], {"now": now, "outage": outage}).fetchone()
    assert row is not None
    until, since, last_since = row
    if until is None:
        return None
    # While some process gives signs, the time that passes counts: a sign is some seconds old.
    return Listening(until=now if now - until <= outage else until, since=since or last_since)


def _facts(
    connection: Connection, policies: Mapping[str, Policy], profiles: Mapping[str, Profile], now: datetime
) -> tuple[dict[int, Facts], dict[int, Silence]]:
    seen = look(connection, policies, profiles, now)
    facts: dict[int, Facts] = {}
    rules: dict[int, Silence] = {}
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_SQL["devices"], {"now": now}).fetchall()
    for device_id, profile, gateway_id, city, installed_at, *sign in rows:
        if city not in policies or profile not in profiles:
            continue
        received_at, device_at, lag_s, low_s, high_s, counter, missing, limited_at = sign
        rules[device_id] = policies[city].silence
        facts[device_id] = Facts(
            device_id=device_id,
            profile=profiles[profile],
            gateway_id=gateway_id,
            installed_at=installed_at,
            received_at=received_at,
            device_at=device_at,
            lag_s=lag_s,
            lag_low_s=low_s,
            lag_high_s=high_s,
            counter=counter,
            missing=_ranges(missing),
            limited_at=limited_at,
            low=seen.low.get(device_id, _NONE),
            behind=seen.behind.get(device_id, _NONE),
            still=seen.still.get(device_id, _NONE),
            driving=seen.driving.get(device_id, _NONE),
            battery_low_at=seen.told.get(device_id),
        )
    return facts, rules


def _ranges(text: str | None) -> tuple[tuple[int, int], ...]:
    """Stretches of a multirange of numbers: ``{[3,5),[9,10)}``."""
    if text is None:
        return ()
    return tuple((int(low), int(behind)) for low, behind in _RANGE.findall(text))


def _write(
    connection: Connection, found: Sequence[Condition], facts: Mapping[int, Facts], now: datetime
) -> None:
    keys = {
        "devices": [one.device_id for one in found],
        "kinds": [str(one.kind) for one in found],
        "channels": [one.channel for one in found],
    }
    stood = {
        "heard": [facts[one.device_id].received_at for one in found],
        "silences": [str(kind) for kind in SILENCES],
        "doubts": [str(kind) for kind in DOUBTS],
        "watched": list(facts),
    }
    connection.execute(_SQL["clear"], keys | stood)
    connection.execute(
        _SQL["put"],
        {
            **keys,
            **stood,
            "since": [one.since for one in found],
            "details": [json.dumps(one.detail) for one in found],
            "behind": [one.behind for one in found],
            "until": [one.until for one in found],
            "now": now,
        },
    )
