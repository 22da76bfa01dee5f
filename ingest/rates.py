"""How many messages one sender may send: a token bucket each, counted before anything is decoded.

In memory, and full after a restart: that grants a second burst and loses nothing.
"""

from collections.abc import Mapping

#: Arrival times are not quite in order where a batch is tried again; a clock that was put back is further
#: off.
_PUT_BACK_US = 5_000_000


class Rates:
    """The buckets of all senders, each kept as the moment at which it will be full again."""

    def __init__(self) -> None:
        self._full_at_us: dict[int, int] = {}
        self._latest_us = 0
        self._taken: dict[int, int] = {}

    def begin(self, at_us: int) -> None:
        """Begin with a batch that arrived then: nobody is locked out by a clock that was put back."""
        if at_us < self._latest_us - _PUT_BACK_US:
            self._full_at_us.clear()
        self._latest_us = at_us
        self._taken = {}

    def taken(self) -> Mapping[int, int]:
        """Say by how much the batch that was begun last has put off the moment at which buckets are full."""
        return self._taken

    def give_back(self, taken: Mapping[int, int]) -> None:
        """Give back what a batch has taken that is not stored: it will take its tokens again."""
        for sender, us in taken.items():
            if sender in self._full_at_us:
                self._full_at_us[sender] -= us

    def admits(self, sender: int, at_us: int, every_us: int, burst_us: int) -> bool:
        """Take a token for a message.

        Parameters
        ----------
        sender : int
            The device's id; negative where nothing proves that it is the device: who lies about who he is
            uses up a bucket of his own.
        at_us : int
            Arrival, by our clock.
        every_us : int
            So long a token takes to come back.
        burst_us : int
            So long an empty bucket takes to be full.
        """
        full_at_us = self._full_at_us.get(sender, 0)
        if full_at_us < at_us:
            self._full_at_us[sender] = at_us + every_us
        elif full_at_us - at_us < burst_us:
            self._full_at_us[sender] = full_at_us + every_us
        else:
            return False
        self._taken[sender] = self._taken.get(sender, 0) + every_us
        return True
