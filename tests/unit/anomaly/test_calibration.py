"""What visits teach: few of them little, many of them much, and the order of homes stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from anomaly.calibration import expected_error, fit


def verdicts(count: int, *, intercept: float, slope: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    score = rng.uniform(0.05, 0.95, count)
    return score, rng.random(count) < expit(intercept + slope * logit(score))


def test_many_verdicts_are_followed() -> None:
    curve = fit(*verdicts(5000, intercept=-1.2, slope=0.6), weight=40)
    assert curve.intercept == pytest.approx(-1.2, abs=0.15)
    assert curve.slope == pytest.approx(0.6, abs=0.1)


def test_few_verdicts_move_little() -> None:
    score = np.full(10, 0.5)
    curve = fit(score, np.zeros(10, np.bool_), weight=40)
    assert 0.25 < curve(0.5) < 0.5


def test_the_error_falls() -> None:
    score, confirmed = verdicts(2000, intercept=-1.2, slope=0.6)
    curve = fit(score, confirmed, weight=40)
    moved = np.array([curve(one) for one in score])
    assert expected_error(moved, confirmed) < 0.04 < 0.15 < expected_error(score, confirmed)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_whatever_was_found_the_order_of_homes_stays(
    seen: list[tuple[float, bool]], one: float, other: float
) -> None:
    curve = fit(np.array([row[0] for row in seen]), np.array([row[1] for row in seen]), weight=40)
    low, high = sorted((one, other))
    assert 0 <= curve(low) <= curve(high) <= 1
