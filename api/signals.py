"""`/signals`: what detectors say, as of each day. A signal is a lead, never a finding."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, Field

from api import paging
from api.auth import Now
from api.deps import Db
from api.fields import CodeFilter, Id, IdFilter
from api.permissions import SignalReader
from housing import estates
from housing.scope import Scope
from storage.queries import load

router = APIRouter(tags=["signals"])

_SQL = load("api", "signals.sql")
_YEAR = 365
Evidence = Annotated[
    list[dict[str, object]],
    Field(description="Items {code, weight, zh, en, source, from, to, numbers}; the first is the sentence."),
]


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One detector's answer for one home as of the end of one local day."""

    id: int
    unit_id: int
    unit: str
    estate: str
    kind: str
    as_of: date
    at: datetime
    since: datetime
    since_pm_days: float
    score: float
    evidence: list[dict[str, object]]
    quality: dict[str, object]
    detector: str
    policy: str


@dataclass(frozen=True, kw_only=True)
class Episode:
    """What a detector said of one home about one claimed start, over all days that it said it."""

    kind: str
    since: datetime
    since_pm_days: float
    first_as_of: date
    last_as_of: date
    #: The highest of its days.
    score: float
    #: Of the last day.
    evidence: list[dict[str, object]]


class SignalItem(BaseModel):
    """One detector's answer for one home as of the end of one local day."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    unit_id: int
    unit: str
    estate: str
    kind: str
    as_of: date
    at: datetime = Field(description="What had arrived by then was used, nothing later.")
    since: datetime = Field(description="Claimed start.")
    since_pm_days: float
    score: float
    evidence: Evidence
    quality: dict[str, object]
    detector: str
    policy: str


class EpisodeItem(BaseModel):
    """What a detector said of one home about one claimed start, over all days that it said it."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    since: datetime = Field(description="Claimed start.")
    since_pm_days: float
    first_as_of: date
    last_as_of: date
    score: float = Field(description="The highest of its days.")
    evidence: Evidence


class EpisodeList(BaseModel):
    """Episodes of one home, by claimed start."""

    items: list[EpisodeItem]


@router.get("/signals")
def list_signals(
    *,
    connection: Db,
    who: SignalReader,
    kind: CodeFilter = None,
    estate: CodeFilter = None,
    unit_id: IdFilter = None,
    first: Annotated[date | None, Query(alias="from", description="First local day, inclusive.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last local day, inclusive.")] = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> paging.Page[SignalItem]:
    """Signals in the reader's scope, newest day first."""
    key = paging.decode("signals", cursor, str, int)
    parameters = {
        **who.scope.parameters(),
        "kind": kind,
        "estate": estate,
        "unit_id": unit_id,
        "from": first,
        "to": last,
        "after_as_of": paging.day_of(key[0]) if key else None,
        "after_id": key[1] if key else None,
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=class_row(Signal)) as cursor_:
        found = cursor_.execute(_SQL["list_signals"], parameters).fetchall()
    page, more = paging.page_of(found, limit)
    following = paging.encode("signals", page[-1].as_of.isoformat(), page[-1].id) if more else None
    return paging.Page(items=[SignalItem.model_validate(one) for one in page], next=following)


@router.get("/units/{unit_id}/episodes", responses={404: {}})
def list_episodes(unit_id: Id, connection: Db, who: SignalReader, now: Now) -> EpisodeList:
    """Signals of one home over the last year, one item for each kind and claimed start."""
    header = estates.unit_header(connection, unit_id, scope=who.scope, now=now)
    last = now.astimezone(ZoneInfo(header.time_zone)).date()
    found = episodes(connection, unit_id, scope=who.scope, first=last - timedelta(days=_YEAR), last=last)
    return EpisodeList(items=[EpisodeItem.model_validate(one) for one in found])


def episodes(connection: Db, unit_id: int, *, scope: Scope, first: date, last: date) -> list[Episode]:
    """What to mark on the plot of one home, by claimed start; nothing outside the scope."""
    parameters = {**scope.parameters(), "unit_id": unit_id, "from": first, "to": last}
    with connection.cursor(row_factory=class_row(Episode)) as cursor:
        return cursor.execute(_SQL["episodes"], parameters).fetchall()
