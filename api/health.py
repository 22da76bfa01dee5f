"""`/health`: whether the parts answer, and what was counted. No login, nothing about anybody."""

from datetime import datetime
from typing import Literal

import psycopg
from fastapi import APIRouter, Response
from psycopg_pool import PoolClosed, PoolTimeout
from pydantic import BaseModel, Field

from api.auth import Now
from api.deps import Given
from storage.queries import load

router = APIRouter(tags=["health"])

_SQL = load("api", "health.sql")
#: A probe must answer before its own time-out.
_WAIT_S = 2.0


class Totals(BaseModel):
    """What was counted since the beginning."""

    messages: int
    readings: int
    duplicates: int = Field(description="Readings that were there already.")
    events: int
    event_duplicates: int
    quarantined: int
    open_leads: int
    units: int


class Health(BaseModel):
    """Whether the parts answer."""

    status: Literal["ok", "degraded", "down"] = Field(description="down: 503.")
    database: Literal["ok", "away"]
    broker: Literal["ok", "away", "unknown"]
    version: str
    at: datetime
    ingest_committed_at: datetime | None = Field(description="The newest committed batch.")
    totals: Totals | None


@router.get(
    "/health",
    responses={503: {"model": Health, "description": "The database is away.", "x-own": True}},
    openapi_extra={"x-public": True},
)
def read_health(deps: Given, response: Response, now: Now) -> Health:
    """Whether database and broker answer, and the totals."""
    alive = deps.broker_alive()
    broker = "unknown" if alive is None else "ok" if alive else "away"
    try:
        with deps.pool.connection(timeout=_WAIT_S) as connection:
            row = connection.execute(_SQL["totals"]).fetchone()
    except (PoolTimeout, PoolClosed, psycopg.OperationalError):
        row = None
    if row is None:
        response.status_code = 503
    return Health(
        status="down" if row is None else "degraded" if broker == "away" else "ok",
        database="away" if row is None else "ok",
        broker=broker,
        version=deps.version,
        at=now,
        ingest_committed_at=None if row is None else row[8],
        totals=None if row is None else _totals(row),
    )


def _totals(row: tuple[int, ...]) -> Totals:
    return Totals(
        messages=row[0],
        readings=row[1],
        duplicates=row[2],
        events=row[3],
        event_duplicates=row[4],
        quarantined=row[5],
        open_leads=row[6],
        units=row[7],
    )
