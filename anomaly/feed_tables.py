"""The tables of a feed, as files give them, turned into arrays: what cannot be used is left out and counted.

A feed is a folder with `units.parquet` and, beside it or in one folder a step, `readings`, `events`,
`absences` and `residents`: the columns of the back-test. Times are UTC.
"""
# pyarrow.compute makes its functions when it is imported:
# pyright: reportAttributeAccessIssue=false

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anomaly.errors import FeedRefused
from policy.groups import Ingest
from wire.events import EventType, Method
from wire.instants import EPOCH, to_us

#: Tables of a step, and the columns that each must have.
STEP_TABLES: Mapping[str, frozenset[str]] = {
    "readings": frozenset({"unit_id", "channel", "ts", "received_at", "value"}),
    "events": frozenset({"unit_id", "ts", "type", "method", "subject", "value"}),
    "absences": frozenset({"unit_id", "registered_at", "start", "end"}),
    "residents": frozenset({"unit_id", "subject", "start", "end"}),
}
_UNITS = frozenset(
    {"unit_id", "estate", "floor_area_m2", "lease_start", "lease_end", "elder_alone", "contract_kw"}
)
#: The metered channels of a feed, in the order in which series are numbered.
CHANNELS = ("energy_kwh", "water_l")
#: What a feed calls an event, where its name is another than ours.
_EVENT_NAMES = {"door_open": "door_opened"}
#: The subject of an entry whose reader knew nobody.
_NOBODY = "stranger"
_MICROSECONDS = pa.timestamp("us", "UTC")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Shorts = NDArray[np.int16]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One home, as `units.parquet` has it."""

    code: str
    estate: str
    area_m2: float
    contract_kw: float
    elder_alone: bool
    lease_start: date
    lease_end: date


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A row of `absences` or `residents`: somebody of a home, from when to when (µs)."""

    code: str
    start_us: int
    end_us: int
    #: Of an absence: when it was registered. Of a resident: 0.
    registered_us: int = 0
    #: Of a resident: a pseudonym.
    subject: str = ""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """Readings; arrays of one length."""

    codes: tuple[str, ...]
    #: Place in `codes`.
    unit: Ints
    #: Place in `CHANNELS`.
    channel: Ints
    time_us: Ints
    received_us: Ints
    value: Floats


@dataclass(frozen=True, kw_only=True)
class Events:
    """Events; arrays of one length."""

    codes: tuple[str, ...]
    unit: Ints
    time_us: Ints
    type: Shorts
    method: Shorts
    subjects: tuple[str, ...]
    #: Place in `subjects`; -1: the reader knew nobody, or there is nobody to know.
    subject: Ints
    #: 1 where the event has none.
    value: Floats


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What one or more steps brought."""

    readings: Sequence[Readings]
    events: Sequence[Events]
    absences: Sequence[Stay]
    residents: Sequence[Stay]
    #: Why rows were left out → how many.
    left_out: Counter[str] = field(default_factory=Counter)


def read_units(file: Path) -> tuple[Unit, ...]:
    """The homes, in the order of their estates and codes.

    Raises
    ------
    FeedRefused
        The file cannot be read, misses a column or a value, or has a home twice.
    """
    table = _table(file, _UNITS)
    for column in sorted(_UNITS):
        if column not in ("floor_area_m2", "contract_kw") and table[column].null_count:
            raise FeedRefused(f"{file}: {column} is empty in {table[column].null_count} rows")
    try:
        units = [
            Unit(
                code=str(row["unit_id"]),
                estate=str(row["estate"]),
                area_m2=_number(row["floor_area_m2"]),
                contract_kw=_number(row["contract_kw"]),
                elder_alone=bool(row["elder_alone"]),
                lease_start=_day(row["lease_start"]),
                lease_end=_day(row["lease_end"]),
            )
            for row in table.to_pylist()
        ]
    except (TypeError, ValueError) as error:
        raise FeedRefused(f"{file}: {error}") from error
    for one, other in pairwise(sorted(unit.code for unit in units)):
        if one == other:
            raise FeedRefused(f"{file}: {one} is there twice")
    if not units:
        raise FeedRefused(f"{file}: there are no homes")
    return tuple(sorted(units, key=lambda unit: (unit.estate, unit.code)))


def read_steps(folders: Iterable[Path], limits: Ingest) -> Arrived:
    """All rows of some folders, each of which has the four tables.

    A row that cannot be evidence is left out and counted: one odd row must not stop the others.

    Raises
    ------
    FeedRefused
        A table is missing, cannot be read or misses a column.
    """
    found = Arrived(readings=[], events=[], absences=[], residents=[])
    readings: list[Readings] = []
    events: list[Events] = []
    absences: list[Stay] = []
    residents: list[Stay] = []
    for folder in folders:
        tables = {name: _table(folder / f"{name}.parquet", columns) for name, columns in STEP_TABLES.items()}
        readings.append(_readings(folder / "readings.parquet", tables["readings"], limits, found.left_out))
        events.append(_events(folder / "events.parquet", tables["events"], limits, found.left_out))
        absences += _stays(folder / "absences.parquet", tables["absences"], found.left_out)
        residents += _stays(folder / "residents.parquet", tables["residents"], found.left_out)
    return Arrived(
        readings=readings, events=events, absences=absences, residents=residents, left_out=found.left_out
    )


def _table(file: Path, columns: frozenset[str]) -> pa.Table:
    try:
        # a file, not a data set: the folder's name is no column
        table = pq.ParquetFile(file).read()
    except FileNotFoundError as error:
        raise FeedRefused(f"no such table: {file}") from error
    except (pa.ArrowException, OSError) as error:
        raise FeedRefused(f"{file}: {str(error).splitlines()[0]}") from error
    missing = sorted(columns - set(table.column_names))
    if missing:
        raise FeedRefused(f"{file}: no column {missing[0]}; it has {', '.join(table.column_names)}")
    return table.select(sorted(columns))


def _readings(file: Path, table: pa.Table, limits: Ingest, left_out: Counter[str]) -> Readings:
    time_us, arrived_us = _instants(file, table, "ts"), _instants(file, table, "received_at")
    received_us = np.where(arrived_us == _NO_TIME, time_us, arrived_us)
    value = _numbers(file, table, "value")
    codes, unit = _encoded(file, table, "unit_id")
    names, named = _encoded(file, table, "channel")
    channel = _places(names, CHANNELS)[named]
    ahead_us = to_us(EPOCH + limits.latest_ahead)
    good = np.ones(len(table), np.bool_)

    def leave_out(why: str, wrong: NDArray[np.bool_]) -> None:
        count = int((wrong & good).sum())
        if count:
            left_out[f"readings: {why}"] += count
            good[wrong] = False

    leave_out("no home", unit < 0)
    leave_out("no time", time_us == _NO_TIME)
    leave_out("another channel than " + ", ".join(CHANNELS), channel < 0)
    leave_out("no number", ~np.isfinite(value))
    leave_out("older than the policy believes", time_us < to_us(limits.earliest_at))
    leave_out("further ahead of its arrival than the policy believes", time_us > received_us + ahead_us)
    for place, name in enumerate(CHANNELS):
        bounds = limits.limits[name]
        with np.errstate(invalid="ignore"):
            odd = (channel == place) & ((value < bounds.hard_min) | (value > bounds.hard_max))
        leave_out(f"{name} outside {bounds.hard_min:g} to {bounds.hard_max:g}", odd)
    return Readings(
        codes=codes,
        unit=unit[good],
        channel=channel[good],
        time_us=time_us[good],
        received_us=received_us[good],
        value=value[good] + 0.0,
    )


def _events(file: Path, table: pa.Table, limits: Ingest, left_out: Counter[str]) -> Events:
    time_us = _instants(file, table, "ts")
    codes, unit = _encoded(file, table, "unit_id")
    names, named = _encoded(file, table, "type")
    kinds = np.array([_event_type(name) for name in names] + [0], np.int16)[named]
    names, named = _encoded(file, table, "method")
    methods = np.array([_method(name) for name in names] + [0], np.int16)[named]
    subjects, subject = _encoded(file, table, "subject")
    known = [name not in ("", _NOBODY) for name in subjects]
    subject = np.where(np.array([*known, False])[subject], subject, -1)
    value = _numbers(file, table, "value")
    good = np.ones(len(table), np.bool_)
    for why, wrong in (
        ("no home", unit < 0),
        ("no time", time_us == _NO_TIME),
        ("no type of ours", kinds <= 0),
        ("no method of ours", methods < 0),
        ("older than the policy believes", time_us < to_us(limits.earliest_at)),
    ):
        count = int((wrong & good).sum())
        if count:
            left_out[f"events: {why}"] += count
            good[wrong] = False
    return Events(
        codes=codes,
        unit=unit[good],
        time_us=time_us[good],
        type=kinds[good],
        method=methods[good],
        subjects=subjects,
        subject=subject[good],
        value=np.where(np.isfinite(value) & (value != 0), value, 1.0)[good],
    )


def _stays(file: Path, table: pa.Table, left_out: Counter[str]) -> list[Stay]:
    codes, unit = _encoded(file, table, "unit_id")
    start_us, end_us = _instants(file, table, "start"), _instants(file, table, "end")
    empty = np.zeros(len(table), np.int64)
    has = set(table.column_names)
    registered_us = _instants(file, table, "registered_at") if "registered_at" in has else empty
    subjects: tuple[str, ...] = ()
    subject = empty - 1
    if "subject" in has:
        subjects, subject = _encoded(file, table, "subject")
    good = (unit >= 0) & (start_us != _NO_TIME) & (registered_us != _NO_TIME)
    end_us = np.where(end_us == _NO_TIME, np.iinfo(np.int64).max, end_us)
    good &= start_us < end_us
    if not good.all():
        left_out[f"{file.stem}: no home, or no time from which to which"] += int((~good).sum())
    return [
        Stay(
            code=codes[unit[row]],
            start_us=int(start_us[row]),
            end_us=int(end_us[row]),
            registered_us=int(registered_us[row]),
            subject=str(subjects[subject[row]]) if subject[row] >= 0 else "",
        )
        for row in np.flatnonzero(good).tolist()
    ]


#: Stands for no time.
_NO_TIME = np.iinfo(np.int64).min


def _instants(file: Path, table: pa.Table, name: str) -> Ints:
    column = table[name]
    if not pa.types.is_timestamp(column.type) or column.type.tz is None:
        raise FeedRefused(f"{file}: {name} is {column.type}, not a time with a zone")
    micros = column.cast(_MICROSECONDS).cast(pa.int64())
    return pc.fill_null(micros, pa.scalar(int(_NO_TIME), pa.int64())).to_numpy()


def _numbers(file: Path, table: pa.Table, name: str) -> Floats:
    column = table[name]
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise FeedRefused(f"{file}: {name} is {column.type}, not a number")
    return pc.fill_null(column.cast(pa.float64()), pa.scalar(float("nan"), pa.float64())).to_numpy()


def _encoded(file: Path, table: pa.Table, name: str) -> tuple[tuple[str, ...], Ints]:
    """The different texts of a column, and for each row its place among them; -1: empty."""
    column = table[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise FeedRefused(f"{file}: {name} is {column.type}, not text")
    encoded: Any = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    places = pc.fill_null(encoded.indices.cast(pa.int64()), pa.scalar(-1, pa.int64())).to_numpy()
    return tuple(encoded.dictionary.to_pylist()), places


def _places(names: Sequence[str], known: Sequence[str]) -> Ints:
    """The place of each name among the known ones, -1 for others and for the row without a name."""
    return np.array([known.index(name) if name in known else -1 for name in names] + [-1], np.int64)


def _event_type(name: str) -> int:
    ours = _EVENT_NAMES.get(name, name)
    return int(EventType[ours]) if ours in EventType.__members__ else -1


def _method(name: str) -> int:
    return (int(Method[name]) if name in Method.__members__ else -1) if name else 0


def _number(value: object) -> float:
    return float("nan") if value is None else float(value)  # pyright: ignore[reportArgumentType]


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise TypeError(f"{value!r} is no day")
