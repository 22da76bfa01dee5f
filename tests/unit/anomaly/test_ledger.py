import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.ledger import Ledger
from tests.unit.anomaly.homes import POLICY, Home, lived_in, window


def fields(ledger: Ledger) -> dict[str, np.ndarray]:
    return {name: value for name, value in vars(ledger).items() if isinstance(value, np.ndarray)}


def assert_equal(one: Ledger, other: Ledger) -> None:
    for name, values in fields(one).items():
        np.testing.assert_array_equal(values, fields(other)[name], err_msg=name)


def late(home: Home, *, seed: int) -> Home:
    """The same home with hours that come days later, a few together."""
    rng = np.random.default_rng(seed)
    delay = np.where(rng.random(home.days) < 0.2, rng.integers(0, 200, home.days), 1)
    return dataclasses.replace(home, delay_h=np.repeat(delay, 24))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 40 * 24), min_size=1, max_size=8))
def test_moving_forward_step_by_step_is_as_good_as_starting_anew(seed: int, cuts: list[int]) -> None:
    homes = [late(lived_in(40, seed=seed, lock=True), seed=seed).without(9, 12, "kwh"), lived_in(40, seed=3)]
    made = window(homes)
    stepped, afresh = Ledger(made, POLICY.signs), Ledger(made, POLICY.signs)
    for cut in sorted(cuts):
        stepped.advance(cut)
    afresh.advance(max(cuts))
    assert_equal(stepped, afresh)


def test_a_day_that_comes_late_moves_all_days_that_are_compared_with_it() -> None:
    """However long standby is, and however long people must have done the same."""
    rules = dataclasses.replace(POLICY.signs, standby_days=7, energy_repeat_days=7)
    same = np.tile(lived_in(1).kwh, 40)  # nobody lives the same every day
    home = dataclasses.replace(
        lived_in(40), kwh=same, delay_h=np.where(np.arange(40 * 24) // 24 == 20, 15 * 24, 0)
    )
    made = window([home])
    stepped, afresh = Ledger(made, rules), Ledger(made, rules)
    for cut in range(0, 40 * 24 + 1, 24):
        stepped.advance(cut)
    afresh.advance(40 * 24)
    assert_equal(stepped, afresh)


def test_what_had_not_arrived_does_not_exist() -> None:
    home = lived_in(40)
    hidden = dataclasses.replace(home, delay_h=np.where(np.arange(40 * 24) // 24 == 20, 500, 0))
    with_late, without = (
        Ledger(window([hidden]), POLICY.signs),
        Ledger(window([home.without(20, 21, "kwh", "litres")]), POLICY.signs),
    )
    for ledger in (with_late, without):
        ledger.advance(30 * 24)
    assert_equal(with_late, without)
    with_late.advance(21 * 24 + 500)
    assert with_late.energy_seen_h[0, 20] == 24
    assert with_late.energy_sign[0, 20] == 1


def test_going_back_in_time_changes_nothing() -> None:
    ledger = Ledger(window([lived_in(5)]), POLICY.signs)
    ledger.advance(96)
    ledger.advance(24)
    assert ledger.cut == 96
    assert ledger.energy_seen_h[0].tolist() == [24, 24, 24, 24, 0]
