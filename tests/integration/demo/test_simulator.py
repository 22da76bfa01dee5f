"""The device simulator: what it counts as published is with the broker, whatever happens on the way."""

import signal
import threading
from collections.abc import Iterator

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from anju.demo.simulator import Outgoing, Publisher, PublishFailed, publish
from anju.embedded.ports import HOST, free_port
from ingest.address import BrokerAddress
from tests.brokers import TestBroker
from tests.waiting import wait_until

TOPIC = "hm/v1/d1/up/m"


def _messages(count: int) -> list[Outgoing]:
    return [Outgoing(TOPIC, str(number).encode()) for number in range(count)]


class Subscriber:
    """Collects everything under its filter, over a persistent session."""

    def __init__(self, broker: TestBroker) -> None:
        self.payloads: list[bytes] = []
        self._subscribed = threading.Event()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 600
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id="collector", protocol=MQTTProtocolVersion.MQTTv5
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_message = lambda *found: self.payloads.append(bytes(found[2].payload))
        self.client.on_connect = lambda client, *_: client.subscribe("hm/#", qos=1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.connect(HOST, broker.port, clean_start=False, properties=properties)
        self.client.loop_start()
        assert self._subscribed.wait(10)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def subscriber(broker: TestBroker) -> Iterator[Subscriber]:
    collector = Subscriber(broker)
    yield collector
    collector.stop()


@pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)
def test_everything_counted_has_arrived(broker: TestBroker, subscriber: Subscriber) -> None:
    told: list[int] = []
    assert publish(BrokerAddress.parse(broker.url), _messages(500), told=told.append) == 500
    wait_until(lambda: len(subscriber.payloads) == 500, what="500 messages")
    assert subscriber.payloads == [message.payload for message in _messages(500)]
    assert sum(told) == 500


@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
def test_nothing_is_lost_when_the_broker_is_restarted_in_between(
    broker: TestBroker, subscriber: Subscriber
) -> None:
    half = threading.Event()

    def messages() -> Iterator[Outgoing]:
        for number, message in enumerate(_messages(600)):
            if number == 300:
                half.set()
                broker.stop(by=signal.SIGTERM)
                broker.start_again()
            yield message

    assert publish(BrokerAddress.parse(broker.url), messages()) == 600
    assert half.is_set()
    wait_until(lambda: len(set(subscriber.payloads)) == 600, within_s=20, what="600 messages")


def test_a_broker_that_comes_late_is_waited_for(broker: TestBroker) -> None:
    broker.stop()
    publisher = Publisher(BrokerAddress.parse(broker.url), client_id="early")
    counted: list[int] = []
    thread = threading.Thread(target=lambda: counted.append(publisher.publish(_messages(50))))
    thread.start()
    broker.start_again()
    thread.join(20)
    assert counted == [50]


def test_without_a_broker_it_gives_up_and_says_how_many_were_confirmed() -> None:
    address = BrokerAddress.parse(f"mqtt://{HOST}:{free_port()}")
    with pytest.raises(PublishFailed, match="after 0 confirmed messages"):
        publish(address, _messages(3), patience_s=0.2)
