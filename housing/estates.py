"""Estates, their buildings and units."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import class_row

from housing.errors import NotFound, UnknownBuilding, UnknownEstate
from housing.scope import Scope
from housing.upserts import Upserted, columns, refuse, refuse_doubles, upsert
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "estates.sql")
_PART = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True, kw_only=True)
class EstateRow:
    """One estate as an operator states it."""

    code: str
    name: str
    name_en: str = ""
    #: A file of policy/.
    city: str
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class BuildingRow:
    """One building as an operator states it."""

    #: `estate.code`
    estate: str
    code: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """One home as an operator states it."""

    #: `estate.code`
    estate: str
    #: `building.code`
    building: str
    #: What people say: 3-2-0703. Unique in its estate.
    code: str
    #: 单元 of the building.
    stair: str = ""
    floor: int
    #: 0703
    door: str
    area_m2: float | None = None
    rooms: int | None = None
    #: Contracted power.
    contract_kw: float | None = None


@dataclass(frozen=True, kw_only=True)
class Estate:
    """An estate as stored."""

    id: int
    code: str
    name: str
    name_en: str
    city: str
    time_zone: str
    buildings: int
    units: int


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A home as stored."""

    id: int
    estate_id: int
    estate: str
    building: str
    code: str
    stair: str
    floor: int
    door: str
    area_m2: float | None
    rooms: int | None
    contract_kw: float | None
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class UnitHeader(Unit):
    """A home with what stands at the top of its page. No person in it."""

    estate_name: str
    estate_name_en: str
    city: str
    building_name: str
    #: People of the household that rents it now; None: no lease in force.
    household_size: int | None
    elder_alone: bool | None
    lease: str | None
    lease_starts_on: date | None
    lease_ends_on: date | None


@dataclass(frozen=True, kw_only=True)
class FoundUnit:
    """A home that somebody looks for."""

    id: int
    code: str
    building: str
    building_name: str
    stair: str
    floor: int
    door: str


def find_units(
    connection: Connection, words: str, *, estate_id: int, scope: Scope, limit: int = 20
) -> list[FoundUnit]:
    """Homes as people say them: 3-2-0703, 3栋2单元703, 3 703, 703."""
    said = [part.lstrip("0") for part in _PART.findall(words)]
    escaped = words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    if not escaped:
        return []
    parameters = {
        **scope.parameters(),
        "estate_id": estate_id,
        "words": escaped,
        "said": said,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(FoundUnit)) as cursor:
        return cursor.execute(_SQL["find_units"], parameters).fetchall()


def upsert_estates(connection: Connection, rows: Sequence[EstateRow]) -> Upserted:
    """Store estates by code; idempotent.

    Raises
    ------
    DoubleCode
        A code stands twice in `rows`.
    """
    refuse_doubles(row.code for row in rows)
    values = columns(rows, "code", "name", "name_en", "city", "time_zone")
    return upsert(connection, _SQL["upsert_estates"], values, len(rows))


def upsert_buildings(connection: Connection, rows: Sequence[BuildingRow]) -> Upserted:
    """Store buildings by (estate, code); idempotent.

    Raises
    ------
    DoubleCode, UnknownEstate
        Naming row and code.
    """
    refuse_doubles(f"{row.estate} {row.code}" for row in rows)
    values = columns(rows, "estate", "code", "name")
    refuse(connection, _SQL["unknown_estates"], values, UnknownEstate)
    return upsert(connection, _SQL["upsert_buildings"], values, len(rows))


def upsert_units(connection: Connection, rows: Sequence[UnitRow]) -> Upserted:
    """Store homes by (estate, code); idempotent.

    Raises
    ------
    DoubleCode, UnknownEstate, UnknownBuilding
        Naming row and code.
    """
    refuse_doubles(f"{row.estate} {row.code}" for row in rows)
    values = columns(
        rows, "estate", "building", "code", "stair", "floor", "door", "area_m2", "rooms", "contract_kw"
    )
    refuse(connection, _SQL["unknown_estates"], values, UnknownEstate)
    refuse(connection, _SQL["unknown_buildings"], values, UnknownBuilding)
    return upsert(connection, _SQL["upsert_units"], values, len(rows))


def list_estates(connection: Connection, *, scope: Scope) -> list[Estate]:
    """Every estate that the reader may see, by code."""
    return _estates(connection, scope, None)


def estate(connection: Connection, estate_id: int, *, scope: Scope) -> Estate:
    """One estate.

    Raises
    ------
    NotFound
        No such estate, or outside the scope.
    """
    found = _estates(connection, scope, estate_id)
    if not found:
        raise NotFound
    return found[0]


def list_units(
    connection: Connection,
    *,
    scope: Scope,
    estate: str | None = None,
    building: str | None = None,
    code: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = 100,
) -> list[Unit]:
    """Homes by (estate code, unit code).

    Parameters
    ----------
    estate, building, code : str, optional
        Exact codes.
    after : tuple of str, optional
        (estate code, unit code) of the last home of the page before.
    """
    after_estate, after_unit = after or (None, None)
    rows = connection.execute(
        _SQL["list_units"],
        {
            **scope.parameters(),
            "estate": estate,
            "building": building,
            "code": code,
            "after_estate": after_estate,
            "after_unit": after_unit,
            "limit": limit,
        },
    )
    return [_unit(row) for row in rows]


def unit_header(connection: Connection, unit_id: int, *, scope: Scope, now: datetime) -> UnitHeader:
    """One home with its estate and the lease in force at `now`.

    Raises
    ------
    NotFound
        No such home, or outside the scope.
    """
    row = connection.execute(
        _SQL["unit_header"], {**scope.parameters(), "unit_id": unit_id, "now": now}
    ).fetchone()
    if row is None:
        raise NotFound
    return UnitHeader(
        **vars(_unit(row[:12])),
        estate_name=row[12],
        estate_name_en=row[13],
        city=row[14],
        building_name=row[15],
        household_size=row[16],
        elder_alone=row[17],
        lease=row[18],
        lease_starts_on=row[19],
        lease_ends_on=row[20],
    )


def _estates(connection: Connection, scope: Scope, estate_id: int | None) -> list[Estate]:
    rows = connection.execute(_SQL["list_estates"], {**scope.parameters(), "estate_id": estate_id})
    return [
        Estate(
            id=row[0],
            code=row[1],
            name=row[2],
            name_en=row[3],
            city=row[4],
            time_zone=row[5],
            buildings=row[6],
            units=row[7],
        )
        for row in rows
    ]


def _unit(row: Sequence[object]) -> Unit:
    names = ("id", "estate_id", "estate", "building", "code", "stair", "floor", "door")
    more = ("area_m2", "rooms", "contract_kw", "time_zone")
    return Unit(**dict(zip((*names, *more), row, strict=True)))  # pyright: ignore[reportArgumentType]
