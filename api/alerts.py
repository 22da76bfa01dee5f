"""`/alerts`: what needs somebody, and what persons do about it. `/uncovered`: homes not heard of."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from alerts import handling, kinds, listing
from api import paging
from api.auth import Account, Now
from api.deps import Db
from api.fields import CodeFilter, Id, Note, Version
from api.permissions import AlertReader, Needs, UnitReader
from devices import coverage

router = APIRouter(tags=["alerts"])

Handler = Annotated[Account, Depends(Needs("alert.handle"))]


class AlertItem(BaseModel):
    """Something that somebody should look at."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    origin: str = Field(description="Who it is about: `device:17`, `device:17:water_l`, `ingest` …")
    kind: str = Field(json_schema_extra={"enum": list(kinds.KINDS)})
    severity: kinds.Severity
    status: str = Field(
        json_schema_extra={"enum": ["open", "acknowledged", "in_progress", "resolved", "closed"]}
    )
    since: datetime
    raised_at: datetime
    seen_at: datetime = Field(description="The newest pass that found it.")
    cleared_at: datetime | None = Field(description="When its cause was gone; null: it goes on.")
    times: int = Field(description="How often it was raised: what comes again soon is the same alert.")
    detail: dict[str, Any]
    version: int
    estate: str | None = Field(description="Null: of the installation as a whole.")
    unit_id: int | None
    unit: str | None
    device: str | None
    zh: str
    en: str


class StepItem(BaseModel):
    """Something that became of an alert."""

    model_config = ConfigDict(from_attributes=True)

    action: str
    from_status: str
    to_status: str
    by: str
    at: datetime
    note: str


class AlertDetail(AlertItem):
    """An alert with its history and what its reader may do now."""

    steps: list[StepItem] = Field(description="Oldest first.")
    permitted: list[str] = Field(description="Actions of this reader in this status.")


class StepBody(BaseModel):
    """What a person does about an alert."""

    model_config = ConfigDict(extra="forbid")

    version: Version
    note: Note = ""


class UncoveredItem(BaseModel):
    """A home of which nothing is heard."""

    model_config = ConfigDict(from_attributes=True)

    unit_id: int
    unit: str
    estate: str
    devices: int = Field(description="Devices that should be heard; 0: none hangs there.")
    since: datetime | None = Field(description="The last that was heard; null: nothing ever was.")


@router.get("/alerts")
def list_alerts(
    *,
    connection: Db,
    who: AlertReader,
    status: listing.Show = "current",
    estate: CodeFilter = None,
    kind: CodeFilter = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[AlertItem]:
    """Alerts in the reader's scope, the most pressing first, then the newest.

    `current` are those that go on or wait for a person; `over` those whose cause is gone and that nobody has
    looked at yet.
    """
    key = paging.decode("alerts", cursor, int, int)
    found = listing.list_alerts(
        connection,
        scope=who.scope,
        show=status,
        estate=estate,
        kind=kind,
        after=(min(int(key[0]), 9), min(int(key[1]), 2**31 - 1)) if key else None,
        limit=limit + 1,
    )
    page, more = paging.page_of(found, limit)
    following = paging.encode("alerts", page[-1].rank, page[-1].id) if more else None
    return paging.Page(items=[AlertItem(**_shown(one)) for one in page], next=following)


@router.get("/alerts/{alert_id}", responses={404: {}})
def read_alert(alert_id: Id, connection: Db, who: AlertReader) -> AlertDetail:
    """One alert, what became of it and what may be done now."""
    found = listing.detail(connection, alert_id, scope=who.scope)
    done = handling.steps(connection, alert_id)
    return AlertDetail(
        **_shown(found),
        steps=[StepItem.model_validate(step) for step in done],
        permitted=list(permitted_to(who, found.status, done)),
    )


@router.post("/alerts/{alert_id}/acknowledge", responses={404: {}, 409: {}})
def acknowledge(alert_id: Id, body: StepBody, connection: Db, who: Handler, now: Now) -> AlertDetail:
    """Say that somebody looks after it."""
    return _moved("acknowledge", alert_id, body, connection, who, now=now)


@router.post("/alerts/{alert_id}/progress", responses={404: {}, 409: {}})
def progress(alert_id: Id, body: StepBody, connection: Db, who: Handler, now: Now) -> AlertDetail:
    """Say that work on it has begun."""
    return _moved("progress", alert_id, body, connection, who, now=now)


@router.post("/alerts/{alert_id}/resolve", responses={404: {}, 409: {}})
def resolve(alert_id: Id, body: StepBody, connection: Db, who: Handler, now: Now) -> AlertDetail:
    """Say that it is put right. Only data clear its cause."""
    return _moved("resolve", alert_id, body, connection, who, now=now)


@router.post("/alerts/{alert_id}/close", responses={404: {}, 409: {}})
def close(alert_id: Id, body: StepBody, connection: Db, who: Handler, now: Now) -> AlertDetail:
    """Put it away. Where its cause goes on, it is raised again after the policy's time."""
    return _moved("close", alert_id, body, connection, who, now=now)


@router.post("/alerts/{alert_id}/undo", responses={404: {}, 409: {}})
def undo(alert_id: Id, body: StepBody, connection: Db, who: Handler, now: Now) -> AlertDetail:
    """Take the last step back; it stays on record."""
    return _moved("undo", alert_id, body, connection, who, now=now)


@router.get("/uncovered")
def list_uncovered(
    *,
    connection: Db,
    who: UnitReader,
    now: Now,
    estate: CodeFilter = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> paging.Page[UncoveredItem]:
    """Homes without any live sensor, by estate and code."""
    key = paging.decode("uncovered", cursor, str, str)
    found = coverage.list_uncovered(
        connection,
        everything=who.scope.everything,
        estate_ids=list(who.scope.estate_ids),
        estate=estate,
        after=(str(key[0]), str(key[1])) if key else None,
        now=now,
        limit=limit + 1,
    )
    page, more = paging.page_of(found, limit)
    following = paging.encode("uncovered", page[-1].estate, page[-1].unit) if more else None
    return paging.Page(items=[UncoveredItem.model_validate(one) for one in page], next=following)


def permitted_to(who: Account, status: str, done: list[handling.Step]) -> tuple[str, ...]:
    """What this reader may do with an alert; for pages too."""
    if not who.may("alert.handle"):
        return ()
    back = ("undo",) if handling.undoable(status, done) is not None else ()
    return handling.permitted(status) + back


def _moved(
    action: str, alert_id: int, body: StepBody, connection: Db, who: Account, *, now: datetime
) -> AlertDetail:
    handling.handle(
        connection,
        alert_id=alert_id,
        version=body.version,
        action=action,
        by=who.username,
        note=body.note,
        scope=who.scope,
        now=now,
    )
    return read_alert(alert_id, connection, who)


def _shown(found: listing.Alert) -> dict[str, Any]:
    zh, en = kinds.sentence(found.kind, found.detail)
    return {**vars(found), "zh": zh, "en": en}
