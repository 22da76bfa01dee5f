"""The bucket of messages of each sender."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.rates import Rates

SECOND = 1_000_000
DAY = 86_400 * SECOND
#: One a second, ten at once.
RULE = (SECOND, 10 * SECOND)


def _admitted(rates: Rates, times: list[int], sender: int = 1) -> int:
    rates.begin(times[0])
    return sum(rates.admits(sender, at, *RULE) for at in times)


def test_a_burst_is_granted_and_then_the_rate() -> None:
    rates = Rates()
    assert _admitted(rates, [DAY] * 30) == 10
    assert _admitted(rates, [DAY + 3 * SECOND] * 30) == 3
    assert _admitted(rates, [2 * DAY] * 30) == 10


def test_senders_do_not_share_a_bucket() -> None:
    rates = Rates()
    _admitted(rates, [DAY] * 30, sender=1)
    assert _admitted(rates, [DAY] * 30, sender=-1) == 10
    assert _admitted(rates, [DAY] * 30, sender=2) == 10


@given(st.lists(st.integers(0, 3 * SECOND), max_size=200))
def test_never_more_than_burst_and_rate_together(pauses: list[int]) -> None:
    rates, at, admitted = Rates(), DAY, 0
    for pause in pauses:
        at += pause
        admitted += rates.admits(1, at, *RULE)
    assert admitted <= 10 + (at - DAY) // SECOND + 1


@given(st.lists(st.integers(SECOND, 3 * SECOND), max_size=200))
def test_who_keeps_to_the_rate_is_never_cut(pauses: list[int]) -> None:
    rates, at = Rates(), DAY
    for pause in pauses:
        at += pause
        assert rates.admits(1, at, *RULE)


def test_a_clock_that_is_put_back_locks_nobody_out() -> None:
    rates = Rates()
    _admitted(rates, [DAY] * 30)
    assert _admitted(rates, [DAY - 3600 * SECOND] * 30) == 10


@given(st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60), st.integers(1, 5))
def test_what_is_given_back_is_as_if_it_had_never_been_taken(pauses: list[int], tries: int) -> None:
    rates, untouched, at = Rates(), Rates(), DAY
    for pause in pauses:
        at += pause
        for _ in range(tries):
            rates.begin(at)
            for _ in range(3):
                rates.admits(1, at, *RULE)
            rates.give_back(rates.taken())
        assert _admitted(rates, [at] * 4) == _admitted(untouched, [at] * 4)
