"""What is wrong with a device, as a function of what is known of it. No input or output.

Everything rests on our own clock and on what the device itself sent. Silence only counts while ingest
listened: a message that nobody took is no fault of the sender's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from devices.profiles import Profile
from policy.groups import Silence
from wire.channels import BY_CODE, BY_NAME

POWER = BY_NAME["power_w"].code
#: A gauge, and the register that moves while it shows something.
DRIVEN = {
    POWER: BY_NAME["energy_kwh"].code,
    BY_NAME["flow_l_h"].code: BY_NAME["water_l"].code,
}
#: Gauges that never keep one value for long.
VOLTAGE = BY_NAME["voltage_v"].code
CLIMATE = frozenset(BY_NAME[name].code for name in ("temperature_c", "humidity_pct", "co2_ppm"))
BATTERY_PCT = BY_NAME["battery_pct"].code
BATTERY_V = BY_NAME["battery_v"].code


class Kind(StrEnum):
    """What can be wrong with a device."""

    #: Not heard for several of its intervals.
    offline = "offline"
    #: It hangs somewhere and was never heard.
    never_heard = "never_heard"
    #: A gateway is heard, and most of its children fell silent together.
    children_silent = "children_silent"
    #: One channel says nothing while others of the device do.
    channel_silent = "channel_silent"
    #: What arrives is old.
    late = "late"
    #: Its clock is off by the same each time.
    clock_drift = "clock_drift"
    #: Numbers of its messages are missing.
    sequence_gap = "sequence_gap"
    #: A value that should move repeats exactly.
    stuck = "stuck"
    low_battery = "low_battery"
    #: It sends more than it may.
    rate_limited = "rate_limited"
    #: What is used lies some hours later or earlier in the day than it did.
    clock_skew = "clock_skew"
    #: A meter reports and stands still while other sources of the home show that somebody is there.
    stuck_beside_life = "stuck_beside_life"
    #: A lock says nothing while the home's meters show that somebody is there.
    lock_outage = "lock_outage"
    #: It seems to have changed places with another home's.
    crossed = "crossed"
    #: What was used over a gap came as one hour's.
    lump = "lump"


#: It is not heard at all; what it last said of itself stands.
SILENCES = frozenset({Kind.offline, Kind.never_heard})
#: Told by what a home used and not by the device's own signs: `devices.doubts` writes and clears them.
DOUBTS = frozenset({Kind.clock_skew, Kind.stuck_beside_life, Kind.lock_outage, Kind.crossed, Kind.lump})


@dataclass(frozen=True, kw_only=True)
class Listening:
    """When ingest listened."""

    #: Its newest sign.
    until: datetime
    #: Without an outage.
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest reading of a channel."""

    time: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Readings of a channel over a time that ended with its newest."""

    since: datetime
    count: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a device that hangs somewhere, or that speaks for one that does."""

    device_id: int
    profile: Profile
    gateway_id: int | None = None
    #: Since when it hangs where it does.
    installed_at: datetime
    #: By our clock; None: it was never heard.
    received_at: datetime | None = None
    #: What its newest message said the time was.
    device_at: datetime | None = None
    #: Arrival minus that time, in seconds, and the range of the latest ones.
    lag_s: float | None = None
    lag_low_s: float | None = None
    lag_high_s: float | None = None
    #: The highest number of its messages, and stretches below it that did not come: first, behind the last.
    counter: int | None = None
    missing: Sequence[tuple[int, int]] = ()
    limited_at: datetime | None = None
    #: Batteries that are lower than one should be.
    low: Mapping[int, Newest] = field(default_factory=dict)
    #: Channels that serve something and lie behind what the device has reached: their newest reading, or
    #: since when they serve it.
    behind: Mapping[int, datetime] = field(default_factory=dict)
    #: Of channels whose newest value is the one of long before.
    still: Mapping[int, Stretch] = field(default_factory=dict)
    #: Of gauges whose register stands still.
    driving: Mapping[int, Stretch] = field(default_factory=dict)
    #: The device's own word: when it said that its battery is low; None: it did not, or took it back.
    battery_low_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing that is wrong."""

    device_id: int
    kind: Kind
    #: 0: the device as a whole.
    channel: int = 0
    since: datetime
    detail: Mapping[str, object] = field(default_factory=dict)
    #: The gateway whose fault explains it.
    behind: int | None = None
    #: The gateway is back: until then the device has time to be heard.
    until: datetime | None = None


def patience(profile: Profile, rules: Silence) -> timedelta:
    """How long a device may be silent."""
    return max(rules.offline_factor * timedelta(seconds=profile.expected_interval_s), rules.offline_at_least)


def quiet_after(profile: Profile, rules: Silence) -> timedelta:
    """How long until a device has missed a report."""
    return min(rules.quiet_factor * timedelta(seconds=profile.expected_interval_s), patience(profile, rules))


def conditions(
    facts: Facts,
    rules: Silence,
    *,
    listening: Listening | None,
    standing: Collection[Kind] = (),
    now: datetime,
) -> list[Condition]:
    """Say everything that is wrong with one device.

    Parameters
    ----------
    listening : Listening or None
        None: ingest never listened, so nothing is said of silence.
    standing : collection of Kind
        What was wrong before: a battery is good again only from a higher charge on.
    """
    found = [*_silence(facts, rules, listening)]
    silent = bool(found)
    found += _battery(facts, rules, standing)
    found += _limited(facts, rules, now)
    if not silent and facts.received_at is not None:
        found += [*_clock(facts, rules), *_gap(facts, rules), *_channels(facts, rules), *_stuck(facts, rules)]
    return found


def _silence(facts: Facts, rules: Silence, listening: Listening | None) -> list[Condition]:
    if listening is None:
        return []
    allowed = patience(facts.profile, rules)
    heard = facts.received_at or max(facts.installed_at, listening.since)
    # After an outage of ours each device first has the time that it needs to be heard again.
    grace = quiet_after(facts.profile, rules)
    if listening.until - heard <= allowed or listening.until - listening.since <= grace:
        return []
    return [
        Condition(
            device_id=facts.device_id,
            kind=Kind.never_heard if facts.received_at is None else Kind.offline,
            since=facts.received_at or facts.installed_at,
            detail={"interval_s": facts.profile.expected_interval_s},
        )
    ]


def _battery(facts: Facts, rules: Silence, standing: Collection[Kind]) -> list[Condition]:
    limit_pct = rules.battery_good_pct if Kind.low_battery in standing else rules.battery_low_pct
    limit_v = facts.profile.battery_low_v
    percent, volts = facts.low.get(BATTERY_PCT), facts.low.get(BATTERY_V)
    said: dict[str, object] = {}
    times: list[datetime] = []
    if percent is not None and percent.value < limit_pct:
        said["percent"] = percent.value
        times.append(percent.time)
    if volts is not None and limit_v is not None and volts.value < limit_v:
        said["volts"] = volts.value
        times.append(volts.time)
    if facts.battery_low_at is not None:
        said["told"] = True
        times.append(facts.battery_low_at)
    if not times:
        return []
    return [
        Condition(device_id=facts.device_id, kind=Kind.low_battery, since=min(times), detail=said),
    ]


def _limited(facts: Facts, rules: Silence, now: datetime) -> list[Condition]:
    at = facts.limited_at
    if at is None or now - at > rules.limited_for:
        return []
    return [Condition(device_id=facts.device_id, kind=Kind.rate_limited, since=at)]


def _clock(facts: Facts, rules: Silence) -> list[Condition]:
    """Ahead of arrival is a wrong clock; behind it is one only if it is always so, else the data are late."""
    if facts.lag_s is None or facts.lag_low_s is None or facts.lag_high_s is None:
        return []
    assert facts.received_at is not None
    off, interval = rules.drift_after.total_seconds(), facts.profile.expected_interval_s
    steady = facts.lag_high_s - facts.lag_low_s <= rules.drift_spread.total_seconds()
    since = facts.received_at
    # What is stamped with the start of an interval is as old as that when it arrives.
    if facts.lag_high_s < -off or (steady and facts.lag_low_s > off + interval):
        detail: dict[str, object] = {"seconds": round(-facts.lag_s)}
        return [Condition(device_id=facts.device_id, kind=Kind.clock_drift, since=since, detail=detail)]
    if facts.lag_s > max(rules.late_factor * interval, off):
        detail = {"seconds": round(facts.lag_s)}
        return [Condition(device_id=facts.device_id, kind=Kind.late, since=since, detail=detail)]
    return []


def _gap(facts: Facts, rules: Silence) -> list[Condition]:
    if facts.counter is None:
        return []
    assert facts.received_at is not None
    first = facts.counter - rules.gap_window
    missing = sum(max(0, behind - max(low, first)) for low, behind in facts.missing)
    if missing < rules.gap_min:
        return []
    return [
        Condition(
            device_id=facts.device_id,
            kind=Kind.sequence_gap,
            since=facts.received_at,
            detail={"missing": missing, "of": rules.gap_window},
        )
    ]


def _channels(facts: Facts, rules: Silence) -> list[Condition]:
    """Channels that stay behind the others of their device: by its own clock, whatever that says."""
    allowed = patience(facts.profile, rules)
    reached = facts.device_at or facts.received_at
    assert reached is not None
    return [
        Condition(device_id=facts.device_id, kind=Kind.channel_silent, channel=channel, since=heard)
        for channel, heard in facts.behind.items()
        if reached - heard > allowed
    ]


def _stuck(facts: Facts, rules: Silence) -> list[Condition]:
    found: list[Condition] = []
    for gauge, stretch in facts.driving.items():
        channel = DRIVEN[gauge]
        at_least = rules.stuck_load_w if gauge == POWER else rules.stuck_flow_l_h
        if stretch.count >= rules.stuck_readings and stretch.low >= at_least:
            found.append(_is_stuck(facts, channel, stretch, {BY_CODE[gauge].name: stretch.low}))
    for channel, stretch in facts.still.items():
        if stretch.count >= rules.stuck_readings and stretch.low == stretch.high:
            found.append(_is_stuck(facts, channel, stretch, {"value": stretch.low}))
    return found


def _is_stuck(facts: Facts, channel: int, stretch: Stretch, more: dict[str, object]) -> Condition:
    detail = {"readings": stretch.count, **more}
    return Condition(
        device_id=facts.device_id, kind=Kind.stuck, channel=channel, since=stretch.since, detail=detail
    )
