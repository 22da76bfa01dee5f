"""A face gate as its firmware behaves: what nobody confirmed comes again. MQTT 3.1.1, QoS 0."""

import json
import threading
from types import TracebackType
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from anju.embedded.ports import HOST
from tests.waiting import wait_until


class FaceGate:
    """Keeps its records until they are confirmed, and sends those that are not every `again_s`.

    A real one waits for ten seconds.
    """

    def __init__(self, port: int, number: str, *, prefix: str = "", again_s: float = 0.2) -> None:
        self.number = number
        self.open: dict[int, bytes] = {}
        #: How often each record was sent.
        self.sent: dict[int, int] = {}
        #: What the server said, in order.
        self.heard: list[dict[str, Any]] = []
        self._topic = f"{prefix}mqtt/face/{number}"
        self._again_s = again_s
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.on_message = self._on_message
        self._client.connect(HOST, port)
        self._client.subscribe(self._topic)
        self._client.loop_start()
        wait_until(self._client.is_connected, what="the gate is connected")
        self._sender = threading.Thread(target=self._send_again, name=f"gate {number}")
        self._sender.start()

    def __enter__(self) -> "FaceGate":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._sender.join(5)
        self._client.disconnect()
        self._client.loop_stop()

    def record(self, number: int, **info: object) -> None:
        """Somebody stood before it."""
        said: dict[str, object] = {
            "facesluiceId": self.number,
            "customId": "p-17",
            "RecordID": str(number),
            "VerifyStatus": "1",
            "similarity1": "94.000000",
            "time": "2026-11-24 16:13:33",
            "personName": "王小明",
            "idCard": "110101199001011234",
            "pic": "data:image/jpeg;base64," + "A" * 200,
        }
        with self._lock:
            self.open[number] = json.dumps({"operator": "RecPush", "info": said | info}).encode()
            self._send(number)

    def say(self, last: str, message: dict[str, Any]) -> None:
        """Send anything else, once, on a topic that ends so."""
        topic = f"{self._topic}/{last}" if last in {"Rec", "Snap", "Ack"} else self._shared(last)
        self._client.publish(topic, json.dumps(message)).wait_for_publish(5)

    def _shared(self, last: str) -> str:
        return self._topic.rpartition("/")[0] + f"/{last}"

    def _send(self, number: int) -> None:
        self.sent[number] = self.sent.get(number, 0) + 1
        self._client.publish(f"{self._topic}/Rec", self.open[number])

    def _send_again(self) -> None:
        while not self._stop.wait(self._again_s):
            with self._lock:
                for number in self.open:
                    self._send(number)

    def _on_message(self, _client: mqtt.Client, _given: object, message: mqtt.MQTTMessage) -> None:
        said = json.loads(message.payload)
        with self._lock:
            self.heard.append(said)
            if said["operator"] == "PushAck":
                self.open.pop(said["info"]["SnapOrRecordID"], None)
