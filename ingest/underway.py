"""Batches on their way into the database: several at once, acknowledged in the order in which they came."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from devices.decoders.reports import Answer
from ingest.message import Message


class Stage(Enum):
    """How far a batch is."""

    #: Not begun, or it has failed.
    waiting = auto()
    running = auto()
    #: Committed; acknowledged once all before it are.
    stored = auto()


@dataclass(kw_only=True, eq=False)
class Batch:
    """Messages that are stored together."""

    messages: list[Message]
    stage: Stage = Stage.waiting
    #: Why it waits again.
    error: BaseException | None = None
    answers: list[Answer] = field(default_factory=list)
    #: What it took of its senders' rates, to be given back before it is tried again.
    taken: Mapping[int, int] = field(default_factory=dict[int, int])
    #: Done when its turn has come.
    then: Callable[[], None] | None = None


class UnderWay:
    """The batches that are not acknowledged yet, in arrival order.

    Parameters
    ----------
    acknowledge : Callable[[Batch], None]
        Called for each stored batch when all before it are stored, one at a time, on any thread.
    """

    def __init__(self, acknowledge: Callable[[Batch], None]) -> None:
        self._acknowledge = acknowledge
        self._batches: deque[Batch] = deque()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """How many are not acknowledged."""
        return len(self._batches)

    def add(self, messages: list[Message]) -> Batch:
        """Append a batch."""
        batch = Batch(messages=messages)
        with self._changed:
            self._batches.append(batch)
        return batch

    def waiting(self) -> Batch | None:
        """The first that has not begun, or has failed."""
        with self._changed:
            return next((batch for batch in self._batches if batch.stage is Stage.waiting), None)

    def is_last(self, batch: Batch) -> bool:
        """Whether no other came after it."""
        with self._changed:
            return bool(self._batches) and self._batches[-1] is batch

    def begin(self, batch: Batch) -> None:
        """A batch runs."""
        with self._changed:
            batch.stage = Stage.running

    def stored(self, batch: Batch, answers: list[Answer], then: Callable[[], None] | None = None) -> None:
        """A batch is committed: acknowledge it, and those behind it that have waited for it."""
        with self._changed:
            batch.stage, batch.answers, batch.then = Stage.stored, answers, then
            while self._batches and self._batches[0].stage is Stage.stored:
                first = self._batches.popleft()
                if first.then is not None:
                    first.then()
                self._acknowledge(first)
            self._changed.notify_all()

    def failed(self, batch: Batch, error: BaseException) -> None:
        """A batch is not stored, and waits again."""
        with self._changed:
            batch.stage, batch.error = Stage.waiting, error
            self._changed.notify_all()

    def forget(self) -> None:
        """Forget why batches have failed: what they failed over is no more."""
        with self._changed:
            for batch in self._batches:
                batch.error = None

    def rest(self) -> None:
        """Wait until nothing runs."""
        with self._changed:
            self._changed.wait_for(lambda: all(batch.stage is not Stage.running for batch in self._batches))
