"""A published year, turned by whole weeks."""

from hypothesis import given
from hypothesis import strategies as st

from anju.demo.turn import YEAR, Turn, latest_like


@given(anchor=st.integers(0, 30_000), high=st.integers(0, 30_000))
def test_the_latest_like_day_has_the_weekday_of_the_anchor(anchor: int, high: int) -> None:
    found = latest_like(anchor, low=high - 6, high=high)
    assert found is not None
    assert (found - anchor) % 7 == 0


@given(
    first=st.integers(10_000, 12_000),
    length=st.integers(YEAR, 500),
    back=st.integers(0, 400),
    day=st.integers(-YEAR, 800),
)
def test_a_record_of_52_weeks_never_ends_and_keeps_its_weekdays(
    first: int, length: int, back: int, day: int
) -> None:
    turn = Turn(end=first + length - min(back, length), first=first, last=first + length - 1)
    found = turn.source(day)
    assert found is not None
    assert turn.first <= found <= turn.last
    assert (found - turn.end - day) % YEAR == 0


def test_a_short_record_has_days_without_anything() -> None:
    turn = Turn(end=1_100, first=1_000, last=1_050)
    assert turn.source(-60) == 1_040
    assert turn.source(-40) is None
    assert turn.source(0) is None
