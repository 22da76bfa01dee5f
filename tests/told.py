"""A device that is told what to do: it does each id once and answers each time, unless it is silent."""

import json

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from anju.embedded.ports import HOST
from tests.waiting import wait_until
from wire.envelope import Kind, command_topic, topic_of


class ToldDevice:
    """Connected and subscribed once it is made."""

    def __init__(self, port: int, code: str, *, silent: bool = False) -> None:
        #: Every message that came, repetitions too.
        self.told: list[mqtt.MQTTMessage] = []
        #: Ids, each once.
        self.done: list[str] = []
        self._code, self._silent = code, silent
        subscribed: list[object] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=code, protocol=mqtt.MQTTv5)
        self.client.on_subscribe = lambda *said: subscribed.append(said)
        self.client.on_message = self._hear
        self.client.connect(HOST, port, keepalive=30)
        self.client.loop_start()
        wait_until(self.client.is_connected, what="the device is connected")
        self.client.subscribe(command_topic(code), 1)
        wait_until(lambda: subscribed, what="the device is subscribed")

    def say(self, command_id: str, result: str = "done") -> None:
        """Answer a command."""
        payload = json.dumps({"id": command_id, "result": result})
        self.client.publish(topic_of(self._code, Kind.answers), payload, 1).wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _hear(self, _: object, __: object, message: mqtt.MQTTMessage) -> None:
        self.told.append(message)
        command_id = json.loads(message.payload)["id"]
        if command_id not in self.done:
            self.done.append(command_id)
        if not self._silent:
            payload = json.dumps({"id": command_id, "result": "done"})
            self.client.publish(topic_of(self._code, Kind.answers), payload, 1)
