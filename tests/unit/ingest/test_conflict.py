"""The rule over rows under one key, against its definition over all of them at once."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from ingest.conflict import Candidate, candidate, settle
from wire.quality import Quality

candidates = st.builds(
    candidate,
    st.sampled_from([0.0, 1.0, 2.5]),
    st.integers(0, 3),
    st.sampled_from([0, Quality.CLOCK_SUSPECT, Quality.IDENTITY_UNPROVEN, Quality.IMPORTED]).map(int),
    st.sampled_from([101, 102]),
)
rows = st.lists(candidates, min_size=1, max_size=8)


def decided_at_once(found: list[Candidate]) -> Candidate:
    proven = [row for row in found if not row.unproven] or found
    return min(proven)._replace(conflict=len({row.value for row in proven}) > 1)


@given(rows, st.randoms())
def test_any_order_and_any_grouping_decide_alike(found: list[Candidate], random) -> None:
    shuffled = random.sample(found, len(found)) + random.choices(found, k=2)
    cut = random.randrange(1, len(shuffled))
    halves = [reduce(settle, part) for part in (shuffled[:cut], shuffled[cut:])]
    assert settle(*halves) == decided_at_once(found)


def test_a_proven_row_stands_before_an_unproven_one() -> None:
    proven = candidate(5.0, 1, 0, 101)
    unproven = candidate(1.0, 0, int(Quality.IDENTITY_UNPROVEN), 101)
    assert settle(unproven, proven) == proven


def test_of_two_values_the_smaller_stays_and_is_flagged() -> None:
    settled = settle(candidate(5.0, 1, 0, 101), candidate(4.0, 2, 0, 101))
    assert (settled.value, settled.quality) == (4.0, Quality.CONFLICT)


def test_the_same_value_again_changes_nothing() -> None:
    first = candidate(5.0, 1, 0, 101)
    assert settle(first, candidate(5.0, 9, 0, 101)) == first
