"""What every bulk upsert of this room shares: one statement a call, and rows refused by their code."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from housing.errors import DoubleCode, RowsRefused
from storage.pool import Connection


@dataclass(frozen=True, kw_only=True)
class Upserted:
    """What one upsert did."""

    inserted: int = 0
    updated: int = 0
    #: Already stored exactly like this.
    unchanged: int = 0

    @property
    def changed(self) -> int:
        return self.inserted + self.updated


def columns(rows: Sequence[object], *names: str) -> dict[str, list[object]]:
    """Turn rows into one list a column, for `unnest`."""
    return {name: [getattr(row, name) for row in rows] for name in names}


def refuse_doubles(codes: Iterable[str]) -> None:
    """A code may stand once in a call.

    Raises
    ------
    DoubleCode
        Naming every later occurrence.
    """
    seen: set[str] = set()
    later: list[tuple[int, str]] = []
    for index, code in enumerate(codes):
        if code in seen:
            later.append((index, code))
        seen.add(code)
    if later:
        raise DoubleCode(later)


def refuse(
    connection: Connection,
    statement: LiteralString,
    parameters: Mapping[str, object],
    error: type[RowsRefused],
) -> None:
    """Run a check that selects (row index, offending code); raise `error` if it finds any."""
    found = connection.execute(statement, parameters).fetchall()
    if found:
        raise error(found)


def wake_worker(connection: Connection) -> None:
    """Tell the worker of days that were marked, once they are committed."""
    connection.execute("NOTIFY usage_dirty")


def upsert(
    connection: Connection, statement: LiteralString, parameters: Mapping[str, object], rows: int
) -> Upserted:
    """Run an upsert that returns `inserted` (boolean) for every row that it wrote."""
    written = [bool(row[0]) for row in connection.execute(statement, parameters).fetchall()]
    inserted = sum(written)
    return Upserted(inserted=inserted, updated=len(written) - inserted, unchanged=rows - len(written))
