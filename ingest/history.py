"""Past readings and events that an operator brings in: in bulk, by the same rules, without a journal.

Each function works in the caller's transaction and is safe to repeat. Commit the registry first, in a
transaction of its own: ingest waits for whoever changes it. And commit every second or so: from its first
row a transaction holds the registry as it is, and ingest waits behind whoever waits to change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import psycopg
from numpy.typing import ArrayLike, NDArray

from devices import registry
from devices.decoders.elements import DecodedEvent, event_key
from ingest import binary, store
from ingest.conflict import candidate
from ingest.content import EventKey, Sorted
from ingest.readings import ROW, Rows, evidence, settled
from ingest.store import Mark, Written
from storage.pool import Connection
from storage.queries import load
from wire.instants import from_us
from wire.quality import Quality

#: No decoder: version 1 of the import.
DECODER = 1
_SOURCE = "import"
_SQL = load("ingest", "history.sql")
_EPOCH_DAY = date(1970, 1, 1)
#: What a column of flags holds.
_MOST_FLAGS = np.iinfo(ROW["quality"]).max

Micros = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What came of an import."""

    #: Rows that were not there before.
    stored: int
    #: Rows whose key was there already, in the table or among the given ones.
    duplicates: int


@dataclass(frozen=True, kw_only=True)
class PastEvent:
    """An event of the past; what it says is its key."""

    device_id: int
    #: Code of a `wire.events.EventType`.
    type: int
    #: Microseconds since 1970, UTC.
    time_us: int
    received_us: int
    method: int = 0
    result: int = 0
    #: A pseudonym.
    subject: str | None = None
    value: float | None = None
    quality: int = Quality.IMPORTED


def store_readings(
    connection: Connection,
    *,
    device_id: int,
    channel: int,
    time_us: ArrayLike,
    received_us: ArrayLike,
    value: ArrayLike,
    quality: ArrayLike = int(Quality.IMPORTED),
) -> Stored:
    """Store the past of one device's channel.

    Parameters
    ----------
    time_us, received_us : (n,) int
        Microseconds since 1970, UTC: when it was read, and when it became known.
    value : (n,) float
        In the channel's unit; finite.
    quality : int or (n,) int
        Flags of `wire.quality`.

    Returns
    -------
    Stored
        Two values under one time: the smaller one stays, flagged, as everywhere.

    Raises
    ------
    ValueError
        Arrays of different lengths, a value that is not finite, or a quality that is none.
    """
    given = _rows(device_id, channel, time_us=time_us, received_us=received_us, value=value, quality=quality)
    if not len(given):
        return Stored(stored=0, duplicates=0)
    latest_us = int(given["received_us"].max())
    rows = settled(given)
    registry.hold(connection)
    new, touched_us = _put(connection, rows)
    store.mark(connection, _marks(connection, device_id, channel, touched_us))
    stored = Stored(stored=new, duplicates=len(given) - new)
    _count(connection, latest_us, Written(readings=new, events=0, duplicates=stored.duplicates))
    return stored


def store_events(connection: Connection, rows: Sequence[PastEvent]) -> Stored:
    """Store past events, of any devices; give many at once.

    Returns
    -------
    Stored
        Two rows that say the same of the same time are one.
    """
    if not rows:
        return Stored(stored=0, duplicates=0)
    content = Sorted()
    for row in rows:
        said = (row.type, row.method, row.result, row.subject or None, row.value)
        event = DecodedEvent(
            type=row.type,
            method=row.method,
            result=row.result,
            time_us=row.time_us,
            subject=row.subject or None,
            value=row.value,
            dedupe_key=event_key("", *said),
        )
        found = candidate(0.0, row.received_us, int(row.quality), DECODER)
        content.add_event(EventKey(row.device_id, event.dedupe_key, row.time_us), found, event)
    registry.hold(connection)
    known = registry.load(connection)
    try:
        with connection.transaction():
            written = store.write(connection, content, journal_id=None, registry=known, staged=False)
    except psycopg.errors.UniqueViolation:
        written = store.write(connection, content, journal_id=None, registry=known, staged=True)
    _count(connection, max(row.received_us for row in rows), written)
    return Stored(stored=written.events, duplicates=written.event_duplicates)


def _rows(device_id: int, channel: int, **columns: ArrayLike) -> Rows:
    times = np.asarray(columns["time_us"], np.int64)
    for name in ("received_us", "value"):
        if np.shape(columns[name]) != times.shape or times.ndim != 1:
            raise ValueError("time_us, received_us and value are not of one length")
    quality = np.asarray(columns["quality"])
    if ((quality < 0) | (quality > _MOST_FLAGS)).any():
        raise ValueError("a quality is not made of flags")
    rows = np.empty(len(times), ROW)
    for name, column in columns.items():
        rows[name] = column
    # Adding zero turns -0.0 into 0.0: one number, one spelling.
    rows["value"] += 0.0
    if not np.isfinite(rows["value"]).all():
        raise ValueError("a value is not finite")
    rows["device_id"], rows["channel"], rows["decoder"] = device_id, channel, DECODER
    return rows


def _put(connection: Connection, rows: Rows) -> tuple[int, Micros]:
    """Store a series; returns how many rows are new and the times at which days must be derived again."""
    packed = binary.readings(rows, journal_id=None)
    span = {
        "device_id": int(rows["device_id"][0]),
        "channel": int(rows["channel"][0]),
        "first": from_us(int(rows["time_us"].min())),
        "last": from_us(int(rows["time_us"].max())),
    }
    there = connection.execute(_SQL["any_there"], span).fetchone()
    if there is not None and not there[0]:
        try:
            with connection.transaction(), connection.cursor() as cursor:
                store.copy_readings(cursor, packed)
        except psycopg.errors.UniqueViolation:
            pass
        else:
            return len(rows), evidence(rows)["time_us"]
    changed = store.merge_readings(connection, packed)
    touched = [time_us for _, _, time_us, quality, new in changed if not new or store.is_evidence(quality)]
    return sum(new for *_, new in changed), np.array(touched, np.int64)


def _marks(connection: Connection, device_id: int, channel: int, touched_us: Micros) -> set[Mark]:
    marks: set[Mark] = set()
    for service in registry.services_of(connection, device_id=device_id, channel=channel):
        there = touched_us[(touched_us >= service.from_us) & (touched_us < service.to_us)]
        marks |= {(service.unit_id, channel, int(day)) for day in np.unique(there // binary.DAY_US)}
    return marks


def _count(connection: Connection, latest_us: int, written: Written) -> None:
    # On the day on which the last of it became known.
    day = _EPOCH_DAY + timedelta(days=latest_us // binary.DAY_US)
    store.tally(connection, day=day, source=_SOURCE, written=written)
