"""The policy's limits in the form that every reading is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from policy.groups import Ingest
from wire.channels import BY_NAME
from wire.instants import to_us

_MICROSECOND = timedelta(microseconds=1)
_MINUTE_US = 60_000_000


@dataclass(frozen=True, kw_only=True)
class Range:
    """Limits of one channel, in its unit: outside the hard ones refused, outside the soft ones flagged."""

    hard_min: float
    soft_min: float
    soft_max: float
    hard_max: float


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of time and value; times in microseconds."""

    #: Times before this moment are refused.
    earliest_us: int
    #: Times this far ahead of arrival are refused.
    latest_ahead_us: int
    #: Times this far ahead of, or behind, arrival are flagged.
    future_tolerance_us: int
    past_tolerance_us: int
    #: One device's bucket of messages: a token comes back after so long, …
    token_us: int
    #: … and an empty bucket is full after so long.
    burst_us: int
    #: By channel code.
    ranges: Mapping[int, Range]


def limits_of(rules: Ingest) -> Limits:
    """Bring a policy's rules into this form."""
    return Limits(
        earliest_us=to_us(rules.earliest_at),
        latest_ahead_us=rules.latest_ahead // _MICROSECOND,
        future_tolerance_us=rules.future_tolerance // _MICROSECOND,
        past_tolerance_us=rules.past_tolerance // _MICROSECOND,
        token_us=_MINUTE_US // rules.rate_per_minute,
        burst_us=rules.rate_burst * _MINUTE_US // rules.rate_per_minute,
        ranges={
            BY_NAME[name].code: Range(
                hard_min=found.hard_min,
                soft_min=found.soft_min,
                soft_max=found.soft_max,
                hard_max=found.hard_max,
            )
            for name, found in rules.limits.items()
        },
    )
