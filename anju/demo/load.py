"""Bring the demo estate into a database, or bring one that is there up to now."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from anju.demo import estate, households, plan, replay
from anju.demo.facts import FACTS
from anju.demo.people import tenancy
from anju.demo.replay import HomeData
from anju.demo.turn import YEAR
from anju.errors import AnjuError
from anju.importer import known, write
from housing.estates import list_estates
from housing.scope import EVERYTHING
from storage import audit, watermark
from storage.personal import PersonalKey
from storage.pool import Connection

#: Name of the watermark: how far the demo's data reach, from the day on which homes and people were
#: written, and in its note the day it was planned for.
MARK = "demo"
#: So many local days before today come over MQTT, the rest in bulk.
REPLAYED_DAYS = 2
#: Less than this is not worth a replay: most meters have not been read since.
_FRESH = timedelta(minutes=30)


class DemoRefused(AnjuError):
    """This database holds other estates: give the demo a data directory of its own."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A planned demo: the homes, and the local day for which they were planned."""

    homes: list[plan.Home]
    anchor: int
    #: Homes, people and devices are written.
    registered: bool
    #: Up to here everything is stored; None: nothing is.
    stored: datetime | None
    #: What is later may have been published already.
    replaying: bool
    #: Names the household data.
    data: str

    @property
    def covered(self) -> int:
        """Homes with meters."""
        return sum(home.covered for home in self.homes)


def find(connection: Connection, folder: Path, *, now: datetime) -> Demo | None:
    """Plan the demo for today, or again for the day on which it was first loaded.

    Returns
    -------
    Demo or None
        None: it was brought up to now a moment ago.

    Raises
    ------
    DataUnusable
        The folder does not hold household data.
    DemoRefused
        The database holds other estates, or a demo of other household data.
    """
    reached = watermark.reached(connection, MARK)
    note = watermark.noted(connection, MARK)
    codes = {found.code for found in list_estates(connection, scope=EVERYTHING)}
    if reached is None and codes - {estate.ESTATE}:
        raise DemoRefused
    name = _fingerprint(folder)
    if reached is not None and note.get("data") != name:
        raise DemoRefused(
            "the demo in this database is made of other household data: give this one a data directory of"
            " its own"
        )
    if reached is not None and timedelta(0) <= now - reached < _FRESH:
        return None
    noted = anchor(connection)
    day = estate.local_day(now) if noted is None else noted
    return Demo(
        homes=plan.make(households.read(folder), day),
        anchor=day,
        registered=reached is not None,
        stored=reached if reached is not None and reached > _begin(day) else None,
        replaying=note.get("replaying") is True,
        data=name,
    )


def anchor(connection: Connection) -> int | None:
    """The local day for which the demo in a database was planned, counted from 1970-01-01."""
    noted = watermark.noted(connection, MARK).get("anchor")
    return noted if isinstance(noted, int) else None


def split(demo: Demo, now: datetime) -> tuple[datetime, datetime]:
    """From where on data are missing, and from where on they shall come over MQTT.

    After a replay that was broken off all of them come that way, and equal: an event in bulk has no `seq`
    and would stand beside the one that was published.
    """
    midnight = estate.instant(estate.local_day(now) - REPLAYED_DAYS)
    start = demo.stored or _begin(demo.anchor)
    return start, start if demo.replaying else max(start, midnight)


def registry(connection: Connection, demo: Demo, *, city: str, key: PersonalKey, now: datetime) -> None:
    """Write homes, people, leases and devices, in the caller's transaction.

    With them the day they are planned for: a load that is broken off goes on with the same plan, whenever
    that is.
    """
    rows = estate.rows(demo.homes, demo.anchor, city=city)
    write.registry_rows(connection, rows, known.read(connection), key=key)
    audit.record(
        connection,
        at=now,
        actor="system:demo",
        action="demo.load",
        subject=f"estate:{estate.ESTATE}",
        detail={"data": demo.data, "homes": len(demo.homes)},
    )
    mark(connection, demo, _begin(demo.anchor))


def mark(connection: Connection, demo: Demo, until: datetime, *, replaying: bool = False) -> None:
    """Record that everything up to `until` is stored, in the caller's transaction.

    Parameters
    ----------
    replaying : bool
        What is later is about to be published.
    """
    note = {"anchor": demo.anchor, "data": demo.data, "replaying": replaying, **FACTS}
    watermark.advance(connection, MARK, until, note)


def measured(demo: Demo, since: datetime | None, until: datetime) -> Iterator[HomeData]:
    """What the devices of each covered home measured and saw in a stretch of time."""
    today = day_of(demo.anchor)
    since_us = None if since is None else int(since.timestamp() * 1_000_000)
    for home in demo.homes:
        if home.covered:
            yield replay.home_data(home, tenancy(home, today), demo.anchor, since_us=since_us, until=until)


def day_of(number: int) -> date:
    """A day counted from 1970-01-01."""
    return date(1970, 1, 1) + timedelta(days=number)


def _begin(anchor: int) -> datetime:
    return estate.instant(anchor - YEAR)


def _fingerprint(folder: Path) -> str:
    """Equal data have equal names, wherever they lie."""
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.parquet")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
