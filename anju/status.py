"""`anju status`: what runs, and what was counted."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import psycopg

from anju import moments, stack
from anju.errors import StackDown
from anju.settings import Settings
from anju.stack import Stack
from anju.watching import WATCHED
from devices.coverage import count_uncovered
from storage import watermark
from storage.errors import DatabaseAway
from storage.pool import Connection, connect
from storage.queries import load

_QUERIES = load("anju", "status.sql")
#: What the worker advances when it has worked.
WORKER_MARK = "worker"
_TIMES = frozenset({"committed_at", "last_run", "watched_at"})


def counters(connection: Connection) -> dict[str, Any]:
    """Count, from the database alone.

    Returns
    -------
    dict
        ``messages.stored``, ``readings.stored``, ``readings.duplicates``, ``events.stored``,
        ``events.duplicates``, ``quarantine.total``, ``quarantine.by_reason``, ``ingest.lag_seconds``,
        ``ingest.committed_at``, ``usage.dirty``, ``worker.last_run``, ``signals.by_kind``,
        ``leads.open``, ``alerts.open`` (nobody has looked), ``alerts.standing`` (their cause goes on),
        ``devices.conditions``, ``devices.watched_at``, ``units.uncovered``, each dot a level.
    """
    row = connection.execute(_QUERIES["totals"]).fetchone()
    assert row is not None
    messages, readings, duplicates, events, event_duplicates, lag, committed_at, dirty, leads, *watched = row
    reasons = dict(connection.execute(_QUERIES["quarantine_by_reason"]).fetchall())
    ran = watermark.reached(connection, WORKER_MARK)
    return {
        "messages": {"stored": messages},
        "readings": {"stored": readings, "duplicates": duplicates},
        "events": {"stored": events, "duplicates": event_duplicates},
        "quarantine": {"total": sum(reasons.values()), "by_reason": reasons},
        "ingest": {"lag_seconds": lag, "committed_at": _iso(committed_at)},
        "usage": {"dirty": dirty},
        "worker": {"last_run": _iso(ran)},
        "signals": {"by_kind": dict(connection.execute(_QUERIES["signals_by_kind"]).fetchall())},
        "leads": {"open": leads},
        "alerts": {"open": watched[0], "standing": watched[1]},
        "devices": {"conditions": watched[2], "watched_at": _iso(watermark.reached(connection, WATCHED))},
        "units": {"uncovered": _uncovered(connection)},
    }


def _uncovered(connection: Connection) -> int | None:
    """Homes of which nothing was heard, as of the newest look at the devices; None: there was none."""
    watched_at = watermark.reached(connection, WATCHED)
    if watched_at is None:
        return None
    return count_uncovered(connection, everything=True, estate_ids=[], now=watched_at)


def _iso(time: datetime | None) -> str | None:
    return None if time is None else moments.spelled(time)


@dataclass(frozen=True, kw_only=True)
class Status:
    """What `anju status` shows."""

    #: Where a stack should run.
    data_dir: Path
    #: The stack of the data directory; None: none was started, or it ended.
    stack: Stack | None
    #: None: the database cannot be reached.
    counters: dict[str, Any] | None
    #: In which people are told times.
    zone: tzinfo = UTC

    @property
    def ready(self) -> bool:
        """True when every process of the stack is alive."""
        return self.stack is not None and all(
            stack.alive(pid) for pid in self.stack.pids.values() if pid is not None
        )

    def as_json(self) -> dict[str, Any]:
        """The keys of `anju up --json`, then the counters as far as the database answers."""
        return {
            "ready": self.ready,
            **(asdict(self.stack.shown()) if self.stack else {}),
            **(self.counters or {}),
        }

    def in_words(self) -> str:
        """The same for people."""
        lines = [f"no stack runs on {self.data_dir}"]
        if self.stack is not None:
            lines = [f"console  {self.stack.http}"]
            for name, pid in self.stack.pids.items():
                state = (
                    f"pid {pid}" if stack.alive(pid) else "not running" if pid else "not ours, or starting"
                )
                lines.append(f"{name:<8} {state}")
        if self.counters is None:
            lines.append("the database cannot be reached")
        for group, values in (self.counters or {}).items():
            lines.append(f"{group:<10} " + ", ".join(self._said(values)))
        return "\n".join(lines)

    def _said(self, values: dict[str, Any]) -> Iterator[str]:
        for key, value in values.items():
            if key in _TIMES and value is not None:
                yield f"{key} {moments.told(datetime.fromisoformat(value), self.zone)}"
            else:
                yield f"{key} {value}"


def look(settings: Settings) -> Status:
    """Look at the stack of the data directory, and count in the configured database."""
    running = stack.read(settings.data_dir)
    found, zone = None, UTC
    with (
        contextlib.suppress(StackDown, DatabaseAway, psycopg.errors.UndefinedTable),
        connect(stack.database_url(settings), name="status") as connection,
    ):
        found, zone = counters(connection), moments.zone_of_all(connection)
    return Status(data_dir=settings.data_dir.resolve(), stack=running, counters=found, zone=zone)
