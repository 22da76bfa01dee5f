"""What is wrong with meters and locks and not with people: the shape of an answer, and its rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: What was used lies some hours later or earlier in the day than it did, in both meters alike.
CLOCK_SKEW = "clock_skew"
#: A meter reports and stands still while other sources show that somebody is there.
STUCK = "stuck_beside_life"
#: A lock says nothing for days on which the meters show that somebody is there.
LOCK_OUTAGE = "lock_outage"
#: The meters of two homes changed places on one day.
CROSSED = "crossed"
#: What was used over a gap stands in the first hour after it.
LUMP = "lump"
KINDS = (CLOCK_SKEW, STUCK, LOCK_OUTAGE, CROSSED, LUMP)

#: Channels of the sources, as `wire.channels` calls them; "": the door.
ENERGY, WATER, DOOR = "energy_kwh", "water_l", ""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong with one source of one home; hours count from the window's start."""

    #: Position of the unit in the block.
    unit: int
    channel: str
    kind: str
    since_h: int
    #: None: it is so as of the evening that was looked from.
    until_h: int | None = None
    #: 0 to 1: how much of what is odd this explains.
    sure: float
    #: Of crossed meters: the other unit.
    other: int | None = None
    #: What the sentence says, for programs.
    numbers: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    zh: str
    en: str


class QualityRules(Protocol):
    """The part of the policy that this room needs; `policy.groups.Quality` is one."""

    @property
    def memory_weeks(self) -> int: ...
    @property
    def recent_weeks(self) -> int: ...
    @property
    def earlier_weeks(self) -> int: ...
    @property
    def earlier_min_weeks(self) -> int: ...
    @property
    def hour_min_days(self) -> int: ...
    @property
    def split_weeks(self) -> int: ...
    @property
    def back_weeks(self) -> int: ...
    @property
    def skew_min_h(self) -> int: ...
    @property
    def skew_gain(self) -> float: ...
    @property
    def skew_share(self) -> float: ...
    @property
    def skew_each_share(self) -> float: ...
    @property
    def cross_floor_kwh(self) -> float: ...
    @property
    def cross_own(self) -> float: ...
    @property
    def cross_other(self) -> float: ...
    @property
    def cross_share(self) -> float: ...
    @property
    def cross_days_share(self) -> float: ...
    @property
    def cross_margin(self) -> float: ...
    @property
    def cross_apart_days(self) -> int: ...
    @property
    def still_days(self) -> int: ...
    @property
    def still_life_share(self) -> float: ...
    @property
    def still_power_share(self) -> float: ...
    @property
    def still_door_days(self) -> int: ...
    @property
    def lock_days(self) -> int: ...
    @property
    def lock_life_share(self) -> float: ...
    @property
    def lock_pace(self) -> float: ...
    @property
    def lock_before_days(self) -> int: ...
    @property
    def lock_before_min_days(self) -> int: ...
    @property
    def lump_gap_h(self) -> int: ...
    @property
    def lump_days(self) -> int: ...
    @property
    def lump_factor(self) -> float: ...
    @property
    def lump_share(self) -> float: ...
    @property
    def lump_told_days(self) -> int: ...
