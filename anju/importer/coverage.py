"""Which readings fall into an installation of their device; the others are of no home."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from wire.instants import to_us

_FOREVER_US = 2**62


class Coverage:
    """The installations of all devices, by device and channel."""

    def __init__(self, periods: Iterable[tuple[str, int, datetime, datetime | None]]) -> None:
        self._periods: dict[tuple[str, int], list[tuple[int, int]]] = {}
        for device, channel, valid_from, valid_to in periods:
            period = (to_us(valid_from), _FOREVER_US if valid_to is None else to_us(valid_to))
            self._periods.setdefault((device, channel), []).append(period)

    def outside(self, device: str, channel: int, time_us: NDArray[np.int64]) -> int:
        """How many of the times no installation of the device's channel covers."""
        inside = np.zeros(time_us.size, dtype=bool)
        for start, end in self._periods.get((device, channel), ()):
            inside |= (time_us >= start) & (time_us < end)
        return int(time_us.size - inside.sum())
