"""A batch of messages into the database: one transaction, all of it or nothing.

In the transaction: the journal block, readings, events, quarantine, dirty marks, tally, state and the
markers of `anju settle`. Whoever calls acknowledges after `store` has returned, never before.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg

from devices import registry
from devices.decoders.elements import Refusal
from devices.decoders.reports import Answer
from ingest import signs, state, transaction
from ingest.bound import Bound
from ingest.content import Sorted
from ingest.deferred import Deferred, from_journal
from ingest.lanes import Lane, Lanes
from ingest.limits import limits_of
from ingest.message import Message
from ingest.personal import Keyed
from ingest.rates import Rates
from ingest.signs import Signs
from ingest.sorting import Sorter
from ingest.transaction import Listener, Understood
from ingest.underway import Batch, UnderWay
from policy.groups import Ingest
from storage.pool import Connection
from wire.reasons import Reason

_log = logging.getLogger(__name__)

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

#: So many batches may wait for one before them that takes long: their messages stay in memory.
_MOST_UNDER_WAY = 8


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
    beside : Sequence[Connection]
        More connections, for `put`.
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
        beside: Sequence[Connection] = (),
    ) -> None:
        self._connection = connection
        self._lanes = Lanes(beside)
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

    def close(self) -> None:
        """Wait for the batches that are being stored, and give all connections back."""
        self._lanes.close()
        self._connection.close()

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
        return _answers(self._store(messages, more=more))

    def store_one(self, message: Message) -> bool:
        """Commit one message; says whether it was above its sender's rate, and quarantined for it.

        Nothing waits for its answers.

        Raises
        ------
        psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError
            As of `store`.
        """
        return any(
            row.refusal.reason is Reason.rate_limited
            for content in self._store([message], more=False)
            for row in content.quarantined.values()
        )

    def put(self, batch: Batch, under_way: UnderWay, *, more: bool) -> None:
        """Store a batch beside those that are being stored; alone what is not only readings and events.

        Not before it returns has the batch begun; when it is committed, or has failed, `under_way` hears
        of it. All that is sorted is sorted here, in order.

        Raises
        ------
        psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError
            As of `store`; the batch waits.
        """
        self._rates.give_back(batch.taken)
        batch.taken = {}
        understood: Understood | None = None
        beside = more or len(under_way) > 1
        beside = beside and len(under_way) < _MOST_UNDER_WAY and batch.error is None
        if beside and self._lanes and not self._resumes:
            lane = self._lanes.take()
            try:
                understood = self._understand(lane.connection, batch.messages)
                if self._may_run_beside(understood.content):
                    batch.taken = understood.taken
                    self._run_beside(lane, batch, understood, under_way)
                    return
            except BaseException:
                self._lanes.give(lane)
                raise
            # Never wait with a transaction open: who changes the registry would wait for it, others for him.
            self._lanes.give(lane)
        under_way.rest()
        if under_way.waiting() is not batch:
            if understood is not None:
                self._rates.give_back(understood.taken)
            return  # one before it has failed, and comes first
        batch.error = None
        under_way.stored(batch, _answers(self._store(batch.messages, more=more, understood=understood)))

    def write_signs(self) -> None:
        """Write the signs that wait, now that nothing else is to be done."""
        if self._deferred:
            with self._connection.transaction():
                signs.put(self._connection, self._deferred.due(Signs(), more=False) or Signs())
            self._deferred.committed(Signs(), written=True)

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

    def _resumed_signs(self, batch: Understood) -> Signs:
        return from_journal(self._connection, self._sorter_of(batch.registry, batch.now))

    def _may_run_beside(self, content: Sorted) -> bool:
        """Whether a batch needs none that is being stored, and can leave its signs to a later one.

        Markers say that everything before them is stored; what devices answer, and what waits for a decoder,
        keeps its order.
        """
        return (
            not (content.markers or content.acks or content.todos)
            and self._deferred.can_wait(more=True)
            and not self._lanes.meets(content)
        )

    def _run_beside(self, lane: Lane, batch: Batch, understood: Understood, under_way: UnderWay) -> None:
        content = understood.content
        staged, listener = self._clean_wanted > 0, self._listener(understood.now)

        def once(*, staged: bool) -> bool:
            counts = transaction.put(lane.connection, understood, staged=staged)
            with lane.connection.pipeline():
                transaction.count(lane.connection, understood, counts, source=self._source, listener=listener)
                lane.connection.commit()
            return counts is not None and counts.met(content)

        def work() -> None:
            try:
                try:
                    met = once(staged=staged)
                except psycopg.errors.UniqueViolation:
                    lane.connection.rollback()
                    if staged or registry.hold(lane.connection) != understood.registry.version:
                        raise
                    met = once(staged=True)
            except BaseException as error:  # noqa: BLE001 - raised again where the batch is tried again
                under_way.failed(batch, error)
            else:
                under_way.stored(
                    batch, content.answers, lambda: self._stored(content, met=met, staged=staged)
                )

        under_way.begin(batch)
        self._lanes.run(lane, content, work)

    def _stored(self, content: Sorted, *, met: bool, staged: bool) -> None:
        """What follows from a batch that was stored beside others, in order."""
        self._deferred.committed(content.signs, written=False)
        self._listened_s = time.monotonic()
        self._met(met=met, staged=staged)

    def _met(self, *, met: bool, staged: bool) -> None:
        if met:
            self.expect_redelivery()
        elif staged:
            self._clean_wanted = max(0, self._clean_wanted - 1)

    def _store(
        self, messages: Sequence[Message], *, more: bool, understood: Understood | None = None
    ) -> list[Sorted]:
        try:
            return [self._commit(messages, more=more, understood=understood)]
        except REFUSED as error:
            if len(messages) > 1:
                middle = len(messages) // 2
                first = self._store(messages[:middle], more=True)
                return first + self._store(messages[middle:], more=more)
            said = str(error.diag.message_primary or error)
            _log.warning(
                "the database refuses a message: %s", said, extra={"action": "ingest.refused_by_database"}
            )
            return [self._commit(messages, more=more, refused=Refusal(Reason.refused_by_database, said))]

    def _commit(
        self,
        messages: Sequence[Message],
        *,
        more: bool,
        understood: Understood | None = None,
        refused: Refusal | None = None,
    ) -> Sorted:
        staged = self._clean_wanted > 0
        try:
            met, content = self._transaction(messages, understood, more=more, refused=refused, staged=staged)
        except psycopg.errors.UniqueViolation:
            if staged:
                raise
            met, content = self._transaction(messages, None, more=more, refused=refused, staged=True)
        self._met(met=met, staged=staged)
        return content

    def _transaction(
        self,
        messages: Sequence[Message],
        understood: Understood | None,
        *,
        more: bool,
        refused: Refusal | None,
        staged: bool,
    ) -> tuple[bool, Sorted]:
        """Commit a batch; says whether it met a key that was there already, and what it held."""
        connection = self._connection
        taken = understood.taken if understood is not None else {}
        try:
            with connection.transaction():
                batch = self._understand(connection, messages, refused=refused, known=understood)
                content, taken = batch.content, batch.taken
                due = told = self._deferred.due(content.signs, more=more)
                if self._resumes:
                    told = self._resumed_signs(batch)
                    told.extend(due or Signs())
                counts = transaction.put(connection, batch, staged=staged)
                # After the readings, and all at once: another process that does it so is never waited for
                # in a circle.
                if told is not None:
                    signs.put(connection, told)
                if content.markers:
                    state.put_markers(connection, content.markers, batch.now)
                listener = self._listener(batch.now)
                with connection.pipeline():
                    transaction.count(connection, batch, counts, source=self._source, listener=listener)
        except BaseException:
            self._rates.give_back(taken)  # it is sorted again, whole or in halves
            raise
        self._resumes = False
        self._deferred.committed(content.signs, written=due is not None)
        self._listened_s = time.monotonic()
        return counts is not None and counts.met(content), content

    def _listener(self, now: datetime) -> Listener | None:
        if not self._listens:
            return None
        return Listener(client_id=self._source, outage=self._rules(now).outage_after, resumed=self._resumed())

    def _resumed(self) -> bool:
        """Whether we may have been away. A clock that jumps while we listen is no outage."""
        return self._listened_s is None or time.monotonic() - self._listened_s > 2 * LISTEN_EVERY_S

    def _understand(
        self,
        connection: Connection,
        messages: Sequence[Message],
        *,
        refused: Refusal | None = None,
        known: Understood | None = None,
    ) -> Understood:
        """Sort a batch by the registry and the rules as they are in this transaction."""
        now = self._now()
        sorter = self._sorter_now(connection, now)
        if known is not None and known.registry.version == sorter.registry.version:
            return known
        if known is not None:
            self._rates.give_back(known.taken)
        self._rates.begin(messages[0].received_us)
        return Understood(
            content=sorter.sort(messages) if refused is None else sorter.refuse(messages[0], refused),
            registry=sorter.registry,
            now=now,
            oldest_us=min(message.received_us for message in messages),
            taken=self._rates.taken(),
        )

    def _sorter_now(self, connection: Connection, now: datetime) -> Sorter:
        version = registry.hold(connection)
        rules = self._rules(now)
        known = self._sorter
        if known is not None and known[0] is rules and known[1].registry.version == version:
            return known[1]
        found = known[1].registry if known is not None else None
        if found is None or found.version != version:
            found = registry.load(connection)
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


def _answers(several: Sequence[Sorted]) -> list[Answer]:
    return [answer for content in several for answer in content.answers]
