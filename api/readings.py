"""`/units/{id}/readings`: values as devices said them, with what must be known before trusting one."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api import paging
from api.auth import Now
from api.deps import Db
from api.fields import Id
from api.permissions import ReadingReader
from housing import estates
from storage.queries import load
from wire.channels import BY_CODE, BY_NAME
from wire.instants import from_us, to_us
from wire.quality import Quality

router = APIRouter(tags=["units"])

_SQL = load("api", "readings.sql")

#: The names of `wire.channels` (a test compares them).
ChannelName = Literal[
    "energy_kwh",
    "water_l",
    "gas_m3",
    "heat_kwh",
    "hot_water_l",
    "power_w",
    "voltage_v",
    "current_a",
    "flow_l_h",
    "heat_hca",
    "temperature_c",
    "humidity_pct",
    "co2_ppm",
    "battery_pct",
    "battery_v",
    "signal_dbm",
]


class ReadingItem(BaseModel):
    """One value of one channel at one time."""

    device: str
    channel: str
    time: datetime
    received_at: datetime
    value: float
    quality: list[str] = Field(description="Flags; none: nothing to know.")


@router.get("/units/{unit_id}/readings", responses={404: {}})
def list_readings(
    *,
    unit_id: Id,
    connection: Db,
    who: ReadingReader,
    now: Now,
    channel: ChannelName | None = None,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="Inclusive.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Exclusive.")] = None,
    limit: paging.Limit = 500,
    cursor: paging.Cursor = None,
) -> paging.Page[ReadingItem]:
    """Readings of one home, by time; of one channel, or of all."""
    estates.unit_header(connection, unit_id, scope=who.scope, now=now)
    key = paging.decode("readings", cursor, int, int, int)
    rows = connection.execute(
        _SQL["readings_of_unit"],
        {
            **who.scope.parameters(),
            "unit_id": unit_id,
            "channel": None if channel is None else BY_NAME[channel].code,
            "from": start,
            "to": end,
            "after_time": from_us(int(key[0])) if key else None,
            "after_device": min(int(key[1]), 2**31 - 1) if key else None,
            "after_channel": min(int(key[2]), 2**15 - 1) if key else None,
            "limit": limit + 1,
        },
    ).fetchall()
    page, more = paging.page_of(rows, limit)
    return paging.Page(
        items=[
            ReadingItem(
                device=row[1],
                channel=BY_CODE[row[2]].name,
                time=row[3],
                received_at=row[4],
                value=row[5],
                quality=flags(row[6]),
            )
            for row in page
        ],
        next=paging.encode("readings", to_us(page[-1][3]), page[-1][0], page[-1][2]) if more else None,
    )


def flags(quality: int) -> list[str]:
    """The names of the flags of a stored row."""
    return [flag.name.lower() for flag in Quality if flag & quality and flag.name]
