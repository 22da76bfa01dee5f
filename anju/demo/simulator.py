"""A device simulator: publishes native messages at QoS 1 and keeps each until the broker confirmed it."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from paho.mqtt.client import Client, ConnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from anju.errors import AnjuError
from ingest.address import BrokerAddress

#: Messages on their way at one time: what the embedded broker takes.
WINDOW = 100
_KEEPALIVE_S = 30
_SESSION_S = 3_600


class PublishFailed(AnjuError):
    """The broker did not confirm what was published."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One MQTT message."""

    topic: str
    payload: bytes


class Publisher:
    """One client of the broker that counts only what the broker confirmed.

    paho keeps what is not confirmed and sends it again after a reconnect, also to a broker that lost its
    sessions; so a message may arrive twice and is never lost between here and the broker.
    """

    def __init__(self, address: BrokerAddress, *, client_id: str) -> None:
        self._room = threading.Semaphore(WINDOW)
        self._told = threading.Condition()
        self._confirmed = 0
        self._refused: str | None = None
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(WINDOW)
        client.reconnect_delay_set(1, 2)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set(address.ca, address.cert, address.key)
        client.on_publish = self._on_publish
        client.on_connect = self._on_connect
        self._client = client
        self._address = address

    @property
    def confirmed(self) -> int:
        """Messages that the broker has confirmed."""
        return self._confirmed

    def publish(
        self,
        messages: Iterable[Outgoing],
        *,
        told: Callable[[int], None] = lambda _: None,
        patience_s: float = 60,
    ) -> int:
        """Publish all, and wait until all are confirmed; answers how many.

        Parameters
        ----------
        told : callable
            Called with the number of messages that were handed over since the last call.
        patience_s : float
            How long the broker may be away, or say nothing, before this gives up.

        Raises
        ------
        PublishFailed
            The broker refuses, or no confirmation came for so long.
        """
        before = self._confirmed
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = _SESSION_S
        self._client.connect_async(
            self._address.host, self._address.port, keepalive=_KEEPALIVE_S, properties=properties
        )
        self._client.loop_start()
        try:
            sent = 0
            for message in messages:
                self._take_room(patience_s)
                self._hand_over(message)
                sent += 1
                told(1)
            self._wait_for(before + sent, patience_s)
        finally:
            self._client.disconnect()
            self._client.loop_stop()
        return self._confirmed - before

    def _take_room(self, patience_s: float) -> None:
        if not self._room.acquire(timeout=patience_s) or self._refused:
            raise self._failure()

    def _hand_over(self, message: Outgoing) -> MQTTMessageInfo:
        info = self._client.publish(message.topic, message.payload, qos=1)
        # without a connection paho keeps the message all the same
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise PublishFailed(f"cannot publish to {self._address}: {info.rc!r}")
        return info

    def _wait_for(self, confirmed: int, patience_s: float) -> None:
        with self._told:
            while self._confirmed < confirmed:
                seen = self._confirmed
                if self._refused or not self._told.wait(patience_s) or self._confirmed == seen:
                    raise self._failure()

    def _failure(self) -> PublishFailed:
        why = self._refused or "no confirmation"
        return PublishFailed(f"{self._address}: {why} after {self._confirmed} confirmed messages")

    def _on_publish(
        self, client: Client, userdata: object, mid: int, reason: ReasonCode, properties: object
    ) -> None:
        del client, userdata, mid, properties
        with self._told:
            if reason.is_failure:
                self._refused = f"refused: {reason}"
            else:
                self._confirmed += 1
            self._told.notify_all()
        self._room.release()

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: object
    ) -> None:
        del client, userdata, flags, properties
        if reason.is_failure:
            self._refused = f"refuses us: {reason}"


def publish(
    address: BrokerAddress,
    messages: Iterable[Outgoing],
    *,
    client_id: str = "anju-simulator",
    told: Callable[[int], None] = lambda _: None,
    patience_s: float = 60,
) -> int:
    """Publish messages through one client; answers how many the broker confirmed.

    Raises
    ------
    PublishFailed
        The broker refuses, or says nothing for `patience_s` seconds.
    """
    return Publisher(address, client_id=client_id).publish(messages, told=told, patience_s=patience_s)
