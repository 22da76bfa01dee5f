"""Households and residents. Names, phones and ID numbers are sealed; people see masks.

`open_resident` is the only way to a whole value, and only `api.personal`, which audits, may call it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from housing.errors import NotFound, UnknownHousehold
from housing.scope import Scope
from housing.upserts import Upserted, columns, refuse, refuse_doubles, upsert
from storage.personal import PersonalKey
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "residents.sql")

#: Sealed columns: attribute of a row → the column its box is bound to.
_COLUMNS = {"name": "resident.name", "phone": "resident.phone", "id_no": "resident.id_no"}


@dataclass(frozen=True, kw_only=True)
class HouseholdRow:
    """One household as an operator states it."""

    code: str
    size: int
    elder_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class ResidentRow:
    """One person as an operator states it; "" where something is not known."""

    code: str
    #: `household.code`
    household: str | None = None
    #: The pseudonym that readers at doors report.
    subject: str
    name: str = ""
    phone: str = ""
    id_no: str = ""


@dataclass(frozen=True, kw_only=True)
class MaskedResident:
    """A person as staff see them before anything is opened."""

    code: str
    #: 张*
    name: str
    #: 138****21
    phone: str
    #: ****002X
    id_no: str
    relation: str
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OpenResident:
    """A person's whole data. Reading it leaves an audit entry."""

    code: str
    name: str
    phone: str
    id_no: str


def mask_name(name: str) -> str:
    """The first character, then a star: 张*."""
    return f"{name[0]}*" if name else ""


def mask_phone(phone: str) -> str:
    """Three digits, four stars, two digits: 138****21; a short number shows nothing."""
    return f"{phone[:3]}****{phone[-2:]}" if len(phone) >= 8 else "****" if phone else ""


def mask_id_no(id_no: str) -> str:
    """Stars and the last four characters; a short one shows nothing."""
    return f"****{id_no[-4:]}" if len(id_no) >= 12 else "****" if id_no else ""


def upsert_households(connection: Connection, rows: Sequence[HouseholdRow]) -> Upserted:
    """Store households by code; idempotent.

    Raises
    ------
    DoubleCode
        A code stands twice in `rows`.
    """
    refuse_doubles(row.code for row in rows)
    values = columns(rows, "code", "size", "elder_alone")
    return upsert(connection, _SQL["upsert_households"], values, len(rows))


def upsert_residents(connection: Connection, rows: Sequence[ResidentRow], *, key: PersonalKey) -> Upserted:
    """Store residents by code, their personal columns sealed; idempotent.

    A value that is already stored keeps its box, so that a repeated import writes nothing.

    Raises
    ------
    DoubleCode, UnknownHousehold
        Naming row and code.
    BoxDamaged
        What is stored was sealed with another key.
    """
    refuse_doubles(row.code for row in rows)
    values = columns(rows, "code", "household", "subject")
    refuse(connection, _SQL["unknown_households"], values, UnknownHousehold)
    stored = _stored_boxes(connection, [row.code for row in rows])
    for name in _COLUMNS:
        values[f"{name}_enc"] = [
            _box(getattr(row, name), stored.get(row.code, {}).get(name), name, key) for row in rows
        ]
    values["id_no_hash"] = [key.hash(row.id_no) if row.id_no else None for row in rows]
    return upsert(connection, _SQL["upsert_residents"], values, len(rows))


def masked_of_unit(
    connection: Connection, unit_id: int, *, scope: Scope, at: datetime, key: PersonalKey
) -> list[MaskedResident]:
    """Who is registered in a home at a moment, masked; nobody outside the scope."""
    rows = connection.execute(_SQL["residents_of_unit"], {**scope.parameters(), "unit_id": unit_id, "at": at})
    return [
        MaskedResident(
            code=row[1],
            name=mask_name(_opened(row[2], "name", key)),
            phone=mask_phone(_opened(row[3], "phone", key)),
            id_no=mask_id_no(_opened(row[4], "id_no", key)),
            relation=row[5],
            starts_at=row[6],
            ends_at=row[7],
        )
        for row in rows
    ]


def open_resident(connection: Connection, code: str, *, scope: Scope, key: PersonalKey) -> OpenResident:
    """Open one person's data.

    Raises
    ------
    NotFound
        No such person, or not in a home within the scope.
    """
    row = connection.execute(_SQL["resident"], {**scope.parameters(), "code": code}).fetchone()
    if row is None:
        raise NotFound
    return OpenResident(
        code=row[1],
        name=_opened(row[2], "name", key),
        phone=_opened(row[3], "phone", key),
        id_no=_opened(row[4], "id_no", key),
    )


def _stored_boxes(connection: Connection, codes: list[str]) -> Mapping[str, Mapping[str, bytes | None]]:
    rows = connection.execute(_SQL["stored_residents"], {"code": codes})
    return {row[0]: {"name": row[1], "phone": row[2], "id_no": row[3]} for row in rows}


def _box(value: str, stored: bytes | None, name: str, key: PersonalKey) -> bytes | None:
    if not value:
        return None
    if stored is not None and _opened(stored, name, key) == value:
        return stored
    return key.seal(value, column=_COLUMNS[name])


def _opened(box: bytes | None, name: str, key: PersonalKey) -> str:
    return "" if box is None else key.open(box, column=_COLUMNS[name])
