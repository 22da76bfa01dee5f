"""Keep child processes at work, in one thread: start, restart with back-off, stop in order."""

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from anju.embedded.errors import EmbeddedError
from anju.embedded.tether import tied
from anju.errors import ChildFailed
from anju.readiness import VARIABLE as READY

_log = logging.getLogger(__name__)

_STOPPED_BY = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
#: Pause before a restart; it doubles with each failure up to the longest, and starts over after calm.
_PAUSE_S, _LONGEST_PAUSE_S, _CALM_S = 0.25, 10.0, 30.0
#: A child that never came up is given up after so many ends.
_CHANCES = 3


@dataclass(kw_only=True)
class Child:
    """One process that shall run."""

    name: str
    #: Starts it and returns it, with the pipe on which it will say that it is ready; None: it is.
    start: Callable[[], tuple["subprocess.Popen[bytes]", int | None]]
    #: Where it says why it failed; None: to our own output.
    log: Path | None
    stop_by: signal.Signals = signal.SIGTERM
    #: Seconds between that signal and SIGKILL.
    grace_s: float = 30.0
    #: False: it ends by itself, well or not, and stays ended.
    lasting: bool = True
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    ready: bool = field(default=False, init=False)
    came_up: bool = field(default=False, init=False)
    failures: int = field(default=0, init=False)
    #: On the monotonic clock.
    started_at: float = field(default=0.0, init=False)
    due_at: float | None = field(default=0.0, init=False)

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process is not None else None

    @property
    def ended(self) -> bool:
        """True when it neither runs nor will be started again."""
        return self.process is None and self.due_at is None


def python_child(
    command: Sequence[str], *, log: Path | None, environment: dict[str, str]
) -> Callable[[], tuple["subprocess.Popen[bytes]", int]]:
    """The `start` of a command of `anju` that announces when it is ready."""

    def start() -> tuple["subprocess.Popen[bytes]", int]:
        hear, say = os.pipe()
        with log.open("ab") if log else contextlib.nullcontext() as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**environment, READY: str(say)},
                pass_fds=(say,),
                start_new_session=True,  # Ctrl-C of the terminal is ours to pass on, in order
                preexec_fn=tied(signal.SIGTERM),  # noqa: PLW1509 - calls prctl only
            )
        os.close(say)
        return process, hear

    return start


class Supervisor:
    """Children in the order in which they are started; leaving the block stops them in the opposite one.

    Inside the block SIGTERM, Ctrl-C and a closed terminal ask for that.
    """

    def __init__(self, *, on_change: Callable[[], None] = lambda: None) -> None:
        self.children: list[Child] = []
        #: A stop was asked for.
        self.stopping = False
        self._on_change = on_change
        self._selector = selectors.DefaultSelector()
        self._hear, self._say = os.pipe()
        os.set_blocking(self._hear, False)
        os.set_blocking(self._say, False)
        self._selector.register(self._hear, selectors.EVENT_READ)
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Supervisor":
        signal.set_wakeup_fd(self._say, warn_on_full_buffer=False)
        for number in _STOPPED_BY:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                self._handlers[number] = signal.signal(number, self._stop_was_asked)
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        os.close(self._say)
        self._selector.close()

    def add(self, child: Child) -> None:
        """Have a child started from now on."""
        self.children.append(child)

    def run(self, until: Callable[[], bool]) -> None:
        """Keep the children at work until `until` holds or a stop is asked for.

        Raises
        ------
        ChildFailed
            One did not come up.
        """
        while not self.stopping:
            for child in self.children:
                self._reap(child)
                if child.process is None and child.due_at is not None and child.due_at <= time.monotonic():
                    self._start(child)
            if self.stopping or until():
                return
            self._wait()

    def all_ready(self) -> bool:
        """True when every lasting child said so, and every other one ended."""
        return all(child.ready if child.lasting else child.ended for child in self.children)

    def _stop(self) -> None:
        self.stopping = True
        for child in reversed(self.children):
            if child.process is None:
                continue
            if child.process.poll() is None:
                child.process.send_signal(child.stop_by)
            try:
                child.process.wait(child.grace_s)
            except subprocess.TimeoutExpired:
                _log.warning(
                    "%s did not stop within %.0f s and was killed", child.name, child.grace_s,
                    extra={"action": "child_killed", "child": child.name},
                )  # fmt: skip
                child.process.kill()
                child.process.wait()
            child.process = None

    def _start(self, child: Child) -> None:
        child.due_at = None
        child.started_at = time.monotonic()
        try:
            process, pipe = child.start()
        except (EmbeddedError, OSError) as error:  # a full disk, too: it will not be for ever
            if not child.came_up:
                raise
            self._failed(child, str(error))
            return
        child.process = process
        if pipe is None:
            self._is_ready(child)
        else:
            self._selector.register(pipe, selectors.EVENT_READ, (child, process))
        self._on_change()

    def _reap(self, child: Child) -> None:
        if child.process is None or (code := child.process.poll()) is None:
            return
        child.process, child.ready = None, False
        if child.lasting:
            if time.monotonic() - child.started_at > _CALM_S:
                child.failures = 0
            self._failed(child, f"ended with {code}")
        elif code:
            raise ChildFailed(f"{child.name} ended with {code}{_last_words(child.log)}")
        self._on_change()

    def _failed(self, child: Child, what: str) -> None:
        child.failures += 1
        if not child.came_up and child.failures >= _CHANCES:
            raise ChildFailed(f"{child.name} does not come up{_last_words(child.log)}")
        pause = min(_LONGEST_PAUSE_S, _PAUSE_S * 2 ** (child.failures - 1))
        child.due_at = time.monotonic() + pause
        _log.warning(
            "%s %s; it is started again in %.2f s", child.name, what, pause,
            extra={"action": "child_ended", "child": child.name, "failures": child.failures},
        )  # fmt: skip

    def _is_ready(self, child: Child) -> None:
        child.ready = child.came_up = True
        _log.info("%s is ready", child.name, extra={"action": "child_ready", "child": child.name})

    def _wait(self) -> None:
        dues = [child.due_at for child in self.children if child.process is None and child.due_at is not None]
        pause = max(0.0, min(dues) - time.monotonic()) if dues else 1.0
        for key, _ in self._selector.select(pause):
            if key.fd == self._hear:
                os.read(self._hear, 4096)
                continue
            child, process = key.data
            said = os.read(key.fd, 1)
            self._selector.unregister(key.fd)
            os.close(key.fd)
            if said and child.process is process:
                self._is_ready(child)
                self._on_change()

    def _stop_was_asked(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True


def _last_words(log: Path | None) -> str:
    """The last line of a log that says something, and where it stands."""
    if log is None:
        return ""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f": {lines[-1] if lines else 'it said nothing'} ({log})"
