"""The embedded MQTT broker (`iotcore`): loopback, demo and tests only.

It keeps nothing over a restart, knows no access rules, refuses a keep-alive of 0 and has at most 100
messages in flight a client, whatever that asks for. MQTT 5 and 3.1.1 listen on two ports.
"""

import contextlib
import logging
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from anju.embedded.errors import BrokerFailed
from anju.embedded.ports import HOST, answers, free_port, is_free
from anju.embedded.tether import tied

_READY_WITHIN_S = 20.0
_STOP_WITHIN_S = 5.0
#: A port that was free may be gone a moment later.
_ATTEMPTS = 3
#: The native format allows 256 KiB before it calls a payload too large: that must arrive to be counted.
_MAX_PAYLOAD = 2 * 1024 * 1024

_CONFIG = """\
# Written by anju at each start.
id = 0

# What one topic filter may hold in memory: 64 x 16 MiB, then the oldest goes.
[router]
id = 0
max_connections = 10000
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 64

[v5.1]
name = "mqtt5"
listen = "{host}:{port}"
next_connection_delay_ms = 1
    [v5.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {payload}
    max_inflight_count = 100

[v4.1]
name = "mqtt311"
listen = "{host}:{port311}"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {payload}
    max_inflight_count = 100
"""


@dataclass(frozen=True, kw_only=True)
class Broker:
    """A running broker."""

    #: A child of this process.
    process: "subprocess.Popen[bytes]"
    #: MQTT 5.
    port: int
    #: MQTT 3.1.1.
    port311: int

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Where MQTT 5 is spoken."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def url311(self) -> str:
        """Where MQTT 3.1.1 is spoken."""
        return f"mqtt://{HOST}:{self.port311}"

    def stop(self) -> None:
        """End it; what it holds is gone. Safe to repeat."""
        _end(self.process)


def start(folder: Path, *, port: int = 0, port311: int = 0) -> Broker:
    """Start a broker on loopback.

    Parameters
    ----------
    folder : Path
        Takes its configuration and its log.
    port, port311 : int
        Ports for MQTT 5 and 3.1.1; 0 takes any free one.

    Returns
    -------
    Broker
        It accepts connections on both ports. It ends with this process, however that ends.

    Raises
    ------
    BrokerFailed
        A port is taken, or it did not listen in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "broker.log"
    for asked in (port, port311):
        if asked and not is_free(asked):
            raise BrokerFailed(f"the broker did not start: port {asked} is taken")
    for _ in range(_ATTEMPTS):
        broker = _spawn(folder, log, port or free_port(), port311 or free_port())
        if _listening(broker):
            return broker
    raise BrokerFailed(f"the broker did not start: {log} says why")


def _spawn(folder: Path, log: Path, port: int, port311: int) -> Broker:
    config = folder / "broker.toml"
    config.write_text(
        _CONFIG.format(host=HOST, port=port, port311=port311, payload=_MAX_PAYLOAD), encoding="utf-8"
    )
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "anju.embedded.broker", config.resolve()],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=tied(signal.SIGTERM),  # noqa: PLW1509 - calls prctl only
        )
    return Broker(process=process, port=port, port311=port311)


def _listening(broker: Broker) -> bool:
    deadline = time.monotonic() + _READY_WITHIN_S
    while broker.process.poll() is None:
        if answers(broker.port) and answers(broker.port311):
            return broker.process.poll() is None
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    _end(broker.process)
    return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve(config: str) -> None:
    """Be the broker: the body of the child process."""
    from iotcore import IotCoreBroker  # noqa: PLC0415 - 14 MB that only the child needs

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # rumqttd writes its tracing spans as ERROR records, one a packet
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    broker = IotCoreBroker(config_path=config)
    try:
        broker.check_ports()
    except OSError as error:
        sys.exit(f"broker: {error}")
    with contextlib.suppress(KeyboardInterrupt):
        broker.run_forever()


if __name__ == "__main__":
    serve(sys.argv[1])
