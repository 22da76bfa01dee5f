"""What the transaction of one batch writes, in as few journeys to the database and back as it can."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.registry import Registry
from ingest import answers, journal, quarantine, state, store, todos
from ingest.content import Sorted
from storage.pool import Connection
from wire.instants import from_us


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A batch, and what it says by one registry."""

    content: Sorted
    registry: Registry
    now: datetime
    #: Arrival of its oldest message.
    oldest_us: int
    #: As of `ingest.rates.Rates.taken`.
    taken: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """The process that hears all that is sent, for its last sign."""

    client_id: str
    #: As of `state.listen`.
    outage: timedelta
    resumed: bool


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What came of a batch, to be counted with it."""

    written: store.Written
    quarantined: int
    #: Days of homes that rest on it.
    marks: set[store.Mark]

    def met(self, content: Sorted) -> bool:
        """Whether a key was there already."""
        return self.written.readings + self.written.events < len(content.readings) + len(content.events)


def put(connection: Connection, batch: Understood, *, staged: bool) -> Counts | None:
    """Write the journal block, readings, events and what is quarantined; None: markers are no content.

    Raises
    ------
    psycopg.errors.UniqueViolation
        As of `store.put`.
    """
    content = batch.content
    if not content.messages:
        return None
    journal_id = journal.append(
        connection,
        content.messages,
        first_at=from_us(content.messages[0].received_us),
        redacted=content.redacted,
    )
    written, marks = store.put(
        connection, content, journal_id=journal_id, registry=batch.registry, staged=staged
    )
    todos.put(connection, content.todos, journal_id=journal_id)
    if content.acks:
        answers.record(connection, content)
    quarantined = quarantine.put(connection, content.quarantined, journal_id=journal_id)
    return Counts(written=written, quarantined=quarantined, marks=marks)


def count(
    connection: Connection,
    batch: Understood,
    counts: Counts | None,
    *,
    source: str,
    listener: Listener | None,
) -> None:
    """Mark, wake and count; last of all, for batches of one process wait for each other here.

    Nothing of it is fetched: in a pipeline it is one journey, together with the commit.
    """
    if counts is not None:
        store.mark(connection, counts.marks)
        store.tally(
            connection,
            day=batch.now.date(),
            source=source,
            written=counts.written,
            messages=len(batch.content.messages),
            quarantined=counts.quarantined,
        )
    if listener is not None:
        state.put(
            connection,
            client_id=listener.client_id,
            now=batch.now,
            lag=batch.now - from_us(batch.oldest_us),
            outage=listener.outage,
            resumed=listener.resumed,
        )
