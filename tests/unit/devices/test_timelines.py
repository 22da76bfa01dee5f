from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devices.installations import Installation
from devices.timelines import FAR, cut, differences, ends, in_force, put

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 12


def day(n: int) -> datetime:
    return START + timedelta(days=n)


def row(unit_id: int, first: int, last: int | None, multiplier: float = 1.0) -> Installation:
    return Installation(
        device_id=1,
        channel=1,
        unit_id=unit_id,
        valid_from=day(first),
        valid_to=None if last is None else day(last),
        multiplier=multiplier,
    )


def serves(timeline: list[Installation]) -> list[tuple[int | None, float] | None]:
    """Home and multiplier of each day."""
    found = [in_force(timeline, day(n)) for n in range(DAYS)]
    return [None if one is None else (one.unit_id, one.multiplier) for one in found]


@st.composite
def pieces(draw: st.DrawFn) -> Installation:
    first = draw(st.integers(0, DAYS - 2))
    last = draw(st.none() | st.integers(first + 1, DAYS - 1))
    return row(draw(st.integers(1, 3)), first, last, draw(st.sampled_from([1.0, 40.0])))


@st.composite
def timelines(draw: st.DrawFn) -> list[Installation]:
    found: list[Installation] = []
    for piece in draw(st.lists(pieces(), max_size=4)):
        found = put(found, piece)
    return found


@given(timelines(), pieces())
def test_a_piece_says_what_holds_in_its_period_and_nothing_else(
    timeline: list[Installation], piece: Installation
) -> None:
    before, after = serves(timeline), serves(put(timeline, piece))
    for n in range(DAYS):
        inside = piece.valid_from <= day(n) < ends(piece)
        assert after[n] == ((piece.unit_id, piece.multiplier) if inside else before[n])


@given(timelines())
def test_a_timeline_is_in_order_and_without_overlap(timeline: list[Installation]) -> None:
    for one, other in pairwise(timeline):
        assert ends(one) <= other.valid_from
    assert all(one.valid_from < ends(one) for one in timeline)


@given(timelines(), pieces())
def test_what_is_cut_out_is_free(timeline: list[Installation], piece: Installation) -> None:
    left = cut(timeline, piece.valid_from, piece.valid_to)
    before, after = serves(timeline), serves(left)
    for n in range(DAYS):
        inside = piece.valid_from <= day(n) < ends(piece)
        assert after[n] == (None if inside else before[n])


@given(timelines(), timelines())
def test_differences_are_the_days_on_which_beliefs_differ(
    before: list[Installation], after: list[Installation]
) -> None:
    expected: set[tuple[int, int]] = set()
    for n, (was, now) in enumerate(zip(serves(before), serves(after), strict=True)):
        if was != now:
            expected |= {(one[0], n) for one in (was, now) if one is not None and one[0] is not None}
    found = {
        (one.unit_id, n)
        for one in differences(before, after)
        for n in range(DAYS)
        if one.valid_from <= day(n) < (one.valid_to or FAR)
    }
    assert found == expected


def test_a_piece_that_says_what_its_neighbours_say_becomes_one_with_them() -> None:
    split = put([row(1, 0, None)], row(2, 4, 6))
    assert split == [row(1, 0, 4), row(2, 4, 6), row(1, 6, None)]
    assert put(split, row(1, 4, 6)) == [row(1, 0, None)]
