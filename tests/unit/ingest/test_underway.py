"""Batches are acknowledged in the order in which they came, whichever is stored first."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.underway import Batch, Stage, UnderWay


def started(count: int) -> tuple[UnderWay, list[Batch], list[Batch]]:
    acknowledged: list[Batch] = []
    under_way = UnderWay(acknowledged.append)
    batches = [under_way.add([]) for _ in range(count)]
    for batch in batches:
        under_way.begin(batch)
    return under_way, batches, acknowledged


@given(st.permutations(range(5)))
def test_what_is_stored_first_waits_for_what_came_before(order: list[int]) -> None:
    under_way, batches, acknowledged = started(5)
    turns: list[int] = []
    for n, at in enumerate(order):
        under_way.stored(batches[at], [], lambda at=at: turns.append(at))
        stored = set(order[: n + 1])
        assert acknowledged == batches[: next((k for k in range(5) if k not in stored), 5)]
    assert turns == list(range(5))
    assert len(under_way) == 0


def test_one_that_failed_holds_back_what_came_after_it() -> None:
    under_way, (first, second, third), acknowledged = started(3)
    under_way.stored(second, [])
    under_way.failed(first, ValueError())
    assert under_way.waiting() is first
    assert acknowledged == []
    under_way.stored(first, [])
    assert acknowledged == [first, second]
    assert not under_way.is_last(second)
    assert under_way.is_last(third)


def test_what_batches_failed_over_can_be_forgotten() -> None:
    under_way, (batch,), _ = started(1)
    under_way.failed(batch, ValueError())
    under_way.rest()
    under_way.forget()
    assert (batch.error, batch.stage) == (None, Stage.waiting)
