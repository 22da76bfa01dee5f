"""The installation itself: whether messages are taken, stored and computed, and whether there is room."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.groups import Alerts
from storage.pool import Connection
from storage.queries import load

_SQL = load("alerts", "plant.sql")


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What is known of the installation."""

    #: The newest sign of any ingest process; None: there never was one.
    listened_at: datetime | None
    #: The longest that a message waited of late, in seconds.
    waited_s: float
    waited_at: datetime | None
    #: Of the present UTC day.
    messages: int
    quarantined: int
    #: The pass before saw the same newest sign, and it was too old then.
    was_stale: bool = False
    #: Since when days have been waiting that the worker does not get to; None: none waits.
    dirty_since: datetime | None = None
    #: Share of the data disk that is free; None: not known here.
    free: float | None = None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that is wrong with the installation."""

    origin: str
    kind: str
    since: datetime
    detail: dict[str, object]


def read(connection: Connection, *, now: datetime) -> Plant:
    """Read what the database knows."""
    row = connection.execute(_SQL["plant"], {"now": now, "day": now.date()}).fetchone()
    assert row is not None
    listened_at, waited_s, waited_at, messages, quarantined = row
    return Plant(
        listened_at=listened_at,
        waited_s=waited_s or 0.0,
        waited_at=waited_at,
        messages=messages,
        quarantined=quarantined,
    )


def is_stale(plant: Plant, rules: Alerts, now: datetime) -> bool:
    """Whether ingest gave no sign for too long."""
    return plant.listened_at is not None and now - plant.listened_at > rules.ingest_after


def troubles(plant: Plant, rules: Alerts, *, remembered: timedelta, now: datetime) -> list[Trouble]:
    """Say what is wrong with the installation.

    Parameters
    ----------
    remembered : timedelta
        For how long the longest wait counts: a queue that has gone is told all the same.
    """
    found: list[Trouble] = []
    if plant.was_stale and is_stale(plant, rules, now) and plant.listened_at is not None:
        # Twice: after a jump of the clock its next sign is seconds away.
        found.append(Trouble(origin="ingest", kind="ingest_silent", since=plant.listened_at, detail={}))
    waited_at = plant.waited_at
    if (
        waited_at is not None
        and plant.waited_s > rules.queue_age.total_seconds()
        and now - waited_at <= remembered
    ):
        since = waited_at - timedelta(seconds=plant.waited_s)
        detail: dict[str, object] = {"seconds": round(plant.waited_s)}
        found.append(Trouble(origin="ingest", kind="ingest_behind", since=since, detail=detail))
    if plant.dirty_since is not None and now - plant.dirty_since > rules.worker_after:
        found.append(Trouble(origin="worker", kind="worker_behind", since=plant.dirty_since, detail={}))
    if plant.free is not None and plant.free < rules.disk_free:
        detail = {"percent": round(100 * plant.free, 1)}
        found.append(Trouble(origin="disk", kind="disk_full", since=now, detail=detail))
    share = plant.quarantined / max(plant.messages, plant.quarantined, 1)
    if plant.quarantined >= rules.quarantine_min and share >= rules.quarantine_share:
        detail = {"quarantined": plant.quarantined, "percent": round(100 * share, 1)}
        found.append(Trouble(origin="quarantine", kind="quarantine_growth", since=now, detail=detail))
    return found
