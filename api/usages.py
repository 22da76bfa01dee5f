"""`/units/{id}/usage`: consumption of one home, by hour or by local day; null where nothing is known."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.auth import Now
from api.deps import Db
from api.fields import Id
from api.permissions import UsageReader
from api.problems import Problem
from housing import estates
from usage import arrays
from wire.channels import BY_NAME

router = APIRouter(tags=["units"])

#: The metered names of `wire.channels` (a test compares them).
MeteredName = Literal["energy_kwh", "water_l", "gas_m3", "heat_kwh", "hot_water_l"]

#: A reply holds a year with its neighbours at most.
_MAX_DAYS = 400
_USUAL_DAYS = 30
#: Hours are stored as single precision; further digits would be invented.
_DIGITS = 5
_TOO_LONG = {
    "where": ["query", "from"],
    "zh": f"起止日期须先后有序，且不超过{_MAX_DAYS}天",
    "en": f"must not be after `to`, nor more than {_MAX_DAYS} days before it",
}


class UsageBody(BaseModel):
    """Consumption of one channel, one element a step, without gaps in time."""

    unit_id: int
    channel: MeteredName
    unit: str = Field(description="Of the amounts: kWh, L, m³.")
    time_zone: str = Field(description="Of the local days.")
    step: Literal["hour", "day"]
    start: datetime = Field(description="Start of the first hour, in UTC.")
    days: list[date] | None = Field(description="Local days; null with step=hour.")
    amount: list[float | None] = Field(
        description="Null: nothing is known, which is not zero. A day is the sum of its known hours."
    )
    covered_min: list[int] = Field(
        description="Measured minutes; hours that were only spread over a gap count none."
    )
    known_hours: list[int] = Field(description="Hours of the step whose amount is known.")


@router.get("/units/{unit_id}/usage", responses={404: {}})
def read_usage(
    *,
    unit_id: Id,
    connection: Db,
    who: UsageReader,
    now: Now,
    channel: MeteredName = "energy_kwh",
    first: Annotated[date | None, Query(alias="from", description="First local day.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Last local day; today by default.")] = None,
    step: Literal["hour", "day"] = "hour",
) -> UsageBody:
    """Consumption of one home over local days; the last 30 unless told."""
    header = estates.unit_header(connection, unit_id, scope=who.scope, now=now)
    zone = ZoneInfo(header.time_zone)
    last = last or now.astimezone(zone).date()
    try:
        first = first or last - timedelta(days=_USUAL_DAYS - 1)
        start, end = _hour_of(first, zone), _hour_of(last + timedelta(days=1), zone)
    except OverflowError as error:
        raise Problem("invalid_request", errors=[_TOO_LONG]) from error
    if not 0 <= (last - first).days < _MAX_DAYS:
        raise Problem("invalid_request", errors=[_TOO_LONG])
    found = arrays.load(
        connection,
        unit_ids=[unit_id],
        channel=BY_NAME[channel].code,
        first=start.date(),
        last=(end - timedelta(hours=1)).date(),
    )
    begin, count = start.hour, round((end - start) / timedelta(hours=1))
    amount = found.amount[0, begin : begin + count].astype(np.float64)
    covered = found.covered_min[0, begin : begin + count].astype(np.int64)
    known = np.isfinite(amount).astype(np.int64)
    days = None
    if step == "day":
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        at = _days_of(start, count, days, zone)
        amount = np.bincount(at, np.nan_to_num(amount), len(days))
        covered, known = (np.bincount(at, part, len(days)).astype(np.int64) for part in (covered, known))
        amount[known == 0] = np.nan
    return UsageBody(
        unit_id=unit_id,
        channel=channel,
        unit=BY_NAME[channel].unit,
        time_zone=header.time_zone,
        step=step,
        start=start,
        days=days,
        amount=[None if np.isnan(value) else round(value, _DIGITS) for value in amount.tolist()],
        covered_min=covered.tolist(),
        known_hours=known.tolist(),
    )


def _hour_of(day: date, zone: ZoneInfo) -> datetime:
    """The UTC hour in which a local day begins."""
    midnight = datetime.combine(day, time.min, zone).astimezone(UTC)
    return midnight.replace(minute=0, second=0, microsecond=0)


def _days_of(start: datetime, count: int, days: list[date], zone: ZoneInfo) -> npt.NDArray[np.int64]:
    """For each hour, the index of the local day in which it begins."""
    borders = [_hour_of(day, zone) for day in days[1:]]
    positions = [round((border - start) / timedelta(hours=1)) for border in borders]
    return np.searchsorted(np.array(positions, np.int64), np.arange(count), side="right")
