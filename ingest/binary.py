"""Rows of `reading` in PostgreSQL's binary COPY format, a column at a time: under 0.2 µs a row.

The layout is PostgreSQL's (COPY, "Binary Format"): per row the number of fields, then length and bytes of
each; big-endian; a timestamptz is microseconds since 2000, a date days since 2000.
"""

import struct

import numpy as np

from ingest.readings import Rows

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
#: From 1970 to 2000.
EPOCH_SHIFT_US = 946_684_800_000_000
DAY_US = 86_400_000_000

#: The columns in the order in which `store.sql` copies them.
_TYPES = {
    "time": ">i8",
    "received": ">i8",
    "value": ">f8",
    "journal": ">i8",
    "device": ">i4",
    "channel": ">i2",
    "quality": ">i2",
    "decoder": ">i2",
}
#: A NULL has a length and no bytes.
_NULL = -1


def _layout(*, journaled: bool) -> np.dtype[np.void]:
    """Every field has its place, so a column is written at once."""
    fields = [("fields", ">i2")]
    for name, kind in _TYPES.items():
        fields.append((f"{name}_size", ">i4"))
        if journaled or name != "journal":
            fields.append((name, kind))
    return np.dtype(fields)


_JOURNALED, _IMPORTED = _layout(journaled=True), _layout(journaled=False)


def readings(rows: Rows, *, journal_id: int | None) -> bytes:
    """Pack rows.

    Parameters
    ----------
    rows : (n,) `ingest.readings.ROW`
    journal_id : int | None
        The block that holds them; None: no journal does.
    """
    packed = np.empty(len(rows), _IMPORTED if journal_id is None else _JOURNALED)
    packed["fields"] = len(_TYPES)
    for name, kind in _TYPES.items():
        packed[f"{name}_size"] = np.dtype(kind).itemsize
    if journal_id is None:
        packed["journal_size"] = _NULL
    else:
        packed["journal"] = journal_id
    packed["time"] = rows["time_us"] - EPOCH_SHIFT_US
    packed["received"] = rows["received_us"] - EPOCH_SHIFT_US
    packed["value"] = rows["value"]
    packed["device"] = rows["device_id"]
    for name in ("channel", "quality", "decoder"):
        packed[name] = rows[name]
    return b"".join([HEADER, packed.tobytes(), TRAILER])
