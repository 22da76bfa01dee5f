"""Meters that replay their readings over MQTT as real ones do: kept until the broker confirms them."""

import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psycopg
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from devices import registry
from devices.installations import Installation, install_all
from devices.marks import mark_devices
from tests.homes import make_estate, make_units
from tests.waiting import wait_until
from wire.channels import BY_NAME
from wire.envelope import Kind, topic_of

ENERGY = BY_NAME["energy_kwh"].code


@dataclass(frozen=True, kw_only=True)
class Meters:
    """Some meters and all that they have to say."""

    #: By device code: id.
    devices: dict[str, int]
    units: list[int]
    #: Distinct readings: (device id, time, value).
    readings: set[tuple[int, datetime, float]]
    #: Topic and payload in the order of sending: shuffled a little, some of them twice.
    messages: list[tuple[str, bytes]]


def make_meters(
    connection: "psycopg.Connection[Any]", name: str, *, meters: int, hours: int, installed: bool = True
) -> Meters:
    """Register meters and make up their readings, up to the present hour.

    Each hangs at a home of its own, unless they are not to be installed: then nothing is derived of them.
    """
    units = make_units(connection, meters, code=name) if installed else []
    estate_id = make_estate(connection, code=name)
    devices = registry.register_devices(
        connection,
        [
            registry.NewDevice(code=f"{name}-{n}", profile="energy-register", estate_id=estate_id)
            for n in range(meters)
        ],
    )
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    times = [last - timedelta(hours=hour) for hour in reversed(range(hours))]
    install_all(
        connection,
        [
            Installation(
                device_id=device, channel=ENERGY, unit_id=unit, valid_from=times[0] - timedelta(days=1)
            )
            for device, unit in zip(devices.values(), units, strict=installed)
        ],
    )
    connection.commit()

    order = random.Random(name)
    readings: set[tuple[int, datetime, float]] = set()
    messages: list[tuple[float, str, bytes]] = []
    for code, device in devices.items():
        value = 1000.0
        for seq, time in enumerate(times):
            value = round(value + order.uniform(0.05, 1.5), 2)
            readings.add((device, time, value))
            payload = json.dumps(
                {"seq": seq, "at": time.isoformat(), "readings": [{"ch": "energy_kwh", "v": value}]}
            ).encode()
            for _ in range(2 if order.random() < 0.1 else 1):
                messages.append((seq + order.uniform(0, 6), topic_of(code, Kind.readings), payload))
    messages.sort()
    return Meters(
        devices=dict(devices),
        units=units,
        readings=readings,
        messages=[(topic, payload) for _, topic, payload in messages],
    )


class Replay:
    """Publishes at QoS 1; what is not confirmed is sent again."""

    def __init__(self, url: str, messages: list[tuple[str, bytes]]) -> None:
        self._messages = messages
        self._sent = 0
        self._confirmed = 0
        self._changed = threading.Condition()
        at = urlsplit(url)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.max_inflight_messages_set(100)
        self._client.on_publish = self._on_publish
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(at.hostname or "", at.port or 1883, keepalive=30)
        self._client.loop_start()

    def _on_publish(self, *_: object) -> None:
        with self._changed:
            self._confirmed += 1
            self._changed.notify_all()

    def send(self, part: float) -> None:
        """Hand over the messages up to such a part of all."""
        upto = round(part * len(self._messages))
        for topic, payload in self._messages[self._sent : upto]:
            self._client.publish(topic, payload, qos=1)
        self._sent = upto

    def wait_confirmed(self, part: float = 1.0, within_s: float = 60.0) -> None:
        """Wait until the broker has confirmed so many."""
        wanted = round(part * len(self._messages))
        with self._changed:
            done = self._changed.wait_for(lambda: self._confirmed >= wanted, within_s)
        assert done, f"only {self._confirmed} of {wanted} confirmed"

    def die(self) -> None:
        """Break off without a word, in the middle of whatever is being sent."""
        sock = self._client.socket()
        assert sock is not None
        self._client.loop_stop()
        sock.close()

    def finish(self) -> None:
        """Send the rest, wait until all is confirmed, and disconnect."""
        self.send(1.0)
        self.wait_confirmed()
        self._client.disconnect()
        self._client.loop_stop()


def stored(connection: "psycopg.Connection[Any]", meters: Meters) -> list[tuple[int, datetime, float]]:
    """What the database holds of them, every row."""
    return connection.execute(
        "SELECT device_id, time, value FROM reading WHERE device_id = ANY(%s)",
        [list(meters.devices.values())],
    ).fetchall()


def usage(connection: "psycopg.Connection[Any]", meters: Meters) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Their consumption as it stands, but for when it was computed."""
    rows = connection.execute(
        "SELECT unit_id, channel, day, quality, amount, covered_min, lag_h FROM usage"
        " WHERE unit_id = ANY(%s)",
        [meters.units],
    ).fetchall()
    return {
        row[:3]: (row[3], np.nan_to_num(np.array(row[4]), nan=-1).tolist(), row[5], row[6]) for row in rows
    }


def derive_from_scratch(connection: "psycopg.Connection[Any]", meters: Meters) -> None:
    """Throw their consumption away and ask for all of it."""
    connection.execute("DELETE FROM usage WHERE unit_id = ANY(%s)", [meters.units])
    mark_devices(connection, list(meters.devices.values()))
    connection.commit()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait long enough for a machine under load."""
    wait_until(condition, within_s=60, what=what)
