"""`/estates`: estates and their boards."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Account, Now
from api.deps import Db, Given
from api.fields import Id
from api.permissions import UnitReader
from housing import board as boards
from housing import estates

router = APIRouter(tags=["estates"])


class EstateItem(BaseModel):
    """An estate."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    code: str
    name: str
    name_en: str
    city: str
    time_zone: str
    buildings: int
    units: int


class EstateList(BaseModel):
    """Every estate that the reader may see."""

    items: list[EstateItem]


class TileItem(BaseModel):
    """One home on the board."""

    model_config = ConfigDict(from_attributes=True)

    unit_id: int
    unit: str
    building: str
    stair: str
    floor: int
    door: str
    state: str = Field(json_schema_extra={"enum": list(boards.STATES)})
    since: datetime | None
    lead_id: int | None = Field(description="Null also for readers without `lead.read`.")
    lead_kind: str | None = Field(description="Null also for readers without `lead.read`.")
    heard_at: datetime | None
    is_silent: bool
    away_until: datetime | None
    stopped_at: datetime | None = Field(description="Of a hazard whose flow has stopped since: when.")


class BoardBody(BaseModel):
    """Every home of an estate with its worst open state."""

    estate: EstateItem
    at: datetime
    newest_sweep: date | None = Field(description="The last local day that was swept.")
    heard_at: datetime | None
    counts: dict[str, int] = Field(description="State → homes; they add up to all homes.")
    silent: int = Field(description="Homes none of whose sources was heard, those in a worse state included.")
    tiles: list[TileItem]


@router.get("/estates")
def list_estates(connection: Db, who: UnitReader) -> EstateList:
    """Estates in the reader's scope, by code."""
    found = estates.list_estates(connection, scope=who.scope)
    return EstateList(items=[EstateItem.model_validate(one) for one in found])


@router.get("/estates/{estate_id}/board", responses={404: {}})
def read_board(estate_id: Id, connection: Db, deps: Given, who: UnitReader, now: Now) -> BoardBody:
    """The board of one estate."""
    found = board_of(connection, deps, estates.estate(connection, estate_id, scope=who.scope), who, now)
    return BoardBody(
        estate=EstateItem.model_validate(found.estate),
        at=now,
        newest_sweep=found.newest_sweep,
        heard_at=found.heard_at,
        counts=dict(found.counts),
        silent=found.silent,
        tiles=[TileItem.model_validate(tile) for tile in found.tiles],
    )


def board_of(
    connection: Db, deps: Given, estate: estates.Estate, who: Account, now: datetime
) -> boards.Board:
    """The board under the policy of the estate's city, as this reader may see it; for pages too."""
    policy = deps.policy(estate.city, estate.time_zone, now)
    return boards.board(
        connection,
        estate.id,
        scope=who.scope,
        silence=policy.silence,
        bands=policy.bands,
        leak=policy.leak,
        with_leads=who.may("lead.read"),
        now=now,
    )
