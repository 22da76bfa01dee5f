"""Readings, events and dirty marks into their tables, within the caller's transaction.

Two ways in. One copies straight into the tables, as fast as the unique index allows, and fails when a key
is there already. The other goes by way of a staging table and decides each key by the rule of `conflict`.
Both leave the same rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

import numpy as np
import psycopg

from devices.decoders.elements import DecodedEvent
from devices.registry import Registry
from ingest import binary
from ingest.arrays import integers
from ingest.conflict import Candidate
from ingest.content import EventKey, Sorted
from ingest.readings import Rows, evidence
from storage.pool import Connection
from storage.queries import load
from wire.channels import EVENTS
from wire.quality import NOT_EVIDENCE, Quality

_SQL = load("ingest", "store.sql")
_CONFLICT = int(Quality.CONFLICT)
# Times are integers here: microseconds since 2000, as PostgreSQL keeps them.
_EVENT_TYPES = [
    *("int8", "int8", "float8", "int8", "int4"),
    *("int2", "int2", "int2", "int2", "int2"),
    *("text", "text"),
]

_KEY = np.dtype([("device_id", "i8"), ("channel", "i8"), ("time_us", "i8")])
_CHANNEL_BITS = 16

Mark = tuple[int, int, int]
EventRows = Mapping[EventKey, tuple[Candidate, DecodedEvent]]


@dataclass(frozen=True, kw_only=True)
class Written:
    """What came of a batch."""

    #: Rows that were not there before.
    readings: int
    events: int
    #: Those whose key was there already, in the table or in the batch.
    duplicates: int = 0
    event_duplicates: int = 0


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Rows that are new or say something else now; where their days must be derived again."""

    new_readings: int
    new_events: int
    #: With the fields `device_id`, `channel`, `time_us`.
    readings: Rows
    #: (device_id, time_us)
    events: Iterable[tuple[int, int]]


def write(
    connection: Connection, content: Sorted, *, journal_id: int | None, registry: Registry, staged: bool
) -> Written:
    """Store the readings and events of a batch and mark the days they touch.

    Raises
    ------
    psycopg.errors.UniqueViolation
        As of `put`.
    """
    written, touched = put(connection, content, journal_id=journal_id, registry=registry, staged=staged)
    mark(connection, touched)
    return written


def put(
    connection: Connection, content: Sorted, *, journal_id: int | None, registry: Registry, staged: bool
) -> tuple[Written, set[Mark]]:
    """Store the readings and events of a batch; returns the days they touch, to be marked.

    Parameters
    ----------
    staged : bool
        False: straight into the tables. True: by way of the staging tables.

    Raises
    ------
    psycopg.errors.UniqueViolation
        Not staged, and a key is there already: roll back, and write it staged.
    """
    changed = (merge if staged else _put_new)(connection, content, journal_id)
    written = Written(
        readings=changed.new_readings,
        events=changed.new_events,
        duplicates=content.readings.seen - changed.new_readings,
        event_duplicates=content.seen_events - changed.new_events,
    )
    return written, marks(registry, readings=changed.readings, events=changed.events)


def _put_new(connection: Connection, content: Sorted, journal_id: int | None) -> Changed:
    with connection.cursor() as cursor:
        if content.readings:
            copy_readings(cursor, _packed(content, journal_id))
        if content.events:
            _copy_events(cursor, _SQL["copy_events"], content.events, journal_id)
    return Changed(
        new_readings=len(content.readings),
        new_events=len(content.events),
        readings=evidence(content.readings.rows),
        events=[(k.device_id, k.time_us) for k, (c, _) in content.events.items() if is_evidence(c.flags)],
    )


def merge(connection: Connection, content: Sorted, journal_id: int | None) -> Changed:
    """Decide the readings and events of a batch against what is there; nothing is marked."""
    read = merge_readings(connection, _packed(content, journal_id)) if content.readings else []
    happened = _merge_events(connection, content.events, journal_id) if content.events else []
    return Changed(
        new_readings=sum(new for *_, new in read),
        new_events=sum(new for *_, new in happened),
        # A row that changed is marked whatever it says now: it may have been evidence before.
        readings=keys(
            (d, c, time_us) for d, c, time_us, quality, new in read if not new or is_evidence(quality)
        ),
        events=[(d, time_us) for d, time_us, quality, new in happened if not new or is_evidence(quality)],
    )


def copy_readings(cursor: psycopg.Cursor[object], packed: bytes) -> None:
    """Send packed rows (`ingest.binary`) straight into the table.

    Raises
    ------
    psycopg.errors.UniqueViolation
        A key is there already.
    """
    _copy_bytes(cursor, _SQL["copy_readings"], packed)


def merge_readings(connection: Connection, packed: bytes) -> list[tuple[int, int, int, int, bool]]:
    """Decide packed rows, each key once, against what is there.

    Returns
    -------
    list[tuple[int, int, int, int, bool]]
        What is new or changed: device_id, channel, time_us, quality, and whether it is new.
    """
    with connection.cursor(binary=True) as cursor:
        connection.execute(_SQL["stage_readings"])
        _copy_bytes(cursor, _SQL["copy_staged_readings"], packed)
        return cursor.execute(_SQL["merge_readings"]).fetchall()


def _merge_events(
    connection: Connection, events: EventRows, journal_id: int | None
) -> list[tuple[int, int, int, bool]]:
    with connection.cursor(binary=True) as cursor:
        connection.execute(_SQL["stage_events"])
        _copy_events(cursor, _SQL["copy_staged_events"], events, journal_id)
        return cursor.execute(_SQL["merge_events"]).fetchall()


def merge_staged(
    connection: Connection,
) -> tuple[list[tuple[int, int, int, int, bool]], list[tuple[int, int, int, bool]]]:
    """Decide what the staging tables hold, each key once, against what is there.

    Returns
    -------
    tuple
        What is new or changed: readings as of `merge_readings`, and events: device_id, time_us, quality,
        and whether it is new.
    """
    with connection.cursor(binary=True) as cursor:
        read = cursor.execute(_SQL["merge_readings"]).fetchall()
        return read, cursor.execute(_SQL["merge_events"]).fetchall()


def is_evidence(quality: int) -> bool:
    """Whether a row of this quality may become consumption or a sign of life."""
    return not quality & NOT_EVIDENCE


def mark(connection: Connection, marks: set[Mark]) -> None:
    """Append dirty marks (unit, channel, days since 1970) and wake the worker."""
    if marks:
        units, channels, days = zip(*marks, strict=True)
        connection.execute(
            _SQL["mark"],
            {"units": integers(units), "channels": integers(channels), "days": integers(days)},
        )


def tally(
    connection: Connection,
    *,
    day: date,
    source: str,
    written: Written,
    messages: int = 0,
    quarantined: int = 0,
) -> None:
    """Count what was stored, in the transaction that stores it."""
    connection.execute(
        _SQL["tally"],
        {
            "day": day,
            "source": source,
            "messages": messages,
            "readings": written.readings,
            "events": written.events,
            "duplicates": written.duplicates,
            "event_duplicates": written.event_duplicates,
            "quarantined": quarantined,
        },
    )


def _packed(content: Sorted, journal_id: int | None) -> bytes:
    if journal_id is None:
        raise ValueError("readings that came as messages have a journal")
    return binary.readings(content.readings.rows, journal_id=journal_id)


def _copy_bytes(cursor: psycopg.Cursor[object], statement: LiteralString, rows: bytes) -> None:
    with cursor.copy(statement) as copy:
        copy.write(rows)


def _copy_events(
    cursor: psycopg.Cursor[object], statement: LiteralString, events: EventRows, journal_id: int | None
) -> None:
    shift = binary.EPOCH_SHIFT_US
    with cursor.copy(statement) as copy:
        copy.set_types(_EVENT_TYPES)
        for key, (found, event) in events.items():
            copy.write_row(
                (
                    *(key.time_us - shift, found.received_us - shift, event.value, journal_id, key.device_id),
                    *(event.type, event.method, event.result, found.quality, found.decoder),
                    *(event.subject, key.dedupe_key),
                )
            )


def keys(found: Iterable[tuple[int, int, int]]) -> Rows:
    """Columns of keys of readings: device_id, channel, time_us."""
    return np.array(list(found), _KEY)


def marks(registry: Registry, *, readings: Rows, events: Iterable[tuple[int, int]]) -> set[Mark]:
    """Say which days of which homes rest on these rows.

    Parameters
    ----------
    readings : (n,) rows
        With the fields `device_id`, `channel`, `time_us`.
    events : Iterable[tuple[int, int]]
        device_id, time_us.
    """
    happened = keys((device_id, EVENTS, time_us) for device_id, time_us in events)
    return _marks(registry, readings) | _marks(registry, happened)


def _marks(registry: Registry, rows: Rows) -> set[Mark]:
    channel, time_us = rows["channel"].astype(np.int64), rows["time_us"]
    unit_id = registry.units_at(rows["device_id"].astype(np.int64), channel, time_us)
    of_unit = unit_id > 0
    # Unit and channel are sorted as one number; with the day, which may lie before 1970, they are none.
    packed, day = (unit_id * 2**_CHANNEL_BITS + channel)[of_unit], time_us[of_unit] // binary.DAY_US
    order = np.lexsort((day, packed))
    packed, day = packed[order], day[order]
    first = np.ones(len(order), bool)
    first[1:] = (packed[1:] != packed[:-1]) | (day[1:] != day[:-1])
    units, channels = packed[first] >> _CHANNEL_BITS, packed[first] & 2**_CHANNEL_BITS - 1
    return set(zip(units.tolist(), channels.tolist(), day[first].tolist(), strict=True))
