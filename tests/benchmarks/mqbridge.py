"""mq-bridge as a peer: a route from MQTT to PostgreSQL, in Rust, confirmed after the COPY.

It has no journal, knows no duplicates and validates nothing; the topic cannot be stored. Batches of 1,000
with four of them under way were the fastest of nine settings tried; with one it is ten times slower.
"""

import json
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.errors import Unavailable

NAME = "mq-bridge 1.2.0"
TABLE = "CREATE TABLE peer (seq bigint, at text, v float8)"
_PINS = Path(__file__).parents[2] / "requirements" / "peers.txt"
_INSTALL_WITHIN_S = 600
_ROUTE = """\
import json, signal, sys, threading
from mq_bridge import Route
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
with Route.from_config(json.loads(sys.argv[1]), "ingest"):
    stop.wait()
"""


def prepare(folder: Path) -> None:
    """Install it into a folder.

    Raises
    ------
    Unavailable
        No registry, or no wheel for this machine.
    """
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*pip, "--only-binary", ":all:", "--require-hashes", "-r", _PINS],
            check=True,
            capture_output=True,
            text=True,
            timeout=_INSTALL_WITHIN_S,
        )
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"pip cannot install it: {error.stderr.strip().splitlines()[-1:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"pip did not install it within {_INSTALL_WITHIN_S} s") from error


@contextmanager
def running(
    folder: Path, *, dsn: str, port: int, client_id: str, log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """The process; whether it is subscribed must be asked with a message."""
    mqtt = {
        "url": f"tcp://127.0.0.1:{port}",
        "topic": "hm/#",
        "qos": 1,
        "client_id": client_id,
        "queue_capacity": 10_000,
        "max_inflight": 4000,
        "session_expiry_interval": 3600,
    }
    mapping = {"seq": "$.seq", "at": "$.at", "v": "$.readings[0].v"}
    sqlx = {
        "url": dsn.replace("postgresql:", "postgres:"),
        "table": "peer",
        "insert_query": "INSERT INTO peer (seq, at, v) VALUES (${payload:seq}, ${payload:at}, ${payload:v})",
        "bulk_copy": True,
        "max_connections": 8,
    }
    route = {
        "input": {"mqtt": mqtt},
        "output": {"middlewares": [{"transform": {"mapping": mapping, "coerce": False}}], "sqlx": sqlx},
        "batch_size": 1000,
        "concurrency": 4,
        "commit_concurrency_limit": 4,
    }
    command = [folder / "bin" / "python", "-c", _ROUTE, json.dumps({"routes": {"ingest": route}})]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)
