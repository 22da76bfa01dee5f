"""Signs of life: when each device was last heard by our clock and by its own, and which numbers are missing.

Only a device's own traffic is a sign, and only where the topic proves it. What the broker says in its name is
none: a will, or a retained message that is sent again to whoever subscribes. Nor is what is sent to a device,
or an import.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from devices.decoders.plain import Element
from ingest.arrays import integers, multiranges
from ingest.plain import Said
from storage.pool import Connection
from storage.queries import load

_SQL = load("ingest", "signs.sql")

#: A lower number this close below is a message that was late; further below, or with a time that is so much
#: newer, the device counts anew.
NEAR = 64
NEWER_US = 3_600_000_000
#: So many of the newest numbers are remembered as missing or not.
KEPT = 4096
#: Higher numbers are no count of messages.
_HIGHEST = 2**62
#: Times outside are no times: from 1970 to 2200.
_LATEST_US = 7_258_118_400_000_000


class Run(msgspec.Struct, gc=False):
    """The numbers of one device's messages since one restart."""

    boot: int | None
    low: int
    high: int
    #: The newest time that these messages stated, never after their arrival.
    at_us: int | None
    numbers: set[int]

    def takes(self, boot: int | None, counter: int, at_us: int | None) -> bool | None:
        """Say whether a number belongs to this run; None: to one before it."""
        if boot is not None and self.boot is not None and boot != self.boot:
            return False if boot > self.boot else None
        apart = counter - self.high
        newer = None if at_us is None or self.at_us is None else at_us - self.at_us
        if (boot is None) != (self.boot is None):
            return False if boot is not None or newer is None or newer > 0 else None
        if boot is None and apart < 0:
            if newer is None:
                return apart >= -NEAR
            return newer <= NEWER_US if apart >= -NEAR else newer <= 0
        if boot is None and apart > NEAR and newer is not None and newer < -NEWER_US:
            return None
        return True


class Sign(msgspec.Struct, gc=False):
    """What one batch says of one device."""

    received_us: int
    #: Which message of the batch was the newest.
    message: int
    #: The newest time that it stated.
    device_us: int | None = None
    #: Arrival minus that time, of the messages before it: the smallest and the largest.
    lag_low_us: int | None = None
    lag_high_us: int | None = None
    run: Run | None = None
    limited: int = 0
    limited_us: int = 0

    def fold(self) -> None:
        """Count the lag of the newest message."""
        if self.device_us is not None:
            lag_us = self.received_us - self.device_us
            if self.lag_low_us is None or lag_us < self.lag_low_us:
                self.lag_low_us = lag_us
            if self.lag_high_us is None or lag_us > self.lag_high_us:
                self.lag_high_us = lag_us

    def goes_on(self, heard: "_Heard", before: int) -> bool:
        """Take in a message that is just the next one, as most are; False: look closely."""
        message, received_us, _, time_us, counter, boot, times_us = heard
        run, device_us = self.run, self.device_us
        if (
            run is None
            or device_us is None
            or time_us is None
            or counter is None
            or counter != run.high + 1
            or boot != run.boot
            or counter >= _HIGHEST
            or not 0 <= time_us <= received_us
            or received_us < self.received_us
            or before + message == self.message
            or times_us is _LIMITED
        ):
            return False
        self.fold()
        self.message, self.received_us, self.device_us = before + message, received_us, time_us
        if len(times_us) > 1:
            run.high = counter + len(times_us) - 1
            run.numbers.update(range(counter, run.high + 1))
        else:
            run.high = counter
            run.numbers.add(counter)
        if run.at_us is None or time_us > run.at_us:
            run.at_us = time_us
        return True

    def copy(self) -> "Sign":
        """The same, to be gone on with."""
        run = self.run
        if run is not None:
            run = Run(run.boot, run.low, run.high, run.at_us, set(run.numbers))
        return replace(self, run=run)

    def count(self, boot: int | None, counter: int, at_us: int | None) -> None:
        """Take the number of a message in."""
        if not 0 <= counter < _HIGHEST:
            return
        run = self.run
        belongs = None if run is None else run.takes(boot, counter, at_us)
        if run is None or belongs is False:
            self.run = Run(boot, counter, counter, at_us, {counter})
        elif belongs:
            run.numbers.add(counter)
            run.low, run.high = min(run.low, counter), max(run.high, counter)
            if at_us is not None and (run.at_us is None or at_us > run.at_us):
                run.at_us = at_us


#: That a device was heard, and what it said of itself: which message of the batch, when that arrived, and the
#: device; its latest time, counter and boot; the times of this and of the counters that follow without a gap.
_Heard = tuple[int, int, int, int | None, int | None, int | None, Sequence[int]]
_ONE: Sequence[int] = ()
#: Instead of times: the message is above the device's rate.
_LIMITED: Sequence[int] = (-1,)


class Signs:
    """The signs of one batch, or of several: noted as they come, made out when they are asked for."""

    def __init__(self) -> None:
        self._noted: list[_Heard] = []
        #: What was noted before, and how many messages came before that.
        self._earlier: list[tuple[int, list[_Heard]]] = []
        self._found: dict[int, Sign] = {}
        self._message = 0
        self._received_us = 0
        self._own = False

    def __bool__(self) -> bool:
        """Whether anybody was heard."""
        return bool(self._noted or self._earlier or self._found)

    def begin(self, received_us: int, *, own: bool) -> None:
        """Begin with the next message; where it is not its sender's own, nothing of it counts."""
        self._message += 1
        self._received_us = received_us
        self._own = own

    def heard(self, device_id: int) -> None:
        """Record that a device, or the gateway that speaks for it, has sent the message."""
        if self._own:
            self._noted.append((self._message, self._received_us, device_id, None, None, None, _ONE))

    def said(self, device_id: int, time_us: int | None, *, counter: int | None, boot: int | None) -> None:
        """Record what a part of the message says of itself: its time, and its number."""
        if self._own:
            self._noted.append((self._message, self._received_us, device_id, time_us, counter, boot, _ONE))

    def said_plainly(self, device_id: int, said: Said) -> None:
        """Record what a plain message says of itself: in one note, if it counts on and time goes on."""
        if not self._own:
            return
        _, elements, times_us = said
        first = elements[0]
        if len(elements) == 1 or _count_on(elements, times_us):
            self._noted.append(
                (self._message, self._received_us, device_id, times_us[-1], first.seq, first.boot, times_us)
            )
        else:
            for element, time_us in zip(elements, times_us, strict=True):
                self.said(device_id, time_us, counter=element.seq, boot=element.boot)

    def limited(self, device_id: int) -> None:
        """Record that the message is above the device's rate."""
        if self._own:
            self._noted.append((self._message, self._received_us, device_id, None, None, None, _LIMITED))

    def extend(self, later: "Signs") -> None:
        """Take in what a later batch has noted, as if both had been one.

        Raises
        ------
        ValueError
            The later one is made out: what it noted is gone.
        """
        if later._found:
            raise ValueError("signs that are made out cannot follow others")
        self._set_aside()
        self._earlier += [(self._message + before, noted) for before, noted in later._earlier]
        self._earlier.append((self._message, later._noted))
        self._message += later._message

    def copy(self) -> "Signs":
        """The same, to be gone on with."""
        copied = Signs()
        copied._noted, copied._earlier = list(self._noted), list(self._earlier)
        copied._found = {device_id: sign.copy() for device_id, sign in self._found.items()}
        copied._message = self._message
        return copied

    def make_out(self) -> None:
        """Make out what was noted: what is kept is then one sign a device, not one note a message."""
        self._set_aside()
        found = self._found
        for before, noted in self._earlier:
            for heard in noted:
                sign = found.get(heard[2])
                if sign is None or not sign.goes_on(heard, before):
                    self._take(heard, before)
        self._earlier.clear()

    @property
    def found(self) -> Mapping[int, Sign]:
        """By device."""
        self.make_out()
        return self._found

    def _set_aside(self) -> None:
        if self._noted:
            self._earlier.append((0, self._noted))
            self._noted = []

    def _take(self, heard: _Heard, before: int) -> None:
        message, received_us, device_id, time_us, counter, boot, times_us = heard
        if len(times_us) > 1:
            self._take_several(heard, before)
            return
        sign = self._of(device_id, before + message, received_us)
        if time_us is not None:
            if not 0 <= time_us <= _LATEST_US:
                time_us = None
            elif sign.device_us is None or time_us > sign.device_us:
                sign.device_us = time_us
        if counter is not None:
            sign.count(boot, counter, None if time_us is None else min(time_us, sign.received_us))
        if times_us is _LIMITED:
            sign.limited += 1
            sign.limited_us = max(sign.limited_us, received_us)

    def _take_several(self, heard: _Heard, before: int) -> None:
        """Take in a message whose numbers follow each other: where the first one leads the others follow."""
        message, received_us, device_id, _, counter, boot, times_us = heard
        assert counter is not None
        self._take((message, received_us, device_id, times_us[0], counter, boot, _ONE), before)
        sign = self._of(device_id, before + message, received_us)
        run, last, latest_us = sign.run, counter + len(times_us) - 1, times_us[-1]
        leads = run is not None and run.boot == boot and run.high == counter
        if run is None or not leads or last >= _HIGHEST or times_us[0] < 0 or latest_us > _LATEST_US:
            for n, at_us in enumerate(times_us[1:], 1):
                self._take((message, received_us, device_id, at_us, counter + n, boot, _ONE), before)
            return
        run.numbers.update(range(counter, last + 1))
        run.high = last
        sign.device_us = max(sign.device_us or 0, latest_us)
        run.at_us = max(run.at_us or 0, min(latest_us, sign.received_us))

    def _of(self, device_id: int, message: int, received_us: int) -> Sign:
        sign = self._found.get(device_id)
        if sign is None:
            sign = self._found[device_id] = Sign(received_us, message)
        elif sign.message != message:
            sign.fold()
            sign.message, sign.received_us = message, max(sign.received_us, received_us)
            sign.device_us = None
        return sign


def _count_on(elements: Sequence[Element], times_us: Sequence[int]) -> bool:
    """Whether numbers go on without a gap, and times not backwards."""
    return all(
        now.seq == before.seq + 1 and now.boot == before.boot for before, now in pairwise(elements)
    ) and all(before_us <= now_us for before_us, now_us in pairwise(times_us))


def put(connection: Connection, signs: Signs) -> None:
    """Write the signs of a batch, in the transaction that stores what it says."""
    if not signs.found:
        return
    # In one order everywhere: two processes that hear the same devices cannot lock each other out.
    rows = sorted(signs.found.items())
    device_us = []
    for _, sign in rows:
        device_us.append(sign.device_us)
        sign.fold()
    connection.execute(
        _SQL["put"],
        {
            "devices": integers(device_id for device_id, _ in rows),
            "received": integers(sign.received_us for _, sign in rows),
            "stated": integers(device_us),
            "lags": integers(
                None if at is None else sign.received_us - at
                for at, (_, sign) in zip(device_us, rows, strict=True)
            ),
            "lows": integers(sign.lag_low_us for _, sign in rows),
            "highs": integers(sign.lag_high_us for _, sign in rows),
            "boots": integers(None if sign.run is None else sign.run.boot for _, sign in rows),
            "firsts": integers(None if sign.run is None else sign.run.low for _, sign in rows),
            "counters": integers(None if sign.run is None else sign.run.high for _, sign in rows),
            "counted": integers(None if sign.run is None else sign.run.at_us for _, sign in rows),
            "missing": multiranges(_missing(sign.run) for _, sign in rows),
            "limited": integers(sign.limited for _, sign in rows),
            "limited_at": integers(sign.limited_us or None for _, sign in rows),
            "near": NEAR,
            "newer_us": NEWER_US,
            "kept": KEPT,
        },
    )


def _missing(run: Run | None) -> str:
    """The numbers between them as a multirange."""
    if run is None or run.high - run.low < len(run.numbers):
        return "{}"
    stretches = _stretches(run.numbers)
    gaps = pairwise(stretches)
    return "{" + ",".join(f"[{last + 1},{first - 1}]" for (_, last), (first, _) in gaps) + "}"


def _stretches(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Cut numbers into runs without a gap."""
    ordered = sorted(numbers)
    found: list[tuple[int, int]] = []
    first = last = ordered[0]
    for number in ordered[1:]:
        if number != last + 1:
            found.append((first, last))
            first = number
        last = number
    return [*found, (first, last)]
