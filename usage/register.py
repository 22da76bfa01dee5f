"""Which readings of a register can be trusted, and what was used between them. Pure.

A register counts up. Two of its readings *fit* when the later one is not smaller and not further
ahead than anybody can have used meanwhile: `max_per_hour` times the hours between them, at least
one hour, because registers show whole steps. A profile may name the value at which the register
shows zero again; then a fall from the last tenth of the scale to its first tenth also fits, if what
was used through full scale is possible.

Looking at neighbours in time, each pair that does not fit is one of these:

glitch
    A register that is back on its course within MAX_GLITCH readings never left it. Around a fall, the
    shortest run of at most MAX_GLITCH readings is left out whose neighbours on both sides fit each
    other: one false 0, or a few; a false rise that falls back; any mixture. Of several equally short
    ones all are left out: nothing tells which is false. What was used is the difference of the sound
    readings around. A fall at the newest reading waits for another one to follow. A rollover is
    believed unless the run that contradicts it counts straight up.
rollover
    A fall through full scale; counted once another reading has followed it.
reset, back-jump, swap
    Any other fall is real: a reset when the new value is nearer to zero than to the old one and no
    larger than what can have been used since; else a back-jump (a memory restored, or an exchange
    to a lower register: nothing tells them apart). Any other rise that does not fit is an exchange
    to a meter with a higher register. What was used between the two readings is not known: it is
    neither zero nor the new value. Counting goes on from the new reading.
held
    The same at the newest reading: nothing is concluded until another one follows.

More than MAX_GLITCH false readings in a row look like a change and a change back: nothing is booked for
either, unless both fit, e.g. many false 0 of a register that is lower than `max_per_hour`.

**How far a reading reaches.** Whether a reading is sound depends on the REACH = 2 * MAX_GLITCH - 1 usable
readings on either side of it. So a reading that is added, changed or removed alters the soundness of at
most REACH readings on either side, and a step only up to the nearest sound reading beyond those.
"""

from dataclasses import dataclass

import numpy as np

from usage.series import HOUR_US, Bools, FaultKind, Floats, Ints

#: So many false readings in a row are still told from a real change.
MAX_GLITCH = 3
#: Readings on either side whose soundness one reading can alter.
REACH = 2 * MAX_GLITCH - 1
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
    sound = np.ones(value.size, np.bool_)
    for place in np.flatnonzero(np.diff(value) < 0).tolist():
        sound[course.glitch_around(place)] = False
    misfits = [Misfit(kind=FaultKind.glitch, before=at - 1, at=at) for at in np.flatnonzero(~sound).tolist()]

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

    def glitch_around(self, fall: int) -> slice:
        """The false readings around a fall from reading `fall` to the next one."""
        rolls = self._rolls(fall, fall + 1)
        last = self._value.size - 1
        for length in range(1, MAX_GLITCH + 1 if fall + 2 <= last else 1):
            bridges = [
                before
                for before in range(max(fall - length, 0), min(fall, last - length - 1) + 1)
                if self._counts(before, before + length + 1)
                or (not rolls and self._rolls(before, before + length + 1))
            ]
            if bridges:
                return slice(bridges[0] + 1, bridges[-1] + length + 1)
        return slice(0)

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
