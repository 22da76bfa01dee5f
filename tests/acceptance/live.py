"""`anju up` as a process of its own, on free ports, with a data directory of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from anju import settings, stack, status
from anju.settle import settle
from tests.waiting import wait_until

START_WITHIN_S = 60.0


class LiveStack:
    """A running stack, driven by its command line alone."""

    def __init__(self, data_dir: Path, **variables: str) -> None:
        self.data_dir = data_dir
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ANJU_")},
            "ANJU_DATA_DIR": str(data_dir),
            **variables,
        }
        self.ready: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "LiveStack":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> "LiveStack":
        """Start it and wait for its line of JSON."""
        out, err = self.data_dir / "up.out", self.data_dir / "up.err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*_ANJU, "up", "--json", "--http-port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=self._environment,
            )
        process = self.process
        wait_until(
            lambda: out.read_bytes().endswith(b"\n") or process.poll() is not None,
            within_s=START_WITHIN_S,
            what="the stack is ready",
        )
        assert process.poll() is None, err.read_text()
        (line,) = out.read_text().splitlines()
        self.ready = json.loads(line)
        return self

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code. Safe to repeat."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(60)

    def anju(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command on this data directory."""
        return subprocess.run(
            [*_ANJU, *arguments], capture_output=True, text=True, check=False, env=self._environment
        )

    def pid(self, name: str) -> int:
        """The present process id of one of its processes; waits while that is being started."""

        def present() -> int | None:
            running = stack.read(self.data_dir)
            return running.pids[name] if running else None

        return wait_until(present, within_s=30, what=f"{name} runs") or 0

    def kill(self, name: str) -> int:
        """Kill -9 one of its processes; the process id that it had."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_back(self, name: str, killed: int) -> Callable[[], bool]:
        """Whether another one runs instead of the killed one."""
        return lambda: (
            (running := stack.read(self.data_dir)) is not None
            and running.pids[name]
            not in {
                None,
                killed,
            }
        )

    def settle(self, within_s: float = 60.0) -> None:
        """Wait until everything sent is stored and computed."""
        settled = settle(
            settings.load(database_url=self.ready["dsn"], mqtt_url=self.ready["mqtt"]), timeout_s=within_s
        )
        assert settled.settled, settled.in_words()

    def counters(self) -> dict[str, Any]:
        """What `anju status` counts."""
        with self.connect() as connection:
            return status.counters(connection)

    def connect(self) -> "psycopg.Connection[Any]":
        """A connection to its database."""
        return psycopg.connect(self.ready["dsn"])


_ANJU = [sys.executable, "-P", "-m", "anju"]


def gone(pids: list[int]) -> Callable[[], bool]:
    """Whether none of the processes exists any more."""
    return lambda: not any(stack.alive(pid) for pid in pids)
