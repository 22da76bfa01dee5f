"""One home: what changed over the year, and whether its devices can be trusted. No person in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np

from api.console import words
from api.console.plots.parts import Pin
from api.console.plots.scale import Floats
from api.console.plots.year import Days, Use, Words, door_plot, smoothed, top_of_use, use_plot
from api.console.reads import Peers, UnitDays
from api.console.texts import Catalogue
from api.console.views.board import building_name, source_word
from api.console.views.common import Evidence, Figure, band_of, evidence_rows, sentence
from api.console.views.lead_plots import claim_of
from api.console.views.profiles import Profiles
from housing.absences import Absence
from housing.board import SourceState
from housing.estates import UnitHeader
from housing.leads import Lead
from policy.groups import Bands, Idle
from wire.channels import BY_CODE, BY_NAME, EVENTS

_ENERGY, _WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
#: What a home is expected to have; the page says when one is missing.
_EXPECTED = (_ENERGY, _WATER, EVENTS)
_PINS, _ABSENCES, _CLOSED = 4, 6, 6
#: Kinds whose first item counts the days of the idle clock.
_IDLE = ("idle_limit", "vacancy")


@dataclass(frozen=True, kw_only=True)
class OpenLead:
    """An open matter."""

    href: str
    band: str
    word: str
    sentence: str
    #: Evidence with a pin on the plot.
    marks: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class ClosedLead:
    """A matter that people decided."""

    href: str
    sentence: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class DeviceRow:
    """One device of the home."""

    name: str
    code: str
    #: Class of the chip: ok, device, unknown.
    tone: str
    icon: str
    state: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The idle clock as the newest lead counts it."""

    days: str
    #: Of the legal limit.
    percent: int
    text: str


@dataclass(frozen=True, kw_only=True)
class UnitView:
    """The page."""

    code: str
    estate: str
    board_href: str
    facts: tuple[str, ...]
    range: str
    figures: tuple[Figure, ...]
    #: Words of the legend; empty: not drawn.
    peers: str
    claim: str
    #: True: absences are drawn.
    away: bool
    months: tuple[tuple[str, ...], ...]
    profiles: tuple[Figure, ...]
    before: str
    after: str
    #: None: the reader may not see leads.
    open: tuple[OpenLead, ...] | None
    #: None: no idle time is claimed.
    clock: Clock | None
    devices: tuple[DeviceRow, ...]
    absences: tuple[str, ...]
    more_absences: str
    closed: tuple[ClosedLead, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was read for the page."""

    header: UnitHeader
    days: UnitDays
    peers: Peers
    #: Since when each channel has had a device.
    fitted: Mapping[int, datetime]
    sources: Sequence[SourceState]
    absences: Sequence[Absence]
    #: Open ones, most pressing first; None: the reader may not see leads.
    open: Sequence[Lead] | None
    closed: Sequence[Lead]
    profiles: Profiles | None


def view(t: Catalogue, found: Found, *, bands: Bands, idle: Idle, now: datetime) -> UnitView:
    """Put one home into words."""
    header, days = found.header, found.days
    zone = ZoneInfo(header.time_zone)
    today = now.astimezone(zone).date()
    leads = found.open or ()
    worst = leads[0] if leads else None
    marks = _marks(evidence_rows(t, worst, today=today)) if worst else ()
    claim = claim_of(worst, days) if worst else None
    return UnitView(
        code=header.code,
        estate=t.of(header.estate_name, header.estate_name_en or header.estate_name),
        board_href=f"/?{urlencode({'estate': header.estate})}",
        facts=_facts(t, header),
        range=t("unit.year_range", first=days.first.isoformat(), last=days.last.isoformat()),
        figures=_figures(t, found, claim, marks, zone),
        peers=_peers_word(t, found.peers),
        claim=_claim_word(t, worst, today=today) if worst and claim else "",
        away=bool(days.absent.any()),
        months=_months(days),
        profiles=found.profiles.figures if found.profiles else (),
        before=t("unit.profile_before", n=found.profiles.before_days // 7) if found.profiles else "",
        after=t("unit.profile_after", n=found.profiles.after_days) if found.profiles else "",
        open=None
        if found.open is None
        else tuple(
            OpenLead(
                href=f"/leads/{lead.id}",
                band=(band := band_of(lead, bands)),
                word=t.pick("unit", f"chip_{band}"),
                sentence=sentence(t, lead),
                marks=marks if lead is worst else (),
            )
            for lead in leads
        ),
        clock=_clock(t, leads, idle, zone=zone, today=today),
        devices=_devices(t, found, zone=zone, now=now),
        absences=tuple(_absence(t, absence, zone) for absence in list(found.absences)[: -_ABSENCES - 1 : -1]),
        more_absences=t("unit.more_absences", n=len(found.absences) - _ABSENCES)
        if len(found.absences) > _ABSENCES
        else "",
        closed=tuple(_closed(t, lead, zone, now) for lead in found.closed[:_CLOSED]),
    )


def _clock(t: Catalogue, leads: Sequence[Lead], idle: Idle, *, zone: ZoneInfo, today: date) -> Clock | None:
    """Consecutive days against the legal limit; days that are unknown or excused do not count."""
    lead = next((lead for lead in leads if lead.kind in _IDLE), None)
    if lead is None or not lead.evidence:
        return None
    numbers = lead.evidence[0].get("numbers")
    days = int(numbers.get("days", 0)) if isinstance(numbers, dict) else 0
    start = lead.since.astimezone(zone).date()
    limit = idle.limit.after(start)
    return Clock(
        days=t("unit.idle_days", n=days),
        percent=min(round(100 * days / max((limit - start).days, 1)), 100),
        text=t(
            "unit.idle_limit",
            months=idle.limit.months,
            limit=limit.isoformat(),
            when=words.near_day(t, lead.last_as_of, today=today),
        ),
    )


def _facts(t: Catalogue, header: UnitHeader) -> tuple[str, ...]:
    facts = [building_name(t, header.building, header.building_name)]
    facts.append(t("unit.let") if header.household_size else t("unit.void"))
    if header.household_size:
        facts.append(t("unit.registered", n=header.household_size))
    if header.rooms and header.area_m2:
        facts.append(t("unit.shape", n=header.rooms, rooms=header.rooms, area=f"{header.area_m2:g}"))
    elif header.area_m2:
        facts.append(t("unit.area", area=f"{header.area_m2:g}"))
    if header.lease_starts_on and header.lease_ends_on:
        start, end = header.lease_starts_on.isoformat(), header.lease_ends_on.isoformat()
        facts.append(t("unit.lease", start=start, end=end))
    return tuple(facts)


def _marks(rows: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(row for row in rows if row.number is not None and row.start is not None)[:_PINS]


def _figures(
    t: Catalogue,
    found: Found,
    claim: tuple[float, float] | None,
    marks: Sequence[Evidence],
    zone: ZoneInfo,
) -> tuple[Figure, ...]:
    days, peers = found.days, found.peers
    shared = Days(first=days.first, count=days.count, claim=claim, away=days.absent)
    pins = [
        Pin(at=(row.start - days.first).days, number=row.number)
        for row in marks
        if row.start is not None
        and row.number is not None
        and 0 <= (row.start - days.first).days < days.count
    ]
    energy = Use(
        values=days.energy_kwh,
        installed=_installed(days, found.fitted.get(_ENERGY), days.energy_kwh, zone),
        low=smoothed(peers.energy_low),
        high=smoothed(peers.energy_high),
    )
    water = Use(
        values=days.water_l,
        installed=_installed(days, found.fitted.get(_WATER), days.water_l, zone),
        low=smoothed(peers.water_low),
        high=smoothed(peers.water_high),
    )
    door_since = _installed(days, found.fitted.get(EVENTS), days.entries_known, zone)
    door = door_plot(
        shared,
        known=days.entries_known,
        foreign=days.entries_foreign,
        installed=door_since,
        words=Words(
            label=t("unit.door_label"),
            unit="",
            before=t("unit.no_lock") if door_since == days.count else t("unit.before_lock"),
        ),
        up=t("unit.up"),
        down=t("unit.down"),
        months=t.words("lang.months"),
    )
    return (
        _use_figure(t, "energy", shared, energy, css="p-elec", height=132, pins=pins or None),
        _use_figure(t, "water", shared, water, css="p-water", height=110, pins=None),
        Figure(title=t("unit.door"), unit=t("unit.door_unit"), plot=door),
    )


def _use_figure(
    t: Catalogue, name: str, shared: Days, use: Use, *, css: str, height: int, pins: Sequence[Pin] | None
) -> Figure:
    known = int(np.isfinite(use.values).sum())
    never = use.installed == shared.count
    plot = use_plot(
        shared,
        use,
        Words(
            label=t.pick("unit", f"{name}_label", known=known),
            unit=t.pick("unit", f"{name}_axis"),
            before=t.pick("unit", f"no_{name}") if never else t("unit.before_meter"),
        ),
        css=css,
        height=height,
        marks=pins,
    )
    top, highest = top_of_use(use)
    aside = (
        "" if highest is None else t("unit.cut", top=words.figure(round(top)), highest=words.figure(highest))
    )
    return Figure(title=t.pick("unit", name), unit=t.pick("unit", f"{name}_unit"), plot=plot, aside=aside)


def _installed(days: UnitDays, since: datetime | None, values: Floats, zone: ZoneInfo) -> int:
    """Position of the first day with a device; data from before it prove that there was one."""
    known = np.flatnonzero(np.isfinite(values))
    by_data = int(known[0]) if known.size else days.count
    return by_data if since is None else min(days.position(since.astimezone(zone).date()), by_data)


def _peers_word(t: Catalogue, peers: Peers) -> str:
    drawn = np.isfinite(peers.energy_low).any() or np.isfinite(peers.water_low).any()
    return t("unit.legend_peers", energy=peers.energy_homes, water=peers.water_homes) if drawn else ""


def _claim_word(t: Catalogue, lead: Lead, *, today: date) -> str:
    start = words.near_day(t, lead.since.astimezone(ZoneInfo(lead.time_zone)).date(), today=today)
    spread = round(lead.since_pm_days)
    if spread:
        return t("unit.legend_claim", start=start, days=spread, n=spread)
    return t("unit.legend_claim_day", start=start)


def _months(days: UnitDays) -> tuple[tuple[str, ...], ...]:
    rows, at = [], 0
    while at < days.count:
        day = days.first + timedelta(days=at)
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        stop = min(at + (following - day).days, days.count)
        cut = slice(at, stop)
        entries = days.entries_known[cut] + days.entries_foreign[cut]
        rows.append(
            (
                f"{day:%Y-%m}",
                *_sum(days.energy_kwh[cut]),
                *_sum(days.water_l[cut] / 1000, places=1),
                _sum(entries)[0],
                *_sum(days.entries_foreign[cut]),
            )
        )
        at = stop
    return tuple(rows)


def _sum(values: Floats, *, places: int = 0) -> tuple[str, str]:
    known = values[np.isfinite(values)]
    return (f"{known.sum():.{places}f}" if known.size else "–"), f"{known.size}/{values.size}"


def _devices(t: Catalogue, found: Found, *, zone: ZoneInfo, now: datetime) -> tuple[DeviceRow, ...]:
    rows = []
    shown = [one for one in found.sources if one.channel == EVENTS or BY_CODE[one.channel].metered]
    for source in sorted(shown, key=lambda one: (one.channel == EVENTS, one.channel, one.device)):
        heard = source.heard_at
        parts = []
        if heard is not None:
            parts.append(words.stamp(t, heard, zone, now=now))
        coverage = _coverage(found, source.channel)
        if coverage is not None:
            parts.append(t("unit.coverage", percent=coverage))
        state = "silent" if source.silent else ("good" if heard is not None else "no_data")
        rows.append(
            DeviceRow(
                name=_device_name(t, source),
                code=source.serial or source.device,
                tone="ok" if state == "good" else ("device" if state == "silent" else "unknown"),
                icon="ok" if state == "good" else ("silent" if state == "silent" else "none"),
                state=t.pick("unit", state),
                detail=" · ".join(parts) if parts else t("unit.never"),
            )
        )
    present = {source.channel for source in found.sources}
    rows += [
        DeviceRow(
            name=source_word(t, channel),
            code="–",
            tone="unknown",
            icon="none",
            state=t("unit.not_fitted"),
            detail="",
        )
        for channel in _EXPECTED
        if channel not in present
    ]
    return tuple(rows)


def _device_name(t: Catalogue, source: SourceState) -> str:
    """What reports events is called by its profile: lock-native, hazard-native …"""
    kind = source.profile.partition("-")[0]
    if source.channel == EVENTS and f"unit.{kind}" in t.entries:
        return t.pick("unit", kind)
    return source_word(t, source.channel)


def _coverage(found: Found, channel: int) -> str | None:
    """Share of the days since the installation that are known, in percent."""
    values = {_ENERGY: found.days.energy_kwh, _WATER: found.days.water_l}.get(channel)
    if values is None:
        return None
    zone = ZoneInfo(found.header.time_zone)
    since = _installed(found.days, found.fitted.get(channel), values, zone)
    return f"{100 * np.isfinite(values[since:]).mean():.1f}" if since < found.days.count else None


def _absence(t: Catalogue, absence: Absence, zone: ZoneInfo) -> str:
    start, end = (at.astimezone(zone).date().isoformat() for at in (absence.starts_at, absence.ends_at))
    return t("unit.absence", start=start, end=end)


def _closed(t: Catalogue, lead: Lead, zone: ZoneInfo, now: datetime) -> ClosedLead:
    when = words.stamp(t, lead.closed_at, zone, now=now) if lead.closed_at else ""
    return ClosedLead(
        href=f"/leads/{lead.id}",
        sentence=sentence(t, lead),
        outcome=f"{t.pick('outcome', lead.status)} · {when}",
    )
