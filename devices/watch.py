"""Looks at every device and writes what is wrong with it, worked out anew each time from what is there.

A pass reads, judges and writes in one transaction, one pass at a time. Nothing is carried over from the pass
before but what needs a memory: since when, a battery that was low, and a gateway's child that may still come
back. So whatever a pass gets wrong, because data came while it looked, the next one puts right.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from devices.conditions import (
    BATTERY_PCT,
    BATTERY_V,
    CLIMATE,
    DRIVEN,
    SILENCES,
    VOLTAGE,
    Condition,
    Facts,
    Kind,
    Listening,
    Newest,
    Stretch,
    conditions,
)
from devices.gateways import Excuse, fold
from devices.profiles import Profile, load_profiles
from policy.book import Policy
from policy.groups import Silence
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_NAME
from wire.events import EventType
from wire.quality import Quality

_SQL = load("devices", "watch.sql")
_LOCK = 7_309_004_713
_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
_POWER = BY_NAME["power_w"].code
_RANGE = re.compile(r"\[(-?\d+),(-?\d+)\)")
T = TypeVar("T")
_GAUGES = CLIMATE | {VOLTAGE}

#: (device, channel)
Pair = tuple[int, int]
#: A pair, and the time to look at: from, to.
Look = tuple[Pair, datetime, datetime]


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
    facts: dict[int, Facts] = {}
    rules: dict[int, Silence] = {}
    for device_id, profile, gateway_id, city, installed_at, *sign in connection.execute(
        _SQL["devices"], {"now": now}
    ):
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
        )
    _add_channels(connection, facts, rules, now)
    return facts, rules


def _add_channels(
    connection: Connection, facts: dict[int, Facts], rules: Mapping[int, Silence], now: datetime
) -> None:
    """Add what the channels say, where somebody asks."""
    serves: dict[int, dict[int, datetime]] = {}
    for device_id, channel, since in connection.execute(_SQL["served"], {"now": now}):
        if device_id in facts and channel in facts[device_id].profile.channel_codes:
            serves.setdefault(device_id, {})[channel] = since
    ahead = now + timedelta(days=31)
    wanted = [
        ((device_id, channel), now - rules[device_id].memory, ahead)
        for device_id, one in facts.items()
        if one.received_at is not None
        for channel in _asked(one.profile, serves.get(device_id, {}))
    ]
    newest = _newest(connection, wanted)
    by_device, still, driving = _by_device(newest), *_unmoved(connection, rules, newest)
    told = _batteries(connection, facts, rules, now)
    for device_id, one in facts.items():
        facts[device_id] = replace(
            one,
            newest=by_device.get(device_id, {}),
            serves=serves.get(device_id, {}),
            still=still.get(device_id, {}),
            driving=driving.get(device_id, {}),
            battery_low_at=told.get(device_id),
        )


def _asked(profile: Profile, serves: Mapping[int, datetime]) -> Iterable[int]:
    """Channels whose newest value somebody asks for."""
    codes = profile.channel_codes
    return {*serves, *(codes & (_GAUGES | {BATTERY_PCT, BATTERY_V})), *(g for g in DRIVEN if g in codes)}


def _unmoved(
    connection: Connection, rules: Mapping[int, Silence], newest: Mapping[Pair, Newest]
) -> tuple[dict[int, dict[int, Stretch]], dict[int, dict[int, Stretch]]]:
    """Look closer at the few channels whose value is the one of long before: gauges, and the gauges of
    registers."""
    looks: list[Look] = []
    gauge_of: dict[Pair, Pair] = {}
    for (device_id, channel), one in newest.items():
        its = rules[device_id]
        if channel in _GAUGES:
            after = its.stuck_voltage_after if channel == VOLTAGE else its.stuck_climate_after
            looks.append(((device_id, channel), one.time - 2 * after, one.time - after))
        elif channel in DRIVEN:
            register = device_id, DRIVEN[channel]
            at_least = its.stuck_load_w if channel == _POWER else its.stuck_flow_l_h
            if one.value >= at_least and register in newest:
                after, at = its.stuck_register_after, newest[register].time
                looks.append((register, at - 2 * after, at - after))
                gauge_of[register] = device_id, channel
    before = {
        pair: one for pair, one in _newest(connection, looks).items() if one.value == newest[pair].value
    }
    still = [(pair, one.time, newest[pair].time) for pair, one in before.items() if pair not in gauge_of]
    driving = [
        (gauge_of[pair], one.time, newest[pair].time) for pair, one in before.items() if pair in gauge_of
    ]
    return _by_device(_stretches(connection, still)), _by_device(_stretches(connection, driving))


def _newest(connection: Connection, looks: Sequence[Look]) -> dict[Pair, Newest]:
    if not looks:
        return {}
    rows = connection.execute(_SQL["newest"], _looked(looks))
    return {(device_id, channel): Newest(time=time, value=value) for device_id, channel, time, value in rows}


def _stretches(connection: Connection, looks: Sequence[Look]) -> dict[Pair, Stretch]:
    if not looks:
        return {}
    rows = connection.execute(_SQL["stretches"], _looked(looks))
    return {
        (device_id, channel): Stretch(since=since, count=count, low=low, high=high)
        for device_id, channel, since, count, low, high in rows
    }


def _looked(looks: Sequence[Look]) -> dict[str, object]:
    return {
        "devices": [device_id for (device_id, _), _, _ in looks],
        "channels": [channel for (_, channel), _, _ in looks],
        "since": [since for _, since, _ in looks],
        "before": [before for _, _, before in looks],
        "unproven": _UNPROVEN,
    }


def _batteries(
    connection: Connection, facts: Mapping[int, Facts], rules: Mapping[int, Silence], now: datetime
) -> dict[int, datetime]:
    asked = [
        device_id for device_id, one in facts.items() if int(EventType.battery_low) in one.profile.event_codes
    ]
    if not asked:
        return {}
    since = now - max(rules[device_id].memory for device_id in asked)
    rows = connection.execute(_SQL["batteries"], {"devices": asked, "since": since, "unproven": _UNPROVEN})
    return dict(rows.fetchall())


def _by_device(found: Mapping[Pair, T]) -> dict[int, dict[int, T]]:
    sorted_out: dict[int, dict[int, T]] = {}
    for (device_id, channel), one in found.items():
        sorted_out.setdefault(device_id, {})[channel] = one
    return sorted_out


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
