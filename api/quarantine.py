"""`/quarantine`: what could not be decoded or stored.

Nothing ties a topic to an estate, so only who sees every estate sees it.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import paging
from api.auth import Account, Now
from api.deps import Db
from api.fields import CodeFilter
from api.permissions import Needs
from api.problems import Problem
from ingest import listing
from wire.reasons import Reason

router = APIRouter(tags=["quarantine"])


def _everywhere(account: Annotated[Account, Depends(Needs("quarantine.read"))]) -> Account:
    if not account.scope.everything:
        raise Problem("not_permitted", action="quarantine.read")
    return account


Reader = Annotated[Account, Depends(_everywhere)]
RowId = Annotated[int, Path(ge=1, le=2**53 - 1)]
Since = Annotated[AwareDatetime | None, Query(description="Seen at or after this; with its zone.")]
Topic = Annotated[CodeFilter, Query(description="Part of the topic.")]


class QuarantinedItem(BaseModel):
    """One message; a repeated one is one."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    topic: str
    reason: str = Field(json_schema_extra={"enum": [reason.value for reason in Reason]})
    detail: str
    decoder: int
    size: int = Field(description="Bytes of its payload.")
    first_at: datetime
    last_at: datetime
    repeats: int


class QuarantinedDetail(QuarantinedItem):
    """One message with its payload, personal fields cut out as it is stored."""

    text: str | None = Field(description="Null: it is no text.")
    hex: str


class CountItem(BaseModel):
    """How many of one kind."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    messages: int
    repeats: int
    first_at: datetime
    last_at: datetime


class Counts(BaseModel):
    """How many of each reason and topic."""

    by_reason: list[CountItem] = Field(description="The most first.")
    by_topic: list[CountItem] = Field(description="The 20 with the most.")
    again: list[str] = Field(description="Commands that take them in once what was wrong is put right.")


@router.get("/quarantine")
def list_quarantine(
    *,
    connection: Db,
    _who: Reader,
    reason: Reason | None = None,
    topic: Topic = None,
    since: Since = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[QuarantinedItem]:
    """Messages in quarantine, the newest first."""
    key = paging.decode("quarantine", cursor, int)
    which = listing.Filter(reason=reason, topic=topic, since=since)
    found = listing.rows(connection, which, before=int(key[0]) if key else None, limit=limit + 1)
    page, more = paging.page_of(found, limit)
    following = paging.encode("quarantine", page[-1].id) if more else None
    return paging.Page(items=[QuarantinedItem.model_validate(one) for one in page], next=following)


@router.get("/quarantine/counts")
def count_quarantine(
    *,
    connection: Db,
    _who: Reader,
    reason: Reason | None = None,
    topic: Topic = None,
    since: Since = None,
) -> Counts:
    """How many of each reason and topic, and how they are decoded again."""
    which = listing.Filter(reason=reason, topic=topic, since=since)
    reasons = listing.by_reason(connection, which)
    return Counts(
        by_reason=[CountItem.model_validate(one) for one in reasons],
        by_topic=[CountItem.model_validate(one) for one in listing.by_topic(connection, which)],
        again=listing.again(reasons),
    )


@router.get("/quarantine/{row_id}", responses={404: {}})
def read_quarantined(row_id: RowId, connection: Db, who: Reader, now: Now) -> QuarantinedDetail:
    """One message with its payload. The reading is recorded."""
    connection.commit()  # who asks was read in a transaction that cannot write; this one can
    found = listing.whole(connection, row_id, by=f"account:{who.username}", now=now)
    return QuarantinedDetail(
        **QuarantinedItem.model_validate(found).model_dump(), text=found.text, hex=found.payload.hex()
    )
