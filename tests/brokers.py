"""Real brokers for tests, each on free loopback ports of its own."""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anju.embedded import broker as embedded
from anju.embedded.ports import HOST, answers, free_port
from anju.embedded.tether import tied
from tests.waiting import wait_until

Kind = Literal["iotcore", "mosquitto"]

#: As the MQTT note recommends for production, open to everybody on loopback.
_MOSQUITTO = """\
per_listener_settings false
user root
persistence true
persistence_location {folder}/
autosave_interval 1
max_inflight_messages 4000
max_queued_messages 2000000
allow_anonymous true
log_dest file {folder}/mosquitto.log
listener {port} {host}
"""


@dataclass(kw_only=True)
class TestBroker:
    """A running broker of one kind."""

    __test__ = False

    kind: Kind
    #: Where it keeps its configuration and, mosquitto, its messages.
    folder: Path
    process: "subprocess.Popen[bytes]"
    #: MQTT 5, and with mosquitto 3.1.1 as well.
    port: int
    port311: int

    @property
    def url(self) -> str:
        """As in ANJU_MQTT_URL."""
        return f"mqtt://{HOST}:{self.port}"

    def stop(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        """End it; safe to repeat."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        self.process.wait(10)

    def start_again(self) -> None:
        """Start it on the same ports. Only mosquitto still knows sessions and messages."""
        again = start(self.kind, self.folder, port=self.port, port311=self.port311)
        self.process = again.process


def start(kind: Kind, folder: Path, *, port: int = 0, port311: int = 0) -> TestBroker:
    """Start a broker; 0: any free port."""
    if kind == "iotcore":
        made = embedded.start(folder, port=port, port311=port311)
        return TestBroker(
            kind=kind, folder=folder, process=made.process, port=made.port, port311=made.port311
        )
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    config = folder / "mosquitto.conf"
    config.write_text(_MOSQUITTO.format(folder=folder, host=HOST, port=port), encoding="utf-8")
    process = run_mosquitto(config, port)
    return TestBroker(kind=kind, folder=folder, process=process, port=port, port311=port)


def run_mosquitto(config: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start mosquitto with a configuration; it listens on the port, perhaps on others as well."""
    process = subprocess.Popen(
        [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=tied(signal.SIGTERM),  # noqa: PLW1509 - calls prctl only
    )
    wait_until(lambda: answers(port) or process.poll() is not None, what="mosquitto listens")
    if process.poll() is not None:
        raise AssertionError(f"mosquitto ended with {process.returncode}: {config}")
    return process
