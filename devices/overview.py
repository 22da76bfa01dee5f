"""The devices for whoever looks after them: where each hangs, whether it is heard, what is wrong."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import class_row

from devices.listing import Estates
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "overview.sql")

#: `fault`: something is wrong with it. `free`: in use and nowhere. `retired`. `all`: every one.
State = Literal["all", "fault", "free", "retired"]


@dataclass(frozen=True, kw_only=True)
class Overseen:
    """One device."""

    code: str
    serial: str
    profile: str
    estate: str
    active: bool
    #: Codes of the homes that it serves now …
    units: list[str]
    #: … and their ids, in the same order.
    unit_ids: list[int]
    entrances: list[str]
    #: When its newest message came; None: there was none.
    heard_at: datetime | None
    #: `devices.conditions.Kind`, by name.
    faults: list[str]


def devices(
    connection: Connection,
    *,
    estates: Estates = None,
    estate: str | None = None,
    profiles: Collection[str] | None = None,
    words: str | None = None,
    state: State = "all",
    after: str | None = None,
    limit: int = 50,
) -> list[Overseen]:
    """Devices by code, in one query.

    Parameters
    ----------
    words : str, optional
        Part of the code, the serial number, the address, the profile or the home.
    after : str, optional
        The last code of the page before.
    """
    parameters = {
        "everything": estates is None,
        "estate_ids": list(estates or ()),
        "estate": estate,
        "profiles": None if profiles is None else sorted(profiles),
        "words": words and words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"),
        "state": state,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Overseen)) as cursor:
        return cursor.execute(_SQL["devices"], parameters).fetchall()
