import threading
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from anju.embedded import broker as embedded
from anju.embedded.errors import BrokerFailed
from anju.embedded.ports import HOST
from tests.brokers import TestBroker
from tests.waiting import wait_until


class Subscriber:
    """Keeps what arrives under one filter."""

    def __init__(self, port: int, protocol: int) -> None:
        self.got: list[bytes] = []
        subscribed = threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
        self.client.on_message = lambda _client, _data, message: self.got.append(bytes(message.payload))
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect(HOST, port, keepalive=30)
        self.client.loop_start()
        self.client.subscribe("hm/#", 1)
        assert subscribed.wait(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)
def test_both_protocols_carry_a_megabyte_to_each_other(broker: TestBroker) -> None:
    five = Subscriber(broker.port, mqtt.MQTTv5)
    three = Subscriber(broker.port311, mqtt.MQTTv311)
    sent = [b"5" * 1_000_000, b"3" * 1_000_000]
    five.client.publish("hm/v1/x/up/m", sent[0], 1).wait_for_publish(5)
    three.client.publish("hm/v1/x/up/m", sent[1], 1).wait_for_publish(5)
    wait_until(lambda: len(five.got) == len(three.got) == 2, what="both got both")
    assert sorted(five.got) == sorted(three.got) == sorted(sent)
    five.close()
    three.close()


def test_a_taken_port_is_named(broker: TestBroker, tmp_path: Path) -> None:
    with pytest.raises(BrokerFailed, match=f"port {broker.port} is taken"):
        embedded.start(tmp_path, port=broker.port)


def test_after_kill_9_it_starts_again_on_the_same_ports(broker: TestBroker) -> None:
    subscriber = Subscriber(broker.port, mqtt.MQTTv5)
    broker.process.kill()
    broker.process.wait()
    subscriber.close()
    broker.start_again()
    Subscriber(broker.port, mqtt.MQTTv5).close()
