"""Who lives here: leads on homes made of arrays, by the weights in use."""

import dataclasses
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly import people
from anomaly.detectors.people import KINDS
from anomaly.errors import ModelRefused
from anomaly.findings import Finding
from anomaly.ledger import Ledger
from tests.unit.anomaly.homes import POLICY, Home, Told, lived_in, window
from wire.events import EventType, Method

DAYS, CHANGE = 7 * 26, 7 * 20
RULES = POLICY.people


def entry(day: int, hour: float, subject: int, method: Method = Method.face, **more: bool) -> Told:
    told = Told(hour=24 * day + hour, type=EventType.entry, method=method, subject=subject)
    return dataclasses.replace(told, **more)


def with_door(home: Home, told: Sequence[Told]) -> Home:
    opened = [Told(hour=one.hour + 0.01, type=EventType.door_opened) for one in told]
    residents = ((-100, 900), (-100, 900))
    return dataclasses.replace(
        home,
        doors=np.ones(home.days, int),
        told=sorted([*told, *opened], key=lambda one: one.hour),
        residents=residents,
        leases=((-300, 900),),
    )


@cache
def family(seed: int = 0, days: int = DAYS) -> Home:
    """Two registered people who come home every day."""
    rng = np.random.default_rng([seed, 7])
    told = [
        entry(day, float(rng.uniform(16, 20)), subject, registered=True, fresh=day == 0)
        for day in range(days)
        for subject in (2 * seed, 2 * seed + 1)
    ]
    return with_door(lived_in(days, seed=seed), told)


@cache
def replaced(seed: int = 0) -> Home:
    """From one day on only two others come, and power and water are another household's."""
    own, other = family(seed), lived_in(DAYS, seed=seed + 100)
    told = [one for one in own.told if one.hour < 24 * CHANGE and one.type == EventType.entry]
    rng = np.random.default_rng([seed, 8])
    told += [
        entry(day, float(rng.uniform(17, 23)), 900 + subject, registered=False, fresh=day == CHANGE)
        for day in range(CHANGE, DAYS)
        for subject in (0, 1)
    ]
    kwh, litres = own.kwh.copy(), own.litres.copy()
    kwh[24 * CHANGE :] = np.roll(other.kwh[24 * CHANGE :], 4)
    litres[24 * CHANGE :] = np.roll(other.litres[24 * CHANGE :], 4)
    return with_door(dataclasses.replace(own, kwh=kwh, litres=litres), told)


def neighbours(count: int = 24) -> list[Home]:
    return [family(seed) for seed in range(1, count + 1)]


def found(homes: Sequence[Home], *evenings: int) -> list[Finding]:
    made = window(homes)
    ledger = Ledger(made, POLICY.signs)
    block = people.People(ledger)
    result: list[Finding] = []
    for day in evenings or (made.calendar.days - 1,):
        ledger.advance(24 * (day + 1))
        result += block.detect(RULES, day, RULES.peers_min)
    return result


def test_a_family_is_no_lead() -> None:
    assert found(neighbours(), *range(6, DAYS, 7)) == []


def test_others_who_come_instead_are_one_lead_with_reasons() -> None:
    leads = found([replaced(), *neighbours()])
    assert [one.unit for one in leads] == [0]
    lead = leads[0]
    assert lead.kind in KINDS
    assert lead.score >= RULES.raise_at
    start = window([replaced()]).calendar.hour(lead.since) / 24
    assert abs(start - CHANGE) <= lead.since_pm_days + 4
    codes = {one.code for one in lead.evidence}
    assert "strangers" in codes
    said = next(one for one in lead.evidence if one.code == "strangers")
    assert said.en.startswith("Entries by people who are not registered on 21 of 21 days")
    assert said.en.endswith("before: about 0.7 days a week")
    assert "21天有未登记人员进门" in said.zh
    assert lead.evidence[0].weight > 0
    assert set(lead.known) == {"energy", "water", "door"}
    assert lead.unknown


def test_words_do_not_accuse() -> None:
    for lead in found([replaced(seed) for seed in range(3)] + neighbours()):
        for one in (*lead.evidence, *lead.unknown):
            for word in ("sublet", "illegal", "violation", "rental", "转租", "违", "群租", "非法"):
                assert word not in one.en.lower()
                assert word not in one.zh


def test_only_the_end_of_a_week_is_looked_at() -> None:
    homes = [replaced(), *neighbours()]
    assert found(homes, DAYS - 3) == []
    assert found(homes, DAYS - 1)


def test_a_home_that_is_its_own_only_peer_is_still_judged() -> None:
    assert [one.unit for one in found([replaced()])] == [0]


def test_the_order_of_homes_does_not_matter() -> None:
    homes = [replaced(), *neighbours()]
    turned = found(homes[::-1])
    one = dataclasses.replace(turned[0], unit=0)
    assert one == found(homes)[0]


def test_a_new_lease_explains_what_only_meters_say() -> None:
    home = dataclasses.replace(replaced(), doors=None, told=(), leases=((-300, CHANGE), (CHANGE, 900)))
    assert found([home, *neighbours()]) == []


def test_a_turned_clock_explains_what_only_meters_say() -> None:
    own = lived_in(DAYS, seed=3)
    kwh, litres = own.kwh.copy(), own.litres.copy()
    for values in (kwh, litres):
        values[24 * CHANGE :] = np.roll(values[24 * CHANGE :], 8)
    assert found([dataclasses.replace(own, kwh=kwh, litres=litres), *neighbours()]) == []


@pytest.mark.parametrize("value", [np.nan, 0.0, 0.4])
@pytest.mark.parametrize("channels", [("kwh",), ("litres",), ("kwh", "litres")])
def test_bad_meters_are_no_reason(value: float, channels: tuple[str, ...]) -> None:
    own = lived_in(DAYS, seed=5)
    flat = {name: np.full(24 * DAYS, value) for name in channels}
    home = dataclasses.replace(own, **flat, leases=((DAYS + 1, 900),))
    assert found([home, *neighbours()], *range(6, DAYS, 7)) == []


def test_a_home_added_mid_year_is_silent_until_it_has_a_past() -> None:
    home = family().without(0, 7 * 18, "kwh", "litres")
    told = [one for one in home.told if one.hour >= 24 * 7 * 18]
    home = dataclasses.replace(home, doors=None, heard=(), told=told)
    assert found([home, *neighbours()], *range(6, DAYS, 7)) == []


@settings(max_examples=8, deadline=None)
@given(st.sampled_from([0.5, 2.0]))
def test_more_of_everything_everywhere_leaves_the_lead(factor: float) -> None:
    homes = [
        dataclasses.replace(home, kwh=home.kwh * factor, litres=home.litres * factor)
        for home in (replaced(), *neighbours())
    ]
    assert [one.unit for one in found(homes)] == [0]


def test_a_file_for_other_fields_is_refused() -> None:
    model, nature = people.model()
    written = people.as_json("people-x", model.door, model.meters, nature, {})
    assert people.from_json(written)[0].kinds == KINDS
    with pytest.raises(ModelRefused):
        people.from_json({**written, "fields": written["fields"][1:]})
