"""Which readings of a register can be trusted, and what was used between them. Pure.

A register counts up. Two of its readings *fit* when the later one is not smaller and not further
ahead than anybody can have used meanwhile: `max_per_hour` times the hours between them, at least
one hour, because registers show whole steps. A profile may name the value at which the register
shows zero again; then a fall from the last tenth of the scale to its first tenth also fits, if what
was used through full scale is possible.

Looking at neighbours in time, each pair that does not fit is one of these:

glitch
    The register falls, but one of the next MAX_GLITCH readings fits the one before the fall: the
    readings in between are left out (one false 0, or up to three). Or it rises impossibly and
    falls back onto its old course within MAX_GLITCH readings: those are left out. Or it falls onto
    the course it had up to MAX_GLITCH readings ago, and at least one reading after the fall does
    not take it back: the readings of the possible, but false, rise are left out. A register that is
    back on its course within MAX_GLITCH readings never left it: what was used is the difference of
    the sound readings around.
rollover
    A fall through full scale; counted once another reading has followed it.
reset, back-jump, swap
    Any other fall is real: a reset when the new value is nearer to zero than to the old one and no
    larger than what can have been used since; else a back-jump (a memory restored, or an exchange
    to a lower register: nothing tells them apart). Any other rise is an exchange to a meter with a
    higher register. What was used between the two readings is not known: it is neither zero nor the
    new value. Counting goes on from the new reading.
held
    The same at the newest reading: nothing is concluded until another one follows.

**How far a reading reaches.** Whether a reading is sound depends on MAX_GLITCH usable readings before
it and 2 * MAX_GLITCH after it. So a reading that is added, changed or removed alters the soundness of
at most REACH = 2 * MAX_GLITCH readings on either side, and a step only up to the nearest sound reading
beyond those.
"""

from dataclasses import dataclass

import numpy as np

from usage.series import HOUR_US, Bools, FaultKind, Floats, Ints

#: So many false readings in a row are still told from a real change.
MAX_GLITCH = 3
#: Readings on either side whose soundness one reading can alter.
REACH = 2 * MAX_GLITCH
#: The part of the scale that counts as near its end, for a rollover.
_NEAR_END = 0.1


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What was used between pairs of sound readings, (m,) each, in order of time."""

    #: Index of the earlier and of the later reading.
    left: Ints
    right: Ints
    amount: Floats


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A reading that does not simply continue the register."""

    kind: FaultKind
    #: Index of the sound reading before it, -1 for none, and of the reading itself.
    before: int
    at: int


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What can be said about the readings of one register."""

    #: (n,), False: left out.
    sound: Bools
    #: Only steps whose amount is known; never negative.
    steps: Steps
    misfits: tuple[Misfit, ...]


def judge(time_us: Ints, value: Floats, *, max_per_hour: float, rollover_at: float | None) -> Judged:
    """Tell sound readings from false ones, and how much the register moved between the sound ones.

    Parameters
    ----------
    time_us : (n,) int64
        Strictly increasing, µs.
    value : (n,) float64
        The register, in the unit of the channel (after the multiplier).
    max_per_hour : float
        More than this in an hour is impossible (from the policy).
    rollover_at : float or None
        Full scale, in the same unit.
    """
    course = _Course(time_us, value, max_per_hour, rollover_at)
    everything = np.arange(value.size)
    sound = np.ones(value.size, np.bool_)
    misfits: list[Misfit] = []
    for place in np.flatnonzero(~course.counts(everything[:-1], everything[1:])).tolist():
        for index in course.glitch_at(place):
            if sound[index]:
                sound[index] = False
                misfits.append(Misfit(kind=FaultKind.glitch, before=index - 1, at=index))

    kept = np.flatnonzero(sound)
    left, right = kept[:-1], kept[1:]
    amount = value[right] - value[left]
    known = course.counts(left, right)
    for place in np.flatnonzero(~known).tolist():
        before, at = int(left[place]), int(right[place])
        kind = course.change_at(before, at)
        if kind is FaultKind.rollover and rollover_at is not None:
            amount[place] += rollover_at
            known[place] = True
        misfits.append(Misfit(kind=kind, before=before, at=at))
    return Judged(
        sound=sound,
        steps=Steps(left=left[known], right=right[known], amount=amount[known]),
        misfits=tuple(sorted(misfits, key=lambda misfit: misfit.at)),
    )


class _Course:
    """The readings of one register, and which pairs of them fit."""

    def __init__(self, time_us: Ints, value: Floats, max_per_hour: float, rollover_at: float | None) -> None:
        self._time_us = time_us
        self._value = value
        self._max_per_hour = max_per_hour
        self._full = rollover_at

    def counts(self, left: Ints, right: Ints) -> Bools:
        """Whether the later reading of each pair is ahead by a possible amount."""
        moved = self._value[right] - self._value[left]
        return (moved >= 0) & (moved <= self._possible(left, right))

    def glitch_at(self, place: int) -> range:
        """Indices of false readings around a pair (place, place + 1) that does not count up."""
        count, falls = self._value.size, self._value[place + 1] < self._value[place]
        rolls = self._rolls(place, place + 1)
        for back in range(place + 2, min(place + 2 + MAX_GLITCH, count)):
            returns = falls or self._value[back] < self._value[back - 1]
            if returns and (self._counts(place, back) or (not rolls and self._rolls(place, back))):
                return range(place + 1, back)
        if falls and not rolls and place + 2 < count:
            for origin in range(place - 1, max(place - 1 - MAX_GLITCH, -1), -1):
                if self._fits(origin, place + 1):
                    return range(origin + 1, place + 1)
        return range(0)

    def change_at(self, before: int, at: int) -> FaultKind:
        """What happened between two sound readings that do not count up."""
        if at == self._value.size - 1:
            return FaultKind.held
        if self._rolls(before, at):
            return FaultKind.rollover
        old, new = self._value[before], self._value[at]
        if new > old:
            return FaultKind.swap
        pair = np.array([before]), np.array([at])
        is_reset = new < old / 2 and new <= self._possible(*pair)[0]
        return FaultKind.reset if is_reset else FaultKind.back_jump

    def _fits(self, left: int, right: int) -> bool:
        return self._counts(left, right) or self._rolls(left, right)

    def _counts(self, left: int, right: int) -> bool:
        return bool(self.counts(np.array([left]), np.array([right]))[0])

    def _rolls(self, left: int, right: int) -> bool:
        if self._full is None:
            return False
        old, new = self._value[left], self._value[right]
        near = _NEAR_END * self._full
        pair = np.array([left]), np.array([right])
        return bool(
            self._full - near <= old <= self._full
            and 0 <= new <= near
            and self._full - old + new <= self._possible(*pair)[0]
        )

    def _possible(self, left: Ints, right: Ints) -> Floats:
        hours = (self._time_us[right] - self._time_us[left]) / HOUR_US
        return self._max_per_hour * np.maximum(hours, 1.0)
