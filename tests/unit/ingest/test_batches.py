import threading
import time

from ingest.batches import Batching, Inbox
from ingest.message import Message


def arrived(count: int, batching: Batching | None = None, *, size: int = 1) -> Inbox:
    inbox = Inbox(batching or Batching())
    inbox.put(messages(count, size=size))
    return inbox


def messages(count: int, *, size: int = 1) -> list[Message]:
    return [Message(topic=str(n), payload=b"x" * size, received_us=n) for n in range(count)]


def test_nothing_comes_of_nothing() -> None:
    assert arrived(0).take(within_s=0.01) == []


def test_a_batch_is_full_at_its_size_and_keeps_the_order() -> None:
    inbox = arrived(25, Batching(size=10, wait_s=0))
    batches = [inbox.take(within_s=0) for _ in range(4)]
    assert [[m.received_us for m in batch] for batch in batches] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 25)),
        [],
    ]
    assert len(inbox) == 0


def test_a_batch_is_full_at_its_bytes() -> None:
    inbox = arrived(10, Batching(bytes=250), size=100)
    assert [len(inbox.take(within_s=0)) for _ in range(3)] == [3, 3, 3]


def test_few_messages_wait_for_more_and_a_burst_does_not() -> None:
    began = time.monotonic()
    assert len(arrived(64, Batching(wait_s=60, burst=64, quiet_s=0.001)).take(within_s=0)) == 64
    assert time.monotonic() - began < 30
    began = time.monotonic()
    assert len(arrived(63, Batching(wait_s=0.05, burst=64, quiet_s=0.001)).take(within_s=0)) == 63
    assert time.monotonic() - began >= 0.05


def test_whoever_waits_is_woken_by_the_first_message_and_by_the_last_of_a_batch() -> None:
    inbox = Inbox(Batching(size=100, burst=100, wait_s=60))
    taken: list[Message] = []
    taker = threading.Thread(target=lambda: taken.extend(inbox.take(within_s=60)))
    taker.start()
    for n in range(10):
        assert taker.is_alive(), n
        inbox.put(messages(10))
    taker.join(30)
    assert len(taken) == 100


def test_a_flood_of_large_messages_crowds_the_inbox_until_they_are_taken() -> None:
    inbox = Inbox(Batching())
    while not inbox.crowded:
        inbox.put(messages(1, size=1024 * 1024))
    assert 8 <= len(inbox) <= 9
    inbox.take(within_s=0)
    assert not inbox.crowded


def test_a_flood_of_empty_messages_crowds_it_too() -> None:
    inbox = Inbox(Batching())
    flood = messages(10_000, size=0)
    while not inbox.crowded:
        inbox.put(flood)
    assert len(inbox) < 200_000
