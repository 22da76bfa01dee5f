"""The client at real brokers that die, forget the session, or carry what we publish."""

import signal
import threading
from concurrent.futures import TimeoutError as FutureTimeout

import paho.mqtt.client as mqtt
import pytest

from anju.embedded.ports import HOST
from ingest.errors import NotPublished
from tests.brokers import TestBroker
from tests.integration.ingest.conftest import TALLY, Rows, Site, reading
from tests.integration.ingest.wires import Publisher, listening, serving, take
from tests.waiting import wait_until

BOTH = pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)
MOSQUITTO = pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)


def readings(count: int):
    return [
        reading(n, at=f"2026-11-24T{6 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z") for n in range(count)
    ]


@pytest.fixture
def stored(connection, rows: Rows):
    """The values that are stored, at this moment."""

    def values() -> set[float]:
        connection.commit()
        return {value for (value,) in rows("SELECT value FROM reading")}

    return values


@MOSQUITTO
def test_a_broker_killed_in_the_middle_of_a_batch_costs_nothing_that_its_publisher_sends_again(
    broker: TestBroker, dsn: str, site: Site, rows: Rows, stored
) -> None:
    sent = readings(3000)
    with serving(broker.url, dsn):
        first = Publisher(broker)
        for message in sent:
            first.client.publish(message.topic, message.payload, 1)
        wait_until(stored, what="the first are stored")
        broker.stop(by=signal.SIGKILL)
        assert len(stored()) < 3000
        broker.start_again()
        first.close()
        again = Publisher(broker)
        again.send(*sent)
        wait_until(lambda: len(stored()) == 3000, within_s=20)
        again.close()
    assert rows("SELECT count(*) FROM reading") == [(3000,)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


@MOSQUITTO
def test_a_broker_that_forgot_the_session_is_subscribed_to_anew(
    broker: TestBroker, dsn: str, site: Site, rows: Rows, stored, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with serving(broker.url, dsn):
        broker.stop()
        (broker.folder / "mosquitto.db").unlink()
        broker.start_again()
        wait_until(lambda: caplog.text.count("the session is new") == 2, what="connected again")
        publisher = Publisher(broker)
        publisher.send(*readings(20))
        wait_until(lambda: len(stored()) == 20)
        publisher.close()
    assert rows(TALLY) == [(20, 20, 0, 0, 0, 0)]


@MOSQUITTO
def test_a_broker_that_stands_still_is_left_and_met_again(broker: TestBroker) -> None:
    # The kernel goes on taking what we send: only that no ping is answered tells.
    with listening(broker.url, keepalive_s=1) as client:
        broker.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: client.publish("hm/x", b"").done(), what="given up")
        finally:
            broker.process.send_signal(signal.SIGCONT)
        wait_until(lambda: _reaches(client), what="connected again")


def _reaches(client) -> bool:
    try:
        return client.publish("elsewhere", b"").result(1) in (True, False)
    except (NotPublished, FutureTimeout):
        return False


@BOTH
def test_what_we_publish_reaches_a_device(broker: TestBroker) -> None:
    heard: list[mqtt.MQTTMessage] = []
    subscribed = threading.Event()
    device = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    device.on_message = lambda _client, _data, message: heard.append(message)
    device.on_subscribe = lambda *_: subscribed.set()
    device.connect(HOST, broker.port, keepalive=30)
    device.subscribe("hm/v1/d/down/cmd", 1)
    device.loop_start()
    try:
        assert subscribed.wait(10)
        with listening(broker.url) as client:
            sent = client.publish("hm/v1/d/down/cmd", b"open", expiry_s=20, correlation=b"7")
            assert sent.result(10) is True
            wait_until(lambda: heard, what="the device has it")
            if broker.kind == "mosquitto":  # iotcore knows no such wish; sorting drops what comes back
                assert client.take(within_s=0.1) == []
    finally:
        device.disconnect()
        device.loop_stop()
    (message,) = heard
    assert (message.payload, message.qos, message.retain) == (b"open", 1, False)
    assert message.properties is not None
    assert (message.properties.CorrelationData, message.properties.MessageExpiryInterval <= 20) == (
        b"7",
        True,
    )


@BOTH
def test_a_second_process_under_the_same_id_is_said_and_loses_nothing(
    broker: TestBroker, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = Publisher(broker)
    with listening(broker.url) as first:
        publisher.send(*readings(30))
        taken = take(first, 30)
        with listening(broker.url) as second:
            again = take(second, 30)
            assert {m.payload for m in again} >= {m.payload for m in taken[:1]}
    publisher.close()
    assert "disconnected: " in caplog.text
