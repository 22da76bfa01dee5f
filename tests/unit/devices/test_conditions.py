"""What is wrong with a device is a function of what is known of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

import policy
from devices.conditions import SILENCES, Facts, Kind, Listening, Newest, conditions, patience
from devices.gateways import Excuse, fold
from devices.profiles import Profile, load_profiles

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RULES = policy.load("anhe").on(NOW.date()).silence
LISTENS = Listening(until=NOW, since=NOW - timedelta(days=400))
PROFILES = sorted(load_profiles().values(), key=lambda one: one.name)

profiles = st.sampled_from(PROFILES)
spans = st.timedeltas(timedelta(0), timedelta(days=40))
lags = st.floats(-1e6, 1e6)


@st.composite
def facts(draw: st.DrawFn, device_id: int = 1, gateway_id: int | None = None) -> Facts:
    heard = draw(st.none() | spans)
    low, high = sorted((draw(lags), draw(lags)))
    counter = draw(st.none() | st.integers(0, 5000))
    return Facts(
        device_id=device_id,
        profile=draw(profiles),
        gateway_id=gateway_id,
        installed_at=NOW - draw(spans),
        received_at=None if heard is None else NOW - heard,
        device_at=None if heard is None else NOW - heard,
        lag_s=low,
        lag_low_s=low,
        lag_high_s=high,
        counter=counter,
        missing=() if counter is None else ((counter - 9, counter - draw(st.integers(0, 8))),),
        limited_at=draw(st.none() | st.just(NOW - timedelta(minutes=5))),
        low={30: Newest(time=NOW, value=draw(st.floats(0, 100)))},
        behind=draw(st.dictionaries(st.sampled_from([1, 2]), st.just(NOW - timedelta(days=50)))),
    )


def kinds(one: Facts, *, listening: Listening | None = LISTENS, now: datetime = NOW) -> set[Kind]:
    return {found.kind for found in conditions(one, RULES, listening=listening, now=now)}


@given(one=facts())
def test_a_device_that_is_silent_is_told_once_and_nothing_is_read_from_its_silence(one: Facts) -> None:
    found = kinds(one)
    assert len(found & SILENCES) <= 1
    if found & SILENCES:
        assert found <= SILENCES | {Kind.low_battery, Kind.rate_limited}


@given(one=facts(), later=spans)
def test_silence_only_grows_until_the_device_is_heard(one: Facts, later: timedelta) -> None:
    listening = replace(LISTENS, until=NOW + later)
    if kinds(one) & SILENCES:
        assert kinds(one, listening=listening, now=NOW + later) & SILENCES
    heard = replace(one, received_at=NOW + later)
    assert not kinds(heard, listening=listening, now=NOW + later) & SILENCES


@given(one=facts())
def test_nobody_is_silent_where_nobody_listened(one: Facts) -> None:
    assert not kinds(one, listening=None) & SILENCES
    just_begun = Listening(until=NOW, since=NOW)
    assert not kinds(one, listening=just_begun) & SILENCES


@given(profile=profiles, early=spans)
def test_within_its_patience_no_device_is_offline(profile: Profile, early: timedelta) -> None:
    heard = NOW - min(early, patience(profile, RULES))
    one = Facts(device_id=1, profile=profile, installed_at=NOW - timedelta(days=99), received_at=heard)
    assert not kinds(one) & SILENCES


@settings(max_examples=40)
@given(
    gateway=st.none() | facts(),
    children=st.lists(facts(), min_size=1, max_size=9),
    waits=st.none() | spans,
    stood=st.booleans(),
)
def test_folding_loses_nobody_and_explains_silence_alone(
    gateway: Facts | None, children: list[Facts], waits: timedelta | None, stood: bool
) -> None:
    every = {n + 2: replace(one, device_id=n + 2, gateway_id=1) for n, one in enumerate(children)}
    if gateway is not None:
        every[1] = replace(gateway, gateway_id=None)
    found = [
        condition
        for one in every.values()
        for condition in conditions(one, RULES, listening=LISTENS, now=NOW)
    ]
    folded = fold(
        found,
        every,
        dict.fromkeys(every, RULES),
        listening=LISTENS,
        standing={1: {Kind.children_silent}} if stood else {},
        excused={2: Excuse(behind=1, until=None if waits is None else NOW + waits)},
        now=NOW,
    )
    kept = [(one.device_id, one.kind, one.channel, one.since) for one in folded]
    assert set(kept) >= {(one.device_id, one.kind, one.channel, one.since) for one in found}
    assert len(kept) == len(set(kept))
    added = [one for one in folded if one.kind is Kind.children_silent]
    assert len(folded) == len(found) + len(added)
    assert all(one.kind in SILENCES and one.device_id != 1 for one in folded if one.behind is not None)
    if gateway is None:
        assert not added
    # Whatever is folded has somebody to be told of, or time to come back.
    told = {one.device_id for one in folded if one.behind is None}
    assert all(one.behind in told or one.until is not None for one in folded if one.behind is not None)
