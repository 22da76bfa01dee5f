"""How many messages one sender may send: a token bucket each, counted before anything is decoded.

In memory, and full after a restart: that grants a second burst and loses nothing.
"""

#: Arrival times are not quite in order where a batch is tried again; a clock that was put back is further
#: off.
_PUT_BACK_US = 5_000_000


class Rates:
    """The buckets of all senders, each kept as the moment at which it will be full again."""

    def __init__(self) -> None:
        self._full_at_us: dict[int, int] = {}
        self._latest_us = 0

    def admits(self, sender: int, *, every_us: int, burst_us: int, at_us: int) -> bool:
        """Take a token for a message.

        Parameters
        ----------
        sender : int
            The device's id; negative where nothing proves that it is the device: who lies about who he is
            uses up a bucket of his own.
        every_us : int
            So long a token takes to come back.
        burst_us : int
            So long an empty bucket takes to be full.
        at_us : int
            Arrival, by our clock.
        """
        if at_us < self._latest_us - _PUT_BACK_US:
            self._full_at_us.clear()
            self._latest_us = at_us
        elif at_us > self._latest_us:
            self._latest_us = at_us
        full_at_us = max(self._full_at_us.get(sender, 0), at_us)
        if full_at_us - at_us >= burst_us:
            return False
        self._full_at_us[sender] = full_at_us + every_us
        return True
