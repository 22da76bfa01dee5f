from dataclasses import replace

import pytest

from housing.errors import DoubleCode, NotFound, UnknownBuilding, UnknownEstate
from housing.estates import (
    BuildingRow,
    EstateRow,
    UnitRow,
    list_estates,
    list_units,
    unit_header,
    upsert_buildings,
    upsert_estates,
    upsert_units,
)
from housing.scope import EVERYTHING, Scope
from housing.upserts import Upserted
from storage.pool import Connection
from tests.estates import NOW, build_estates, estate_id

ESTATE = EstateRow(code="HA", name="和安苑", name_en="He'an Court", city="anhe")
UNIT = UnitRow(estate="HA", building="3", code="3-2-0703", stair="2", floor=7, door="0703")


def test_repeating_an_upsert_changes_nothing_and_a_change_is_counted(connection: Connection) -> None:
    assert upsert_estates(connection, [ESTATE]) == Upserted(inserted=1)
    assert upsert_estates(connection, [ESTATE]) == Upserted(unchanged=1)
    renamed = replace(ESTATE, name="新和安苑")
    assert upsert_estates(connection, [renamed, replace(ESTATE, code="HB")]) == Upserted(
        inserted=1, updated=1
    )
    assert [one.name for one in list_estates(connection, scope=EVERYTHING)] == ["新和安苑", "和安苑"]


def test_a_home_may_move_to_another_building_of_its_estate(connection: Connection) -> None:
    upsert_estates(connection, [ESTATE])
    upsert_buildings(connection, [BuildingRow(estate="HA", code=code) for code in ("3", "5")])
    assert upsert_units(connection, [UNIT]).inserted == 1
    assert upsert_units(connection, [replace(UNIT, building="5", area_m2=50.0)]).updated == 1
    (found,) = list_units(connection, scope=EVERYTHING)
    assert (found.building, found.area_m2) == ("5", 50.0)


def test_rows_that_name_what_is_not_there_are_refused_with_their_place(connection: Connection) -> None:
    upsert_estates(connection, [ESTATE])
    upsert_buildings(connection, [BuildingRow(estate="HA", code="3")])
    with pytest.raises(UnknownEstate) as estates:
        upsert_buildings(connection, [BuildingRow(estate="HA", code="9"), BuildingRow(estate="HX", code="1")])
    assert estates.value.rows == ((1, "HX"),)
    with pytest.raises(UnknownBuilding, match=r"Unknown building: HA 8 \(row 1\)"):
        upsert_units(connection, [UNIT, replace(UNIT, code="8-1-0101", building="8")])
    with pytest.raises(DoubleCode) as doubles:
        upsert_units(connection, [UNIT, UNIT])
    assert doubles.value.rows == ((1, "HA 3-2-0703"),)
    assert list_units(connection, scope=EVERYTHING) == []


def test_the_same_code_may_stand_in_two_estates(connection: Connection) -> None:
    units = build_estates(connection)
    assert len(units["HA"]) == len(units["HB"]) == 4


def test_pages_of_homes_neither_skip_nor_repeat(connection: Connection) -> None:
    build_estates(connection, units=7)
    seen: list[tuple[str, str]] = []
    after = None
    while page := list_units(connection, scope=EVERYTHING, after=after, limit=3):
        seen += [(unit.estate, unit.code) for unit in page]
        after = seen[-1]
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen) == 14


def test_a_reader_of_one_estate_sees_nothing_of_another(connection: Connection) -> None:
    units = build_estates(connection)
    scope = Scope(estate_ids=(estate_id(connection, "HA"),))
    assert {unit.estate for unit in list_units(connection, scope=scope)} == {"HA"}
    assert [one.code for one in list_estates(connection, scope=scope)] == ["HA"]
    assert unit_header(connection, units["HA"][0], scope=scope, now=NOW).estate_name == "HA苑"
    with pytest.raises(NotFound):
        unit_header(connection, units["HB"][0], scope=scope, now=NOW)
    assert list_units(connection, scope=Scope()) == []
