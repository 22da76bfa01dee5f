"""Rows in PostgreSQL's binary COPY format, made of the integers and columns that we have.

A generic writer would want a datetime for each time and a Python object for each number of a column; this
takes 0.6 µs a row of integers and under 0.2 µs a row of columns. The layout is PostgreSQL's (COPY, "Binary
Format"): per row the number of fields, then length and bytes of each; big-endian; a timestamptz is
microseconds since 2000, a date days since 2000.
"""

import struct
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
#: From 1970 to 2000.
EPOCH_SHIFT_US = 946_684_800_000_000
DAY_US = 86_400_000_000

_READING = struct.Struct("!h iq iq id iq ii ih ih ih")

#: A row of `reading` without a journal id: every field has its place, so a column is written at once.
_IMPORTED = np.dtype(
    [
        ("fields", ">i2"),
        *(("time_size", ">i4"), ("time", ">i8")),
        *(("received_size", ">i4"), ("received", ">i8")),
        *(("value_size", ">i4"), ("value", ">f8")),
        ("journal_size", ">i4"),
        *(("device_size", ">i4"), ("device", ">i4")),
        *(("channel_size", ">i4"), ("channel", ">i2")),
        *(("quality_size", ">i4"), ("quality", ">i2")),
        *(("decoder_size", ">i4"), ("decoder", ">i2")),
    ]
)
_SIZES = {"time": 8, "received": 8, "value": 8, "device": 4, "channel": 2, "quality": 2, "decoder": 2}

ReadingRow = tuple[int, int, float, int, int, int, int, int]


def readings(rows: Iterable[ReadingRow]) -> bytes:
    """Pack rows of `reading`.

    Parameters
    ----------
    rows : Iterable[ReadingRow]
        (time_us, received_us, value, journal_id, device_id, channel, quality, decoder); times since 1970.
    """
    pack = _READING.pack
    shift = EPOCH_SHIFT_US
    packed = [
        pack(8, 8, t - shift, 8, r - shift, 8, v, 8, j, 4, d, 2, c, 2, q, 2, k)
        for t, r, v, j, d, c, q, k in rows
    ]
    return b"".join([HEADER, *packed, TRAILER])


def imported_readings(
    *,
    time_us: NDArray[np.int64],
    received_us: NDArray[np.int64],
    value: NDArray[np.float64],
    quality: NDArray[np.int16],
    device_id: int | NDArray[np.int64],
    channel: int,
    decoder: int,
) -> bytes:
    """Pack rows of one channel that no journal holds; arrays of one length, times since 1970."""
    rows = np.zeros(len(time_us), _IMPORTED)
    rows["fields"] = 8
    rows["journal_size"] = -1  # NULL
    for name, size in _SIZES.items():
        rows[f"{name}_size"] = size
    rows["time"] = time_us - EPOCH_SHIFT_US
    rows["received"] = received_us - EPOCH_SHIFT_US
    rows["value"] = value
    rows["device"] = device_id
    rows["channel"] = channel
    rows["quality"] = quality
    rows["decoder"] = decoder
    return b"".join([HEADER, rows.tobytes(), TRAILER])
