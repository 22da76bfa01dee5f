"""Justified absences: they pause the idle clock from the moment they are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from housing.errors import HousingError, UnknownUnit
from housing.scope import Scope
from housing.upserts import Upserted, columns, refuse, refuse_doubles, upsert, wake_worker
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "absences.sql")
_ESTATES = load("housing", "estates.sql")


@dataclass(frozen=True, kw_only=True)
class AbsenceRow:
    """One justified absence as an operator states it."""

    estate: str
    unit: str
    #: When it became known.
    registered_at: datetime
    starts_at: datetime
    ends_at: datetime
    #: hospital, travel, posting … as the office words it; no personal data.
    reason: str
    #: Who approved it.
    approved_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Absence:
    """An absence as stored."""

    id: int
    unit_id: int
    unit: str
    estate_id: int
    registered_at: datetime
    starts_at: datetime
    ends_at: datetime
    reason: str
    approved_by: str


def upsert_absences(connection: Connection, rows: Sequence[AbsenceRow]) -> Upserted:
    """Store absences by (unit, start); idempotent. A row with another end corrects the one before.

    Days already computed are marked again, those of the end before included.

    Raises
    ------
    DoubleCode, UnknownUnit
        Naming row and code.
    HousingError
        An absence ends before it starts.
    """
    refuse_doubles(f"{row.estate} {row.unit} {row.starts_at.astimezone(UTC).isoformat()}" for row in rows)
    values = columns(rows, "estate", "unit", "registered_at", "starts_at", "ends_at", "reason", "approved_by")
    refuse(connection, _ESTATES["unknown_units"], values, UnknownUnit)
    try:
        done = upsert(connection, _SQL["upsert_absences"], values, len(rows))
    except psycopg.errors.CheckViolation as error:
        raise HousingError("an absence ends before it starts") from error
    if done.changed:
        wake_worker(connection)
    return done


def list_absences(
    connection: Connection,
    *,
    scope: Scope,
    estate_id: int | None = None,
    unit_id: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[Absence]:
    """Absences that touch the time from `start` to `end`, by their start."""
    rows = connection.execute(
        _SQL["list_absences"],
        {**scope.parameters(), "estate_id": estate_id, "unit_id": unit_id, "from": start, "to": end},
    )
    return [
        Absence(
            id=row[0],
            unit_id=row[1],
            unit=row[2],
            estate_id=row[3],
            registered_at=row[4],
            starts_at=row[5],
            ends_at=row[6],
            reason=row[7],
            approved_by=row[8],
        )
        for row in rows
    ]
