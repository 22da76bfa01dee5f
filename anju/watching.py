"""The watch: conditions of all devices, then alerts of them and of the installation, in one transaction."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from alerts import plant
from alerts.raising import raise_alerts
from devices.watch import watch
from policy.book import Policy, PolicyBook
from storage import watermark
from storage.pool import Connection
from usage.recompute import has_marks

#: When the newest pass was, and what the next one must know of it.
WATCHED = "watch"


def every(books: Mapping[str, PolicyBook], now: datetime) -> timedelta:
    """How often to look, by the strictest city."""
    return min((one.silence.watch_every for one in _policies(books, now).values()), default=timedelta.max)


def is_due(connection: Connection, books: Mapping[str, PolicyBook], now: datetime) -> bool:
    """Whether the newest pass is too old; or ahead, when the clock was set back."""
    reached = watermark.reached(connection, WATCHED)
    return reached is None or now < reached or now - reached >= every(books, now)


def watch_all(
    connection: Connection, books: Mapping[str, PolicyBook], *, now: datetime, ran: str, data_dir: Path | None
) -> None:
    """Look at everything once.

    Parameters
    ----------
    ran : str
        The watermark that moves when the worker has worked off marks.
    data_dir : Path or None
        Whose disk must have room.
    """
    policies = _policies(books, now)
    if not policies:
        return
    watch(connection, policies=policies, now=now)
    # The installation belongs to no city: the first one's rules serve.
    of_first = policies[min(policies)]
    before = watermark.noted(connection, WATCHED)
    seen = replace(
        plant.read(connection, now=now),
        dirty_since=_dirty_since(connection, before, ran, now),
        free=None if data_dir is None else _free(data_dir),
    )
    signed = None if seen.listened_at is None else seen.listened_at.isoformat()
    seen = replace(seen, was_stale=signed is not None and before.get("stale") == signed)
    troubles = plant.troubles(seen, of_first.alerts, remembered=of_first.ingest.outage_after, now=now)
    raise_alerts(connection, troubles=troubles, rules=of_first.alerts, now=now)
    note: dict[str, object] = {}
    if plant.is_stale(seen, of_first.alerts, now):
        note["stale"] = signed
    if seen.dirty_since is not None:
        note["dirty_since"] = seen.dirty_since.isoformat()
    watermark.advance(connection, WATCHED, now, note)


def _policies(books: Mapping[str, PolicyBook], now: datetime) -> dict[str, Policy]:
    return {city: book.on(now.date()) for city, book in books.items()}


def _dirty_since(
    connection: Connection, before: Mapping[str, object], ran: str, now: datetime
) -> datetime | None:
    """Since when the worker has got to none of the marks: a mark has no time of its own."""
    if not has_marks(connection):
        return None
    noted = before.get("dirty_since")
    since = datetime.fromisoformat(noted) if isinstance(noted, str) else now
    worked = watermark.reached(connection, ran)
    return now if worked is not None and worked >= since else min(since, now)


def _free(folder: Path) -> float | None:
    """Share of its disk that is free."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return usage.free / usage.total if usage.total else None
