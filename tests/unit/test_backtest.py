"""The back-test's own sums: what is printed must be right."""

import numpy as np
import pytest

from anomaly import export
from tests.backtest import scoring
from tests.backtest.calibration import expected_error, reliability


def test_reliability_counts_each_lead_in_its_bin() -> None:
    bins = reliability(np.array([0.05, 0.15, 0.16, 0.95, 1.0]), np.array([False, True, False, True, True]))
    assert [(one.low, one.leads, round(one.said, 3), one.right) for one in bins] == [
        (0.0, 1, 0.05, 0.0),
        (0.1, 2, 0.155, 0.5),
        (0.9, 2, 0.975, 1.0),
    ]
    assert expected_error(bins) == pytest.approx((0.05 + 2 * 0.345 + 2 * 0.025) / 5)
    assert np.isnan(expected_error([]))


def test_targets_are_ordered_and_of_known_kinds() -> None:
    wanted, never = scoring.targets()
    assert {one.kind for one in wanted} >= {"leak", "vacancy", "inspection (pooled)"}
    assert set(export.KINDS) <= {one.kind for one in wanted}
    for one in wanted:
        assert (one.aim <= one.must) if one.at_most else (one.aim >= one.must), one
    assert "meter_swap" in never


def test_verdicts_turn_round_where_less_is_better() -> None:
    more = scoring.Target(kind="leak", figure="recall", reference=1, must=0.8, aim=0.9)
    less = scoring.Target(kind="leak", figure="false", reference=1, must=3, aim=1, at_most=True)
    assert [more.verdict(x) for x in (0.95, 0.85, 0.5, float("nan"))] == ["aim", "must", "missed", "none"]
    assert [less.verdict(x) for x in (0.5, 2, 4)] == ["aim", "must", "missed"]
