"""What persons do with an alert: open, acknowledged, in progress, resolved, closed; and one step back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from psycopg.rows import class_row

from alerts.errors import InvalidTransition, NotFound, VersionConflict
from alerts.listing import Reader
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("alerts", "handling.sql")

#: (status, action) → next status. What is not here is not permitted.
TRANSITIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("open", "acknowledge"): "acknowledged",
        ("acknowledged", "progress"): "in_progress",
        ("acknowledged", "resolve"): "resolved",
        ("in_progress", "resolve"): "resolved",
        ("resolved", "close"): "closed",
    }
)
ACTIONS = ("acknowledge", "progress", "resolve", "close")


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something that became of an alert."""

    action: str
    from_status: str
    to_status: str
    by: str
    at: datetime
    note: str


def permitted(status: str) -> tuple[str, ...]:
    """What may be done in a status, in the order people see it."""
    return tuple(action for before, action in TRANSITIONS if before == status)


def steps(connection: Connection, alert_id: int) -> list[Step]:
    """What became of an alert, oldest first."""
    with connection.cursor(row_factory=class_row(Step)) as cursor:
        return cursor.execute(_SQL["steps"], {"alert_id": alert_id}).fetchall()


def undoable(status: str, done: list[Step]) -> Step | None:
    """The step that can be taken back: the last one, if a person did it and it still stands."""
    last = done[-1] if done else None
    return last if last is not None and last.action in ACTIONS and last.to_status == status else None


def handle(
    connection: Connection,
    *,
    alert_id: int,
    version: int,
    action: str,
    by: str,
    note: str = "",
    scope: Reader,
    now: datetime,
) -> str:
    """Move an alert on, or take the last step back (``undo``), with an audit entry; returns its status.

    Raises
    ------
    NotFound, VersionConflict, InvalidTransition
        Nothing is changed then.
    """
    row = connection.execute(_SQL["hold"], {**scope.parameters(), "alert_id": alert_id}).fetchone()
    if row is None:
        raise NotFound
    status, current, origin, kind = row
    if current != version:
        raise VersionConflict(current=current)
    following = TRANSITIONS.get((status, action))
    if action == "undo":
        back = undoable(status, steps(connection, alert_id))
        following = None if back is None else back.from_status
    if following is None:
        raise InvalidTransition(f"{action} is not permitted for an alert that is {status}")
    values = {
        "alert_id": alert_id,
        "action": action,
        "before": status,
        "status": following,
        "by": by,
        "now": now,
        "note": note,
    }
    connection.execute(_SQL["move"], values)
    connection.execute(_SQL["record"], values)
    audit.record(
        connection,
        at=now,
        actor=f"account:{by}",
        action=f"alert.{action}",
        subject=f"alert:{alert_id}",
        reason=note or None,
        detail={"origin": origin, "kind": kind, "from": status, "to": following},
    )
    return following
