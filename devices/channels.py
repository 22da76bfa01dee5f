"""Channels that need a closer look: one statement each finds them, whatever the number of devices.

Which channels are asked for follows from the profiles. Each statement leaves out what cannot be wrong; what
is left is judged by `devices.conditions`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.conditions import BATTERY_PCT, BATTERY_V, CLIMATE, DRIVEN, POWER, VOLTAGE, Newest, Stretch
from devices.profiles import Profile
from policy.book import Policy
from policy.groups import Silence
from storage.pool import Connection
from storage.queries import load
from wire.events import EventType
from wire.quality import Quality

_SQL = load("devices", "watch.sql")
_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
_BATTERY_LOW = int(EventType.battery_low)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found; all by device, then by channel. See `devices.conditions.Facts`."""

    low: Mapping[int, Mapping[int, Newest]]
    behind: Mapping[int, Mapping[int, datetime]]
    still: Mapping[int, Mapping[int, Stretch]]
    driving: Mapping[int, Mapping[int, Stretch]]
    #: When a device said that its battery is low.
    told: Mapping[int, datetime]


def look(
    connection: Connection, policies: Mapping[str, Policy], profiles: Mapping[str, Profile], now: datetime
) -> Seen:
    """Look at the channels of all devices, by the widest rules of all cities."""
    every = [policy.silence for policy in policies.values()]
    floor = now - max((rules.memory for rules in every), default=timedelta(0))
    around = {"floor": floor, "unproven": _UNPROVEN, "now": now}
    kinds = list(profiles.values())
    return Seen(
        low=_low(connection, kinds, every, around),
        behind=_behind(connection, profiles, every, around),
        still=_still(connection, kinds, every, around),
        driving=_driving(connection, kinds, every, around),
        told=_told(connection, kinds, around),
    )


def _low(
    connection: Connection, kinds: Iterable[Profile], every: Collection[Silence], around: Mapping[str, object]
) -> dict[int, dict[int, Newest]]:
    highest = max((rules.battery_good_pct for rules in every), default=0.0)
    asked = [(one.name, BATTERY_PCT, highest) for one in kinds if BATTERY_PCT in one.channel_codes]
    asked += [
        (one.name, BATTERY_V, one.battery_low_v)
        for one in kinds
        if BATTERY_V in one.channel_codes and one.battery_low_v is not None
    ]
    found: dict[int, dict[int, Newest]] = {}
    given = _columns(asked, "profiles", "channels", "limits")
    for device_id, channel, time, value in connection.execute(_SQL["low"], {**around, **given}):
        found.setdefault(device_id, {})[channel] = Newest(time=time, value=value)
    return found


def _behind(
    connection: Connection,
    profiles: Mapping[str, Profile],
    every: Collection[Silence],
    around: Mapping[str, object],
) -> dict[int, dict[int, datetime]]:
    well = min((rules.offline_at_least for rules in every), default=timedelta(0))
    found: dict[int, dict[int, datetime]] = {}
    for device_id, profile, channel, since, newest in connection.execute(
        _SQL["behind"], {**around, "well": well}
    ):
        if profile in profiles and channel in profiles[profile].channel_codes:
            found.setdefault(device_id, {})[channel] = newest or since
    return found


def _still(
    connection: Connection, kinds: Iterable[Profile], every: Collection[Silence], around: Mapping[str, object]
) -> dict[int, dict[int, Stretch]]:
    after = {VOLTAGE: min((rules.stuck_voltage_after for rules in every), default=timedelta(0))}
    climate = min((rules.stuck_climate_after for rules in every), default=timedelta(0))
    after |= dict.fromkeys(CLIMATE, climate)
    asked = [
        (one.name, channel, span, None, None)
        for one in kinds
        for channel, span in after.items()
        if channel in one.channel_codes
    ]
    return _unmoved(connection, asked, around)


def _driving(
    connection: Connection, kinds: Iterable[Profile], every: Collection[Silence], around: Mapping[str, object]
) -> dict[int, dict[int, Stretch]]:
    after = min((rules.stuck_register_after for rules in every), default=timedelta(0))
    load_w = min((rules.stuck_load_w for rules in every), default=0.0)
    flow_l_h = min((rules.stuck_flow_l_h for rules in every), default=0.0)
    asked = [
        (one.name, register, after, gauge, load_w if gauge == POWER else flow_l_h)
        for one in kinds
        for gauge, register in DRIVEN.items()
        if gauge in one.channel_codes and register in one.channel_codes
    ]
    return _unmoved(connection, asked, around)


def _unmoved(
    connection: Connection, asked: Collection[tuple[object, ...]], around: Mapping[str, object]
) -> dict[int, dict[int, Stretch]]:
    """How channels that do not move, or the gauges that should move them, have been meanwhile."""
    given = _columns(asked, "profiles", "channels", "after", "gauges", "at_least")
    looks = connection.execute(_SQL["unmoved"], {**around, **given}).fetchall()
    found: dict[int, dict[int, Stretch]] = {}
    given = {**_columns(looks, "devices", "channels", "since", "before"), "unproven": _UNPROVEN}
    for device_id, channel, since, count, low, high in connection.execute(_SQL["stretches"], given):
        stretch = Stretch(since=since, count=count, low=low, high=high)
        found.setdefault(device_id, {})[channel] = stretch
    return found


def _told(
    connection: Connection, kinds: Iterable[Profile], around: Mapping[str, object]
) -> dict[int, datetime]:
    asked = [one.name for one in kinds if _BATTERY_LOW in one.event_codes]
    return dict(connection.execute(_SQL["told"], {**around, "profiles": asked}).fetchall())


def _columns(rows: Collection[tuple[object, ...]], *names: str) -> dict[str, list[object]]:
    """Rows as one array a column."""
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}
