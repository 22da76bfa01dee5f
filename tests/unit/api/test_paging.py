import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import paging
from api.problems import Problem

NO_NUL = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])


@given(st.text(NO_NUL), st.integers(0, 2**53 - 1))
def test_a_cursor_carries_its_key(text: str, number: int) -> None:
    assert paging.decode("units", paging.encode("units", text, number), str, int) == [text, number]


@given(st.text())
def test_nonsense_is_no_cursor(text: str) -> None:
    with pytest.raises(Problem):
        paging.decode("units", text, str, int)


@pytest.mark.parametrize(
    "cursor",
    [
        paging.encode("leads", "a", 1),  # of another list
        paging.encode("units", "a"),
        paging.encode("units", 1, "a"),
        paging.encode("units", "a", -1),
        paging.encode("units", "a", 2**53),
        paging.encode("units", "\x00", 1),
        "bnVsbA",  # null
        "WyJ1bml0cyIsImEiLHRydWVd",  # true for a number
    ],
)
def test_a_cursor_of_another_shape_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        paging.decode("units", cursor, str, int)
    assert refused.value.code == "invalid_cursor"


def test_a_page_ends_where_nothing_follows() -> None:
    assert paging.page_of([1, 2, 3], 2) == ([1, 2], True)
    assert paging.page_of([1, 2], 2) == ([1, 2], False)
    assert paging.decode("units", None, str) is None


@pytest.mark.parametrize("part", ["2026-02-30", "x", 3])
def test_a_day_in_a_cursor_is_a_day(part: str | int) -> None:
    with pytest.raises(Problem):
        paging.day_of(part)
