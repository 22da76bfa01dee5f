from datetime import date

from housing import fairness
from housing.leads import list_leads, raise_leads
from housing.scope import EVERYTHING, Scope
from policy import load
from storage.pool import Connection
from tests.estates import NOW, add_signal, build_estates, estate_id
from tests.integration.housing.test_queue import visit

YEAR = {"since": date(2026, 1, 1), "until": date(2026, 11, 30)}


def let(connection: Connection, unit_ids: list[int], *, size: int, elder_alone: bool = False) -> None:
    for unit_id in unit_ids:
        connection.execute(
            "WITH h AS (INSERT INTO household (code, size, elder_alone) VALUES (%s, %s, %s) RETURNING id)"
            " INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
            " SELECT %s, %s, id, '2020-01-01', '2030-12-31' FROM h",
            [f"h{unit_id}", size, elder_alone, f"l{unit_id}", unit_id],
        )


def test_groups_are_counted_with_what_was_found(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=8)["HA"]
    let(connection, units[:4], size=1, elder_alone=True)
    let(connection, units[4:7], size=6)  # the last home is not let
    for unit_id in (units[0], units[4], units[5]):
        add_signal(connection, unit_id)
    add_signal(connection, units[1], kind="leak")  # a hazard is no inspection
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    leads = {lead.unit_id: lead.id for lead in list_leads(connection, scope=EVERYTHING)}
    visit(connection, leads[units[4]], "confirmed")
    found = {
        (one.grouping, one.value): (one.homes, one.asked, one.visited, one.confirmed)
        for one in fairness.report(connection, scope=EVERYTHING, **YEAR)
    }
    assert found == {
        ("all", ""): (7, 3, 1, 1),
        ("household_size", "1"): (4, 1, 0, 0),
        ("household_size", "5+"): (3, 2, 1, 1),
        ("elder_alone", "yes"): (4, 1, 0, 0),
        ("elder_alone", "no"): (3, 2, 1, 1),
        ("estate", "HA"): (7, 3, 1, 1),
    }


def test_another_estates_homes_are_not_counted(connection: Connection) -> None:
    units = build_estates(connection, "HA", "HB", units=4)
    let(connection, units["HA"], size=1)
    let(connection, units["HB"], size=2)
    mine = Scope(estate_ids=(estate_id(connection, "HB"),))
    assert {one.value for one in fairness.report(connection, scope=mine, **YEAR)} == {"", "2", "no", "HB"}
