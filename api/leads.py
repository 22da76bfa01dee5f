"""`/leads`: what people are asked to look at, and what they decided."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api import paging
from api.auth import Account, Now
from api.deps import Db, Deps, Given
from api.fields import CodeFilter, Id, IdFilter, Note, Version
from api.permissions import LeadReader, Needs
from api.problems import Problem
from api.signals import Evidence
from housing import flows, leads, verdicts, withdrawals
from housing.leads import Lead

router = APIRouter(tags=["leads"])

Status = Literal["open", "confirmed", "refuted", "dismissed", "withdrawn"]
SourceCode = Literal["desk", "visit", "call"]


class LeadItem(BaseModel):
    """A lead. It is a question, not a finding."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    unit_id: int
    unit: str
    estate: str
    kind: str
    status: Status
    opened_at: datetime
    closed_at: datetime | None
    since: datetime = Field(description="Claimed start.")
    since_pm_days: float
    score: float
    evidence: Evidence
    quality: dict[str, object]
    detector: str
    policy: str
    last_as_of: date = Field(description="The last local day whose sweep found it.")
    newest_sweep: date | None
    stopped_at: datetime | None = Field(
        description="Of an open lead about water that flows: when it stopped, as far as it is known by now."
    )
    found_now: bool = Field(description="False: the newest sweep no longer finds it.")
    version: int = Field(description="Sent back with a verdict.")


class VerdictItem(BaseModel):
    """One recorded decision."""

    model_config = ConfigDict(from_attributes=True)

    outcome: str
    code: str
    source: str
    by: str
    at: datetime
    note: str


class CodeItem(BaseModel):
    """A reason that may be given."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    outcome: str
    zh: str
    en: str
    note_required: bool


class WithdrawalItem(BaseModel):
    """What became of a lead when the data behind it moved to another home."""

    model_config = ConfigDict(from_attributes=True)

    effect: Literal["withdrawn", "flagged", "cleared"]
    at: datetime
    by: str
    status: str = Field(description="Of the lead before.")
    reason: str
    zh: str
    en: str
    change_id: int = Field(description="The act in the registry.")


class LeadDetail(LeadItem):
    """A lead with its history and what its reader may do now."""

    verdicts: list[VerdictItem] = Field(description="Oldest first.")
    withdrawals: list[WithdrawalItem] = Field(
        description="Oldest first: corrections of the registry that moved its data to another home, or back."
    )
    permitted: list[str] = Field(description="Actions of this reader in this state.")
    codes: list[CodeItem] = Field(description="Reasons of the permitted actions.")


class VerdictBody(BaseModel):
    """What a person decides about a lead."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["confirmed", "refuted", "dismissed"]
    code: str = Field(max_length=50)
    source: SourceCode = "desk"
    note: Note = ""
    version: Version


class ReopenBody(BaseModel):
    """Takes the last verdict back."""

    model_config = ConfigDict(extra="forbid")

    source: SourceCode = "desk"
    note: Note = ""
    version: Version


@router.get("/leads")
def list_leads(
    *,
    connection: Db,
    who: LeadReader,
    deps: Given,
    now: Now,
    status: Status | None = None,
    kind: CodeFilter = None,
    estate: CodeFilter = None,
    unit_id: IdFilter = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[LeadItem]:
    """Leads in the reader's scope, the newest first."""
    key = paging.decode("leads", cursor, int)
    found = leads.list_leads(
        connection,
        scope=who.scope,
        status=status,
        kind=kind,
        estate=estate,
        unit_id=unit_id,
        after_id=min(int(key[0]), 2**31 - 1) if key else None,
        limit=limit + 1,
    )
    page, more = paging.page_of(found, limit)
    following = paging.encode("leads", page[-1].id) if more else None
    marked = _marked(connection, page, deps=deps, now=now)
    return paging.Page(items=[LeadItem.model_validate(one) for one in marked], next=following)


@router.get("/leads/{lead_id}", responses={404: {}})
def read_lead(lead_id: Id, connection: Db, who: LeadReader, deps: Given, now: Now) -> LeadDetail:
    """One lead, its verdicts and what may be done now."""
    (found,) = _marked(connection, [leads.detail(connection, lead_id, scope=who.scope)], deps=deps, now=now)
    actions = permitted_to(who, found.status)
    return LeadDetail(
        **LeadItem.model_validate(found).model_dump(),
        verdicts=[
            VerdictItem.model_validate(one) for one in verdicts.of_lead(connection, lead_id, scope=who.scope)
        ],
        withdrawals=[_withdrawal(one) for one in withdrawals.of_lead(connection, lead_id, scope=who.scope)],
        permitted=list(actions),
        codes=[
            CodeItem.model_validate(code)
            for code in verdicts.CODES
            if verdicts.ACTIONS[code.outcome] in actions
        ],
    )


@router.post("/leads/{lead_id}/verdict", responses={404: {}, 409: {}})
def record_verdict(
    *, lead_id: Id, body: VerdictBody, connection: Db, who: LeadReader, deps: Given, now: Now
) -> LeadDetail:
    """Confirm, refute or dismiss a lead. Nothing else changes by it: no lease, no entry, no rent."""
    decide(
        connection,
        who,
        lead_id=lead_id,
        version=body.version,
        outcome=body.outcome,
        code=body.code,
        source=body.source,
        note=body.note,
        now=now,
    )
    return read_lead(lead_id, connection, who, deps, now)


@router.post("/leads/{lead_id}/reopen", responses={404: {}, 409: {}})
def reopen_lead(
    *,
    lead_id: Id,
    body: ReopenBody,
    connection: Db,
    who: Annotated[Account, Depends(Needs("lead.reopen"))],
    deps: Given,
    now: Now,
) -> LeadDetail:
    """Take the last verdict back; it stays on record."""
    verdicts.reopen(
        connection,
        lead_id=lead_id,
        version=body.version,
        source=body.source,
        by=who.username,
        note=body.note,
        now=now,
        scope=who.scope,
    )
    return read_lead(lead_id, connection, who, deps, now)


def _marked(connection: Db, found: Sequence[Lead], *, deps: Deps, now: datetime) -> list[Lead]:
    """The same leads, with when the water stopped."""
    zones = {one.city: one.time_zone for one in found}
    rules = {city: deps.policy(city, zone, now).leak for city, zone in zones.items()}
    return flows.marked(connection, found, rules=rules, now=now)


def _withdrawal(found: withdrawals.Withdrawal) -> WithdrawalItem:
    zh, en = withdrawals.REASONS[found.reason]
    return WithdrawalItem(
        effect=found.effect,
        at=found.at,
        by=found.by,
        status=found.status,
        reason=found.reason,
        zh=zh,
        en=en,
        change_id=found.change_id,
    )


def permitted_to(who: Account, status: str) -> tuple[str, ...]:
    """What this reader may do with a lead in this state; for pages too."""
    return tuple(action for action in verdicts.permitted(status) if who.may(f"lead.{action}"))


def decide(
    connection: Db,
    who: Account,
    *,
    lead_id: int,
    version: int,
    outcome: str,
    code: str,
    source: str,
    note: str,
    now: datetime,
) -> verdicts.Recorded:
    """Record a verdict of this account; for pages too.

    Raises
    ------
    Problem
        ``not_permitted``
    HousingError
        As `housing.verdicts.record`.
    """
    action = f"lead.{verdicts.ACTIONS[outcome]}" if outcome in verdicts.ACTIONS else "lead.decide"
    if not who.may(action):
        raise Problem("not_permitted", action=action)
    return verdicts.record(
        connection,
        lead_id=lead_id,
        version=version,
        outcome=outcome,
        code=code,
        source=source,
        by=who.username,
        note=note,
        now=now,
        scope=who.scope,
    )
