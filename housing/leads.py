"""Leads: a signal becomes a question for people. Nothing else happens by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg.rows import class_row

from housing.errors import NotFound
from housing.estates import list_estates
from housing.kinds import BY_CODE, HAZARDS, KINDS, LOT, OF_WATER
from housing.scope import EVERYTHING, Scope
from policy.book import PolicyBook
from storage import watermark
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "leads.sql")

STATUSES = ("open", "confirmed", "refuted", "dismissed", "withdrawn")


@dataclass(frozen=True, kw_only=True)
class Lead:
    """A lead as stored, with the home it is about."""

    id: int
    unit_id: int
    #: What people say: 3-2-0703.
    unit: str
    estate_id: int
    estate: str
    building: str
    kind: str
    #: One of `STATUSES`.
    status: str
    opened_at: datetime
    #: When the newest signal behind it was computed …
    last_signal_at: datetime
    #: … and the local day at whose end it stood.
    last_as_of: date
    #: Claimed start …
    since: datetime
    #: … and its uncertainty.
    since_pm_days: float
    #: 0 to 1, comparable within a kind.
    score: float
    #: Items {code, weight, zh, en, source, from, to, numbers}; the first is the sentence on top.
    evidence: list[dict[str, object]]
    #: {sources: {name: {known_days, days}}, unknown: [{zh, en}]}
    quality: dict[str, object]
    detector: str
    policy: str
    closed_at: datetime | None
    #: Counts verdicts, not refreshed evidence.
    version: int
    time_zone: str
    city: str
    #: The newest local day that was swept; None: no sweep yet.
    newest_sweep: date | None
    #: False: the newest sweep no longer finds it (the lead stays until a person closes it).
    found_now: bool
    #: Of a hazard whose flow is known to have stopped since (`housing.flows`): when it did.
    stopped_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class QueuedLead(Lead):
    """A lead in its queue."""

    #: Mean consumption a day of each of the last weeks, oldest first; None: unknown. L for hazards of
    #: water, else kWh.
    spark: list[float | None]
    #: The first items of evidence of the same home's other open leads, which have no row of their own.
    also: list[dict[str, object]]


def raise_leads(connection: Connection, *, books: Mapping[str, PolicyBook], now: datetime) -> int:
    """Let signals open leads, and refresh the open ones.

    An open lead of the same home and family takes over the newest signal. Without one, a lead is opened,
    unless a person decided this very episode: it is never asked again while it goes on, even where its
    claimed start moves. After it has ended, another episode of a hazard is asked at once; one of an
    inspection kind once the policy's rest after a refutation or dismissal has passed, and after a refutation
    only if it is as strong as the policy then asks. Repeating the call changes nothing.

    Parameters
    ----------
    books : mapping of str to PolicyBook
        By city; estates of other cities raise nothing.
    now : datetime
        Aware; business time.

    Returns
    -------
    int
        Leads opened.
    """
    newest = newest_sweep(connection)
    if newest is None:
        return 0
    parameters = {
        **_rules(connection, books, newest, now),
        "hazards": list(HAZARDS),
        "kinds": [kind.code for kind in KINDS],
        "families": [kind.family for kind in KINDS],
        "now": now,
    }
    connection.execute(_SQL["refresh_leads"], parameters)
    # A second statement on purpose: it sees verdicts that were committed while the first one waited.
    opened = connection.execute(_SQL["open_leads"], parameters).rowcount
    watermark.advance(connection, "leads", now, {"newest_sweep": newest.isoformat(), "opened": opened})
    return opened


def newest_sweep(connection: Connection) -> date | None:
    """The newest local day that was swept."""
    row = connection.execute(_SQL["newest_sweep"]).fetchone()
    return None if row is None else row[0]


def list_leads(
    connection: Connection,
    *,
    scope: Scope,
    status: str | None = None,
    kind: str | None = None,
    estate: str | None = None,
    unit_id: int | None = None,
    after_id: int | None = None,
    limit: int = 50,
) -> list[Lead]:
    """Leads, newest first; a page starts below `after_id`, so nothing is shown twice or skipped."""
    return _list(
        connection,
        scope,
        status=status,
        kind=kind,
        estate=estate,
        unit_id=unit_id,
        after_id=after_id,
        limit=limit,
    )


def detail(connection: Connection, lead_id: int, *, scope: Scope) -> Lead:
    """One lead.

    Raises
    ------
    NotFound
        No such lead, or outside the scope.
    """
    found = _list(connection, scope, lead_id=lead_id, limit=1)
    if not found:
        raise NotFound
    return found[0]


def queue(
    connection: Connection,
    *,
    scope: Scope,
    today: date,
    statuses: Sequence[str] = ("open",),
    kind: str | None = None,
    estate_id: int | None = None,
    after: QueuedLead | None = None,
    weeks: int = 26,
    limit: int = 50,
) -> list[QueuedLead]:
    """Leads in the order in which people work through them, with their sparklines, in one query.

    A home stands once among the open ones, with the lead that presses most; decided ones stand each.

    Parameters
    ----------
    today : date
        The weeks end with the day before.
    after : QueuedLead, optional
        The last one of the page before.
    """
    parameters = {
        **scope.parameters(),
        "newest_sweep": newest_sweep(connection),
        "statuses": list(statuses),
        "kind": kind,
        "estate_id": estate_id,
        "hazards": list(HAZARDS),
        "of_water": list(OF_WATER),
        "lot": LOT,
        "kinds": list(BY_CODE),
        "weeks": weeks,
        "first_day": today - timedelta(weeks=weeks),
        "after_as_of": after and after.last_as_of,
        "after_hazard": after and after.kind in HAZARDS,
        "after_score": after and after.score,
        "after_id": after and after.id,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(QueuedLead)) as cursor:
        return cursor.execute(_SQL["queue"], parameters).fetchall()


def counts(
    connection: Connection, *, scope: Scope, estate_id: int | None = None
) -> dict[str, dict[str, int]]:
    """How many leads there are: status → kind → count. Every status is there."""
    found: dict[str, dict[str, int]] = {status: {} for status in STATUSES}
    for status, kind, count in connection.execute(
        _SQL["counts"], {**scope.parameters(), "estate_id": estate_id}
    ):
        found[status][kind] = count
    return found


def waiting(connection: Connection, *, scope: Scope, estate_id: int | None = None) -> int:
    """How many homes wait in the queue of open leads; those drawn by lot stand beside it."""
    row = connection.execute(
        _SQL["waiting"], {**scope.parameters(), "estate_id": estate_id, "lot": LOT}
    ).fetchone()
    assert row is not None
    return row[0]


def position(connection: Connection, lead_id: int, *, scope: Scope) -> tuple[int, int] | None:
    """The place of an open lead's home in its reader's queue (1 is first) and the queue's length."""
    row = connection.execute(
        _SQL["position"],
        {
            **scope.parameters(),
            "lead_id": lead_id,
            "hazards": list(HAZARDS),
            "kinds": list(BY_CODE),
            "lot": LOT,
        },
    ).fetchone()
    return None if row is None else (row[0], row[1])


def _rules(
    connection: Connection, books: Mapping[str, PolicyBook], newest: date, now: datetime
) -> dict[str, list[object]]:
    """What each estate's policy of today says about leads, one list a column."""
    columns: dict[str, list[object]] = {
        name: [] for name in ("estate_id", "earliest", "rest_refuted", "rest_dismissed", "bar")
    }
    for estate in list_estates(connection, scope=EVERYTHING):
        if estate.city not in books:
            continue
        rules = books[estate.city].on(now.astimezone(ZoneInfo(estate.time_zone)).date()).leads
        columns["estate_id"].append(estate.id)
        columns["earliest"].append(newest - timedelta(days=rules.look_back_days))
        columns["rest_refuted"].append(str(rules.rest_after_refuted))
        columns["rest_dismissed"].append(str(rules.rest_after_dismissed))
        columns["bar"].append(rules.bar_after_refuted)
    return columns


def _list(
    connection: Connection,
    scope: Scope,
    *,
    limit: int,
    status: str | None = None,
    kind: str | None = None,
    estate: str | None = None,
    unit_id: int | None = None,
    lead_id: int | None = None,
    after_id: int | None = None,
) -> list[Lead]:
    parameters = {
        **scope.parameters(),
        "newest_sweep": newest_sweep(connection),
        "lot": LOT,
        "status": status,
        "kind": kind,
        "estate": estate,
        "unit_id": unit_id,
        "lead_id": lead_id,
        "after_id": after_id,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Lead)) as cursor:
        return cursor.execute(_SQL["list_opened"], parameters).fetchall()
