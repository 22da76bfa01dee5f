"""Who is visited this month: capacity by policy, shared out fairly, by rank and by lot."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from housing import leads, queue, verdicts
from housing.kinds import LOT
from housing.leads import list_leads, raise_leads
from housing.queue import Month
from housing.scope import EVERYTHING, Scope
from policy import load
from policy.book import PolicyBook
from policy.periods import Period
from storage.pool import Connection
from tests.estates import NOW, SWEPT, TODAY, add_signal, build_estates, estate_id

DAY = timedelta(days=1)
BOOK = load("anhe")


def books(visits: float, lots: float = 0.0) -> Mapping[str, PolicyBook]:
    """The city's policy with other shares."""
    policy = BOOK.on(TODAY)
    changed = replace(policy.leads, visits_share=visits, lot_share=lots)
    on = SimpleNamespace(leads=changed, version=policy.version)
    return {"anhe": cast(PolicyBook, SimpleNamespace(on=lambda _day: on))}


def month(
    connection: Connection, shares: Mapping[str, PolicyBook], *, now: datetime = NOW, code: str = "HA"
) -> Month:
    found = queue.months(connection, scope=EVERYTHING, books=shares, now=now)
    return next(one for one in found if one.estate_id == estate_id(connection, code))


def raise_some(connection: Connection, scores: Mapping[int, float]) -> dict[int, int]:
    """Open a lead of each home with a score; returns lead by home."""
    for unit_id, score in scores.items():
        add_signal(connection, unit_id, score=score)
    raise_leads(connection, books={"anhe": BOOK}, now=NOW)
    return {lead.unit_id: lead.id for lead in list_leads(connection, scope=EVERYTHING, limit=500)}


def visit(connection: Connection, lead_id: int, outcome: str = "refuted", *, now: datetime = NOW) -> None:
    code = {"refuted": "not_seen", "confirmed": "seen"}[outcome]
    lead = leads.detail(connection, lead_id, scope=EVERYTHING)
    verdicts.record(
        connection,
        lead_id=lead_id,
        version=lead.version,
        outcome=outcome,
        code=code,
        source="visit",
        by="wang",
        now=now,
        scope=EVERYTHING,
    )


def lease(connection: Connection, unit_ids: list[int]) -> None:
    connection.execute("INSERT INTO household (code, size) VALUES ('h', 1)")
    for unit_id in unit_ids:
        connection.execute(
            "INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
            " SELECT %s, %s, id, '2020-01-01', '2030-12-31' FROM household",
            [f"l{unit_id}", unit_id],
        )


def test_the_best_leads_fill_the_month_and_the_rest_is_said(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    by_home = raise_some(connection, {units[0]: 0.5, units[1]: 0.9, units[2]: 0.7})
    found = month(connection, books(0.2))
    assert (found.homes, found.capacity, found.remaining, found.first) == (10, 2, 2, date(2026, 11, 1))
    assert found.next == (by_home[units[1]], by_home[units[2]])
    assert found.left_out == {"capacity": 1, "gone": 0, "resting": 0}


def test_a_visit_uses_the_month_up_and_a_new_month_begins_afresh(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    by_home = raise_some(connection, {units[0]: 0.5, units[1]: 0.9, units[2]: 0.7})
    visit(connection, by_home[units[1]])
    found = month(connection, books(0.2))
    assert (found.visited, found.remaining, found.next) == (1, 1, (by_home[units[2]],))
    assert found.left_out == {"capacity": 1, "gone": 0, "resting": 1}
    later = month(connection, books(0.2), now=NOW + 30 * DAY)
    assert (later.visited, later.remaining) == (0, 2)


def test_a_call_from_the_desk_uses_no_visit(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    by_home = raise_some(connection, {units[0]: 0.5})
    lead = leads.detail(connection, by_home[units[0]], scope=EVERYTHING)
    verdicts.record(
        connection,
        lead_id=lead.id,
        version=lead.version,
        outcome="refuted",
        code="not_seen",
        source="call",
        by="wang",
        now=NOW,
        scope=EVERYTHING,
    )
    assert month(connection, books(0.2)).visited == 0


def test_a_month_is_that_of_the_estate(connection: Connection) -> None:
    """In Shanghai November begins eight hours before it does in UTC."""
    build_estates(connection, "HA", units=10)
    assert month(connection, books(0.2), now=datetime(2026, 10, 31, 16, tzinfo=UTC)).first.month == 11
    assert month(connection, books(0.2), now=datetime(2026, 10, 31, 15, 59, tzinfo=UTC)).first.month == 10


@pytest.mark.parametrize("share", [0.03, 0.1, 0.29])
def test_fractions_are_never_lost(connection: Connection, share: float) -> None:
    build_estates(connection, "HA", units=7)
    moments = [datetime(2020 + n // 12, n % 12 + 1, 15, tzinfo=UTC) for n in range(100)]
    capacities = [month(connection, books(share), now=moment).capacity for moment in moments]
    assert abs(sum(capacities) - 100 * 7 * share) <= 1
    assert max(capacities) - min(capacities) <= 1


def test_what_the_newest_sweep_no_longer_finds_waits_behind(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    add_signal(connection, units[0], as_of=SWEPT - DAY, score=0.9)
    by_home = raise_some(connection, {units[1]: 0.5})
    found = month(connection, books(0.2))
    assert found.next == (by_home[units[1]],)
    assert found.left_out == {"capacity": 0, "gone": 1, "resting": 0}


def test_hazards_are_not_counted(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    add_signal(connection, units[0], kind="leak")
    raise_leads(connection, books={"anhe": BOOK}, now=NOW)
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert month(connection, books(0.2)).next == ()
    visit(connection, lead.id, "confirmed")
    assert month(connection, books(0.2)).visited == 0


def test_lots_fall_once_a_month_on_homes_of_which_nothing_is_known(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    lease(connection, units[:9])
    by_home = raise_some(connection, {units[0]: 0.9, units[1]: 0.8})
    half = books(0.4, lots=0.5)
    assert queue.draw(connection, books=half, now=NOW) == 2
    assert queue.draw(connection, books=half, now=NOW + DAY) == 0
    drawn = list_leads(connection, scope=EVERYTHING, kind=LOT)
    assert len({lead.unit_id for lead in drawn}) == 2
    assert {lead.unit_id for lead in drawn} <= set(units[2:9])  # a lease, and no open question
    assert all(lead.found_now and lead.score == 0 for lead in drawn)
    assert drawn[0].evidence[0]["en"] == (
        "Drawn by lot, as 50% of each month's visits are; nothing was noticed here"
    )
    found = month(connection, half)
    assert (found.capacity, found.by_lot, found.lots_waiting) == (4, 2, 2)
    assert found.next == (by_home[units[0]], by_home[units[1]])
    # A sweep leaves them alone, and they are verdicts like others.
    raise_leads(connection, books={"anhe": BOOK}, now=NOW)
    visit(connection, drawn[0].id)
    assert month(connection, half).visited == 1
    # The next month falls on others.
    assert queue.draw(connection, books=half, now=NOW + 30 * DAY) == 2
    homes = [lead.unit_id for lead in list_leads(connection, scope=EVERYTHING, kind=LOT)]
    assert len(homes) == len(set(homes)) == 4


def test_drawing_again_draws_the_same(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=10)["HA"]
    lease(connection, units)
    once: list[list[int]] = []
    for _ in range(2):
        queue.draw(connection, books=books(0.2, lots=1.0), now=NOW)
        once.append(sorted(lead.unit_id for lead in list_leads(connection, scope=EVERYTHING)))
        connection.execute("DELETE FROM lead")
    assert once[0] == once[1]
    assert len(once[0]) == 2


def test_a_reader_of_one_estate_sees_its_month_only(connection: Connection) -> None:
    build_estates(connection, "HA", "HB", units=4)
    mine = Scope(estate_ids=(estate_id(connection, "HA"),))
    found = queue.months(connection, scope=mine, books=books(0.5), now=NOW)
    assert [one.estate_id for one in found] == list(mine.estate_ids)


def test_who_lives_there_is_one_question_whatever_ranks_first(connection: Connection) -> None:
    (unit_id, *_) = build_estates(connection, "HA", units=4)["HA"]
    add_signal(connection, unit_id, kind="group_rental", as_of=SWEPT - DAY, score=0.5)
    assert raise_leads(connection, books={"anhe": BOOK}, now=NOW - DAY) == 1
    add_signal(connection, unit_id, kind="sublet", score=0.8)
    assert raise_leads(connection, books={"anhe": BOOK}, now=NOW) == 0
    (lead,) = list_leads(connection, scope=EVERYTHING)
    assert (lead.kind, lead.score) == ("sublet", pytest.approx(0.8))
    visit(connection, lead.id)
    rest = BOOK.on(TODAY).leads.rest_after_refuted
    assert rest > Period(days=30)
    add_signal(connection, unit_id, kind="short_stay", as_of=SWEPT + 20 * DAY, since=NOW + 10 * DAY)
    assert raise_leads(connection, books={"anhe": BOOK}, now=NOW + 20 * DAY) == 0
