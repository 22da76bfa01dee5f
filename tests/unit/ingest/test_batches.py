import queue
import time

from ingest.batches import Batching, collect
from ingest.message import Message


def arrived(count: int, *, size: int = 1) -> "queue.SimpleQueue[Message]":
    held: queue.SimpleQueue[Message] = queue.SimpleQueue()
    for n in range(count):
        held.put(Message(topic=str(n), payload=b"x" * size, received_us=n))
    return held


def test_nothing_comes_of_nothing() -> None:
    assert collect(arrived(0), Batching(), within_s=0.01) == []


def test_a_batch_is_full_at_its_size_and_keeps_the_order() -> None:
    held = arrived(25)
    batches = [collect(held, Batching(size=10, wait_s=0), within_s=0) for _ in range(4)]
    assert [[m.received_us for m in batch] for batch in batches] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 25)),
        [],
    ]


def test_a_batch_is_full_at_its_bytes() -> None:
    assert len(collect(arrived(10, size=100), Batching(bytes=250), within_s=0)) == 3


def test_few_messages_wait_for_more_and_a_burst_does_not() -> None:
    began = time.monotonic()
    assert len(collect(arrived(64), Batching(wait_s=60, burst=64, quiet_s=0.001), within_s=0)) == 64
    assert time.monotonic() - began < 30
    began = time.monotonic()
    assert len(collect(arrived(63), Batching(wait_s=0.05, burst=64, quiet_s=0.001), within_s=0)) == 63
    assert time.monotonic() - began >= 0.05
