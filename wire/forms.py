"""What the values of a metered channel mean: the profile says it, `usage` needs it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["register", "interval", "gauge"]


@dataclass(frozen=True, kw_only=True)
class Form:
    """How one channel of one kind of device counts.

    Raises
    ------
    ValueError
        An interval without its length or without the side its time stands on, or a number that
        cannot be.
    """

    #: A register grows; an interval is the amount of one stretch of time; a gauge is a state, no amount.
    kind: Kind
    #: Interval: its length in seconds.
    interval_s: int | None = None
    #: Interval: whether `time` is its start or its end.
    at: Literal["start", "end"] | None = None
    #: Register: the value that shows as zero again, e.g. 100000 after 99999.9. None: never rolls over.
    rollover_at: float | None = None

    def __post_init__(self) -> None:
        is_interval = self.kind == "interval"
        if is_interval and (self.interval_s is None or self.at is None):
            raise ValueError("an interval needs interval_s, and at = start or end")
        if not is_interval and (self.interval_s is not None or self.at is not None):
            raise ValueError(f"interval_s and at belong to an interval, not to a {self.kind}")
        if self.interval_s is not None and self.interval_s <= 0:
            raise ValueError("interval_s is not positive")
        if self.rollover_at is not None and (self.kind != "register" or self.rollover_at <= 0):
            raise ValueError("rollover_at belongs to a register and is positive")
