"""The closed table of keys: one frozen dataclass a group, one field a key.

The key in a file is group and field joined: ``idle_limit`` is `Policy.idle.limit`. A field names the
reader that checks its value, its unit, and the kind of clock a rule on it must state. What is not
here is refused.
"""
# ruff: noqa: RUF009 - `key` makes a dataclass field

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar, cast

from policy.periods import Period
from policy.values import Limits, day, number, period, share, shares, span, steps, whole

T = TypeVar("T")

CONSECUTIVE = "consecutive"
CUMULATIVE = "cumulative"
#: Kinds of clock: arrears add up over a tenancy, idleness must not be interrupted.
CLOCKS = (CONSECUTIVE, CUMULATIVE)

#: Channels that have limits; the names of `wire.channels` (a test compares them).
CHANNELS = (
    "energy_kwh",
    "water_l",
    "gas_m3",
    "heat_kwh",
    "hot_water_l",
    "power_w",
    "voltage_v",
    "current_a",
    "flow_l_h",
    "heat_hca",
    "temperature_c",
    "humidity_pct",
    "co2_ppm",
    "battery_pct",
    "battery_v",
    "signal_dbm",
)

_MINUTE, _DAY, _YEAR = timedelta(minutes=1), timedelta(days=1), timedelta(days=366)


def key(read: Callable[[object], T], *, unit: str = "", clock: str | None = None) -> T:
    """A field of a group: the reader of its value, its unit, its kind of clock."""
    return cast(T, field(metadata={"read": read, "unit": unit, "clock": clock}))


@dataclass(frozen=True, kw_only=True)
class Ingest:
    """What a message may say before it is flagged or refused."""

    #: A device's clock may be ahead of arrival by this much; beyond it the row is `CLOCK_SUSPECT`.
    future_tolerance: timedelta = key(span(timedelta(0), _DAY))
    #: A device may send what it kept for so long; older rows are `CLOCK_SUSPECT`.
    past_tolerance: timedelta = key(span(_DAY, 5 * _YEAR))
    #: Times before this day are refused.
    earliest: date = key(day(date(2000, 1, 1), date(2100, 1, 1)))
    #: Times further ahead of arrival are refused.
    latest_ahead: timedelta = key(span(_MINUTE, _YEAR))
    #: When ingest did not listen for longer than this, no device is to blame for what was not heard.
    outage_after: timedelta = key(span(_MINUTE, _DAY))
    #: Messages that one device may send in the long run, and at once after it was away.
    rate_per_minute: int = key(whole(1, 100_000), unit="1/min")
    rate_burst: int = key(whole(1, 10_000_000))
    #: A vendor's own decoder is stopped after so long; …
    script_time: timedelta = key(span(timedelta(milliseconds=50), timedelta(seconds=10)))
    #: … and a message at which the worker ended so many times is not tried again.
    script_attempts: int = key(whole(1, 20))
    #: By channel name.
    limits: Mapping[str, Limits]

    @property
    def earliest_at(self) -> datetime:
        """`earliest` as an instant: its midnight in UTC."""
        return datetime.combine(self.earliest, time.min, UTC)


@dataclass(frozen=True, kw_only=True)
class Receivers:
    """What is taken in over HTTP: a body above its limit is refused before it is read."""

    #: With a picture or two.
    hikvision_kib: int = key(whole(1, 64 * 1024), unit="KiB")
    face_gate_kib: int = key(whole(1, 64 * 1024), unit="KiB")
    #: Records and readings, without pictures.
    ttlock_kib: int = key(whole(1, 64 * 1024), unit="KiB")
    huawei_iot_kib: int = key(whole(1, 64 * 1024), unit="KiB")
    aliyun_iot_kib: int = key(whole(1, 64 * 1024), unit="KiB")
    gateway_json_kib: int = key(whole(1, 64 * 1024), unit="KiB")
    #: A request waits so long for those before it; then its sender is to come again.
    wait: timedelta = key(span(timedelta(seconds=1), _MINUTE))


@dataclass(frozen=True, kw_only=True)
class Command:
    """How long a command may wait, for a person and for its device."""

    #: Unless it is asked for with another time; and the longest that may be asked for.
    valid: timedelta = key(span(timedelta(seconds=10), 7 * _DAY))
    valid_max: timedelta = key(span(timedelta(seconds=10), 7 * _DAY))
    #: The longest of what needs two persons: a danger is now or not at all.
    safety_valid: timedelta = key(span(timedelta(seconds=10), _DAY))
    #: The second person decides within this.
    approve_within: timedelta = key(span(_MINUTE, _DAY))
    #: A danger that a device reported within this is on record.
    hazard_window: timedelta = key(span(_MINUTE, 30 * _DAY))


@dataclass(frozen=True, kw_only=True)
class Silence:
    """After how long without a message a source counts as silent."""

    meter_after: timedelta = key(span(_MINUTE, 90 * _DAY))
    lock_after: timedelta = key(span(_MINUTE, 90 * _DAY))
    #: A unit none of whose sources was heard for so long is silent as a whole.
    unit_after: timedelta = key(span(_MINUTE, 90 * _DAY))
    #: Devices are looked at so often.
    watch_every: timedelta = key(span(timedelta(seconds=10), _DAY))
    #: A device is offline when it was not heard for so many times the interval of its profile, and for as
    #: long as that at least.
    offline_factor: float = key(number(1, 100))
    offline_at_least: timedelta = key(span(_MINUTE, 30 * _DAY))
    #: A gateway's child is quiet after so many intervals: more than this share of at least so many children
    #: that fell quiet together are one fault of the gateway.
    quiet_factor: float = key(number(1, 100))
    gateway_share: float = key(share())
    gateway_children: int = key(whole(2, 1000))
    #: What arrives is late when it is older than so many intervals.
    late_factor: float = key(number(1, 100))
    #: A clock is wrong when it is off by more than this, and the same within the spread each time.
    drift_after: timedelta = key(span(timedelta(seconds=1), 30 * _DAY))
    drift_spread: timedelta = key(span(timedelta(seconds=1), _DAY))
    #: A battery is low below the first, and good again from the second on.
    battery_low_pct: float = key(number(0, 100), unit="%")
    battery_good_pct: float = key(number(0, 100), unit="%")
    #: So many of the newest so many numbers did not come.
    gap_min: int = key(whole(1, 4096))
    gap_window: int = key(whole(1, 4096))
    #: A device that sent too much counts as such for so long.
    limited_for: timedelta = key(span(_MINUTE, 30 * _DAY))
    #: A value that should move is stuck when at least so many readings over this time are exactly the same:
    #: the mains voltage …
    stuck_readings: int = key(whole(2, 1000))
    stuck_voltage_after: timedelta = key(span(timedelta(hours=1), 90 * _DAY))
    #: … temperature, humidity and carbon dioxide …
    stuck_climate_after: timedelta = key(span(timedelta(hours=1), 90 * _DAY))
    #: … a register while its own gauge says that at least so much runs all the time. A register that stands
    #: still by itself is an empty home and no fault.
    stuck_register_after: timedelta = key(span(timedelta(hours=1), 90 * _DAY))
    stuck_load_w: float = key(number(0, 100_000), unit="W")
    stuck_flow_l_h: float = key(number(0, 100_000), unit="L/h")
    #: How far back the newest value of a channel is looked for.
    memory: timedelta = key(span(_DAY, 5 * _YEAR))


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """When this installation itself needs somebody, and how alerts behave."""

    #: What is over and comes again within this time is the same alert.
    flap_within: timedelta = key(span(_MINUTE, 30 * _DAY))
    #: An alert that a person closed while its cause goes on is raised again after this time.
    repeat_after: timedelta = key(span(_MINUTE, 90 * _DAY))
    #: Messages that waited longer than this before they were stored.
    queue_age: timedelta = key(span(timedelta(seconds=1), _DAY))
    #: Ingest gave no sign for so long.
    ingest_after: timedelta = key(span(_MINUTE, _DAY))
    #: Marks of days to compute that the worker did not get to for so long.
    worker_after: timedelta = key(span(_MINUTE, 7 * _DAY))
    #: The disk has less than this share free.
    disk_free: float = key(share())
    #: Of the messages of a day at least so many, and this share, were quarantined.
    quarantine_min: int = key(whole(1, 1_000_000))
    quarantine_share: float = key(share())


@dataclass(frozen=True, kw_only=True)
class Signs:
    """When a source of one day is alive, quiet, or says nothing."""

    #: An hour counts as measured when so many of its minutes were; less is unknown.
    covered_min: int = key(whole(1, 60), unit="min")
    #: Measured hours that a day needs before electricity may count as quiet.
    energy_seen_hours: int = key(whole(1, 24), unit="h")
    #: Hours of activity that make the difference.
    energy_active_hours: int = key(whole(1, 24), unit="h")
    #: Quiet: fewer such hours above so many times standby, plus the margin.
    energy_quiet_factor: float = key(number(1, 10))
    energy_quiet_margin_kwh: float = key(number(0, 5), unit="kWh")
    #: Alive: at least as many hours above so many times standby, plus the margin. Between: unknown.
    energy_alive_factor: float = key(number(1, 10))
    energy_alive_margin_kwh: float = key(number(0, 5), unit="kWh")
    #: A day that lies within this share of the median of so many days before it, its hours ranked, shows a
    #: timer or a thermostat and no person: unknown instead of alive.
    energy_repeat_days: int = key(whole(1, 60), unit="d")
    energy_repeat_share: float = key(share())
    #: Standby: the quietest stretch of so many hours of a day, …
    standby_hours: int = key(whole(1, 12), unit="h")
    #: … its median over so many trailing days, of which …
    standby_days: int = key(whole(7, 90), unit="d")
    #: … so many must be known.
    standby_min_days: int = key(whole(1, 90), unit="d")
    #: A meter that counts in coarser steps than this cannot show a quiet hour.
    energy_coarsest_kwh: float = key(number(0, 10), unit="kWh")
    water_seen_hours: int = key(whole(1, 24), unit="h")
    #: Flow is a sign of life above this many times the smallest hour of the day, plus the margin:
    #: what runs all day is a leak, not a person.
    water_floor_factor: float = key(number(1, 10))
    water_floor_margin_l: float = key(number(0, 100), unit="L")
    water_coarsest_l: float = key(number(0, 1000), unit="L")
    #: The night, when utilities read the smallest flow: local hours from the first to before the second.
    night_from_h: int = key(whole(0, 22), unit="h")
    night_to_h: int = key(whole(1, 24), unit="h")
    #: A lock that was not heard for so many days is no witness.
    door_memory_days: int = key(whole(1, 90), unit="d")


@dataclass(frozen=True, kw_only=True)
class Quality:
    """When what a meter or a lock says is a fault of it and not what people did."""

    #: How far back faults are followed.
    memory_weeks: int = key(whole(20, 104))
    #: The latest weeks are compared with as many before them, of which some must be known; a week is known
    #: when each hour of the day was measured on so many of its days.
    recent_weeks: int = key(whole(2, 8))
    earlier_weeks: int = key(whole(4, 26))
    earlier_min_weeks: int = key(whole(3, 26))
    hour_min_days: int = key(whole(1, 7), unit="d")
    #: The day of a change is looked for in so many weeks, beside the latest; it is over when so many of the
    #: newest weeks are as before.
    split_weeks: int = key(whole(2, 8))
    back_weeks: int = key(whole(1, 4))
    #: A clock is off: the day turned by so many hours or more explains so much more than chance, leaves at
    #: most this share of the difference, and does not worsen either meter's fit beyond the last share.
    skew_min_h: int = key(whole(1, 12), unit="h")
    skew_gain: float = key(number(0, 1000))
    skew_share: float = key(share())
    skew_each_share: float = key(share())
    #: Smaller amounts an hour are alike.
    cross_floor_kwh: float = key(number(0.001, 1), unit="kWh")
    #: Meters are crossed: each home is at least so many times chance away from its own past, at most so many
    #: from the other's, and at most this share of the first.
    cross_own: float = key(number(0, 1000))
    cross_other: float = key(number(0, 1000))
    cross_share: float = key(share())
    #: Of the days around the change so many fit, by so much on average, and both change within so many days.
    cross_days_share: float = key(share())
    cross_margin: float = key(number(0, 4))
    cross_apart_days: int = key(whole(0, 7), unit="d")
    #: A meter is stuck: it stood still on so many days, and on this share of the latest of them others show
    #: life; without a door the other meter alone on the second share. A door tells after so many days.
    still_days: int = key(whole(3, 90), unit="d")
    still_life_share: float = key(share())
    still_power_share: float = key(share())
    still_door_days: int = key(whole(1, 90), unit="d")
    #: A lock is out: no door was heard while meters show life on so many days, on this share of the days, and
    #: on so many times those of the longest silence before; it was heard on some of the days before.
    lock_days: int = key(whole(3, 90), unit="d")
    lock_life_share: float = key(share())
    lock_pace: float = key(number(1, 20))
    lock_before_days: int = key(whole(14, 180), unit="d")
    lock_before_min_days: int = key(whole(1, 180), unit="d")
    #: The first hour after a gap is a lump: above so many times the largest of some days before, and above
    #: this share of what would have been used; it is told for some days.
    lump_gap_h: int = key(whole(2, 48), unit="h")
    lump_days: int = key(whole(7, 90), unit="d")
    lump_factor: float = key(number(1, 20))
    lump_share: float = key(share())
    lump_told_days: int = key(whole(1, 90), unit="d")


@dataclass(frozen=True, kw_only=True)
class Idle:
    """The clock of Art. 27(5): consecutive days without a sign of life."""

    #: The law asks the home back when it was idle for longer than this.
    limit: Period = key(period(Period(days=30), Period(months=36)), clock=CONSECUTIVE)
    #: Days on the clock at which people are told.
    warning_days: tuple[int, ...] = key(steps(1, 1000), unit="d")
    #: Days on the clock at which a lead is raised, and at which it weighs more.
    lead_days: int = key(whole(7, 365), unit="d")
    long_days: int = key(whole(7, 365), unit="d")
    #: A home that somebody looks in on: this share of so many of the latest days are quiet, none is excused.
    mostly_days: int = key(whole(30, 365), unit="d")
    mostly_share: float = key(share())
    #: Sources that must agree for a day to count.
    min_sources: int = key(whole(2, 3))
    #: A source agrees as a whole when it was quiet on more than this share of the days counted.
    agreeing_share: float = key(share())
    #: Against it speak more unknown days than this share of the days counted, …
    gaps_share: float = key(share())
    #: … and an earlier time without life, people back since, of more than this share.
    habit_share: float = key(share())
    #: A clock whose newest day is older than this is silent.
    fresh_days: int = key(whole(1, 90), unit="d")
    #: How far back a clock is followed.
    memory_days: int = key(whole(60, 1100), unit="d")


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Flow without a pause, rarer than this home's own habit explains."""

    #: An hour flows from this amount on.
    flow_l: float = key(number(0, 100), unit="L")
    #: Measured hours without a pause, at least; and as many as weigh more.
    min_hours: int = key(whole(1, 240), unit="h")
    long_hours: int = key(whole(1, 2400), unit="h")
    #: Unknown hours that a run may bridge; a longer gap ends it.
    bridge_hours: int = key(whole(0, 240), unit="h")
    #: Sum over the run of -log(share of days on which this home has flow at that hour), at least; and as
    #: much as weighs more.
    min_gain: float = key(number(0, 100))
    long_gain: float = key(number(0, 1000))
    #: What became known within so many hours is reported, …
    news_hours: int = key(whole(1, 240), unit="h")
    #: … of the latest so many: a run that ended longer ago is history, even if it arrives today.
    latest_hours: int = key(whole(1, 240), unit="h")
    #: A run began where the flow last was below this share of what runs now, less the margin.
    start_share: float = key(share())
    start_margin_l: float = key(number(0, 100), unit="L")
    #: Flow in the night on more than this share of days is a habit, and speaks against.
    habit_share: float = key(share())
    #: The smallest hour of the night speaks for it above so many times what it was, plus the margin, …
    night_factor: float = key(number(1, 10))
    night_margin_l: float = key(number(0, 100), unit="L")
    #: … over so many nights before.
    night_days: int = key(whole(7, 90), unit="d")
    #: The home's habit: so many days, …
    baseline_days: int = key(whole(7, 365), unit="d")
    #: … that ended so many days ago, …
    baseline_skip_days: int = key(whole(0, 90), unit="d")
    #: … of which so many must be known.
    baseline_min_days: int = key(whole(1, 365), unit="d")
    #: Share of days with flow in each local hour of an ordinary home. The larger of it and the home's
    #: own counts, so that a home back from a holiday does not look strange to itself.
    usual_flow: tuple[float, ...] = key(shares(24))
    #: Flow of a pipe is the same every hour: of so many latest hours …
    flat_window_hours: int = key(whole(2, 240), unit="h")
    #: … so many lie within share and margin of the smallest, …
    flat_hours: int = key(whole(1, 240), unit="h")
    flat_share: float = key(share())
    flat_margin_l: float = key(number(0, 100), unit="L")
    #: … or weigh more from this share of them on, …
    even_share: float = key(share())
    #: … and the smallest is at least this.
    floor_l: float = key(number(0, 100), unit="L")
    #: A meter that counts in coarser steps than this cannot show an hour without flow.
    coarsest_l: float = key(number(0, 1000), unit="L")
    #: How far back a run is followed.
    memory_days: int = key(whole(7, 365), unit="d")


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """What the hazards of a home have in common."""

    #: What became known within so many hours is reported, …
    news_hours: int = key(whole(1, 240), unit="h")
    #: … of the latest so many: what ended longer ago is history, even if it arrives today.
    latest_hours: int = key(whole(1, 240), unit="h")


@dataclass(frozen=True, kw_only=True)
class Burst:
    """More water at once than this home ever used."""

    #: Litres in one hour from which on it may be a burst, and how many times the most that the home used in
    #: an hour before.
    hour_l: float = key(number(1, 5000), unit="L")
    hour_factor: float = key(number(1, 10))
    #: The same of each of two hours in a row: people stop, a pipe does not.
    sustained_l: float = key(number(1, 5000), unit="L")
    sustained_factor: float = key(number(1, 10))
    #: The flow began and ended where it was below this share of the most.
    flow_share: float = key(share())
    #: The most of so many days is compared with, …
    memory_days: int = key(whole(7, 365), unit="d")
    #: … and fewer known days than this are little to go by.
    min_days: int = key(whole(1, 365), unit="d")


@dataclass(frozen=True, kw_only=True)
class Overload:
    """More power than the connection is contracted for."""

    #: Hours of a day whose mean power is above the contract; an hour is two half hours.
    min_hours: int = key(whole(1, 24), unit="h")
    #: From so many times the contract on it is a fault of the reading.
    impossible_factor: float = key(number(1.1, 100))
    #: Days above the contract are one time when no more than so many lie between.
    bridge_days: int = key(whole(0, 60), unit="d")
    memory_days: int = key(whole(3, 365), unit="d")


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Smoke, gas, a forced door and their like, as devices report them."""

    #: A door that stands open is an alarm from so many minutes on.
    open_min: float = key(number(1, 1440), unit="min")
    #: What a detector reports within so many minutes of its own test is the test.
    test_min: float = key(number(0, 240), unit="min")
    #: An alarm that comes again within so many hours is the same.
    again_hours: int = key(whole(1, 720), unit="h")
    memory_days: int = key(whole(1, 60), unit="d")


@dataclass(frozen=True, kw_only=True)
class ElderSilence:
    """An older person living alone: no sign of life for longer than their home has ever been quiet."""

    #: Quiet hours, at least, where a lock says that nobody went out, and without such a lock.
    min_hours: int = key(whole(4, 240), unit="h")
    min_hours_unlocked: int = key(whole(4, 240), unit="h")
    #: Sum over the quiet hours of -log(share of days on which nothing stirs in that hour), at least: an hour
    #: of the night weighs little, one at noon much.
    min_gain: float = key(number(0, 100))
    #: As much is wanted as this many times the home's longest, or without a lock its second longest: ordinary
    #: trips look alike.
    longest_factor: float = key(number(1, 10))
    rank: int = key(whole(1, 10))
    rank_unlocked: int = key(whole(1, 10))
    #: More is wanted by this factor where somebody came in and nothing stirred after it within the hour, and
    #: where the last sign was by day: people go out by day.
    came_in_factor: float = key(number(1, 5))
    by_day_factor: float = key(number(1, 5))
    day_from_h: int = key(whole(0, 22), unit="h")
    day_to_h: int = key(whole(1, 24), unit="h")
    #: An hour of which one meter alone is known counts so much of an hour.
    one_meter_share: float = key(share())
    #: Electricity stirs above so many times what it draws at rest, plus the margin …
    rest_factor: float = key(number(1, 5))
    rest_margin_kwh: float = key(number(0, 5), unit="kWh")
    #: … at rest: the largest hour of the quietest stretch of so many hours of a day; of so many days before,
    #: this share lies below it, and so many must be known.
    rest_hours: int = key(whole(1, 12), unit="h")
    rest_days: int = key(whole(7, 90), unit="d")
    rest_share: float = key(share())
    rest_min_days: int = key(whole(1, 90), unit="d")
    #: Water stirs above so many times the smallest hour of the last day, plus the margin.
    water_factor: float = key(number(1, 10))
    water_margin_l: float = key(number(0, 100), unit="L")
    #: The hours of -log above are never more than this: no hour proves everything.
    most_gain: float = key(number(0.1, 10))
    #: An opening of the door within so many seconds after an entry belongs to it; any other is somebody who
    #: went out.
    beside_s: int = key(whole(0, 3600), unit="s")
    #: A lock that was not heard for so many days before is no witness, nor is one whose reader let nobody in
    #: for so many days: people have keys.
    lock_days: int = key(whole(1, 60), unit="d")
    reader_days: int = key(whole(1, 60), unit="d")
    #: A home that was empty for more than this share of so many days, in stretches of so many hours, is not
    #: lived in: another question.
    empty_share: float = key(share())
    empty_days: int = key(whole(7, 90), unit="d")
    empty_hours: int = key(whole(12, 240), unit="h")
    #: The home's own habit and longest quiet times: from so many days, at least so many of them known; …
    memory_days: int = key(whole(28, 365), unit="d")
    min_days: int = key(whole(7, 365), unit="d")
    #: … where the door counts, from so many.
    door_memory_days: int = key(whole(14, 365), unit="d")


@dataclass(frozen=True, kw_only=True)
class People:
    """Somebody else, or more people, live in a home than are registered; looked at by the week."""

    #: Probability that a visit finds something, from which on a lead is raised where the door is heard.
    raise_at: float = key(share())
    #: Where it is not, the meters show another household less surely than what else they show.
    raise_at_other_household: float = key(share())
    raise_at_meters: float = key(share())
    #: The kind that names a lead must hold so much of the odds: before it does, a week is waited for.
    kind_share: float = key(share())
    #: The mean of so many weeks counts, where the door is heard and where it is not.
    agree_weeks: int = key(whole(1, 8))
    agree_weeks_meters: int = key(whole(1, 8))
    #: So many weeks of the past must be known.
    past_weeks: int = key(whole(3, 26))
    #: The most that one item of evidence adds to the logarithm of the odds.
    item_cap: float = key(number(0.5, 20))
    #: Without a door nothing is said so long after a lease began: the past is another household's.
    new_lease_weeks: int = key(whole(0, 52))
    #: Without a door nothing is said of a day that looks turned by some hours, from this gain in fit on.
    turned_from: float = key(number(0.05, 2))
    #: Peers are the city's homes, so many at least; with fewer the model's own.
    peers_min: int = key(whole(5, 1000))
    #: What adds less is not said, nor more than so many items.
    say_from: float = key(number(0, 5))
    most_items: int = key(whole(1, 20))


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Scores, and how people see them."""

    #: Score of a lead: logistic of the prior and of the sum of the weights of its evidence.
    prior_logit: float = key(number(-10, 10))
    weight_logit: float = key(number(0.01, 5))
    mid_from: float = key(share())
    high_from: float = key(share())


@dataclass(frozen=True, kw_only=True)
class Leads:
    """The queue of visits."""

    #: Visits a month, as a share of the estate's units.
    visits_share: float = key(share())
    #: Of these visits so many are to homes drawn by lot.
    lot_share: float = key(share())
    #: What was decided is not asked again while it goes on. After it has ended, a unit rests for the same
    #: kind so long from the verdict; hazards never rest.
    rest_after_refuted: Period = key(period(Period(), Period(months=36)))
    rest_after_dismissed: Period = key(period(Period(), Period(months=36)))
    #: A home of which a lead was refuted is asked about again, for the same reason, only from this score on.
    bar_after_refuted: float = key(share())
    #: A sweep over history opens leads only for what it still found so many days before its last day.
    look_back_days: int = key(whole(0, 400), unit="d")


@dataclass(frozen=True, kw_only=True)
class Learning:
    """What visits teach about probabilities."""

    #: Homes and years with a verdict of a visit, before anything is learned at all …
    unit_years: int = key(whole(20, 100_000))
    #: … and new ones, before it is learned anew.
    fresh_unit_years: int = key(whole(1, 100_000))
    #: Observations that the detector's own probabilities are worth.
    prior_weight: float = key(number(0, 10_000))


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Terms of a tenancy."""

    waiting_max: Period = key(period(Period(days=30), Period(months=240)))
    term_max: Period = key(period(Period(days=30), Period(months=240)))
    #: Renewal is asked for so long before the end.
    renewal_notice: Period = key(period(Period(days=1), Period(months=12)))
    #: The law asks the home back when arrears add up to more than this.
    arrears_limit: Period = key(period(Period(days=30), Period(months=36)), clock=CUMULATIVE)


@dataclass(frozen=True, kw_only=True)
class Breach:
    """Consequences of the acts of Art. 27, decided by people only."""

    fine_max_cny: int = key(whole(0, 1_000_000), unit="CNY")
    gain_multiple: int = key(whole(0, 10))
    gain_cap_cny: int = key(whole(0, 10_000_000), unit="CNY")
    #: No new application for so long from the day of return.
    ban: Period = key(period(Period(days=30), Period(months=240)))


@dataclass(frozen=True, kw_only=True)
class Commissioning:
    """A device on the day on which it is installed."""

    #: An act on installations can be taken back for so long; a correction always.
    undo_within: timedelta = key(span(_MINUTE, 30 * _DAY))
    #: A reading older than this is not the first one of a new installation.
    reading_fresh: timedelta = key(span(_MINUTE, _DAY))
    #: Which home moved: so long somebody watches, …
    check_within: timedelta = key(span(_MINUTE, _DAY))
    #: … and these changes count as movement: of power and flow, …
    power_w: float = key(number(1, 100_000), unit="W")
    flow_l_h: float = key(number(0.1, 100_000), unit="L/h")
    #: … and of registers: electricity and heat, water, gas.
    energy_kwh: float = key(number(0.0001, 100), unit="kWh")
    water_l: float = key(number(0.01, 1000), unit="L")
    gas_m3: float = key(number(0.0001, 10), unit="m³")
    #: The page asks for news so often.
    look_every: timedelta = key(span(timedelta(seconds=1), timedelta(minutes=5)))


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long rows are kept, counted from the time they tell of; then they are removed."""

    #: Raw values. Not below what the longest clock looks back on.
    reading: Period = key(period(Period(months=9), Period(months=60)))
    #: What happened at doors tells of whereabouts: no longer than clocks need.
    event: Period = key(period(Period(months=9), Period(months=60)))
    #: Messages as received. Logs of a network are kept for at least six months (网络安全法).
    journal: Period = key(period(Period(months=6), Period(months=60)))
    quarantine: Period = key(period(Period(months=1), Period(months=60)))
    #: Hours of consumption and features of days, of a unit and not of a person.
    usage: Period = key(period(Period(months=12), Period(months=240)))
    unit_day: Period = key(period(Period(months=12), Period(months=240)))
    #: Where the database can do it, rows this old are laid out by column.
    columnstore_after: timedelta = key(span(_DAY, _YEAR))


#: Group name -> class, in the order of the files.
GROUPS: Mapping[str, type] = {
    "ingest": Ingest,
    "receivers": Receivers,
    "command": Command,
    "silence": Silence,
    "alerts": Alerts,
    "signs": Signs,
    "quality": Quality,
    "idle": Idle,
    "leak": Leak,
    "hazard": Hazard,
    "burst": Burst,
    "overload": Overload,
    "alarm": Alarm,
    "elder_silence": ElderSilence,
    "people": People,
    "bands": Bands,
    "leads": Leads,
    "learning": Learning,
    "lease": Lease,
    "breach": Breach,
    "commissioning": Commissioning,
    "retention": Retention,
}


#: The first of each pair must not be above the second.
_ORDERED = (
    ("ingest_future_tolerance", "ingest_latest_ahead"),
    ("command_valid", "command_valid_max"),
    ("signs_energy_quiet_factor", "signs_energy_alive_factor"),
    ("signs_energy_quiet_margin_kwh", "signs_energy_alive_margin_kwh"),
    ("signs_energy_repeat_days", "signs_standby_days"),
    ("signs_standby_min_days", "signs_standby_days"),
    ("silence_quiet_factor", "silence_offline_factor"),
    ("quality_earlier_min_weeks", "quality_earlier_weeks"),
    ("quality_still_door_days", "quality_still_days"),
    ("quality_lock_before_min_days", "quality_lock_before_days"),
    ("silence_battery_low_pct", "silence_battery_good_pct"),
    ("silence_gap_min", "silence_gap_window"),
    ("leak_baseline_min_days", "leak_baseline_days"),
    ("leak_flat_hours", "leak_flat_window_hours"),
    ("leak_min_hours", "leak_long_hours"),
    ("leak_min_gain", "leak_long_gain"),
    ("leak_night_days", "leak_memory_days"),
    ("burst_min_days", "burst_memory_days"),
    ("burst_sustained_l", "burst_hour_l"),
    ("burst_sustained_factor", "burst_hour_factor"),
    ("overload_bridge_days", "overload_memory_days"),
    ("elder_silence_min_hours", "elder_silence_min_hours_unlocked"),
    ("elder_silence_day_from_h", "elder_silence_day_to_h"),
    ("elder_silence_rest_min_days", "elder_silence_rest_days"),
    ("elder_silence_rest_days", "elder_silence_door_memory_days"),
    ("elder_silence_empty_days", "elder_silence_door_memory_days"),
    ("elder_silence_reader_days", "elder_silence_door_memory_days"),
    ("elder_silence_min_days", "elder_silence_door_memory_days"),
    ("elder_silence_door_memory_days", "elder_silence_memory_days"),
    ("bands_mid_from", "bands_high_from"),
)


def conflicts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Values, by key, that are each possible but not together: (key, problem) pairs."""
    found = [(low, f"is above {high}") for low, high in _ORDERED if values[low] > values[high]]
    shortest = values["idle_limit"].months * 28 + values["idle_limit"].days
    for name, days in (
        ("idle_lead_days", values["idle_lead_days"]),
        ("idle_warning_days", values["idle_warning_days"][-1]),
    ):
        if days >= shortest:
            found.append((name, "is not below idle_limit"))
    if values["signs_night_from_h"] >= values["signs_night_to_h"]:
        found.append(("signs_night_from_h", "is not before signs_night_to_h"))
    if values["leak_baseline_days"] + values["leak_baseline_skip_days"] > values["leak_memory_days"]:
        found.append(
            ("leak_baseline_days", "is with leak_baseline_skip_days further back than leak_memory_days")
        )
    for name in ("retention_reading", "retention_event", "retention_usage", "retention_unit_day"):
        # a clock over the limit must still see how it began
        if values[name].months * 28 + values[name].days < shortest + 28:
            found.append((name, "does not outlast idle_limit by a month"))
    if values["idle_memory_days"] <= shortest:
        found.append(("idle_memory_days", "is not above idle_limit"))
    return found
