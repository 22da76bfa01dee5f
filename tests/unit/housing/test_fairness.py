import pytest
from hypothesis import given
from hypothesis import strategies as st

from housing.fairness import wilson


def test_the_interval_is_that_of_the_textbook() -> None:
    assert wilson(8, 40) == pytest.approx((0.1050, 0.3476), abs=2e-4)  # scipy's proportion_ci("wilson")


@given(st.integers(0, 500), st.integers(0, 500))
def test_it_holds_the_share(hits: int, more: int) -> None:
    of = hits + more
    low, high = wilson(hits, of)
    assert 0 <= low <= (hits / of if of else 0) + 1e-12
    assert (hits / of if of else 1) - 1e-12 <= high <= 1
