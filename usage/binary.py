"""PostgreSQL's binary formats to and from numpy: many values at once, no Python loop per row.

Out: ``array_send(array_agg(x))`` and ``string_agg(array_send(arrays), '')`` are six times as fast as
binary COPY TO, whose client loop is per row. In: binary COPY FROM takes one buffer for all rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from usage.errors import ValuesMisread

#: What PostgreSQL counts from: 2000-01-01.
EPOCH_US = 946_684_800_000_000
EPOCH_DAY = 10_957

#: `date` counts days, `timestamptz` µs, both since 2000.
Kind = Literal["smallint", "integer", "real", "double precision", "date", "timestamptz"]
#: Type as numpy has it on the wire, and the object id that stands in the head of an array.
_KINDS: Mapping[Kind, tuple[str, int]] = {
    "smallint": (">i2", 21),
    "integer": (">i4", 23),
    "real": (">f4", 700),
    "double precision": (">f8", 701),
    "date": (">i4", 1082),
    "timestamptz": (">i8", 1184),
}
#: Head of an array: dimensions, has nulls, element type, length, first index.
_HEAD_ITEMS = 5

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"


def values_of(sent: bytes | None, kind: Kind) -> npt.NDArray[Any]:
    """The values of one ``array_send(array_agg(x))`` without nulls, (n,); None has none.

    Raises
    ------
    ValuesMisread
        Another element type, or a null.
    """
    if sent is None:
        return np.zeros(0, _KINDS[kind][0])
    length = (len(sent) - 4 * _HEAD_ITEMS) // _element(kind).itemsize
    return _arrays(sent, kind, length)[0]


def arrays_of(sent: bytes, kind: Kind, length: int) -> npt.NDArray[Any]:
    """The arrays of one ``string_agg(array_send(x), '')``, (n, length); each has `length` elements.

    Raises
    ------
    ValuesMisread
        Another element type or length, or a null.
    """
    return _arrays(sent, kind, length)


def _arrays(sent: bytes, kind: Kind, length: int) -> npt.NDArray[Any]:
    row = np.dtype([("head", ">i4", (_HEAD_ITEMS,)), ("elements", _element(kind), (length,))])
    if len(sent) % row.itemsize:
        raise ValuesMisread
    rows = np.frombuffer(sent, row)
    if (rows["head"] != _head(kind, length)).any():
        raise ValuesMisread
    return rows["elements"]["value"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of COPY FROM, never null."""

    name: str
    kind: Kind
    #: Elements of an array that always has so many; None: one value.
    length: int | None = None


class Layout:
    """Rows of these columns as COPY … FROM STDIN (FORMAT BINARY) takes them."""

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        fields: list[Any] = [("columns", ">i2")]
        for column in columns:
            fields.append((f"{column.name}:size", ">i4"))
            if column.length is None:
                fields.append((column.name, _KINDS[column.kind][0]))
            else:
                fields.append((f"{column.name}:head", ">i4", (_HEAD_ITEMS,)))
                fields.append((column.name, _element(column.kind), (column.length,)))
        self._row = np.dtype(fields)

    def write(self, columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
        """Rows of columns by name: (rows,), or (rows, length) for an array."""
        rows = np.zeros(len(columns[self._columns[0].name]), self._row)
        rows["columns"] = len(self._columns)
        for column in self._columns:
            width = np.dtype(_KINDS[column.kind][0]).itemsize
            if column.length is None:
                rows[f"{column.name}:size"] = width
                rows[column.name] = columns[column.name]
            else:
                rows[f"{column.name}:size"] = 4 * _HEAD_ITEMS + column.length * (4 + width)
                rows[f"{column.name}:head"] = _head(column.kind, column.length)
                rows[column.name]["size"] = width
                rows[column.name]["value"] = columns[column.name]
        return _SIGNATURE + rows.tobytes() + _END


def _element(kind: Kind) -> np.dtype[Any]:
    return np.dtype([("size", ">i4"), ("value", _KINDS[kind][0])])


def _head(kind: Kind, length: int) -> tuple[int, ...]:
    return 1, 0, _KINDS[kind][1], length, 1
