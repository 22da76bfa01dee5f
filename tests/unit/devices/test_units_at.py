"""Which unit a device's channel served, against a plain loop."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devices.registry import FOREVER_US, Registry, Service

Pair = tuple[int, int]
Services = dict[Pair, list[Service]]

#: Few moments, so that services meet, leave gaps, and are asked for just there.
_FIRST, _LAST = -6, 30
_pairs = st.tuples(st.sampled_from([1, 2, 3, 2**31 - 1]), st.sampled_from([0, 1, 2, 2**15 - 1]))
_moments = st.integers(_FIRST - 2, _LAST + 2) | st.sampled_from([-(2**61), 2**61])


@st.composite
def _timelines(draw: st.DrawFn) -> list[Service]:
    """Services of one pair, none upon another: some end where the next begins, the last one perhaps never."""
    borders = sorted(draw(st.sets(st.integers(_FIRST, _LAST), min_size=2, max_size=12)))
    if draw(st.booleans()):
        borders[-1] = FOREVER_US
    found = [
        Service(unit_id=draw(st.integers(1, 2**31 - 1)), from_us=first, to_us=last)
        for first, last in pairwise(borders)
        if draw(st.booleans())
    ]
    return draw(st.permutations(found))


_services = st.dictionaries(_pairs, _timelines(), max_size=8)


def _one_by_one(services: Mapping[Pair, Sequence[Service]], asked: Sequence[tuple[Pair, int]]) -> list[int]:
    return [
        next((s.unit_id for s in services.get(pair, ()) if s.from_us <= at_us < s.to_us), 0)
        for pair, at_us in asked
    ]


@given(_services, st.lists(st.tuples(_pairs, _moments), max_size=40))
def test_all_at_once_say_what_each_says_alone(services: Services, asked: list[tuple[Pair, int]]) -> None:
    borders = [
        (pair, at_us + by)
        for pair, several in services.items()
        for one in several
        for at_us in (one.from_us, one.to_us)
        for by in (-1, 0, 1)
    ]
    asked = asked + borders
    device_id, channel, time_us = (
        np.array([(*pair, at_us) for pair, at_us in asked], np.int64).reshape(-1, 3).T
    )
    found = Registry(version=1, devices={}, services=services).units_at(device_id, channel, time_us)
    assert found.tolist() == _one_by_one(services, asked)
