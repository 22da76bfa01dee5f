from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.arrival import Arrivals, Spread

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000


def stamps(clock: list[datetime], *, sizes: int = 0) -> list[int]:
    arrivals = Arrivals(iter(clock).__next__)
    found: list[int] = []
    for _ in clock:
        arrivals.look()
        found.append(arrivals.stamp(sizes))
    return found


def test_a_stamp_is_the_clock_s_millisecond() -> None:
    assert stamps([NOW + timedelta(microseconds=1999)]) == [NOW_US + 1000]


def test_two_messages_of_one_millisecond_do_not_overwrite_each_other() -> None:
    assert stamps([NOW] * 3) == [NOW_US, NOW_US + 1, NOW_US + 2]
    assert stamps([NOW, NOW + timedelta(milliseconds=1)]) == [NOW_US, NOW_US + 1000]


def test_the_values_of_one_message_do_not_overwrite_the_next_one_s() -> None:
    """Three frames of the shortest kind in one payload, and the next message at once."""
    first, second = stamps([NOW] * 2, sizes=3 * 16)
    spread = Spread(first)
    assert [spread.next_us(1, 2) for _ in range(3)] == [first, first + 1, first + 2]
    assert first + 2 < second


def test_other_devices_and_channels_keep_the_time_of_arrival() -> None:
    spread = Spread(NOW_US)
    assert {spread.next_us(device, what) for device in (1, 2) for what in (1, 2, "1", "2")} == {NOW_US}


def test_a_clock_that_was_set_back_is_believed() -> None:
    assert stamps([NOW, NOW - timedelta(hours=1)]) == [NOW_US, NOW_US - 3_600_000_000]
    assert stamps([NOW, NOW - timedelta(seconds=1)]) == [NOW_US, NOW_US + 1]


@given(st.lists(st.tuples(st.integers(-50_000, 50_000), st.integers(0, 4_000_000)), max_size=50))
def test_no_two_stamps_are_the_same_and_each_leaves_room(steps: list[tuple[int, int]]) -> None:
    clock = NOW
    arrivals = Arrivals(lambda: clock)
    last, room = 0, 0
    for step_us, size in steps:
        clock += timedelta(microseconds=step_us)
        arrivals.look()
        found = arrivals.stamp(size)
        assert found > last + room
        last, room = found, min(size // 8, 2_000)
