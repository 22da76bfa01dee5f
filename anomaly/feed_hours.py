"""Hours of consumption from the readings of a feed, derived as the database's are, without one.

An hour that was known on some evening stays what it was known as then: what comes later fills what was
unknown. So the evenings of a year give the same hours whether they are taken one by one or all at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.feed_readings import CODES, WATER, Source, Stored, number_of, restless
from anomaly.feed_tables import CHANNELS, Floats, Ints, Shorts
from devices.profiles import load_profiles
from policy.groups import Ingest
from usage.around import Outcome, Series, renew
from usage.reach import spans
from usage.series import HOUR_US, NEVER_H, Segment
from wire.channels import BY_NAME

#: The profiles that an import gives the meters of a pack; a water register that stays below
#: `SMALL_REGISTER_L` begins again there.
ENERGY, REGISTER, SMALL_REGISTER = "energy-interval-30min", "water-register", "water-register-100m3"
SMALL_REGISTER_L = 100_000
_ALWAYS = np.iinfo(np.int64).max
_PARTS = ("amount", "covered_min", "lag_h")


@dataclass(kw_only=True)
class Hours:
    """UTC hours of whole days of all homes of a feed; (channels, units, days, 24)."""

    #: Days since 1970.
    first_day: int
    amount: NDArray[np.float32]
    covered_min: Shorts
    lag_h: Shorts

    @staticmethod
    def unknown(*, units: int, first_day: int, end_day: int) -> "Hours":
        """Of which nothing is known."""
        shape = (len(CHANNELS), units, max(end_day - first_day, 0), 24)
        return Hours(
            first_day=first_day,
            amount=np.full(shape, np.nan, np.float32),
            covered_min=np.zeros(shape, np.int16),
            lag_h=np.full(shape, NEVER_H, np.int16),
        )

    @property
    def end_day(self) -> int:
        """The day after the last."""
        return self.first_day + self.amount.shape[2]

    def spread(self, *, units: int, first_day: int, end_day: int) -> "Hours":
        """The same for more homes and for other days."""
        found = Hours.unknown(units=units, first_day=first_day, end_day=end_day)
        low, high = max(first_day, self.first_day), min(end_day, self.end_day)
        if low < high:
            to = slice(low - first_day, high - first_day)
            of = slice(low - self.first_day, high - self.first_day)
            for name in _PARTS:
                getattr(found, name)[:, : self.amount.shape[1], to] = getattr(self, name)[:, :, of]
        return found


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One evening on which hours became known."""

    #: What had arrived by then counts, µs.
    by_us: int
    #: What was known by then stays, µs.
    before_us: int
    outcomes: Sequence[Outcome]


def derive(
    stored: Stored, evenings: Sequence[int], *, before_us: int, highest_l: Floats, rules: Ingest
) -> Iterator[Turn]:
    """What became known by each of some evenings, as far as the last of them does not tell it as well.

    Parameters
    ----------
    stored : Stored
        All readings that there are, as far back as news can reach.
    evenings : sequence of int
        Ends of days, µs, rising; what arrived later is left for another time.
    before_us : int
        The evening up to which all was taken.
    highest_l : (units,)
        The highest register of water that ever came.
    """
    turn = np.searchsorted(np.array([before_us, *evenings]), stored.received_us, side="left") - 1
    late = turn == len(evenings)
    if late.any():
        stored, turn = stored.where(~late), turn[~late]
    last = stored.marks(turn >= 0)
    limits = {BY_NAME[name].code: rules.limits[name].step_per_h for name in CHANNELS}
    most = {code: limit for code, limit in limits.items() if limit is not None}
    marks = restless(stored, turn, len(evenings), most.get(CODES[WATER], np.inf))
    for number, (by_us, marked) in enumerate(zip(evenings, [*marks, last], strict=True)):
        if marked.size:
            found = _outcomes(Source(stored, by_us), marked, highest_l, most)
            yield Turn(by_us=by_us, before_us=[before_us, *evenings][number], outcomes=found)


def book(hours: Hours, turns: Sequence[Turn], covered_min: int, *, before_us: int) -> None:
    """Write what became known, in turn.

    An hour may rest on nothing but readings of an evening on which it was not known all the same, because
    others were missing beside it. It is known by the turn that tells it.

    Parameters
    ----------
    before_us : int
        The evening up to which all was booked before.
    """
    missing: dict[Series, list[_Missing]] = {}
    for turn in turns:
        for outcome in turn.outcomes:
            span, derived = outcome.span, outcome.derived
            days = slice(span.first - hours.first_day, span.end - hours.first_day)
            at = CODES.index(span.channel), span.unit_id, days
            end_h = np.arange(span.first * 24, span.end * 24).reshape(-1, 24) + 1
            kept = (
                np.isfinite(hours.amount[at])
                & (hours.covered_min[at] >= covered_min)
                & (end_h + hours.lag_h[at] <= turn.before_us // HOUR_US)
            )
            known = np.isfinite(derived.amount) & (derived.covered_min >= covered_min)
            lag = derived.lag_h.astype(np.int64)
            belated = end_h + lag <= before_us // HOUR_US
            for one in missing.get(span.series, ()):
                belated |= one.within(span.first, span.end) & (end_h + lag <= one.by_h)
            since = np.clip(turn.before_us // HOUR_US + 1 - end_h, 0, NEVER_H)
            lag = np.where(belated, np.maximum(lag, since), lag)
            missing.setdefault(span.series, []).append(
                _Missing(by_h=turn.by_us // HOUR_US, first=span.first, hours=~known & ~kept)
            )
            for name, new in zip(_PARTS, (derived.amount, derived.covered_min, lag), strict=True):
                table = getattr(hours, name)
                table[at] = np.where(kept, table[at], new.astype(table.dtype))


@dataclass(frozen=True, kw_only=True)
class _Missing:
    """Hours of some days of one series that were not known by an evening."""

    #: The evening, in hours since 1970.
    by_h: int
    #: The first of the days, since 1970.
    first: int
    #: (days, 24)
    hours: NDArray[np.bool_]

    def within(self, first: int, end: int) -> NDArray[np.bool_]:
        """The same on other days, (days, 24)."""
        found = np.zeros((end - first, 24), np.bool_)
        low, high = max(first, self.first), min(end, self.first + self.hours.shape[0])
        if low < high:
            found[low - first : high - first] = self.hours[low - self.first : high - self.first]
        return found


def _outcomes(
    source: Source, marks: Ints, highest_l: Floats, max_per_hour: Mapping[int, float]
) -> list[Outcome]:
    unit, channel = marks[:, 0] // len(CHANNELS), np.array(CODES)[marks[:, 0] % len(CHANNELS)]
    marked = spans(unit, channel, marks[:, 1])
    segments = {one.series: [_segment(one.series, highest_l)] for one in marked}
    return renew(source, marked, segments, max_per_hour)


def _segment(of: Series, highest_l: Floats) -> Segment:
    unit, code = of
    profile = ENERGY
    if code == CODES[WATER]:
        profile = SMALL_REGISTER if highest_l[unit] < SMALL_REGISTER_L else REGISTER
    return Segment(
        device_id=number_of(unit, code),
        valid_from_us=-_ALWAYS,
        valid_to_us=_ALWAYS,
        form=load_profiles()[profile].channels[CHANNELS[CODES.index(code)]],
        multiplier=1.0,
    )
