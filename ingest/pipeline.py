"""A batch of messages into the database: one transaction, all of it or nothing.

In the transaction: the journal block, readings, events, quarantine, dirty marks, tally, state and the
markers of `anju settle`. Whoever calls acknowledges after `store` has returned, never before.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from devices import registry
from devices.decoders.elements import Refusal
from ingest import journal, quarantine, state, store
from ingest.bound import Bound
from ingest.limits import limits_of
from ingest.message import Message
from ingest.sorting import Sorted, Sorter
from policy.groups import Ingest
from storage.pool import Connection
from wire.reasons import Reason

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The database will not take the batch however often it is sent.
REFUSED = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.RaiseException)

#: How long batches go by way of the staging tables after a key was met that was there already: a failed
#: COPY leaves dead rows, and redelivery comes in runs.
STAGING_S = 10.0


class Pipeline:
    """Stores batches over one connection, in the order in which they come.

    Parameters
    ----------
    rules : Callable[[datetime], Ingest]
        The policy's rules on a day.
    now : Callable[[], datetime]
        Business time.
    source : str
        Client id of this process.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        bound: Bound,
        rules: Callable[[datetime], Ingest],
        now: Callable[[], datetime],
        source: str,
    ) -> None:
        self._connection = connection
        self._bound = bound
        self._rules = rules
        self._now = now
        self._source = source
        self._sorter: tuple[Ingest, Sorter] | None = None
        self._staged_until = 0.0

    def expect_redelivery(self) -> None:
        """Go by way of the staging tables for a while: after a reconnect messages come again."""
        self._staged_until = time.monotonic() + STAGING_S

    def store(self, messages: Sequence[Message]) -> None:
        """Commit a batch.

        A message that the database refuses is found by halving and quarantined; the others are stored.

        Raises
        ------
        psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError
            The database is away or in trouble: nothing of the batch, or of its first part, is stored
            twice when it is sent again.
        """
        try:
            self._commit(messages)
        except REFUSED as error:
            if len(messages) > 1:
                middle = len(messages) // 2
                self.store(messages[:middle])
                self.store(messages[middle:])
                return
            said = str(error.diag.message_primary or error)
            _log.warning(
                "the database refuses a message: %s", said, extra={"action": "ingest.refused_by_database"}
            )
            self._commit(messages, refused=Refusal(Reason.refused_by_database, said))

    def _commit(self, messages: Sequence[Message], *, refused: Refusal | None = None) -> None:
        if time.monotonic() >= self._staged_until:
            try:
                self._transaction(messages, refused=refused, staged=False)
            except psycopg.errors.UniqueViolation:
                self.expect_redelivery()
            else:
                return
        self._transaction(messages, refused=refused, staged=True)

    def _transaction(self, messages: Sequence[Message], *, refused: Refusal | None, staged: bool) -> None:
        now = self._now()
        connection = self._connection
        with connection.transaction():
            sorter = self._current_sorter(now)
            content = sorter.sort(messages) if refused is None else sorter.refuse(messages[0], refused)
            if content.messages:
                self._write(content, now, sorter.registry, staged=staged)
            if content.markers:
                state.put_markers(connection, content.markers, now)
            oldest = _EPOCH + timedelta(microseconds=min(m.received_us for m in messages))
            state.put(connection, client_id=self._source, now=now, lag=now - oldest)

    def _write(self, content: Sorted, now: datetime, found: registry.Registry, *, staged: bool) -> None:
        connection = self._connection
        journal_id = journal.append(
            connection,
            content.messages,
            first_at=_EPOCH + timedelta(microseconds=content.messages[0].received_us),
            redacted=content.redacted,
        )
        written = store.write(connection, content, journal_id=journal_id, registry=found, staged=staged)
        quarantined = quarantine.put(connection, content.quarantined, journal_id=journal_id)
        store.tally(
            connection,
            day=now.date(),
            source=self._source,
            written=written,
            messages=len(content.messages),
            quarantined=quarantined,
        )

    def _current_sorter(self, now: datetime) -> Sorter:
        """Sort by the registry and the rules as they are in this transaction."""
        version = registry.hold(self._connection)
        rules = self._rules(now)
        known = self._sorter
        if known is not None and known[0] is rules and known[1].registry.version == version:
            return known[1]
        found = known[1].registry if known is not None else None
        if found is None or found.version != version:
            found = registry.load(self._connection)
        sorter = Sorter(registry=found, limits=limits_of(rules), bound=self._bound)
        self._sorter = rules, sorter
        return sorter
