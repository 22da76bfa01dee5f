"""Hours of a feed: evening by evening or all at once, they are the same."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import numpy as np
from hypothesis import example, given, settings

import policy
from anju.importer import pack
from anomaly import feed_events, feed_hours
from anomaly.feed import Feed
from anomaly.feed_tables import Arrived, Readings, Unit
from usage.series import HOUR_US
from wire.events import EventType
from wire.instants import to_us

START = datetime(2025, 3, 1, tzinfo=UTC)
DAYS = 6
UNIT = Unit(
    code="h-1",
    estate="e-1",
    area_m2=40,
    contract_kw=8,
    elder_alone=False,
    lease_start=START.date(),
    lease_end=START.date(),
)
RULES = policy.load("anhe").on(START.date())
EVENINGS = [START + timedelta(days=n + 1) for n in range(DAYS + 3)]


def _feed(rows: np.ndarray, evenings: list[list[datetime]], channel: int) -> Feed:
    """Readings (minute, minutes late, value) handed over by the last evening of each group."""
    feed = Feed(city="anhe", zone=ZoneInfo("UTC"), units=(UNIT,))
    time_us = to_us(START) + rows[:, 0].astype(np.int64) * 60_000_000
    received_us = time_us + rows[:, 1].astype(np.int64) * 60_000_000
    since_us = 0
    for group in evenings:
        until_us = to_us(group[-1])
        came = (received_us > since_us) & (received_us <= until_us)
        part = Readings(
            codes=("h-1",),
            unit=np.zeros(came.sum(), np.int64),
            channel=np.full(came.sum(), channel),
            time_us=time_us[came],
            received_us=received_us[came],
            value=rows[came, 2],
        )
        arrived = Arrived(readings=[part], events=[], absences=[], residents=[])
        feed.take(arrived, rules=RULES.ingest, covered_min=RULES.signs.covered_min, evenings=group)
        since_us = until_us
    return feed


def _known(feed: Feed) -> dict[int, tuple[float, int]]:
    """By hour since the start: the amount, and the evening by which it is known."""
    hours, found = feed.hours, {}
    start_h, end = hours.first_day * 24, hours.amount[:, 0].reshape(2, -1)
    covered, lag = hours.covered_min[:, 0].reshape(2, -1), hours.lag_h[:, 0].reshape(2, -1)
    for channel in range(2):
        for place in np.flatnonzero(
            np.isfinite(end[channel]) & (covered[channel] >= RULES.signs.covered_min)
        ):
            arrived = start_h + int(place) + 1 + int(lag[channel, place])
            evening = -(-(arrived - to_us(START) // HOUR_US) // 24)
            found[channel * 1_000_000 + int(place)] = (float(end[channel, place]), evening)
    return found


@st.composite
def _registers(draw: st.DrawFn) -> np.ndarray:
    """Readings about hourly: jittered, late, missing, doubled, contradicting, falling, leaping."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    step = draw(st.sampled_from([20, 30, 45, 60, 75, 90]))
    minute = np.arange(draw(st.integers(0, 59)), DAYS * 24 * 60, step)
    minute = minute + rng.integers(0, 1 + draw(st.sampled_from([0, 5, 19])), minute.size)
    value = 1000.0 + np.cumsum(rng.integers(0, 40, minute.size))
    late = rng.integers(0, draw(st.sampled_from([10, 180, 900])), minute.size)
    odd = rng.random(minute.size)
    share = draw(st.sampled_from([0.0, 0.02, 0.1]))
    late[odd < share] += rng.integers(0, 3 * 24 * 60, int((odd < share).sum()))
    rows = np.stack([minute, late, value], axis=1)[odd < 1 - share]
    again = rows[rng.random(len(rows)) < share]
    again = again + np.stack(
        [np.zeros(len(again)), rng.integers(0, 2000, len(again)), rng.integers(0, 2, len(again)) * 3.0],
        axis=1,
    )
    wrong = rng.random(len(rows)) < draw(st.sampled_from([0.0, 0.01, 0.05]))
    rows[wrong, 2] = rng.choice([0.0, 999.0, 90_000.0, 5.0], int(wrong.sum()))
    if draw(st.booleans()):  # another meter from somewhere on
        rows[int(rng.integers(0, len(rows))) :, 2] -= 900
    return np.concatenate([rows, again])


@settings(max_examples=25)
@given(rows=_registers(), channel=st.sampled_from([0, 1]), cuts=st.sets(st.integers(1, DAYS + 2)))
@example(rows=np.array([[10.0, 0, 5], [70, 0, 9], [70, 3000, 8], [130, 0, 12]]), channel=1, cuts={1})
def test_hours_are_the_same_however_evenings_are_taken(
    rows: np.ndarray, channel: int, cuts: set[int]
) -> None:
    if channel == 0:
        rows = rows.copy()
        rows[:, 0] -= rows[:, 0] % 30
        rows[:, 2] %= 7
    singly = _known(_feed(rows, [[one] for one in EVENINGS], channel))
    assert _known(_feed(rows, [EVENINGS], channel)) == singly
    edges = [0, *sorted(cuts), len(EVENINGS)]
    groups = [EVENINGS[low:high] for low, high in pairwise(edges) if low < high]
    assert _known(_feed(rows, groups, channel)) == singly


def test_what_was_known_stays_and_what_comes_late_fills() -> None:
    """A second value for a time that was told makes nothing unknown that was known; a gap is filled."""
    plain = np.array([[10 + 60 * n, 5, 100.0 + 7 * n] for n in range(48)])
    late = plain[[20, 21]] + [[0, 2000, 0], [0, 2000, 0]]
    contradicting = plain[[30]] + [[0, 3000, 1]]
    gap = np.delete(plain, [20, 21], axis=0)
    known = _known(_feed(np.concatenate([gap, late, contradicting]), [EVENINGS], 1))
    assert len(known) == 47
    assert {amount for amount, _ in known.values()} == {7.0}
    first = min(known)
    assert {known[first + n][1] for n in (19, 20, 21)} == {3}
    assert known[first + 29][1] == 2
    assert known[first + 30][1] == 2


def test_meters_count_as_an_import_says() -> None:
    assert feed_hours.SMALL_REGISTER_L == pack._SMALL_REGISTER_L  # pyright: ignore[reportPrivateUsage]
    locks = tuple(EventType[name] for name in pack._LOCK_EVENTS)  # pyright: ignore[reportPrivateUsage]
    assert set(feed_events.LOCK_EVENTS) == set(locks)
