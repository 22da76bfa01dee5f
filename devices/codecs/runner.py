"""Children that run scripts, each kept for message after message and killed when one takes too long.

Each device has one child at most at a time, and there are several: a message that hangs costs itself its
time, and no other device waits for it.
"""

import json
import os
import selectors
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from devices.decoders.reports import Value
from devices.errors import RunnerBroken

_CHILD = Path(__file__).with_name("child.py")
#: To import its engine and give everything up, on a busy machine.
_START_S = 20.0
#: So many children that never got ready, one after the other, are no accident.
_FAILED_STARTS = 5
#: A child is replaced after so many messages: whatever leaks in it ends there.
_MESSAGES = 5_000
#: Larger than what `child.OUTPUT_BYTES` becomes when it is quoted.
_REPLY_BYTES = 2 * 1024 * 1024
#: The engine's own limit comes a little earlier than ours: a child that it stops need not be killed.
_OWN_SHARE = 0.8
_READ_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class Job:
    """One message for one script."""

    #: What comes back with the outcome.
    id: int
    #: One at a time of each.
    device_id: int
    script: str
    data: bytes
    port: int
    received_us: int
    variables: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a job: JSON text, or why there is none."""

    job: Job
    data: str | None = None
    error: str = ""


class Runner:
    """Some children, and what they have at hand.

    Parameters
    ----------
    children : int
        So many devices can hang before others have to wait, for `limit_s` at most.
    """

    def __init__(self, *, children: int = 3) -> None:
        self._children = [_Child() for _ in range(children)]
        self._selector = selectors.DefaultSelector()
        self._failed_starts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the children."""
        for child in self._children:
            child.end()
        self._selector.close()

    @property
    def gave_up(self) -> Mapping[str, bool]:
        """What the kernel let a child give up: network, user, privileges; empty: none is ready yet."""
        return next((child.gave_up for child in self._children if child.gave_up), {})

    def run(self, jobs: Iterable[Job], *, limit_s: float) -> Iterator[Outcome]:
        """Run jobs, each for `limit_s` at most; outcomes come as they are there, in no order.

        Raises
        ------
        RunnerBroken
            No child can be started.
        """
        for child in self._children:
            if child.job is not None:
                self._end(child)  # of a run that nobody followed to its end
        waiting = deque(jobs)
        while waiting or any(child.job for child in self._children):
            self._hand_out(waiting, limit_s)
            yield from self._collect()

    def _hand_out(self, waiting: deque[Job], limit_s: float) -> None:
        """Give each idle child the first job of a device that has none at hand."""
        for child in self._children:
            if child.process is None:
                self._start(child)
            busy = {one.job.device_id for one in self._children if one.job is not None}
            if child.job is not None or not child.ready:
                continue
            at = next((n for n, job in enumerate(waiting) if job.device_id not in busy), None)
            if at is None:
                return
            child.begin(waiting[at], limit_s)
            del waiting[at]
            self._watch(child)

    def _collect(self) -> Iterator[Outcome]:
        """Wait for the next thing that happens."""
        deadlines = [child.deadline_s for child in self._children if child.process is not None]
        soonest = min((at for at in deadlines if at is not None), default=time.monotonic())
        for key, events in self._selector.select(max(0.0, soonest - time.monotonic())):
            child: _Child = key.data
            if child.process is None:
                continue  # it died while its job was being sent: one pipe said so before the other
            if events & selectors.EVENT_WRITE:
                child.write()
                self._watch(child)
                continue
            reply = child.read()
            if reply is None:
                continue
            job = child.job
            if "ready" in reply:
                self._failed_starts = 0
                child.be_ready(reply["ready"])
            elif job is not None and "died" not in reply:
                child.finish()
                yield Outcome(job=job, data=reply.get("data"), error=reply.get("error", ""))
                if child.messages >= _MESSAGES:
                    self._end(child)
            else:
                self._end(child)
                if job is not None:
                    yield Outcome(job=job, error="the process died: out of memory, or worse")
        now_s = time.monotonic()
        for child in self._children:
            if child.deadline_s is not None and now_s >= child.deadline_s:
                job = child.job
                self._end(child)
                if job is not None:
                    yield Outcome(job=job, error="took too long")

    def _start(self, child: "_Child") -> None:
        child.start()
        assert child.process is not None
        assert child.process.stdout is not None
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _watch(self, child: "_Child") -> None:
        """Listen for whether more can be written to it, while there is more."""
        assert child.process is not None
        stdin = child.process.stdin
        assert stdin is not None
        if child.unsent and stdin not in self._selector.get_map():
            self._selector.register(stdin, selectors.EVENT_WRITE, child)
        elif not child.unsent and stdin in self._selector.get_map():
            self._selector.unregister(stdin)

    def _end(self, child: "_Child") -> None:
        if child.process is not None:
            if not child.ready and self._failed_starts >= _FAILED_STARTS:
                child.end()
                raise RunnerBroken
            self._failed_starts += not child.ready
            for end in (child.process.stdout, child.process.stdin):
                if end is not None and end in self._selector.get_map():
                    self._selector.unregister(end)
        child.end()


class _Child:
    """One process."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False
        self.job: Job | None = None
        self.deadline_s: float | None = None
        self.unsent = memoryview(b"")
        self.messages = 0
        #: What the kernel let it give up; empty: it never got so far.
        self.gave_up: Mapping[str, bool] = {}
        self._received = bytearray()

    def start(self) -> None:
        """Start it with nothing of ours: no environment, no file but its two pipes."""
        self.ready, self.job, self.messages, self.gave_up = False, None, 0, {}
        self.unsent = memoryview(b"")
        self._received.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        os.set_blocking(self.process.stdin.fileno(), False)
        self.deadline_s = time.monotonic() + _START_S

    def be_ready(self, gave_up: Mapping[str, bool]) -> None:
        """Note that it waits for work."""
        self.ready, self.deadline_s, self.gave_up = True, None, gave_up

    def begin(self, job: Job, limit_s: float) -> None:
        """Hand it a job."""
        request = {
            "script": job.script,
            "seconds": limit_s * _OWN_SHARE,
            "input": {
                "bytes": list(job.data),
                "fPort": job.port,
                "recvTime": job.received_us // 1000,
                "variables": dict(job.variables),
            },
        }
        body = json.dumps(request).encode()
        self.job, self.deadline_s = job, time.monotonic() + limit_s
        self.unsent = memoryview(struct.pack(">I", len(body)) + body)
        self.messages += 1

    def finish(self) -> None:
        """Note that its job is done."""
        self.job = self.deadline_s = None

    def write(self) -> None:
        """Send what it can take."""
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.unsent = self.unsent[os.write(self.process.stdin.fileno(), self.unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.unsent = memoryview(b"")  # its end is read next

    def read(self) -> dict[str, Any] | None:
        """Read what it says; None: not all of it yet."""
        assert self.process is not None
        assert self.process.stdout is not None
        part = os.read(self.process.stdout.fileno(), _READ_BYTES)
        self._received += part
        if not part:
            return {"died": ""}
        if len(self._received) < 4:
            return None
        size: int = struct.unpack(">I", self._received[:4])[0]
        if size > _REPLY_BYTES:
            return {"died": ""}
        if len(self._received) < 4 + size:
            return None
        reply: dict[str, Any] = json.loads(self._received[4 : 4 + size])
        self._received.clear()
        return reply

    def end(self) -> None:
        """Kill it, and reap it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
        self.process = self.job = self.deadline_s = None
