"""What becomes of leads after their signals were renewed; how they are renewed is for the worker's tests."""

from dataclasses import replace
from datetime import timedelta

import pytest

from housing import leads, verdicts, withdrawals
from housing.scope import EVERYTHING, Scope
from housing.withdrawals import Rebound, withdraw
from policy import load
from storage.pool import Connection
from tests.estates import NOW, SWEPT, add_signal, build_estates

DAY = timedelta(days=1)
BOOKS = {"anhe": load("anhe")}


@pytest.fixture
def rebound(connection: Connection) -> Rebound:
    """A home with an open lead, whose data moved away; its signal is still there."""
    unit_id = build_estates(connection, "HA")["HA"][0]
    add_signal(connection, unit_id)
    leads.raise_leads(connection, books=BOOKS, now=NOW)
    return Rebound(
        unit_id=unit_id,
        channels=frozenset({"energy_kwh"}),
        first=SWEPT - 9 * DAY,
        last=SWEPT,
        change_id=7,
        by="account:olga",
        reason="crossed",
    )


def lead_of(connection: Connection) -> leads.Lead:
    (lead,) = leads.list_leads(connection, scope=EVERYTHING)
    return lead


def not_found_again(connection: Connection) -> None:
    connection.execute("DELETE FROM signal")


def decide(connection: Connection, outcome: str, code: str) -> None:
    verdicts.record(
        connection,
        lead_id=lead_of(connection).id,
        version=1,
        outcome=outcome,
        code=code,
        source="visit",
        by="olga",
        note="看过",
        now=NOW,
        scope=EVERYTHING,
    )


def test_what_is_found_again_takes_over_the_renewed_evidence(
    connection: Connection, rebound: Rebound
) -> None:
    add_signal(connection, rebound.unit_id, score=0.9)
    assert withdraw(connection, [rebound], now=NOW) == []
    lead = lead_of(connection)
    assert (lead.status, lead.version, lead.score) == ("open", 1, pytest.approx(0.9))


def test_what_is_not_found_again_is_withdrawn_once(connection: Connection, rebound: Rebound) -> None:
    not_found_again(connection)
    (done,) = withdraw(connection, [rebound], now=NOW)
    assert (done.effect, done.status, done.reason, done.by) == (
        "withdrawn",
        "open",
        "another_home",
        "account:olga",
    )
    lead = lead_of(connection)
    assert (lead.status, lead.version, lead.closed_at) == ("withdrawn", 2, NOW)
    assert withdraw(connection, [rebound], now=NOW) == []
    assert leads.counts(connection, scope=EVERYTHING)["withdrawn"] == {"vacancy": 1}
    with pytest.raises(verdicts.InvalidTransition):
        verdicts.reopen(
            connection, lead_id=lead.id, version=2, source="desk", by="olga", now=NOW, scope=EVERYTHING
        )


def test_a_withdrawn_lead_hinders_no_new_one(connection: Connection, rebound: Rebound) -> None:
    not_found_again(connection)
    withdraw(connection, [rebound], now=NOW)
    add_signal(connection, rebound.unit_id)
    assert leads.raise_leads(connection, books=BOOKS, now=NOW) == 1
    statuses = [one.status for one in leads.list_leads(connection, scope=EVERYTHING)]
    assert sorted(statuses) == ["open", "withdrawn"]


@pytest.mark.parametrize(
    ("outcome", "code"), [("confirmed", "seen"), ("refuted", "not_seen"), ("dismissed", "other")]
)
def test_what_a_person_decided_is_flagged_and_cleared(
    connection: Connection, rebound: Rebound, outcome: str, code: str
) -> None:
    decide(connection, outcome, code)
    not_found_again(connection)
    assert [one.effect for one in withdraw(connection, [rebound], now=NOW)] == ["flagged"]
    lead = lead_of(connection)
    assert (lead.status, lead.version) == (outcome, 2)
    # another change that does not bring the data back says nothing new
    assert withdraw(connection, [replace(rebound, change_id=8)], now=NOW) == []
    add_signal(connection, rebound.unit_id)
    back = withdraw(connection, [replace(rebound, change_id=9)], now=NOW)
    assert [one.effect for one in back] == ["cleared"]


@pytest.mark.parametrize(
    "other",
    [
        {"channels": frozenset({"gas_m3"})},
        {"last": SWEPT - DAY},
        {"first": SWEPT + DAY, "last": SWEPT + 2 * DAY},
    ],
)
def test_a_lead_on_other_data_or_of_another_evening_stays(
    connection: Connection, rebound: Rebound, other: dict
) -> None:
    not_found_again(connection)
    assert withdraw(connection, [replace(rebound, **other)], now=NOW) == []
    assert lead_of(connection).status == "open"


def test_every_reason_of_a_correction_is_said_in_both_languages(
    connection: Connection, rebound: Rebound
) -> None:
    not_found_again(connection)
    (done,) = withdraw(connection, [replace(rebound, reason="")], now=NOW)
    assert done.reason == "rebound"
    assert all(zh and en for zh, en in withdrawals.REASONS.values())


def test_what_was_withdrawn_is_told_to_whoever_cites_it_and_within_the_scope(
    connection: Connection, rebound: Rebound
) -> None:
    not_found_again(connection)
    (done,) = withdraw(connection, [rebound], now=NOW)
    told = "SELECT lead_id, unit_id, kind, effect, reason, change_id FROM v_withdrawal"
    assert connection.execute(told).fetchall() == [
        (done.lead_id, rebound.unit_id, "vacancy", "withdrawn", "another_home", 7)
    ]
    assert withdrawals.of_lead(connection, done.lead_id, scope=Scope(estate_ids=(10**6,))) == []
    assert [one.id for one in withdrawals.of_lead(connection, done.lead_id, scope=EVERYTHING)] == [done.id]
    with pytest.raises(Exception, match="append-only"), connection.transaction():
        connection.execute("UPDATE lead_withdrawal SET reason = ''")
