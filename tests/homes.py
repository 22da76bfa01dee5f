"""Estates with homes for tests that need something to install devices at."""

from typing import LiteralString

from storage.pool import Connection


def make_units(connection: Connection, count: int, *, code: str = "E1") -> list[int]:
    """Write an estate with one building and `count` units; returns the units' ids. Does not commit."""
    estate_id = make_estate(connection, code=code)
    building_id = _id(
        connection, "INSERT INTO building (estate_id, code) VALUES (%s, '1') RETURNING id", [estate_id]
    )
    rows = connection.execute(
        "INSERT INTO unit (estate_id, building_id, code, floor, door)"
        " SELECT %s, %s, '1-1-' || n, 1, n::text FROM generate_series(1, %s) n RETURNING id",
        [estate_id, building_id, count],
    ).fetchall()
    return sorted(row[0] for row in rows)


def make_estate(connection: Connection, *, code: str = "E1") -> int:
    """Write an estate, or find the one that is there; returns its id. Does not commit."""
    return _id(
        connection,
        "INSERT INTO estate (code, name, city) VALUES (%s, '安居苑', 'anhe')"
        " ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id",
        [code],
    )


def _id(connection: Connection, statement: LiteralString, values: list[object]) -> int:
    row = connection.execute(statement, values).fetchone()
    assert row is not None
    return row[0]
