"""The process `anju ingest`: take, commit, acknowledge; again.

The database away: the same batch is tried until it is back, nothing is acknowledged, so nothing more than
the window comes in and the broker keeps the rest. The broker away: the client reconnects by itself. Asked
to stop: what has arrived is committed and acknowledged, then the session is left behind for the next start.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import psycopg

from devices.formats import FILTERS
from ingest.address import BrokerAddress
from ingest.batches import Batching
from ingest.bound import Bound
from ingest.broker import Broker, MqttBroker
from ingest.dispatch import Dispatcher
from ingest.message import Message
from ingest.personal import Keyed
from ingest.pipeline import Pipeline
from ingest.underway import Batch, UnderWay
from policy.groups import Ingest
from storage.errors import DatabaseAway
from storage.migrate import head
from storage.pool import Connection, connect, require_schema
from wire.envelope import FILTER

_log = logging.getLogger(__name__)

_TAKE_S = 0.25
_STOP_S = 10.0
_DRAIN_S = 5.0
_RETRY_FIRST_S = 0.1
_RETRY_MAX_S = 5.0
#: So many batches are stored beside each other: while one waits for the disk, another is written or read.
_BESIDE = 3

#: The database cannot do it now; later it can.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, DatabaseAway)


def run(
    *,
    dsn: str,
    mqtt_url: str,
    bound: Iterable[str],
    rules: Callable[[datetime], Ingest],
    now: Callable[[], datetime],
    stop: threading.Event,
    client_id: str = "ingest-0",
    batching: Batching | None = None,
    keyed: Keyed | None = None,
    on_subscribed: Callable[[], None] = lambda: None,
) -> None:
    """Run until `stop` is set.

    Parameters
    ----------
    dsn, mqtt_url : str
        ``postgresql://…`` and ``mqtt://…`` (`ingest.address`).
    bound : Iterable[str]
        Topic filters that the broker binds to the publisher's credential (ANJU_MQTT_BOUND).
    rules : Callable[[datetime], Ingest]
        The policy in force at a moment: ``lambda now: book.on(now.date()).ingest``.
    now : Callable[[], datetime]
        Business time; also stamps arrivals.
    client_id : str
        Names the session at the broker: stable, one process an id.
    keyed : Keyed | None
        Hashes door codes under the deployment's key; None: nothing stays of them.
    on_subscribed : Callable[[], None]
        Called each time that the broker has taken our subscription: nothing sent from then on is missed.

    Raises
    ------
    BrokerAddressInvalid, FilterInvalid
        A setting is wrong; nothing was started.
    SchemaBehind
        The database is not of this version.
    """
    shape = batching or Batching()
    broker = MqttBroker(
        BrokerAddress.parse(mqtt_url),
        client_id=client_id,
        batching=shape,
        now=now,
        filters=(FILTER, *FILTERS),
        on_subscribed=on_subscribed,
    )
    serve(broker, dsn=dsn, bound=Bound(bound), rules=rules, now=now, source=client_id, stop=stop, keyed=keyed)


def serve(
    broker: Broker,
    *,
    dsn: str,
    bound: Bound,
    rules: Callable[[datetime], Ingest],
    now: Callable[[], datetime],
    source: str,
    stop: threading.Event,
    keyed: Keyed | None = None,
) -> None:
    """Run with any broker until `stop` is set (see `run`)."""

    def pipeline(connection: Connection, beside: Sequence[Connection]) -> Pipeline:
        return Pipeline(
            connection, bound=bound, rules=rules, now=now, source=source, keyed=keyed, beside=beside
        )

    def acknowledge(batch: Batch) -> None:
        broker.acknowledge(batch.messages)
        for answer in batch.answers:
            broker.publish(answer.topic, answer.payload)

    writer = _Writer(dsn, pipeline, acknowledge, stop)
    try:
        if writer.open():
            _log.info("ingest is running", extra={"action": "ingest.started", "client_id": source})
            broker.start()
            try:
                _loop(broker, writer, Dispatcher(now), stop)
            finally:
                broker.stop(within_s=_STOP_S)
    finally:
        writer.close()
    _log.info("ingest has stopped", extra={"action": "ingest.stopped", "client_id": source})


def _loop(broker: Broker, writer: "_Writer", dispatcher: Dispatcher, stop: threading.Event) -> None:
    while not stop.is_set():
        batch = broker.take(within_s=_TAKE_S)
        if batch:
            if not writer.put(batch, more=broker.waiting() > 0 and not stop.is_set()):
                return
        elif not writer.rest(listens=broker.connected):
            return
        writer.dispatch(dispatcher, broker)
    # What had arrived when we were asked to stop, as far as time allows: the broker sends the rest again. It
    # goes on sending meanwhile, and after bulk acknowledgements mosquitto has more on its way than it may.
    left, until = broker.waiting(), time.monotonic() + _DRAIN_S
    while left > 0 and time.monotonic() < until:
        batch = broker.take(within_s=0)
        left -= len(batch)
        if not batch or not writer.put(batch, more=left > 0):
            break
    writer.finish()


class _Writer:
    """A pipeline that outlives its database connections."""

    def __init__(
        self,
        dsn: str,
        pipeline: Callable[[Connection, Sequence[Connection]], Pipeline],
        acknowledge: Callable[[Batch], None],
        stop: threading.Event,
    ) -> None:
        self._dsn = dsn
        self._pipeline_on = pipeline
        self._stop = stop
        self._under_way = UnderWay(acknowledge)
        self._connection: Connection | None = None
        self._pipeline: Pipeline | None = None
        self._epoch = 0

    def open(self) -> bool:
        """Wait for the database; False: asked to stop first."""
        return self._until_it_works(lambda _: None)

    def put(self, messages: list[Message], *, more: bool) -> bool:
        """Store a batch, however long the database is away; False: asked to stop first.

        Others may still be on their way when it returns.
        """
        self._under_way.add(messages)
        return self._until_it_works(lambda pipeline: self._go_on(pipeline, more=more))

    def rest(self, *, listens: bool) -> bool:
        """Do what is left while nothing comes; False: asked to stop first.

        Parameters
        ----------
        listens : bool
            Whether we hear the broker, which is recorded.
        """

        def work(pipeline: Pipeline) -> None:
            self._finish(pipeline)
            if listens:
                pipeline.listen()

        return self._until_it_works(work)

    def finish(self) -> bool:
        """Wait until everything is stored; False: asked to stop, and the database is away."""
        return self._until_it_works(self._finish)

    def dispatch(self, dispatcher: Dispatcher, broker: Broker) -> None:
        """Let commands go out, if the database is there."""
        if self._connection is None:
            return
        try:
            dispatcher.look(self._connection, broker)
        except _AWAY as error:
            _log.warning("commands wait: %s", error, extra={"action": "ingest.commands_wait"})
            self.close()

    def close(self) -> None:
        """Wait for what is being stored, and give the connections back."""
        if self._pipeline is not None:
            self._pipeline.close()
        self._connection = self._pipeline = None

    def _go_on(self, pipeline: Pipeline, *, more: bool) -> None:
        """Bring every batch on its way that is not."""
        while (batch := self._under_way.waiting()) is not None:
            if isinstance(batch.error, _AWAY):
                raise batch.error
            if batch.messages[-1].epoch != self._epoch:
                self._epoch = batch.messages[-1].epoch
                pipeline.expect_redelivery()
            pipeline.put(batch, self._under_way, more=more or not self._under_way.is_last(batch))

    def _finish(self, pipeline: Pipeline) -> None:
        self._go_on(pipeline, more=False)
        while len(self._under_way):
            self._under_way.rest()
            self._go_on(pipeline, more=False)
        pipeline.write_signs()

    def _until_it_works(self, work: Callable[[Pipeline], None]) -> bool:
        delay_s = _RETRY_FIRST_S
        while True:
            try:
                work(self._opened())
            except _AWAY as error:
                self.close()
                self._under_way.forget()
                if delay_s == _RETRY_FIRST_S:
                    _log.warning("the database is away: %s", error, extra={"action": "ingest.database_away"})
                if self._stop.wait(delay_s):
                    return False
                delay_s = min(2 * delay_s, _RETRY_MAX_S)
            else:
                if delay_s > _RETRY_FIRST_S:
                    _log.info("the database is back", extra={"action": "ingest.database_back"})
                return True

    def _opened(self) -> Pipeline:
        if self._pipeline is None:
            opened: list[Connection] = []
            try:
                for _ in range(1 + _BESIDE):
                    opened.append(connect(self._dsn, name="ingest"))
                require_schema(opened[0], head())
                opened[0].commit()
            except BaseException:
                for connection in opened:
                    connection.close()
                raise
            self._connection, *beside = opened
            self._pipeline = self._pipeline_on(self._connection, beside)
            # A commit whose answer was lost may have happened.
            self._pipeline.expect_redelivery()
        return self._pipeline
