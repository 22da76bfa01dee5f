"""A harmless cause that somebody found is known from then on, while the same people live there."""

from datetime import date, timedelta

import pytest

from housing import facts, verdicts
from housing.leads import list_leads, raise_leads
from housing.scope import EVERYTHING
from policy import load
from storage.pool import Connection
from tests.estates import NOW, SWEPT, add_signal, build_estates

BOOKS = {"anhe": load("anhe")}
DAY = timedelta(days=1)


@pytest.fixture
def unit_id(connection: Connection) -> int:
    found = build_estates(connection)["HA"][0]
    add_signal(connection, found)
    raise_leads(connection, books=BOOKS, now=NOW)
    return found


def decide(
    connection: Connection, outcome: str, code: str, *, lead_id: int | None = None, days: float = 0
) -> int:
    lead = next(one for one in list_leads(connection, scope=EVERYTHING) if lead_id in (None, one.id))
    verdicts.record(
        connection,
        lead_id=lead.id,
        version=lead.version,
        outcome=outcome,
        code=code,
        source="visit",
        by="li",
        now=NOW + days * DAY,
        scope=EVERYTHING,
    )
    return lead.id


def known(connection: Connection, unit_id: int, *, days: float = 1) -> list[str]:
    return [fact.code for fact in facts.of_unit(connection, unit_id, now=NOW + days * DAY)]


@pytest.mark.parametrize("code", facts.FACTS)
def test_a_harmless_cause_goes_on_record(connection: Connection, unit_id: int, code: str) -> None:
    decide(connection, "dismissed", code)
    assert known(connection, unit_id) == [code]
    assert known(connection, unit_id, days=-1) == []


def test_other_reasons_say_nothing_of_the_home(connection: Connection, unit_id: int) -> None:
    decide(connection, "dismissed", "device_or_data")
    assert known(connection, unit_id) == []


def test_it_goes_with_its_verdict(connection: Connection, unit_id: int) -> None:
    decide(connection, "dismissed", "home_office")
    decide(connection, "reopened", "undo", days=2)
    assert known(connection, unit_id) == ["home_office"]
    assert known(connection, unit_id, days=3) == []


def test_who_moves_in_later_is_not_known_for_it(connection: Connection, unit_id: int) -> None:
    decide(connection, "dismissed", "home_office")
    connection.execute("INSERT INTO household (code, size) VALUES ('h', 1)")
    connection.execute(
        "INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
        " SELECT 'l', %s, id, %s, '2030-12-31' FROM household",
        [unit_id, date(2027, 1, 1)],
    )
    assert known(connection, unit_id, days=36) == ["home_office"]
    assert known(connection, unit_id, days=40) == []
    # They may be found to do the same.
    add_signal(connection, unit_id, as_of=SWEPT + 150 * DAY, since=NOW + 145 * DAY)
    raise_leads(connection, books=BOOKS, now=NOW + 150 * DAY)
    newest = list_leads(connection, scope=EVERYTHING)[0].id
    decide(connection, "dismissed", "home_office", lead_id=newest, days=150)
    assert known(connection, unit_id, days=151) == ["home_office"]


def test_saying_it_twice_is_knowing_it_once(connection: Connection, unit_id: int) -> None:
    add_signal(connection, unit_id, kind="sublet")
    raise_leads(connection, books=BOOKS, now=NOW)
    for lead in list_leads(connection, scope=EVERYTHING):
        decide(connection, "dismissed", "home_office", lead_id=lead.id)
    assert known(connection, unit_id) == ["home_office"]
