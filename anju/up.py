"""`anju up`: everything embedded, in the foreground."""

import contextlib
import json
import logging
import os
import sys
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from signal import SIGINT, SIGKILL
from subprocess import Popen

from anju import processes, stack
from anju.embedded import broker, postgres
from anju.embedded.ports import free_port, is_free
from anju.errors import ChildFailed
from anju.places import cluster_folder, prepare
from anju.settings import PREFIX, Settings
from anju.stack import Stack
from anju.supervisor import Child, Supervisor, python_child

_log = logging.getLogger(__name__)

_COMMANDS = ("worker", "ingest", "api")
#: After kill -9 of a stack its processes end by themselves.
_LEFT_COMMANDS_WITHIN_S, _LEFTOVERS_WITHIN_S = 3.0, 15.0
_DATABASE_GRACE_S = 300.0
_HEALTHY_WITHIN_S = 60.0
_LOG_KEPT_BYTES = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What the command line asks for; 0: any free one."""

    mqtt: int = 0
    mqtt311: int = 0
    database: int = 0


def up(settings: Settings, ports: Ports, *, demo: bool, as_json: bool) -> None:
    """Run until SIGTERM or Ctrl-C.

    Raises
    ------
    StackRunning
        Another one runs on the data directory.
    ChildFailed, EmbeddedError, PermissionError
        Something did not come up; all that did is stopped again.
    """
    data_dir = prepare(settings.data_dir)
    with stack.sole(data_dir):
        _wait_for_leftovers(data_dir)
        http_port = settings.http_port or free_port()
        if not is_free(http_port):
            raise ChildFailed(f"port {http_port} is taken: choose another with {PREFIX}HTTP_PORT")
        running = _Running(settings, data_dir, http_port)
        try:
            with running.supervisor:
                running.serve(ports, demo=demo, as_json=as_json)
        finally:
            stack.forget(data_dir)


class _Running:
    """The stack while it runs: its children and where they can be reached."""

    def __init__(self, settings: Settings, data_dir: Path, http_port: int) -> None:
        self.settings = settings
        self.data_dir = data_dir
        self.http_port = http_port
        self.supervisor = Supervisor(on_change=self._write)
        self.database: postgres.Server | None = None
        self.broker: broker.Broker | None = None
        self._asked_since: float | None = None

    @property
    def stack(self) -> Stack:
        """Addresses and process ids of this moment."""
        mqtt = self.settings.mqtt_url or (self.broker.url if self.broker else "")
        pids = {child.name: child.pid for child in self.supervisor.children}
        return Stack(
            http=f"http://{self.settings.http_host}:{self.http_port}",
            mqtt=mqtt,
            mqtt311=self.broker.url311 if self.broker else mqtt,
            dsn=self.settings.database_url or (self.database.dsn if self.database else ""),
            pids={name: pids.get(name) for name in ("ingest", "worker", "api", "postgres", "broker")},
        )

    def serve(self, ports: Ports, *, demo: bool, as_json: bool) -> None:
        """Start all in order, say that it is ready, and watch."""
        watch = self.supervisor
        if not as_json:
            print("安居 Anju is starting …", flush=True)
        if self.settings.database_url is None:
            self._add_database(ports)
        if self.settings.mqtt_url is None:
            self._add_broker(ports)
        watch.run(watch.all_ready)
        if watch.stopping:
            return
        processes.migrate(self.stack.dsn)
        for name in _COMMANDS:
            self._add_command(name)
        watch.run(watch.all_ready)
        watch.run(self._healthy)
        if demo:
            self._add_command("demo", lasting=False, show=not as_json)
            watch.run(watch.all_ready)
        if not watch.stopping:
            self._announce(as_json=as_json)
        watch.run(lambda: False)

    def _add_database(self, ports: Ports) -> None:
        folder = cluster_folder(self.data_dir)

        def start() -> tuple["Popen[bytes]", None]:
            port = self.database.port if self.database else ports.database
            self.database = postgres.start(folder, port=port)
            return self.database.process, None

        log = folder / "server.log"
        self.supervisor.add(
            Child(name="postgres", start=start, log=log, stop_by=SIGINT, grace_s=_DATABASE_GRACE_S)
        )

    def _add_broker(self, ports: Ports) -> None:
        folder = self.data_dir / "run"

        def start() -> tuple["Popen[bytes]", None]:
            port, port311 = (
                (self.broker.port, self.broker.port311) if self.broker else (ports.mqtt, ports.mqtt311)
            )
            self.broker = broker.start(folder, port=port, port311=port311)
            return self.broker.process, None

        self.supervisor.add(Child(name="broker", start=start, log=folder / "broker.log"))

    def _add_command(self, name: str, *, lasting: bool = True, show: bool = False) -> None:
        log = None if show else self.data_dir / "logs" / f"{name}.log"
        if log and log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        start = python_child(
            [sys.executable, "-P", "-m", "anju", name], log=log, environment=self._environment()
        )
        self.supervisor.add(Child(name=name, start=start, log=log, lasting=lasting))

    def _environment(self) -> dict[str, str]:
        """Ours, with the addresses of this stack instead of how we were told them."""
        at = self.stack
        mine = os.environ | {
            f"{PREFIX}DATABASE_URL": at.dsn,
            f"{PREFIX}MQTT_URL": at.mqtt,
            f"{PREFIX}HTTP_PORT": str(self.http_port),
            f"{PREFIX}DATA_DIR": str(self.data_dir),
        }
        if self.broker is not None:
            mine[f"{PREFIX}MQTT_BOUND"] = ",".join(stack.EMBEDDED_BOUND)
        for name in ("DATABASE_URL_FILE", "MQTT_URL_FILE"):
            mine.pop(PREFIX + name, None)
        return mine

    def _healthy(self) -> bool:
        """Whether the API says so; never by way of a proxy that the environment names.

        Raises
        ------
        ChildFailed
            It has not for too long.
        """
        self._asked_since = self._asked_since or time.monotonic()
        connection = HTTPConnection(self.settings.http_host, self.http_port, timeout=5)
        try:
            connection.request("GET", "/api/v1/health")
            if connection.getresponse().status == HTTPStatus.OK:
                return True
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        if time.monotonic() - self._asked_since > _HEALTHY_WITHIN_S:
            raise ChildFailed(f"the API does not say that it is healthy ({self.stack.http}/api/v1/health)")
        return False

    def _announce(self, *, as_json: bool) -> None:
        at = self.stack
        if as_json:
            print(json.dumps({"ready": True, **asdict(at.shown())}), flush=True)
        else:
            print(f"\n安居 Anju is ready: {at.http}", flush=True)
            print(f"Data and logs: {self.data_dir}. Ctrl-C stops everything.", flush=True)

    def _write(self) -> None:
        """Keep `run/stack.json` true, once there is something to reach."""
        at = self.stack
        if at.dsn and at.mqtt:
            try:
                stack.write(at, self.data_dir)
            except OSError as error:  # a full disk must not end what still runs
                _log.warning("cannot write stack.json: %s", error, extra={"action": "stack_not_written"})


def _wait_for_leftovers(data_dir: Path) -> None:
    """A stack that was killed leaves processes that are ending; ours that take too long are killed.

    They stand any end: what is not committed comes again.
    """
    left = stack.read(data_dir)
    begun = time.monotonic()
    while left and any(map(stack.alive, left.pids.values())):
        waited = time.monotonic() - begun
        if waited > _LEFTOVERS_WITHIN_S:
            return
        for name in _COMMANDS:
            pid = left.pids[name]
            if waited > _LEFT_COMMANDS_WITHIN_S and pid is not None and _runs(pid, name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, SIGKILL)
        time.sleep(0.05)


def _runs(pid: int, command: str) -> bool:
    """Whether a process is that command of ours: its id may have gone to another one."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return arguments[-4:-1] == [b"-m", b"anju", command.encode()]
