"""A real mosquitto as `anju broker config` sets it up, and clients that try their luck with it."""

import json
import os
import random
import signal
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from typer.testing import CliRunner

from anju import cli
from anju.embedded.ports import HOST, free_port, is_free
from devices import credentials
from storage.pool import connect
from tests.brokers import run_mosquitto
from tests.conftest import tool
from tests.waiting import wait_until

#: What a client is told that may not.
REFUSED = "Not authorized"


def version() -> tuple[int, ...]:
    """Of the installed mosquitto, e.g. (2, 0, 11)."""
    said = subprocess.run(
        [tool("mosquitto", also="/usr/sbin"), "-h"], check=False, capture_output=True, text=True
    ).stdout
    return tuple(int(part) for part in said.split()[2].split("."))


def free_range(size: int) -> int:
    """The port before as many free ones in a row: those that a kernel gives to connections are left out."""
    while True:
        before = random.randrange(10_000, 30_000)
        if all(is_free(port) for port in range(before, before + size)):
            return before


@dataclass(kw_only=True)
class Guarded:
    """A broker's folder, the broker, and what the command said last."""

    folder: Path
    dsn: str
    #: More of the command's options.
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    inner: int = field(default_factory=free_port)
    mounts_from: int = field(default_factory=lambda: free_range(64))
    said: dict[str, Any] = field(default_factory=dict)
    warned: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    #: Of the devices' port.
    tls: ssl.SSLContext | None = None

    def configure(self, *more: str) -> dict[str, Any]:
        """Run the command."""
        safe = ("--host", HOST) if self.tls is not None else ("--host", HOST, "--plain")
        given = [
            *("broker", "config", "--json", "--out", str(self.folder), "--data", str(self.folder), *safe),
            *("--port", str(self.port), "--inner-port", str(self.inner)),
            *("--mounts-from", str(self.mounts_from), "--log", f"file {self.folder}/log"),
            *(("--account", "root") if os.geteuid() == 0 else ()),
            *self.options,
            *more,
        ]
        found = CliRunner().invoke(
            cli.app, given, env={"ANJU_DATABASE_URL": self.dsn}, catch_exceptions=False
        )
        assert found.exit_code == 0, found.output
        self.said = json.loads(found.stdout)
        self.warned = found.stderr
        return self.said

    def start(self) -> None:
        tool("mosquitto", also="/usr/sbin")
        self.process = run_mosquitto(self.folder / "mosquitto.conf", self.inner)

    def reload(self) -> None:
        """Have the broker read its files again, and wait until it has."""
        assert self.process is not None
        reloads = self._log().count("Reloading config")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self._log().count("Reloading config") > reloads, what="mosquitto has reloaded")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def url(self) -> str:
        """ANJU_MQTT_URL, as the command tells it."""
        return Path(self.said["environment"]["ANJU_MQTT_URL_FILE"]).read_text().strip()

    def secret(self, service: str) -> str:
        return (self.folder / "secrets" / f"{service}.password").read_text().strip()

    def issue(self, code: str) -> str:
        """A password for a device."""
        with connect(self.dsn, name="test") as connection:
            return credentials.issue(
                connection, code=code, kind="password", by="system:test", now=datetime.now(UTC)
            )

    def _log(self) -> str:
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""


class Client:
    """A client that says what the broker answered. `refused` is why it was not let in."""

    def __init__(
        self,
        port: int,
        *,
        user: str | None = None,
        password: str = "",
        client_id: str = "",
        tls: ssl.SSLContext | None = None,
        old: bool = False,
        session: bool = False,
    ) -> None:
        self.inbox: list[tuple[str, bytes]] = []
        self.refused: str | None = None
        self.ended: list[str] = []
        self._answered: dict[int, str] = {}
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or user or "anonymous",
            protocol=mqtt.MQTTv311 if old else mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        if user is not None:
            client.username_pw_set(user, password)
        if tls is not None:
            client.tls_set_context(tls)
        connacks: list[str] = []
        client.on_connect = lambda *said: connacks.append(str(said[3]))
        client.on_disconnect = lambda *said: self.ended.append(str(said[3]))
        client.on_message = lambda _, __, m: self.inbox.append((m.topic, bytes(m.payload)))
        client.on_publish = lambda _, __, mid, reason, ___: self._answered.update({mid: str(reason)})
        client.on_subscribe = lambda _, __, mid, reasons, ___: self._answered.update({mid: str(reasons[0])})
        self.client = client
        properties = None
        if session:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 600
        try:
            client.connect(HOST, port, properties=properties)
        except (ssl.SSLError, ConnectionError) as error:
            self.refused = f"{type(error).__name__}: {error}"
            return
        client.loop_start()
        wait_until(lambda: connacks or self.ended, what="the broker has answered")
        if not connacks or connacks[0] != "Success":
            self.refused = connacks[0] if connacks else "connection ended"

    def publish(self, topic: str, payload: bytes | str = b"x") -> str:
        """Publish; what the broker said."""
        info = self.client.publish(topic, payload, 1)
        wait_until(lambda: info.mid in self._answered or self.ended, what="the broker has answered")
        return self._answered.get(info.mid, "connection ended")

    def subscribe(self, topic: str) -> str:
        _, mid = self.client.subscribe(topic, 1)
        assert mid is not None
        wait_until(lambda: mid in self._answered, what="the broker has answered")
        return self._answered[mid]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


Connect = Callable[..., Client]


def heard(listener: Client, *topics: str) -> None:
    """Exactly these have come, and nothing else before them."""
    wait_until(lambda: len(listener.inbox) >= len(topics), what=f"{topics} have come")
    assert [topic for topic, _ in listener.inbox] == list(topics)
