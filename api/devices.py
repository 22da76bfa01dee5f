"""`/devices`: what is registered, where it hangs, and what is done to it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import paging
from api.auth import Account, Now
from api.deps import Db, Given
from api.device_acts import Acted, answer, estates_of, moment_of, undo_within
from api.fields import NO_NUL, CodeFilter, Id, Note
from api.permissions import Needs
from api.problems import Problem
from devices import changes, checks, listing, registration
from devices.acts import (
    Change,
    Commission,
    Correct,
    Exchange,
    Move,
    Registers,
    ReplaceGateway,
    Retire,
    Swap,
    Undo,
)
from devices.registry import NewDevice
from devices.timelines import Place
from housing import estates
from wire.channels import BY_CODE

router = APIRouter(tags=["devices"])

DeviceReader = Annotated[Account, Depends(Needs("device.read"))]
Installer = Annotated[Account, Depends(Needs("device.install"))]
Corrector = Annotated[Account, Depends(Needs("device.correct"))]
DeviceCode = Annotated[str, Path(max_length=64, pattern=NO_NUL)]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
At = Annotated[
    AwareDatetime | None,
    Field(
        description="With its zone; now when not given. Further back than an act can be taken back:"
        " needs `device.correct`."
    ),
]
Reason = Literal["crossed", "wrong_unit", "wrong_time"]


class DeviceItem(BaseModel):
    """A registered device."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    profile: str
    serial: str
    estate: str
    active: bool = Field(description="False: retired.")
    gateway: str | None
    address: str | None


class InstallationItem(BaseModel):
    """One channel at one place over a period."""

    channel: str = Field(description="A channel's name, or `events`.")
    unit_id: int | None
    unit: str | None
    entrance: str | None
    valid_from: datetime
    valid_to: datetime | None
    multiplier: float


class ChangeItem(BaseModel):
    """One act, by whom and when."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    by: str
    act: str
    reason: str
    note: str
    undoes: int | None
    undone_by: int | None


class CheckItem(BaseModel):
    """Whether the right home moved when somebody switched something on."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    channel: str
    unit: str
    begun_at: datetime
    begun_by: str
    ended_at: datetime | None
    ended_by: str | None
    outcome: str | None
    moved: str | None = Field(description="Code of the device that moved instead.")


class DeviceDetail(DeviceItem):
    """A device with its installations and its history."""

    installations: list[InstallationItem] = Field(description="Newest first.")
    changes: list[ChangeItem] = Field(description="Newest first.")
    checks: list[CheckItem] = Field(description="Newest first.")


class PlaceBody(BaseModel):
    """A home or an entrance: exactly one of the two."""

    model_config = ConfigDict(extra="forbid")

    unit_id: int | None = Field(default=None, ge=1, le=2**31 - 1)
    entrance: str | None = Field(default=None, min_length=1, max_length=64, pattern=NO_NUL)

    def place(self) -> Place:
        """As the registry takes it."""
        if (self.unit_id is None) == (self.entrance is None):
            raise Problem("place_needed")
        return Place(unit_id=self.unit_id, entrance=self.entrance)


class ActBody(BaseModel):
    """What every act can say."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=False, description="Only say what would follow.")
    seen: str | None = Field(
        default=None,
        max_length=40,
        pattern=NO_NUL,
        description="`seen` of a dry run: refused if something else stands by now.",
    )


class RegisterBody(BaseModel):
    """A device to be registered."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    profile: Code
    estate: Annotated[str, Field(max_length=100, pattern=NO_NUL)]
    serial: str = Field(default="", max_length=64, pattern=NO_NUL)
    gateway: str | None = Field(default=None, max_length=64, pattern=NO_NUL)
    address: str | None = Field(default=None, max_length=64, pattern=NO_NUL)


class CommissionBody(ActBody, PlaceBody):
    """Every channel of the device hangs there from a moment on."""

    since: At = None
    multiplier: float = Field(default=1.0, gt=0, le=1e6, allow_inf_nan=False)


class RegistersBody(BaseModel):
    """What was read at an exchange."""

    model_config = ConfigDict(extra="forbid")

    old_final: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    new_first: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class SwapBody(ActBody):
    """A new device takes over the place."""

    new: Code
    at: At = None
    multiplier: float | None = Field(default=None, gt=0, le=1e6, allow_inf_nan=False)
    registers: dict[Literal["energy_kwh", "water_l", "gas_m3", "heat_kwh", "hot_water_l"], RegistersBody] = {}
    retire_old: bool = True


class ReplaceGatewayBody(ActBody):
    """A new gateway takes over."""

    new: Code


class ChangeBody(ActBody):
    """What changes; what is not given stays."""

    profile: Code | None = Field(default=None, description="Needs `device.correct`.")
    gateway: str | None = Field(
        default=None, max_length=64, pattern=NO_NUL, description="Empty: it speaks for itself."
    )
    address: str | None = Field(
        default=None, max_length=64, pattern=NO_NUL, description="Empty: none; behind a gateway its code."
    )


class MoveBody(ActBody, PlaceBody):
    """The device hangs there from a moment on."""

    at: At = None


class RetireBody(ActBody):
    """The device is taken down for good."""

    at: At = None


class CorrectBody(ActBody, PlaceBody):
    """From a moment on the device really was there."""

    since: AwareDatetime
    until: AwareDatetime | None = Field(
        default=None, description="None: as long as that installation lasted."
    )
    channels: list[Annotated[str, Field(max_length=40)]] | None = None
    reason: Reason = "wrong_unit"
    note: Note = ""


class ExchangeBody(ActBody):
    """Two devices really were at each other's place."""

    other: Code
    since: AwareDatetime | None = Field(default=None, description="None: since what is believed now began.")
    until: AwareDatetime | None = None
    channels: list[Annotated[str, Field(max_length=40)]] | None = None
    reason: Reason = "crossed"
    note: Note = ""


@router.get("/devices")
def list_devices(
    *,
    connection: Db,
    who: DeviceReader,
    estate: CodeFilter = None,
    words: CodeFilter = None,
    installed: bool | None = None,
    limit: paging.Limit = 100,
    cursor: paging.Cursor = None,
) -> paging.Page[DeviceItem]:
    """Devices in the reader's scope, by code."""
    key = paging.decode("devices", cursor, str)
    found = listing.devices(
        connection,
        estates=estates_of(who),
        estate=estate,
        words=words,
        installed=installed,
        after=str(key[0]) if key else None,
        limit=limit + 1,
    )
    page, more = paging.page_of(found, limit)
    following = paging.encode("devices", page[-1].code) if more else None
    return paging.Page(items=[DeviceItem.model_validate(one) for one in page], next=following)


@router.get("/devices/{device}", responses={404: {}})
def read_device(device: DeviceCode, connection: Db, who: DeviceReader) -> DeviceDetail:
    """One device, where it was and is, and what was done to it."""
    found = listing.device(connection, device, estates=estates_of(who))
    return DeviceDetail(
        **DeviceItem.model_validate(found).model_dump(),
        installations=[_installation(row) for row in listing.installations_of(connection, found.id)],
        changes=[ChangeItem.model_validate(one) for one in changes.history(connection, found.id)],
        checks=[_check(one) for one in checks.of_device(connection, found.id)],
    )


@router.post("/devices", responses={404: {}, 409: {}})
def register_device(body: RegisterBody, connection: Db, who: Installer, now: Now) -> DeviceItem:
    """Register a device; the same again changes nothing."""
    mine = [one for one in estates.list_estates(connection, scope=who.scope) if one.code == body.estate]
    if not mine:
        raise Problem("not_found")
    new = NewDevice(
        code=body.code,
        profile=body.profile,
        estate_id=mine[0].id,
        serial=body.serial,
        gateway=body.gateway,
        address=body.address,
    )
    found = registration.register(
        connection, new, by=f"account:{who.username}", now=now, estates=estates_of(who)
    )
    return DeviceItem.model_validate(found)


@router.post("/devices/{device}/commission", responses={404: {}, 409: {}})
def commission(
    *, device: DeviceCode, body: CommissionBody, connection: Db, deps: Given, who: Installer, now: Now
) -> Acted:
    """Install every channel of a device at a home or an entrance."""
    since = moment_of(who, body.since, deps=deps, now=now)
    wanted = Commission(device=device, place=body.place(), since=since, multiplier=body.multiplier)
    return answer(connection, who, wanted, body, now=now)


@router.post("/devices/{device}/swap", responses={404: {}, 409: {}})
def swap(
    *, device: DeviceCode, body: SwapBody, connection: Db, deps: Given, who: Installer, now: Now
) -> Acted:
    """Let a new device take over the place of this one."""
    wanted = Swap(
        old=device,
        new=body.new,
        at=moment_of(who, body.at, deps=deps, now=now),
        multiplier=body.multiplier,
        registers={
            name: Registers(old_final=read.old_final, new_first=read.new_first)
            for name, read in body.registers.items()
        },
        retire_old=body.retire_old,
    )
    return answer(connection, who, wanted, body, now=now)


@router.post("/devices/{device}/replace-gateway", responses={404: {}, 409: {}})
def replace_gateway(
    device: DeviceCode, body: ReplaceGatewayBody, connection: Db, who: Installer, now: Now
) -> Acted:
    """Let a new gateway speak for all that this one speaks for; this one is retired."""
    return answer(connection, who, ReplaceGateway(old=device, new=body.new, at=now), body, now=now)


@router.post("/devices/{device}/change", responses={404: {}, 409: {}})
def change(device: DeviceCode, body: ChangeBody, connection: Db, who: Installer, now: Now) -> Acted:
    """Change what a device is, or how it reaches us."""
    if body.profile is not None and not who.may("device.correct"):
        raise Problem("not_permitted", action="device.correct")
    wanted = Change(device=device, profile=body.profile, gateway=body.gateway, address=body.address)
    if wanted == Change(device=device):
        raise Problem("change_needed")
    return answer(connection, who, wanted, body, now=now)


@router.post("/devices/{device}/move", responses={404: {}, 409: {}})
def move(
    *, device: DeviceCode, body: MoveBody, connection: Db, deps: Given, who: Installer, now: Now
) -> Acted:
    """Let a device hang at another place from a moment on."""
    at = moment_of(who, body.at, deps=deps, now=now)
    wanted = Move(device=device, place=body.place(), at=at)
    return answer(connection, who, wanted, body, now=now)


@router.post("/devices/{device}/retire", responses={404: {}, 409: {}})
def retire(
    *, device: DeviceCode, body: RetireBody, connection: Db, deps: Given, who: Installer, now: Now
) -> Acted:
    """Take a device down for good."""
    at = moment_of(who, body.at, deps=deps, now=now)
    return answer(connection, who, Retire(device=device, at=at), body, now=now)


@router.post("/devices/{device}/correct", responses={404: {}, 409: {}})
def correct(device: DeviceCode, body: CorrectBody, connection: Db, who: Corrector, now: Now) -> Acted:
    """Say where a device really was; use, signals and leads of both homes are renewed."""
    wanted = Correct(
        device=device,
        place=body.place(),
        since=body.since,
        until=body.until,
        channels=body.channels,
        reason=body.reason,
        note=body.note,
    )
    return answer(connection, who, wanted, body, now=now)


@router.post("/devices/{device}/exchange", responses={404: {}, 409: {}})
def exchange(device: DeviceCode, body: ExchangeBody, connection: Db, who: Corrector, now: Now) -> Acted:
    """Say that two devices were crossed; use, signals and leads of both homes are renewed."""
    wanted = Exchange(
        one=device,
        other=body.other,
        since=body.since,
        until=body.until,
        channels=body.channels,
        reason=body.reason,
        note=body.note,
    )
    return answer(connection, who, wanted, body, now=now)


@router.post("/device-changes/{change_id}/undo", responses={404: {}, 409: {}})
def undo(*, change_id: Id, body: ActBody, connection: Db, deps: Given, who: Installer, now: Now) -> Acted:
    """Take an act back, shortly after it; a correction at any time."""
    found = changes.change(connection, change_id)
    if found is None:
        raise Problem("not_found")
    if found.is_correction and not who.may("device.correct"):
        raise Problem("not_permitted", action="device.correct")
    wanted = Undo(change_id=change_id, within=undo_within(deps, now))
    return answer(connection, who, wanted, body, now=now)


def channel_name(code: int) -> str:
    """A channel's name, or `events`."""
    return BY_CODE[code].name if code else "events"


def _installation(row: listing.Installed) -> InstallationItem:
    return InstallationItem(
        channel=channel_name(row.channel),
        unit_id=row.unit_id,
        unit=row.unit,
        entrance=row.entrance,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        multiplier=row.multiplier,
    )


def _check(found: checks.Check) -> CheckItem:
    return CheckItem(
        id=found.id,
        channel=channel_name(found.channel),
        unit=found.unit,
        begun_at=found.begun_at,
        begun_by=found.begun_by,
        ended_at=found.ended_at,
        ended_by=found.ended_by,
        outcome=found.outcome,
        moved=found.moved,
    )
