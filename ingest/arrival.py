"""When messages arrive: to the millisecond, and no two at one time.

A value without a time of its own has that of its arrival, and a home's meters are read in bursts: were two
messages stamped alike, one value would stand for both. So a stamp is the clock's millisecond or just after
the stamp before, whichever is later. What is less than a millisecond is order, not time.

A message may hold many values of one channel; `Spread` puts each a microsecond after the other, the same way
at every replay. A stamp therefore leaves room for as many as the message can hold.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from wire.instants import EPOCH

_MILLISECOND = timedelta(milliseconds=1)
#: No value without a time is spelled in fewer bytes, and no message of ours holds more of them.
_BYTES_A_VALUE, _MOST_VALUES = 8, 2_000
#: A clock that goes back by more was set, and is believed.
_SET_BACK_US = 60_000_000


class Arrivals:
    """Stamps what one thread takes in."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._clock_us = 0
        #: No stamp may be earlier.
        self._next_us = 0

    def look(self) -> None:
        """Look at the clock: once for what came together."""
        self._clock_us = (self._now() - EPOCH) // _MILLISECOND * 1000
        if self._next_us - self._clock_us > _SET_BACK_US:
            self._next_us = self._clock_us

    def stamp(self, size: int) -> int:
        """Stamp a message.

        Parameters
        ----------
        size : int
            Bytes of its payload that may hold values without a time.

        Returns
        -------
        int
            Microseconds since 1970, later than every stamp before.
        """
        found = max(self._clock_us, self._next_us)
        self._next_us = found + 1 + min(size // _BYTES_A_VALUE, _MOST_VALUES)
        return found


class Spread:
    """The times of what has none, within one message."""

    def __init__(self, received_us: int) -> None:
        self._received_us = received_us
        self._said: dict[tuple[int, int | str], int] = {}

    def next_us(self, device_id: int, what: int | str) -> int:
        """Say when something was, if nobody says: on arrival, each a microsecond after the one like it.

        Parameters
        ----------
        what : int | str
            A channel, or the key of an event.
        """
        nth = self._said[device_id, what] = self._said.get((device_id, what), -1) + 1
        return self._received_us + nth
