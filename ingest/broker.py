"""The broker, seen from ingest: messages in arrival order, acknowledged when told to.

`Broker` is the interface, `MqttBroker` the real thing (MQTT 5). The session is persistent: what is not
acknowledged comes again, after a restart too. A packet id belongs to one connection; every message carries
the number (epoch) of its connection, and an acknowledgement that is late is dropped, for on the next
connection its packet id may be another message's.
"""

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

import mqtt5

from ingest.address import BrokerAddress
from ingest.arrival import Arrivals
from ingest.batches import Batching, Inbox
from ingest.bound import Bound
from ingest.codec import is_failure, spoken
from ingest.connection import SESSION_S, Connection, Login
from ingest.errors import BrokerAddressInvalid, ClientDied
from ingest.message import Message
from ingest.outbox import Outgoing
from wire.envelope import FILTER

_log = logging.getLogger(__name__)

KEEPALIVE_S = 30
_CONNECT_WITHIN_S = 10.0
#: The first pause before a reconnect; each is twice the last, until a connection has held for the longest.
_RETRY_FIRST_S = 0.1
_RETRY_MAX_S = 5.0


class Broker(Protocol):
    """Where messages come from, and where answers go."""

    def start(self) -> None:
        """Connect, and stay connected, in the background."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the broker has let us in."""
        ...

    def take(self, *, within_s: float) -> list[Message]:
        """Wait for messages; a batch in arrival order, empty when nothing came in time."""
        ...

    def waiting(self) -> int:
        """How many messages have arrived and are not taken yet."""
        ...

    def acknowledge(self, messages: Sequence[Message]) -> int:
        """Acknowledge in the given order what came over the present connection; returns how many."""
        ...

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        expiry_s: float | None = None,
        correlation: bytes | None = None,
        response_topic: str | None = None,
    ) -> "Future[bool]":
        """Send a message, never retained; says whether anybody is subscribed, or fails with NotPublished."""
        ...

    def stop(self, *, within_s: float) -> None:
        """Let acknowledgements go out, then disconnect and keep the session."""
        ...


class MqttBroker:
    """A broker that speaks MQTT 5, on a thread of its own.

    Parameters
    ----------
    client_id : str
        Stable, and used by one process only: it names the session.
    filters : Sequence[str]
        What to subscribe to, with QoS 1. What this client publishes itself does not come back.
    batching : Batching
        Its size gives the receive maximum.
    now : Callable[[], datetime]
        The clock of `received_us`.
    on_subscribed : Callable[[], None]
        Called on the network thread each time that the broker has taken our subscription.

    Raises
    ------
    BrokerAddressInvalid
        A certificate or key cannot be read.
    FilterInvalid
        Not a topic filter.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        filters: Sequence[str] = (FILTER,),
        batching: Batching,
        now: Callable[[], datetime],
        on_subscribed: Callable[[], None] = lambda: None,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        Bound(filters)
        self._address = address
        self._tls = _tls(address)
        self._login = Login(
            client_id=client_id,
            username=address.username,
            password=address.password,
            keepalive_s=keepalive_s,
            receive_max=min(2 * batching.size, 65_535),
            filters=filters,
        )
        self._arrivals = Arrivals(now)
        self._subscribed = on_subscribed
        self._inbox = Inbox(batching)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._running = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._stop_within_s = 0.0
        #: While the broker has let us in. Set and cleared on the network thread, read by any.
        self._connection: Connection | None = None
        self._epoch = 0
        #: Reading rests until there is room in the inbox.
        self._resting = False
        #: The broker is away or refuses us, and that has been logged; likewise the filters it refuses.
        self._away = False
        self._refused: set[str] = set()

    def start(self) -> None:
        """Connect, and stay connected, in the background."""
        self._thread.start()
        self._running.wait()

    def take(self, *, within_s: float) -> list[Message]:
        """Wait for messages; a batch in arrival order, empty when nothing came in time.

        Raises
        ------
        ClientDied
            Nothing will come any more.
        """
        batch = self._inbox.take(within_s=within_s)
        if self._resting and not self._inbox.crowded:
            self._loop.call_soon_threadsafe(self._read_on)
        if not batch and not self._thread.is_alive():
            raise ClientDied
        return batch

    @property
    def connected(self) -> bool:
        """Whether the broker has let us in."""
        return self._connection is not None

    def waiting(self) -> int:
        """How many messages have arrived and are not taken yet."""
        return len(self._inbox)

    def acknowledge(self, messages: Sequence[Message]) -> int:
        """Acknowledge in the given order what came over the present connection; returns how many."""
        connection = self._connection
        if connection is None:
            return 0
        present = [m.packet_id for m in messages if m.epoch == connection.epoch and m.packet_id]
        if present:
            # This very connection writes them, or nobody does.
            self._loop.call_soon_threadsafe(connection.acknowledge, present)
        return len(present)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        expiry_s: float | None = None,
        correlation: bytes | None = None,
        response_topic: str | None = None,
    ) -> "Future[bool]":
        """Send a message, never retained, from any thread.

        Nothing is sent again by itself; what failed is the caller's to repeat, if it still makes sense.

        Parameters
        ----------
        qos : int
            0 or 1. With 1 the outcome is there when the broker has answered.
        expiry_s : float | None
            The broker gives it to nobody later than this; nor is it sent later.
        correlation : bytes | None
            What an answer must carry.
        response_topic : str | None
            Where an answer goes.

        Returns
        -------
        Future[bool]
            Whether anybody is subscribed to the topic, as far as the broker tells. Fails with NotPublished
            when the broker is away, refuses the message, or ends the connection before it answers: then
            it may have the message or not.
        """
        outgoing = Outgoing(
            topic=topic,
            payload=payload,
            qos=qos,
            expires_at=None if expiry_s is None else time.monotonic() + expiry_s,
            correlation=correlation,
            response_topic=response_topic,
        )
        connection = self._connection
        if connection is None:
            outgoing.fail("there is no broker now")
        else:
            self._loop.call_soon_threadsafe(connection.publish, outgoing)
        return outgoing.outcome

    def stop(self, *, within_s: float) -> None:
        """Let acknowledgements go out, then disconnect and keep the session."""
        if self._thread.is_alive():
            self._stop_within_s = within_s
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._stay_connected())

    async def _stay_connected(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._running.set()
        stopped = asyncio.create_task(self._stop.wait())
        retry_s = _RETRY_FIRST_S
        while not self._stop.is_set():
            began = self._loop.time()
            try:
                connection = await self._connect()
            except OSError as error:
                self._say_away(logging.WARNING, f"no broker at {self._address}: {error}", "broker_away")
            else:
                await asyncio.wait([connection.ended, stopped], return_when=asyncio.FIRST_COMPLETED)
                await self._end(connection)
            if self._loop.time() - began > _RETRY_MAX_S:
                retry_s = _RETRY_FIRST_S
            await asyncio.wait([stopped], timeout=retry_s)
            retry_s = min(2 * retry_s, _RETRY_MAX_S)

    async def _connect(self) -> Connection:
        self._epoch += 1
        connection = Connection(
            self._login,
            epoch=self._epoch,
            arrivals=self._arrivals,
            on_connected=self._on_connected,
            on_subscribed=self._on_subscribed,
            on_messages=self._on_messages,
        )
        async with asyncio.timeout(_CONNECT_WITHIN_S):
            await self._loop.create_connection(
                lambda: connection, self._address.host, self._address.port, ssl=self._tls
            )
        return connection

    async def _end(self, connection: Connection) -> None:
        if not connection.ended.done():
            connection.leave()
            await asyncio.wait([connection.ended], timeout=self._stop_within_s)
            connection.abort()
        why = await connection.ended
        was_connected, self._connection, self._resting = self._connection is not None, None, False
        if connection.refused:
            self._say_away(logging.ERROR, f"the broker refuses us: {why}", "broker_refused")
        elif not was_connected:
            self._say_away(logging.WARNING, f"no broker at {self._address}: {why}", "broker_away")
        elif not self._stop.is_set():
            _log.warning("disconnected: %s", why, extra={"action": "ingest.disconnected"})

    def _on_connected(self, connection: Connection, granted: mqtt5.ConnAckPacket) -> None:
        self._connection = connection
        self._away = False
        _log.info(
            "connected to %s, the session %s",
            self._address,
            "goes on" if granted.session_present else "is new",
            extra={"action": "ingest.connected", "session_present": granted.session_present},
        )
        kept_s = granted.session_expiry_interval
        if kept_s is not None and kept_s < SESSION_S:
            _log.warning(
                "the broker keeps messages for us for %s s only",
                kept_s,
                extra={"action": "ingest.session_short"},
            )

    def _on_subscribed(self, reasons: Sequence[mqtt5.SubAckReasonCode]) -> None:
        refused = {
            pattern: reason
            for pattern, reason in zip(self._login.filters, reasons, strict=False)
            if is_failure(reason)
        }
        for pattern in refused.keys() - self._refused:
            _log.error(
                "the broker refuses the subscription to %s: %s",
                pattern,
                spoken(refused[pattern]),
                extra={"action": "ingest.subscription_refused"},
            )
        self._refused = set(refused)
        if not refused:
            self._subscribed()

    def _on_messages(self, messages: list[Message]) -> None:
        self._inbox.put(messages)
        if self._connection is not None and self._inbox.crowded:
            self._resting = True
            self._connection.pause()

    def _read_on(self) -> None:
        if self._resting and self._connection is not None:
            self._resting = False
            self._connection.resume()

    def _say_away(self, level: int, said: str, action: str) -> None:
        if not self._away:
            self._away = True
            _log.log(level, said, extra={"action": f"ingest.{action}"})


def _tls(address: BrokerAddress) -> ssl.SSLContext | None:
    if not address.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=address.ca)
        if address.cert is not None:
            context.load_cert_chain(address.cert, address.key)
    except OSError as error:
        raise BrokerAddressInvalid(f"a certificate or key cannot be read: {error}") from error
    return context
