"""Devices on the phone of whoever installs them: what was scanned, where it can hang, what it sends."""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from api.console import words
from api.console.reads import NewestReading
from api.console.texts import Catalogue
from devices import labels
from devices.checks import Movement, Watched
from devices.listing import Home, Installed, Listed
from housing.estates import Estate, FoundUnit
from wire.channels import BY_CODE, EVENTS
from wire.quality import Quality

#: Kind of meter → its registers.
_METERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "heat": frozenset({"heat_kwh", "heat_hca"}),
        "gas": frozenset({"gas_m3"}),
        "hot": frozenset({"hot_water_l"}),
        "power": frozenset({"energy_kwh"}),
        "water": frozenset({"water_l"}),
    }
)
#: The same, of one without a register.
_GAUGES: Mapping[str, str] = MappingProxyType({"power": "power_w", "water": "flow_l_h"})


@dataclass(frozen=True, kw_only=True)
class Link:
    """Something to choose."""

    href: str
    text: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class ScanView:
    """First step."""

    #: What was scanned or typed.
    text: str
    #: Several devices that it may be.
    found: tuple[Link, ...]
    #: Nothing was found: offer to register it.
    unknown: bool
    code: str
    serial: str
    profiles: tuple[str, ...]
    estates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class PlaceView:
    """Second step."""

    code: str
    serial: str
    profile: str
    active: bool
    #: Where it is now; empty: nowhere.
    now_at: str
    live_href: str
    flat: str
    homes: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class ConfirmView:
    """What would be done."""

    code: str
    unit: str
    action: str
    back: str
    #: commission, swap, move, or taken: nothing can be done here.
    act: str
    #: The device that hangs there, of the first channel that is taken.
    old: str
    old_serial: str
    #: Of that channel.
    channel: str
    channel_word: str
    measure: str
    #: What the old device reported last on it; empty: nothing.
    last: str
    #: Where the device is now.
    now_at: str


@dataclass(frozen=True, kw_only=True)
class ReadingRow:
    """One channel and its newest value."""

    channel: str
    value: str
    age: str
    proven: bool
    fresh: bool


@dataclass(frozen=True, kw_only=True)
class MovementRow:
    """One device that moved."""

    unit: str
    device: str
    amount: str


def scan_view(
    t: Catalogue, text: str, found: Sequence[Listed], mine: Sequence[Estate], *, profiles: Sequence[str]
) -> ScanView:
    """What was scanned, and what it may be."""
    serial = labels.serial_in(text) if text else ""
    return ScanView(
        text=text,
        found=tuple(
            Link(
                href=f"/commissioning/devices/{quote(one.code)}",
                text=one.code,
                detail=" · ".join(part for part in (one.serial, one.profile, one.estate) if part),
            )
            for one in found
        ),
        unknown=bool(text) and not found,
        # What is on the label is the serial number; topics and lists go by a code of our own.
        code=f"d-{secrets.token_hex(4)}",
        serial=serial,
        profiles=tuple(profiles),
        estates=tuple((one.code, t.of(one.name, one.name_en or one.name)) for one in mine),
    )


def place_view(
    t: Catalogue,
    found: Listed,
    *,
    installed: Sequence[Installed],
    flat: str,
    homes: Sequence[tuple[FoundUnit, Sequence[Installed]]],
    channels: Sequence[int],
    now: datetime,
) -> PlaceView:
    """Where a device is, and the flats that were looked for with what hangs there."""
    path = f"/commissioning/devices/{quote(found.code)}"
    return PlaceView(
        code=found.code,
        serial=found.serial,
        profile=found.profile,
        active=found.active,
        now_at=where(t, installed, found, now=now),
        live_href=f"{path}/live",
        flat=flat,
        homes=tuple(
            Link(
                href=f"{path}/at/{home.id}",
                text=home.code,
                detail=_there(t, there, found, channels) or t("commission.free"),
            )
            for home, there in homes
        ),
    )


def confirm_view(
    t: Catalogue,
    found: Listed,
    home: Home,
    *,
    installed: Sequence[Installed],
    there: Sequence[Installed],
    channels: Sequence[int],
    last: Callable[[int, int], float | None],
    now: datetime,
) -> ConfirmView:
    """Install, swap or move: what this device can do at this flat."""
    taken = _meters(there, found, channels)
    elsewhere = [row for row in installed if row.unit_id != home.unit_id]
    #: (the channel is taken there, the device is elsewhere) → what can be done
    act = {
        (False, False): "commission",
        (False, True): "move",
        (True, False): "swap",
        (True, True): "taken",
    }[bool(taken), bool(elsewhere)]
    first = taken[0] if taken else None
    metered = next((code for code in channels if code != EVENTS and BY_CODE[code].metered), None)
    channel = first.channel if first is not None else metered
    reported = last(first.device_id, first.channel) if first is not None else None
    path = f"/commissioning/devices/{quote(found.code)}"
    return ConfirmView(
        code=found.code,
        unit=home.unit,
        action=f"{path}/at/{home.unit_id}",
        back=f"{path}?{urlencode({'flat': home.unit})}",
        act=act,
        old=first.device if first is not None else "",
        old_serial=first.serial if first is not None else "",
        channel=BY_CODE[channel].name if channel is not None else "",
        channel_word=channel_word(t, channel) if channel is not None else "",
        measure=BY_CODE[channel].unit if channel is not None else "",
        last=f"{reported:.10g}" if reported is not None else "",
        now_at=where(t, elsewhere, found, now=now),
    )


def reading_rows(
    t: Catalogue, readings: Sequence[NewestReading], *, since: datetime, now: datetime
) -> tuple[ReadingRow, ...]:
    """What a device said last, channel by channel; fresh: it arrived since a moment."""
    return tuple(
        ReadingRow(
            channel=channel_word(t, one.channel),
            value=t("commission.event")
            if one.value is None
            else f"{one.value:.10g} {BY_CODE[one.channel].unit}",
            age=t("commission.ago", age=words.age(t, now - one.received_at)),
            proven=not one.quality & int(Quality.IDENTITY_UNPROVEN),
            fresh=one.received_at >= since,
        )
        for one in readings
    )


def movement_rows(
    t: Catalogue, watched: Watched, then: Callable[[Movement], str | None]
) -> tuple[MovementRow, ...]:
    """The neighbours that moved, each with its home of when the check was made."""
    rows = (replace(one, unit=then(one) or one.unit) for one in watched.others[:5])
    return tuple(movement_row(t, one) for one in rows)


def movement_row(t: Catalogue, one: Movement) -> MovementRow:
    """How far one device moved."""
    amount = f"+{words.figure(one.amount)} {BY_CODE[one.channel].unit} · {channel_word(t, one.channel)}"
    return MovementRow(unit=one.unit, device=one.device, amount=amount)


def channel_word(t: Catalogue, code: int) -> str:
    """What a channel is called."""
    return t("channel.events") if code == EVENTS else t.pick("channel", BY_CODE[code].name)


def meter_kind(channels: Collection[int]) -> str:
    """What a device meters, for words that depend on it: heat, gas, hot, water, power or other.

    A heat meter counts water, too, and a meter of any kind may report its flow. Whoever may be of several
    kinds is of none.
    """
    names = {BY_CODE[code].name for code in channels if code != EVENTS}
    kinds = [kind for kind, registers in _METERS.items() if names & registers]
    if kinds and kinds[0] == "heat":
        kinds = [kind for kind in kinds if kind != "water"]
    if not kinds:
        return next((kind for kind, gauge in _GAUGES.items() if gauge in names), "other")
    return kinds[0] if len(kinds) == 1 else "other"


def where(t: Catalogue, installed: Sequence[Installed], found: Listed, *, now: datetime) -> str:
    """Where a device is, and since when."""
    if not installed:
        return ""
    places = dict.fromkeys(row.unit or row.entrance or "" for row in installed)
    since = min(row.valid_from for row in installed)
    when = words.stamp(t, since, ZoneInfo(found.time_zone), now=now)
    return t("commission.at_since", place=" · ".join(places), when=when)


def _meters(there: Sequence[Installed], found: Listed, channels: Sequence[int]) -> list[Installed]:
    """Others that serve what this device would serve, of which a flat has one."""
    return [
        row
        for row in there
        if row.device_id != found.id
        and row.channel in channels
        and row.channel != EVENTS
        and BY_CODE[row.channel].metered
    ]


def _there(t: Catalogue, there: Sequence[Installed], found: Listed, channels: Sequence[int]) -> str:
    if any(row.device_id == found.id for row in there):
        return t("commission.is_here")
    meters = _meters(there, found, channels)
    return " · ".join(
        t("commission.hangs", channel=channel_word(t, row.channel), device=row.serial or row.device)
        for row in meters
    )
