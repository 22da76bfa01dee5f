"""Devices on the phone of whoever installs them: what was scanned, where it can hang, what it sends."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from api.console import words
from api.console.reads import NewestReading
from api.console.texts import Catalogue
from api.console.views.kinds import KINDS, kind_of
from devices import labels
from devices.checks import Movement, Watched
from devices.listing import Home, Installed, Listed
from devices.profile_names import names
from devices.profiles import load_profiles
from housing.estates import Estate, FoundUnit
from wire.channels import BY_CODE, EVENTS
from wire.quality import Quality


@dataclass(frozen=True, kw_only=True)
class Link:
    """Something to choose."""

    href: str
    text: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class RegisterForm:
    """What was typed of a device that nobody knew."""

    code: str
    serial: str = ""
    profile: str = ""
    estate: str = ""

    @classmethod
    def of_label(cls, text: str) -> "RegisterForm":
        """As it is proposed for a label: what stands there is the serial number, the code is our own."""
        return cls(code=f"d-{secrets.token_hex(4)}", serial=labels.serial_in(text))


@dataclass(frozen=True, kw_only=True)
class InstallForm:
    """What was typed of an installation, as it was typed."""

    multiplier: str = "1"
    old_final: str = ""
    new_first: str = ""


@dataclass(frozen=True, kw_only=True)
class ScanView:
    """First step."""

    #: What was scanned or typed.
    text: str
    #: Several devices that it may be.
    found: tuple[Link, ...]
    #: Nothing was found: offer to register it.
    unknown: bool
    #: Title of a group, and (code, text) of its profiles.
    profiles: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    estates: tuple[tuple[str, str], ...]
    form: RegisterForm


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
    t: Catalogue, text: str, found: Sequence[Listed], mine: Sequence[Estate], *, form: RegisterForm | None
) -> ScanView:
    """What was scanned, and what it may be.

    Parameters
    ----------
    form : RegisterForm | None
        What was typed already, and refused.
    """
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
        unknown=form is not None or (bool(text) and not found),
        profiles=_profiles(t),
        estates=tuple((one.code, t.of(one.name, one.name_en or one.name)) for one in mine),
        form=form or RegisterForm.of_label(text),
    )


def _profiles(t: Catalogue) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Every profile by what it measures, called as its file says."""
    groups: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
    for code, profile in load_profiles().items():
        name = names().get(code)
        text = f"{t.of(name.zh, name.en)} · {code}" if name is not None else code
        groups[kind_of(profile)].append((code, text))
    return tuple((t.pick("device", f"kind_{kind}"), tuple(some)) for kind, some in groups.items() if some)


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
