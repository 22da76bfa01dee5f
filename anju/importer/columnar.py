"""Whole columns of text or of Parquet become numpy arrays; what does not parse is pointed at. Pure.

The fast path is Arrow's; rows that it refuses go one by one through the parsers of `columns`, so that both
paths accept the same.
"""
# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anju.importer.columns import BadField, localise, moment, number
from wire.instants import to_us

_ISO = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_WITH_ZONE = _ISO + r"(Z|[+-]\d{2}:?\d{2})$"
_anything = number(-1e300, 1e300)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Rows of a column that are no value, and why."""

    rows: NDArray[np.int64]
    codes: list[str]
    words: list[dict[str, object]]


NOTHING_REFUSED = Refused(rows=np.empty(0, dtype=np.int64), codes=[], words=[])


def text(column: pa.Array) -> pa.Array:
    """Trimmed strings; empty ones and missing ones are null."""
    strings = column.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(strings)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def longer_than(column: pa.Array, limit: int) -> NDArray[np.bool_]:
    """Which texts have more characters."""
    return pc.fill_null(pc.greater(pc.utf8_length(column), limit), False).to_numpy(zero_copy_only=False)


def indexed(column: pa.Array, known: list[str]) -> NDArray[np.int64]:
    """Position of each string in `known`; -1 where it is not in it, or null."""
    found = pc.index_in(column, value_set=pa.array(known, pa.string()))
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def numbers(column: pa.Array) -> tuple[NDArray[np.float64], Refused]:
    """Finite numbers; NaN where refused or null."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        return values, _all("not_number", np.flatnonzero(~np.isfinite(values) & ~missing))
    strings = text(column)
    try:
        values = strings.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return _one_by_one(strings, lambda field, _row: float(str(_anything(field))), np.nan, np.float64)
    missing = pc.is_null(strings).to_numpy(zero_copy_only=False)
    return values, _all("not_number", np.flatnonzero(~np.isfinite(values) & ~missing))


def instants(
    column: pa.Array, zone_of: NDArray[np.int64], zones: list[str]
) -> tuple[NDArray[np.int64], Refused]:
    """UTC microseconds since 1970; 0 where refused or null.

    Parameters
    ----------
    column : pa.Array
        Strings, or timestamps with or without a zone.
    zone_of : (n,) int
        Index into `zones` of the zone of a row's local times; -1: not known, taken as UTC (the row is
        refused for another reason).
    """
    if pa.types.is_timestamp(column.type):
        if column.type.tz is not None:
            return _micros(column.cast(pa.timestamp("us", "UTC"), safe=False)), NOTHING_REFUSED
        return _localised(column.cast(pa.timestamp("us"), safe=False), zone_of, zones)
    strings = text(column)
    zoned = pc.fill_null(pc.match_substring_regex(strings, _WITH_ZONE), True)
    try:
        if pc.all(zoned).as_py():
            return _micros(strings.cast(pa.timestamp("us", "UTC"))), NOTHING_REFUSED
        if pc.all(pc.fill_null(pc.match_substring_regex(strings, _ISO + "$"), True)).as_py():
            return _localised(strings.cast(pa.timestamp("us")), zone_of, zones)
    except pa.ArrowInvalid:
        pass

    def parse(field: str, row: int) -> int:
        zone = ZoneInfo(zones[zone_of[row]]) if zone_of[row] >= 0 else ZoneInfo("UTC")
        return to_us(localise(moment(field), zone))

    return _one_by_one(strings, parse, 0, np.int64)


def _localised(
    local: pa.Array, zone_of: NDArray[np.int64], zones: list[str]
) -> tuple[NDArray[np.int64], Refused]:
    found = np.zeros(len(local), dtype=np.int64)
    twice = np.zeros(len(local), dtype=bool)
    skipped = np.zeros(len(local), dtype=bool)
    wall = _micros(local)
    for number_of_zone in np.unique(zone_of).tolist():
        mine = np.flatnonzero(zone_of == number_of_zone)
        zone = zones[number_of_zone] if number_of_zone >= 0 else "UTC"
        part = local.take(pa.array(mine))
        first, second = (
            pc.assume_timezone(part, zone, ambiguous=which, nonexistent=which)
            for which in ("earliest", "latest")
        )
        found[mine] = _micros(first)
        differ = _micros(first) != _micros(second)
        shown = _micros(pc.local_timestamp(first))
        twice[mine] = differ & (shown == wall[mine])
        skipped[mine] = differ & (shown != wall[mine])
    rows = np.flatnonzero(twice | skipped)
    codes = ["time_twice" if twice[row] else "time_skipped" for row in rows]
    return found, Refused(rows=rows, codes=codes, words=[{} for _ in codes])


def _micros(stamps: pa.Array) -> NDArray[np.int64]:
    return pc.fill_null(stamps.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)


def _one_by_one(
    strings: pa.Array, parse: Callable[[str, int], float], missing: float, kind: type
) -> tuple[NDArray, Refused]:
    values = np.full(len(strings), missing, dtype=kind)
    rows: list[int] = []
    codes: list[str] = []
    words: list[dict[str, object]] = []
    for row, field in enumerate(strings.to_pylist()):
        if field is None:
            continue
        try:
            values[row] = parse(field, row)
        except BadField as bad:
            rows.append(row)
            codes.append(bad.code)
            words.append(bad.words)
    return values, Refused(rows=np.array(rows, dtype=np.int64), codes=codes, words=words)


def _all(code: str, rows: NDArray[np.int64]) -> Refused:
    return Refused(rows=rows, codes=[code] * rows.size, words=[{}] * rows.size)
