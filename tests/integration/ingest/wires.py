"""Ingest at a real broker: the service in a thread, a publisher, and a line that can be cut."""

import selectors
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties

from anju.embedded.ports import HOST
from ingest import service
from ingest.address import BrokerAddress
from ingest.batches import Batching
from ingest.broker import KEEPALIVE_S, MqttBroker
from ingest.message import Message
from tests.brokers import TestBroker
from tests.integration.ingest.conftest import BOUND, NOW, RULES
from tests.waiting import wait_until
from wire.envelope import FILTER

CLIENT_ID = "ingest-test"


class Publisher:
    """Publishes with QoS 1 and waits until the broker has it."""

    def __init__(self, broker: TestBroker) -> None:
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.max_inflight_messages_set(1000)
        self.client.connect(HOST, broker.port, keepalive=30)
        self.client.loop_start()
        wait_until(self.client.is_connected, what="the publisher is connected")

    def send(
        self, *messages: Message, retain: bool = False, qos: int = 1, properties: Properties | None = None
    ) -> None:
        infos = [
            self.client.publish(m.topic, m.payload, qos, retain=retain, properties=properties)
            for m in messages
        ]
        for info in infos:
            info.wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def serving(url: str, dsn: str, *, bound: Sequence[str] = BOUND) -> Iterator[threading.Event]:
    """The service, subscribed; set the event, or leave, to stop it cleanly."""
    stop, subscribed = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def body() -> None:
        try:
            service.run(
                dsn=dsn,
                mqtt_url=url,
                bound=bound,
                rules=lambda _: RULES,
                now=lambda: NOW,
                stop=stop,
                client_id=CLIENT_ID,
                on_subscribed=subscribed.set,
            )
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=body, name="service")
    thread.start()
    try:
        wait_until(lambda: subscribed.is_set() or failed, what="ingest is subscribed")
        yield stop
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        assert not failed


@contextmanager
def listening(
    url: str, *, filters: Sequence[str] = (FILTER,), within_s: float = 10, keepalive_s: int = KEEPALIVE_S
) -> Iterator[MqttBroker]:
    """The broker's client alone, under the session of the service; nothing is acknowledged by itself."""
    subscribed = threading.Event()
    client = MqttBroker(
        BrokerAddress.parse(url),
        client_id=CLIENT_ID,
        filters=filters,
        batching=Batching(),
        now=lambda: NOW,
        on_subscribed=subscribed.set,
        keepalive_s=keepalive_s,
    )
    client.start()
    try:
        assert subscribed.wait(within_s)
        yield client
    finally:
        client.stop(within_s=5)


def take(client: MqttBroker, count: int) -> list[Message]:
    """So many messages, in however many batches."""
    taken: list[Message] = []

    def enough() -> bool:
        taken.extend(client.take(within_s=0.05))
        return len(taken) >= count

    wait_until(enough, what=f"{count} messages have come")
    return taken


class Line:
    """A TCP line between ingest and the broker that can be cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server((HOST, 0))
        self.url = f"mqtt://{HOST}:{self._listener.getsockname()[1]}"
        #: Connections that are carried now.
        self.carried = 0
        self._closed = False
        self._thread = threading.Thread(target=self._carry, name="line")
        self._wake, self._woken = socket.socketpair()
        self._thread.start()

    def cut(self) -> None:
        """Break what is connected; new connections are taken."""
        self._wake.send(b"c")

    def close(self) -> None:
        self._closed = True
        self.cut()
        self._thread.join(10)

    def _carry(self) -> None:
        other: dict[socket.socket, socket.socket] = {}
        with selectors.DefaultSelector() as selector, self._listener, self._wake, self._woken:
            for one in (self._listener, self._woken):
                selector.register(one, selectors.EVENT_READ)
            while not self._closed:
                for key, _ in selector.select():
                    ready = key.fileobj
                    assert isinstance(ready, socket.socket)
                    if ready is self._listener:
                        near, _ = ready.accept()
                        far = socket.create_connection((HOST, self._to))
                        other |= {near: far, far: near}
                        for end in (near, far):
                            selector.register(end, selectors.EVENT_READ)
                    elif ready is self._woken:
                        ready.recv(16)
                        for end in other:
                            _drop(selector, end)
                        other.clear()
                        break
                    elif data := _received(ready):
                        with suppress(OSError):  # nobody listens any more; the end of it is heard next
                            other[ready].sendall(data)
                    else:
                        # What one end said last must reach the other: close only when both have ended.
                        selector.unregister(ready)
                        if other[ready] in selector.get_map():
                            _end_sending(other[ready])
                        else:
                            for end in (ready, other.pop(ready)):
                                other.pop(end, None)
                                end.close()
                self.carried = len(other) // 2
            for end in other:
                end.close()


def _drop(selector: selectors.BaseSelector, end: socket.socket) -> None:
    if end in selector.get_map():
        selector.unregister(end)
    end.close()


def _end_sending(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_WR)


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(65_536)
    except ConnectionError:
        return b""
