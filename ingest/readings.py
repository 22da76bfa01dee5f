"""Readings as columns: those of a batch, or of an import; what stays of several under one key.

The rule is that of `ingest.conflict`, which decides two rows; `store.sql` says it in SQL.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from wire.quality import NOT_EVIDENCE, Quality

#: One reading; times are microseconds since 1970. The first, second and fifth field are its key.
ROW = np.dtype(
    [
        ("device_id", "<i4"),
        ("channel", "<i2"),
        ("quality", "<i2"),
        ("decoder", "<i2"),
        ("time_us", "<i8"),
        ("received_us", "<i8"),
        ("value", "<f8"),
    ]
)
Rows = NDArray[np.void]
#: A number for each key, in ascending order: where two differ, so do the keys.
Fingerprints = NDArray[np.uint64]

#: The same, packed: the arguments are the fields in their order.
pack = struct.Struct("<ihhhqqd").pack

_UNPROVEN = int(Quality.IDENTITY_UNPROVEN)
_CONFLICT = int(Quality.CONFLICT)
#: Odd numbers without a pattern, for a key's fingerprint.
_OF_DEVICE, _OF_CHANNEL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


class Readings:
    """The readings of one batch: packed as they come, columns when they are asked for."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        #: What was made of so many of them: rows, and their fingerprints.
        self._settled: tuple[int, Rows, Fingerprints] | None = None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._packed)

    def __len__(self) -> int:
        """How many keys."""
        return len(self.rows)

    @property
    def seen(self) -> int:
        """How many there were before repetitions fell together."""
        return len(self._packed)

    @property
    def rows(self) -> Rows:
        """One row a key, of `ROW`."""
        return self._made[1]

    def add(
        self,
        *,
        device_id: int,
        channel: int,
        time_us: int,
        value: float,
        received_us: int,
        quality: int,
        decoder: int,
    ) -> None:
        """Take in one."""
        self.extend([pack(device_id, channel, quality, decoder, time_us, received_us, value)])

    def extend(self, packed: list[bytes]) -> None:
        """Take in several, each as of `pack`."""
        self._packed += packed

    def meets(self, other: "Readings") -> bool:
        """Whether a key may be in both; where it says no, none is."""
        if not self or not other:
            return False
        ours, theirs = self._made[2], other._made[2]
        at = np.searchsorted(theirs, ours)
        return bool((theirs[np.minimum(at, len(theirs) - 1)] == ours).any())

    @property
    def _made(self) -> "tuple[int, Rows, Fingerprints]":
        if self._settled is None or self._settled[0] != self.seen:
            rows, fingerprints = _settled(np.frombuffer(b"".join(self._packed), ROW))
            self._settled = self.seen, rows, fingerprints
        return self._settled


def settled(rows: Rows) -> Rows:
    """Decide among rows under one key, for all keys.

    Parameters
    ----------
    rows : (n,) `ROW`
        In any order.

    Returns
    -------
    (m,) `ROW`
        One row a key; flagged where another value came under it, as well proven.
    """
    return _settled(rows)[0]


def _settled(rows: Rows) -> tuple[Rows, Fingerprints]:
    fingerprints = np.unique(_fingerprints(rows))
    if len(fingerprints) == len(rows):
        return rows, fingerprints
    quality = rows["quality"] & ~_CONFLICT
    unproven = (quality & _UNPROVEN) != 0
    key = (rows["time_us"], rows["channel"], rows["device_id"])
    # The least of all is the winner, as `Candidate` orders them.
    order = np.lexsort((rows["decoder"], quality, rows["received_us"], rows["value"], unproven, *key))
    first = np.zeros(len(rows), bool)
    first[0] = True
    for column in key:
        ordered = column[order]
        first[1:] |= ordered[1:] != ordered[:-1]
    group = np.cumsum(first) - 1
    winner = order[first]
    found = rows[winner].copy()
    equal = unproven[order] == unproven[winner][group]
    differs = (rows["value"][order] != found["value"][group]) | ((rows["quality"][order] & _CONFLICT) != 0)
    found["quality"] = quality[winner]
    found["quality"][group[equal & differs]] |= _CONFLICT
    return found, fingerprints


def evidence(rows: Rows) -> Rows:
    """Those that may become consumption."""
    return rows[(rows["quality"] & NOT_EVIDENCE) == 0]


def _fingerprints(rows: Rows) -> NDArray[np.uint64]:
    # Products wrap around, as they should.
    device, channel = rows["device_id"].astype(np.uint64), rows["channel"].astype(np.uint64)
    return device * _OF_DEVICE ^ channel * _OF_CHANNEL ^ rows["time_us"].astype(np.uint64)
