"""What lies in quarantine, as people look at it: rows, one message whole, how many of each kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import class_row

from ingest.errors import NotInQuarantine
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("ingest", "listing.sql")
#: Of topics, as many as a person reads.
_TOPICS = 20
#: Control characters that text has.
_BLANKS = frozenset("\t\n\r")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which rows; None: all."""

    reason: str | None = None
    #: Part of the topic.
    topic: str | None = None
    #: Seen at or after this moment.
    since: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        """What the statements call them."""
        topic = self.topic and self.topic.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return {"reason": self.reason, "topic": topic, "since": self.since}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One message in quarantine."""

    id: int
    topic: str
    reason: str
    detail: str
    decoder: int
    #: Bytes of its payload.
    size: int
    first_at: datetime
    last_at: datetime
    #: How often the same came again.
    repeats: int


@dataclass(frozen=True, kw_only=True)
class Whole(Row):
    """One message with its payload, as stored: personal fields that a format knows are cut out already."""

    payload: bytes

    @property
    def text(self) -> str | None:
        """The payload, if it is text."""
        try:
            found = self.payload.decode()
        except UnicodeDecodeError:
            return None
        return found if all(one.isprintable() or one in _BLANKS for one in found) else None


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many rows of one reason, or of one topic."""

    name: str
    messages: int
    repeats: int
    first_at: datetime
    last_at: datetime


def rows(connection: Connection, which: Filter, *, before: int | None = None, limit: int) -> list[Row]:
    """Messages in quarantine, the newest first.

    Parameters
    ----------
    before : int, optional
        The last id of the page before.
    """
    with connection.cursor(row_factory=class_row(Row)) as cursor:
        values = which.parameters() | {"before": before, "limit": limit}
        return cursor.execute(_SQL["rows"], values).fetchall()


def whole(connection: Connection, row_id: int, *, by: str, now: datetime) -> Whole:
    """One message with its payload. What nobody understands may speak of persons: the reading is audited.

    Raises
    ------
    NotInQuarantine
    """
    with connection.cursor(row_factory=class_row(Whole)) as cursor:
        found = cursor.execute(_SQL["one"], {"id": row_id}).fetchone()
    if found is None:
        raise NotInQuarantine
    audit.record(connection, at=now, actor=by, action="quarantine.read", subject=f"quarantine:{row_id}")
    return found


def by_reason(connection: Connection, which: Filter) -> list[Count]:
    """How many of each reason, the most first."""
    return _counts(connection, "by_reason", which)


def by_topic(connection: Connection, which: Filter) -> list[Count]:
    """How many of the topics that most came on."""
    return _counts(connection, "by_topic", which)


def again(reasons: Sequence[Count]) -> list[str]:
    """The commands that take these in, once what was wrong is put right."""
    return [
        f"anju replay --quarantined --reason {one.name} --since {one.first_at.astimezone(UTC).date()}T00:00Z"
        " --dry-run"
        for one in reasons
    ]


def _counts(connection: Connection, statement: str, which: Filter) -> list[Count]:
    with connection.cursor(row_factory=class_row(Count)) as cursor:
        return cursor.execute(_SQL[statement], which.parameters() | {"limit": _TOPICS}).fetchall()
