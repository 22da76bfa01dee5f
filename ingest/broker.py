"""The broker, seen from ingest: messages in arrival order, acknowledged when told to.

`Broker` is the interface, `PahoBroker` the real thing (paho-mqtt, MQTT 5). The session is persistent: what
is not acknowledged comes again, after a restart too. A packet id belongs to one connection; every message
carries the number (epoch) of its connection, and an acknowledgement that is late is dropped, for on the
next connection its packet id may be another message's.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ingest.address import BrokerAddress
from ingest.batches import Batching, collect
from ingest.buffered import BufferedClient
from ingest.message import Message
from wire.envelope import FILTER

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SESSION_S = 86_400
_KEEPALIVE_S = 30
_RECONNECT_MAX_S = 5
#: Send retained messages when the subscription is new, not at every reconnect.
_RETAIN_WHEN_NEW = 1
_PAUSE_S = 0.005
_STAMP_S = 0.001
#: What a publisher can say beside the payload; the rest is between it and the broker.
_PROPERTIES = ("UserProperty", "ContentType", "PayloadFormatIndicator", "ResponseTopic", "CorrelationData")


class Broker(Protocol):
    """Where messages come from."""

    def start(self) -> None:
        """Connect, and stay connected, in the background."""
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

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message, QoS 1 and not retained; what is not sent when the connection breaks is lost."""
        ...

    def stop(self, *, within_s: float) -> None:
        """Let acknowledgements go out, then disconnect and keep the session."""
        ...


class PahoBroker:
    """A broker that speaks MQTT 5, by paho-mqtt.

    Parameters
    ----------
    client_id : str
        Stable, and used by one process only: it names the session.
    batching : Batching
        Its size gives the receive maximum.
    now : Callable[[], datetime]
        The clock of `received_us`.
    filters : Sequence[str]
        What to subscribe to. What this client publishes itself does not come back.
    on_subscribed : Callable[[], None]
        Called on the network thread each time that the broker has taken our subscription.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        batching: Batching,
        now: Callable[[], datetime],
        filters: Sequence[str] = (FILTER,),
        on_subscribed: Callable[[], None] = lambda: None,
    ) -> None:
        self._address = address
        self._filters = filters
        self._subscribed = on_subscribed
        self._batching = batching
        self._now = now
        self._arrived: queue.SimpleQueue[Message] = queue.SimpleQueue()
        #: Guards epoch and connected: nobody acknowledges while they change.
        self._turn = threading.Lock()
        self._epoch = 0
        self._connected = False
        #: The broker is away or refuses us, and that has been logged.
        self._away = False
        self._stamped_us = 0
        self._stamped_until = 0.0
        client = BufferedClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.reconnect_delay_set(1, _RECONNECT_MAX_S)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set(address.ca, address.cert, address.key)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_plain = self._on_plain
        self._client = client

    def start(self) -> None:
        """Connect, and stay connected, in the background."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        properties.ReceiveMaximum = min(4 * self._batching.size, 65_535)
        self._client.connect_async(
            self._address.host,
            self._address.port,
            keepalive=_KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )
        self._client.loop_start()

    def take(self, *, within_s: float) -> list[Message]:
        """Wait for messages; a batch in arrival order, empty when nothing came in time."""
        return collect(self._arrived, self._batching, within_s=within_s)

    def waiting(self) -> int:
        """How many messages have arrived and are not taken yet."""
        return self._arrived.qsize()

    def acknowledge(self, messages: Sequence[Message]) -> int:
        """Acknowledge in the given order what came over the present connection; returns how many."""
        with self._turn:
            if not self._connected:
                return 0
            present = [m.packet_id for m in messages if m.epoch == self._epoch and m.packet_id]
            if present:
                self._client.ack_all(present)
        return len(present)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a message, QoS 1 and not retained; what is not sent when the connection breaks is lost."""
        self._client.publish(topic, payload, qos=1)

    def stop(self, *, within_s: float) -> None:
        """Let acknowledgements go out, then disconnect and keep the session."""
        deadline = time.monotonic() + within_s
        while self._connected and self._client.want_write() and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        del userdata, properties
        if reason.is_failure:
            if not self._away:
                self._away = True
                _log.error("the broker refuses us: %s", reason, extra={"action": "ingest.broker_refused"})
            return
        with self._turn:
            self._epoch += 1
            self._connected = True
        self._away = False
        _log.info(
            "connected to %s, the session %s",
            self._address,
            "goes on" if flags.session_present else "is new",
            extra={"action": "ingest.connected", "session_present": flags.session_present},
        )
        # Every time: without a session it is needed, with one it does no harm.
        options = SubscribeOptions(qos=1, noLocal=True, retainHandling=_RETAIN_WHEN_NEW)
        client.subscribe([(topic_filter, options) for topic_filter in self._filters])

    def _on_connect_fail(self, client: Client, userdata: object) -> None:
        del client, userdata
        if not self._away:
            self._away = True
            _log.warning("no broker at %s", self._address, extra={"action": "ingest.broker_away"})

    def _on_disconnect(
        self, client: Client, userdata: object, flags: DisconnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        del client, userdata, flags, properties
        with self._turn:
            was_connected, self._connected = self._connected, False
        if was_connected:
            _log.warning("disconnected: %s", reason, extra={"action": "ingest.disconnected"})

    def _on_subscribe(
        self, client: Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: object
    ) -> None:
        del client, userdata, mid, properties
        if any(reason.is_failure for reason in reasons):
            _log.error(
                "the broker refuses a subscription of %s: %s",
                ", ".join(self._filters),
                next(reason for reason in reasons if reason.is_failure),
                extra={"action": "ingest.subscription_refused"},
            )
        else:
            self._subscribed()

    def _on_plain(self, topic: bytes, payload: bytes, packet_id: int, retained: bool) -> None:
        self._arrive(topic, payload, packet_id, {"retain": True} if retained else None)

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        del client, userdata
        set_ones = vars(message.properties) if message.properties is not None else {}
        given = {name: set_ones[name] for name in _PROPERTIES if name in set_ones}
        if message.retain:
            given["retain"] = True
        try:
            topic = message.topic.encode()
        except UnicodeDecodeError:
            topic = b"\xff"
        self._arrive(topic, bytes(message.payload), message.mid if message.qos else 0, given or None)

    def _arrive(
        self, topic: bytes, payload: bytes, packet_id: int, properties: dict[str, Any] | None
    ) -> None:
        # On the network thread: nothing here may raise, or the message holds its place in the window.
        self._arrived.put(
            Message(
                topic=topic.decode(errors="replace"),
                payload=payload,
                received_us=self._stamp(),
                properties=properties,
                epoch=self._epoch,
                packet_id=packet_id,
            )
        )

    def _stamp(self) -> int:
        # To the millisecond: asking the clock for every message would cost more than decoding it.
        tick = time.monotonic()
        if tick > self._stamped_until:
            self._stamped_us = (self._now() - _EPOCH) // _MICROSECOND
            self._stamped_until = tick + _STAMP_S
        return self._stamped_us
