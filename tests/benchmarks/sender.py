"""The publisher as a process of its own, ready before the clock starts."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Sender:
    """A publisher that waits for its word."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out, self._process = process.stdin, process.stdout, process

    def go(self) -> None:
        """Start to publish."""
        self._in.write("\n")
        self._in.flush()

    def seconds(self) -> float:
        """Wait for the end; the seconds from the first byte to the last PUBACK."""
        took = float(self._out.readline())
        self._process.wait(10)
        return took


@contextmanager
def waiting(port: int, packets: Path, *, rate: float = 0.0, window: int = 1000) -> Iterator[Sender]:
    """A sender of a file that `publisher.write_packets` made."""
    command = [sys.executable, "-m", "tests.benchmarks.publisher", str(port), packets, str(window), str(rate)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise AssertionError("the publisher did not start")
    try:
        yield Sender(process)
    finally:
        process.kill()
        process.communicate()
