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
from devices.decoders.reports import Answer
from ingest import answers, journal, quarantine, signs, state, store, todos
from ingest.bound import Bound
from ingest.deferred import Deferred, from_journal
from ingest.limits import limits_of
from ingest.message import Message
from ingest.personal import Keyed
from ingest.rates import Rates
from ingest.sorting import Sorted, Sorter
from policy.groups import Ingest
from storage.pool import Connection
from wire.reasons import Reason

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The database will not take the batch however often it is sent.
REFUSED = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.RaiseException,
    psycopg.errors.ProgramLimitExceeded,
)

#: So many batches must meet no key that is there already before the next goes straight into the tables: a
#: failed COPY leaves dead rows, and redelivery comes in runs.
CLEAN_BATCHES = 3

#: While nothing comes, so often a process records that it listens.
LISTEN_EVERY_S = 5.0


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
    keyed : Keyed | None
        Hashes door codes; None: nothing stays of them.
    listens : bool
        Whether it hears all that is sent: then it is recorded that it does. A receiver hears what is posted
        to it, and its silence says nothing.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        bound: Bound,
        rules: Callable[[datetime], Ingest],
        now: Callable[[], datetime],
        source: str,
        keyed: Keyed | None = None,
        listens: bool = True,
    ) -> None:
        self._connection = connection
        self._listens = listens
        self._keyed = keyed
        self._bound = bound
        self._rules = rules
        self._now = now
        self._source = source
        self._sorter: tuple[Ingest, Sorter] | None = None
        self._clean_wanted = 0
        self._rates = Rates()
        self._deferred = Deferred()
        #: Signs that the process before this one may have put off are not made out yet.
        self._resumes = listens
        #: When this was last recorded; None: not yet over this connection.
        self._listened_s: float | None = None

    def move(self, connection: Connection) -> None:
        """Go on over another connection."""
        self._connection = connection

    def expect_redelivery(self) -> None:
        """Go by way of the staging tables at first: after a reconnect messages come again."""
        self._clean_wanted = CLEAN_BATCHES

    def store(self, messages: Sequence[Message], *, more: bool = False) -> list[Answer]:
        """Commit a batch; returns what its senders wait for, to be published now and not before.

        While `more` messages wait behind it, its signs may be written with a later one.

        A message that the database refuses is found by halving and quarantined; the others are stored.

        Raises
        ------
        psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError
            The database is away or in trouble: nothing of the batch, or of its first part, is stored
            twice when it is sent again.
        """
        try:
            return self._commit(messages, more=more)
        except REFUSED as error:
            if len(messages) > 1:
                middle = len(messages) // 2
                first = self.store(messages[:middle], more=True)
                return first + self.store(messages[middle:], more=more)
            said = str(error.diag.message_primary or error)
            _log.warning(
                "the database refuses a message: %s", said, extra={"action": "ingest.refused_by_database"}
            )
            return self._commit(messages, more=more, refused=Refusal(Reason.refused_by_database, said))

    def _commit(
        self, messages: Sequence[Message], *, more: bool, refused: Refusal | None = None
    ) -> list[Answer]:
        staged = self._clean_wanted > 0
        try:
            met, answers = self._transaction(messages, more=more, refused=refused, staged=staged)
        except psycopg.errors.UniqueViolation:
            if staged:
                raise
            met, answers = self._transaction(messages, more=more, refused=refused, staged=True)
        if met:
            self.expect_redelivery()
        elif staged:
            self._clean_wanted -= 1
        return answers

    def _transaction(
        self, messages: Sequence[Message], *, more: bool, refused: Refusal | None, staged: bool
    ) -> tuple[bool, list[Answer]]:
        """Commit a batch; says whether it met a key that was there already, and what to answer."""
        now = self._now()
        connection = self._connection
        met = False
        with connection.transaction():
            sorter = self._current_sorter(now)
            self._rates.begin(messages[0].received_us)
            if self._resumes:
                signs.put(connection, from_journal(connection, self._sorter_of(sorter.registry, now)))
            content = sorter.sort(messages) if refused is None else sorter.refuse(messages[0], refused)
            due = self._deferred.due(content.signs, more=more)
            if content.messages:
                met = self._write(content, now, sorter.registry, staged=staged)
            if due is not None:
                signs.put(connection, due)
            if content.markers:
                state.put_markers(connection, content.markers, now)
            if self._listens:
                oldest = _EPOCH + timedelta(microseconds=min(m.received_us for m in messages))
                state.put(
                    connection,
                    client_id=self._source,
                    now=now,
                    lag=now - oldest,
                    outage=self._rules(now).outage_after,
                    resumed=self._resumed(),
                )
        self._resumes = False
        self._deferred.committed(content.signs, written=due is not None)
        self._listened_s = time.monotonic()
        return met, content.answers

    def listen(self) -> None:
        """Record that this process listens, though nothing comes; cheap to call again and again."""
        if self._listened_s is not None and time.monotonic() - self._listened_s < LISTEN_EVERY_S:
            return
        now = self._now()
        with self._connection.transaction():
            state.listen(
                self._connection,
                client_id=self._source,
                now=now,
                outage=self._rules(now).outage_after,
                resumed=self._resumed(),
            )
        self._listened_s = time.monotonic()

    def _resumed(self) -> bool:
        """Whether we may have been away. A clock that jumps while we listen is no outage."""
        return self._listened_s is None or time.monotonic() - self._listened_s > 2 * LISTEN_EVERY_S

    def _write(self, content: Sorted, now: datetime, found: registry.Registry, *, staged: bool) -> bool:
        connection = self._connection
        journal_id = journal.append(
            connection,
            content.messages,
            first_at=_EPOCH + timedelta(microseconds=content.messages[0].received_us),
            redacted=content.redacted,
        )
        written = store.write(connection, content, journal_id=journal_id, registry=found, staged=staged)
        todos.put(connection, content.todos, journal_id=journal_id)
        if content.acks:
            answers.record(connection, content)
        quarantined = quarantine.put(connection, content.quarantined, journal_id=journal_id)
        store.tally(
            connection,
            day=now.date(),
            source=self._source,
            written=written,
            messages=len(content.messages),
            quarantined=quarantined,
        )
        return written.readings + written.events < len(content.readings) + len(content.events)

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
        sorter = self._sorter_of(found, now, rates=self._rates)
        self._sorter = rules, sorter
        return sorter

    def _sorter_of(self, found: registry.Registry, now: datetime, *, rates: Rates | None = None) -> Sorter:
        return Sorter(
            registry=found,
            limits=limits_of(self._rules(now)),
            bound=self._bound,
            keyed=self._keyed,
            rates=rates,
        )
