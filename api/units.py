"""`/units`: homes, without the people in them."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api import paging
from api.auth import Now
from api.deps import Db, Given
from api.fields import CodeFilter, Id
from api.permissions import UnitReader
from devices.conditions import Kind as Condition
from housing import absences, board, estates, leads
from wire.channels import BY_CODE

router = APIRouter(tags=["units"])


class UnitItem(BaseModel):
    """A home."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    code: str
    estate_id: int
    estate: str
    building: str
    stair: str
    floor: int
    door: str
    area_m2: float | None
    rooms: int | None
    contract_kw: float | None
    time_zone: str


class SourceItem(BaseModel):
    """One channel of one device that serves the home now."""

    device: str
    profile: str
    channel: str = Field(description="A channel's name, or `events`.")
    valid_from: datetime
    heard_at: datetime | None
    silent: bool
    conditions: list[str] = Field(
        description="What is wrong with the device or this channel, as of the newest look.",
        json_schema_extra={"items": {"type": "string", "enum": list(Condition)}},
    )


class AbsenceItem(BaseModel):
    """A registered absence."""

    model_config = ConfigDict(from_attributes=True)

    registered_at: datetime
    starts_at: datetime
    ends_at: datetime
    reason: str
    approved_by: str


class OpenLead(BaseModel):
    """An open lead about the home."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: str
    since: datetime
    score: float
    found_now: bool


class UnitDetail(UnitItem):
    """A home with what stands at the top of its page."""

    household_size: int | None = Field(description="Of the lease in force; null without one.")
    lease: str | None
    lease_starts_on: date | None
    lease_ends_on: date | None
    sources: list[SourceItem]
    absences: list[AbsenceItem] = Field(description="Those that have not ended.")
    open_leads: list[OpenLead]


@router.get("/units")
def list_units(
    *,
    connection: Db,
    who: UnitReader,
    estate: CodeFilter = None,
    building: CodeFilter = None,
    code: CodeFilter = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> paging.Page[UnitItem]:
    """Homes in the reader's scope, by estate and code."""
    key = paging.decode("units", cursor, str, str)
    found = estates.list_units(
        connection,
        scope=who.scope,
        estate=estate,
        building=building,
        code=code,
        after=(str(key[0]), str(key[1])) if key else None,
        limit=limit + 1,
    )
    page, more = paging.page_of(found, limit)
    following = paging.encode("units", page[-1].estate, page[-1].code) if more else None
    return paging.Page(items=[UnitItem.model_validate(one) for one in page], next=following)


@router.get("/units/{unit_id}", responses={404: {}})
def read_unit(unit_id: Id, connection: Db, deps: Given, who: UnitReader, now: Now) -> UnitDetail:
    """One home, its live sources and what is open about it."""
    header = estates.unit_header(connection, unit_id, scope=who.scope, now=now)
    silence = deps.policy(header.city, header.time_zone, now).silence
    sources = board.sources_of_unit(connection, unit_id, scope=who.scope, silence=silence, now=now)
    away = absences.list_absences(connection, scope=who.scope, unit_id=unit_id, start=now)
    open_leads = (
        leads.list_leads(connection, scope=who.scope, unit_id=unit_id, status="open")
        if who.may("lead.read")
        else []
    )
    return UnitDetail(
        **UnitItem.model_validate(header).model_dump(),
        household_size=header.household_size,
        lease=header.lease,
        lease_starts_on=header.lease_starts_on,
        lease_ends_on=header.lease_ends_on,
        sources=[_source(one) for one in sources],
        absences=[AbsenceItem.model_validate(one) for one in away],
        open_leads=[OpenLead.model_validate(one) for one in open_leads],
    )


def _source(found: board.SourceState) -> SourceItem:
    return SourceItem(
        device=found.device,
        profile=found.profile,
        channel=BY_CODE[found.channel].name if found.channel else "events",
        valid_from=found.valid_from,
        heard_at=found.heard_at,
        silent=found.silent,
        conditions=found.conditions,
    )
