"""Harmless causes that people found in homes: who is cared for is not asked about it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from psycopg.rows import class_row

from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "facts.sql")

#: Reasons of verdicts that say what a home is like, and how that is said: zh, en.
FACTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "relatives_or_care": (
            "已登记：有亲属探访或照护",
            "On record: relatives visit, or somebody is cared for",
        ),
        "home_office": ("已登记：有人居家办公", "On record: somebody works at home"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One that holds."""

    #: A key of `FACTS`.
    code: str
    known_at: datetime


def of_unit(connection: Connection, unit_id: int, *, now: datetime) -> list[Fact]:
    """What is known of a home, oldest first."""
    with connection.cursor(row_factory=class_row(Fact)) as cursor:
        return cursor.execute(_SQL["of_unit"], {"unit_id": unit_id, "now": now}).fetchall()


def follow(connection: Connection, *, lead_id: int, outcome: str, code: str, now: datetime) -> None:
    """Keep what a verdict that was just written says of its home, or take it back with the verdict."""
    if outcome == "reopened":
        connection.execute(_SQL["take_back"], {"lead_id": lead_id, "now": now})
    elif code in FACTS:
        said = {"lead_id": lead_id, "code": code, "now": now}
        connection.execute(_SQL["end_earlier"], said)
        connection.execute(_SQL["keep"], said)
