"""Two rows under one key: which one stays does not depend on which one came first.

A proven row stands before an unproven one. Of two equals the smaller value stays and is flagged, and of
two equal values the one that arrived first. So a stored row is the least of all rows that ever came under
its key, whatever their order, their batches and their repetition. `store.sql` says the same in SQL.
"""

from typing import NamedTuple

from wire.quality import Quality

_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
_CONFLICT = int(Quality.CONFLICT)


class Candidate(NamedTuple):
    """A value for a key; the least one wins."""

    unproven: bool
    value: float
    received_us: int
    #: Without the conflict flag.
    flags: int
    decoder: int
    #: Another value came under the key, as well proven as this one.
    conflict: bool = False

    @property
    def quality(self) -> int:
        """As stored."""
        return self.flags | _CONFLICT if self.conflict else self.flags


def candidate(value: float, received_us: int, flags: int, decoder: int) -> Candidate:
    """Rank a value that has just been decoded."""
    return Candidate(bool(flags & _UNPROVEN), value, received_us, flags, decoder)


def settle(one: Candidate, other: Candidate) -> Candidate:
    """Decide between two rows under one key; commutative, associative, idempotent."""
    winner = min(one, other)
    if one.unproven != other.unproven:
        return winner
    conflict = one.conflict or other.conflict or one.value != other.value
    return winner._replace(conflict=conflict)
