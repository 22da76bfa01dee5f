"""What `usage` reads and writes of one series: one unit, one metered channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from wire.forms import Form

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int16]
Bools = npt.NDArray[np.bool_]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
#: `lag_h` of an hour of which nothing is known, and the cap of every other.
NEVER_H = 32_767


class FaultKind(StrEnum):
    """Why a stretch of a register is not simply the difference of two readings. See `usage.register`."""

    #: A few readings that the ones around them contradict; left out.
    glitch = "glitch"
    #: A fall to near zero; the register counts on from there.
    reset = "reset"
    #: A fall to somewhere else; the register counts on from there.
    back_jump = "back_jump"
    #: A rise that nobody can have used; the register counts on from there: another meter.
    swap = "swap"
    #: Past full scale: counted through, told all the same.
    rollover = "rollover"
    #: The newest reading does not fit; the next one will tell.
    held = "held"
    #: An interval that is negative or more than can be used in it; left out.
    spike = "spike"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One place where a register cannot be taken as it stands."""

    kind: FaultKind
    #: Of the reading that does not fit, µs UTC.
    time_us: int
    device_id: int
    #: The reading before it, as the device said it; NaN where there is none.
    before: float
    after: float


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Readings of one unit and channel, in any order. All arrays have the shape (n,)."""

    device_id: Ints
    #: µs since 1970, UTC.
    time_us: Ints
    received_us: Ints
    #: As the device said it: before the multiplier.
    value: Floats
    #: `wire.quality.Quality` bits.
    quality: Shorts

    def __len__(self) -> int:
        return int(self.time_us.size)

    @staticmethod
    def joined(parts: "Sequence[Readings]") -> "Readings":
        """The rows of all parts."""
        if len(parts) == 1:
            return parts[0]
        none = np.zeros(0, np.int64)
        return Readings(
            device_id=np.concatenate([none, *(part.device_id for part in parts)]),
            time_us=np.concatenate([none, *(part.time_us for part in parts)]),
            received_us=np.concatenate([none, *(part.received_us for part in parts)]),
            value=np.concatenate([none.astype(np.float64), *(part.value for part in parts)]),
            quality=np.concatenate([none.astype(np.int16), *(part.quality for part in parts)]),
        )

    def where(self, chosen: Bools | Ints | slice) -> "Readings":
        """Some of the rows."""
        return Readings(
            device_id=self.device_id[chosen],
            time_us=self.time_us[chosen],
            received_us=self.received_us[chosen],
            value=self.value[chosen],
            quality=self.quality[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One installation: which device served the unit when, and how its values count."""

    device_id: int
    #: Valid from this µs on, up to but not including `valid_to_us`.
    valid_from_us: int
    valid_to_us: int
    form: Form
    multiplier: float


@dataclass(frozen=True, kw_only=True)
class Derived:
    """Hours of one series over `days` UTC days from `first_day` on. Element h of a day = hour h."""

    #: Days since 1970.
    first_day: int
    #: (days, 24), unit of the channel; NaN: unknown, never zero.
    amount: Floats
    #: (days, 24), 0 to 60: minutes that were measured; 0 where unknown or only spread over a gap.
    covered_min: Shorts
    #: (days, 24): whole hours from the hour's start until it was known; NEVER_H where unknown.
    lag_h: Shorts
    #: (days,), `wire.quality.Quality` bits.
    quality: Shorts
    #: Those whose time lies on the days, in order of time.
    faults: tuple[Fault, ...]
