"""`/units/{id}/residents`: who is registered there, masked; opening one is recorded."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.auth import Now
from api.deps import Db, Given
from api.fields import CodePath, Id, Reason
from api.permissions import ResidentReader
from api.personal import open_audited
from housing import estates, residents

router = APIRouter(tags=["residents"])


class MaskedItem(BaseModel):
    """A person as staff see them before anything is opened."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    phone: str
    id_no: str
    relation: str
    starts_at: datetime
    ends_at: datetime | None


class MaskedList(BaseModel):
    """Who is registered in a home now."""

    items: list[MaskedItem]


class OpeningBody(BaseModel):
    """Why somebody's data is opened."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class OpenItem(BaseModel):
    """A person's whole data."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    name: str
    phone: str
    id_no: str


@router.get("/units/{unit_id}/residents", responses={404: {}})
def list_residents(unit_id: Id, connection: Db, deps: Given, who: ResidentReader, now: Now) -> MaskedList:
    """Who is registered in a home now, masked."""
    estates.unit_header(connection, unit_id, scope=who.scope, now=now)
    found = residents.masked_of_unit(connection, unit_id, scope=who.scope, at=now, key=deps.key)
    return MaskedList(items=[MaskedItem.model_validate(one) for one in found])


@router.post("/residents/{code}/opening", responses={404: {}})
def open_resident(
    *, code: CodePath, body: OpeningBody, connection: Db, deps: Given, who: ResidentReader, now: Now
) -> OpenItem:
    """Open one person's data. The reading is recorded with its reason."""
    found = open_audited(connection, who, code, reason=body.reason, key=deps.key, now=now)
    return OpenItem.model_validate(found)
