"""Leases, and who is registered to live in a home from when to when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg

from housing.errors import (
    HousingError,
    OverlappingLease,
    UnknownHousehold,
    UnknownLease,
    UnknownResident,
    UnknownUnit,
)
from housing.scope import Scope
from housing.upserts import Upserted, columns, refuse, refuse_doubles, upsert, wake_worker
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "leases.sql")
_ESTATES = load("housing", "estates.sql")
_RESIDENTS = load("housing", "residents.sql")


@dataclass(frozen=True, kw_only=True)
class LeaseRow:
    """One lease as an operator states it; both days are in it."""

    code: str
    estate: str
    unit: str
    household: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True, kw_only=True)
class OccupantRow:
    """One person registered in one home as an operator states it."""

    estate: str
    unit: str
    #: `resident.code`
    resident: str
    #: `lease.code`
    lease: str | None = None
    relation: str = "tenant"
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Occupant:
    """A registered occupant as stored; a pseudonym, no personal data."""

    resident: str
    subject: str
    relation: str
    starts_at: datetime
    ends_at: datetime | None
    lease: str | None


def upsert_leases(connection: Connection, rows: Sequence[LeaseRow]) -> Upserted:
    """Store leases by code; idempotent. Homes already computed are marked: their clocks start anew.

    Raises
    ------
    DoubleCode, UnknownUnit, UnknownHousehold, OverlappingLease
        Naming row and code.
    HousingError
        A lease ends before it starts.
    """
    refuse_doubles(row.code for row in rows)
    values = columns(rows, "code", "estate", "unit", "household", "starts_on", "ends_on")
    refuse(connection, _ESTATES["unknown_units"], values, UnknownUnit)
    refuse(connection, _RESIDENTS["unknown_households"], values, UnknownHousehold)
    try:
        refuse(connection, _SQL["overlapping_leases"], values, OverlappingLease)
    except psycopg.errors.DataException as error:
        raise HousingError("a lease ends before it starts") from error
    done = upsert(connection, _SQL["upsert_leases"], values, len(rows))
    if done.changed:
        wake_worker(connection)
    return done


def upsert_occupants(connection: Connection, rows: Sequence[OccupantRow]) -> Upserted:
    """Store occupants by (unit, resident, start); idempotent. Days already computed are marked again.

    Raises
    ------
    DoubleCode, UnknownUnit, UnknownResident, UnknownLease
        Naming row and code.
    HousingError
        An occupancy ends before it starts.
    """
    refuse_doubles(f"{row.estate} {row.unit} {row.resident} {row.starts_at.isoformat()}" for row in rows)
    values = columns(rows, "estate", "unit", "resident", "lease", "relation", "starts_at", "ends_at")
    refuse(connection, _ESTATES["unknown_units"], values, UnknownUnit)
    refuse(connection, _SQL["unknown_residents"], values, UnknownResident)
    refuse(connection, _SQL["unknown_leases"], values, UnknownLease)
    try:
        done = upsert(connection, _SQL["upsert_occupants"], values, len(rows))
    except psycopg.errors.CheckViolation as error:
        raise HousingError("an occupancy ends before it starts") from error
    if done.changed:
        wake_worker(connection)
    return done


def occupants_of_unit(connection: Connection, unit_id: int, *, scope: Scope) -> list[Occupant]:
    """Everybody ever registered in a home, oldest first; nobody outside the scope."""
    rows = connection.execute(_SQL["occupants_of_unit"], {**scope.parameters(), "unit_id": unit_id})
    return [
        Occupant(
            resident=row[0], subject=row[1], relation=row[2], starts_at=row[3], ends_at=row[4], lease=row[5]
        )
        for row in rows
    ]
