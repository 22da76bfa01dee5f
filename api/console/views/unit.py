"""One home: what changed over the year, and whether its devices can be trusted. No person in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from api.console import words
from api.console.reads import Installed, Peers, UnitDays
from api.console.texts import Catalogue
from api.console.views.board import building_name
from api.console.views.common import Evidence, Figure, band_of, evidence_rows, over_word, said, sentence
from api.console.views.devices import DeviceRow, device_rows
from api.console.views.lead_plots import claim_of
from api.console.views.profiles import Profiles
from api.console.views.year import figures, months, peers_word
from api.signals import Episode
from housing.absences import Absence
from housing.board import SourceState
from housing.estates import UnitHeader
from housing.facts import FACTS, Fact
from housing.leads import Lead
from policy.groups import Bands, Idle

_PINS, _ABSENCES, _CLOSED, _SIGNALS = 4, 6, 6, 8
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
class PastSignal:
    """What a detector claimed of one stretch of time."""

    sentence: str
    when: str


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The idle clock as the newest lead counts it."""

    days: str
    #: Of the legal limit.
    percent: int
    text: str


@dataclass(frozen=True, kw_only=True)
class YearView:
    """The plots of a year, and the numbers behind them."""

    range: str
    figures: tuple[Figure, ...]
    #: Words of the legend; empty: not drawn.
    peers: str
    claim: str
    #: True: absences are drawn.
    away: bool
    #: True: episodes are drawn.
    episodes: bool
    months: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class UnitView:
    """The page."""

    code: str
    estate: str
    board_href: str
    facts: tuple[str, ...]
    #: None: the reader may not see use.
    year: YearView | None
    profiles: tuple[Figure, ...]
    before: str
    after: str
    #: None: the reader may not see leads.
    open: tuple[OpenLead, ...] | None
    #: What detectors claimed over the year beside the open matters, newest first.
    signals: tuple[PastSignal, ...]
    #: None: no idle time is claimed.
    clock: Clock | None
    devices: tuple[DeviceRow, ...]
    absences: tuple[str, ...]
    more_absences: str
    closed: tuple[ClosedLead, ...]


@dataclass(frozen=True, kw_only=True)
class Year:
    """A year of use and of entries at the door."""

    days: UnitDays
    peers: Peers
    installed: Installed


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was read for the page."""

    header: UnitHeader
    #: None: the reader may not see use.
    year: Year | None
    sources: Sequence[SourceState]
    absences: Sequence[Absence]
    #: Open ones, most pressing first; None: the reader may not see leads.
    open: Sequence[Lead] | None
    closed: Sequence[Lead]
    #: By claimed start; empty when the reader may not see signals.
    episodes: Sequence[Episode]
    profiles: Profiles | None
    #: Harmless causes on record; empty when the reader may not see leads.
    known_for: Sequence[Fact]


def view(t: Catalogue, found: Found, *, bands: Bands, idle: Idle, now: datetime) -> UnitView:
    """Put one home into words."""
    header = found.header
    zone = ZoneInfo(header.time_zone)
    today = now.astimezone(zone).date()
    leads = found.open or ()
    worst = leads[0] if leads else None
    marks = _marks(evidence_rows(t, worst, today=today)) if worst else ()
    return UnitView(
        code=header.code,
        estate=t.of(header.estate_name, header.estate_name_en or header.estate_name),
        board_href=f"/?{urlencode({'estate': header.estate})}",
        facts=_facts(t, header, found.known_for),
        year=_year(t, found.year, worst, found.episodes, marks, zone=zone, today=today)
        if found.year
        else None,
        profiles=found.profiles.figures if found.profiles else (),
        before=t("unit.profile_before", n=found.profiles.before_days // 7) if found.profiles else "",
        after=t("unit.profile_after", n=found.profiles.after_days) if found.profiles else "",
        open=None
        if found.open is None
        else tuple(
            OpenLead(
                href=f"/leads/{lead.id}",
                band=(band := band_of(lead, bands)),
                word=f"{t('leads.stopped')} · {over_word(t, lead, now=now)}"
                if band == "over"
                else t.pick("unit", f"chip_{band}"),
                sentence=sentence(t, lead),
                marks=marks if lead is worst else (),
            )
            for lead in leads
        ),
        signals=_past(t, found.episodes, [*leads, *found.closed], zone=zone, today=today),
        clock=_clock(t, leads, idle, zone=zone, today=today),
        devices=device_rows(
            t,
            found.sources,
            found.year and found.year.days,
            found.year and found.year.installed,
            zone=zone,
            now=now,
        ),
        absences=tuple(_absence(t, absence, zone) for absence in list(found.absences)[: -_ABSENCES - 1 : -1]),
        more_absences=t("unit.more_absences", n=len(found.absences) - _ABSENCES)
        if len(found.absences) > _ABSENCES
        else "",
        closed=tuple(_closed(t, lead, zone, now) for lead in found.closed[:_CLOSED]),
    )


def _year(
    t: Catalogue,
    year: Year,
    worst: Lead | None,
    episodes: Sequence[Episode],
    marks: Sequence[Evidence],
    *,
    zone: ZoneInfo,
    today: date,
) -> YearView:
    days = year.days
    claim = claim_of(worst, days) if worst else None
    return YearView(
        range=t("unit.year_range", first=days.first.isoformat(), last=days.last.isoformat()),
        figures=figures(
            t,
            days,
            year.peers,
            year.installed,
            claim=claim,
            episodes=_strips(days, episodes, zone),
            marks=marks,
        ),
        peers=peers_word(t, year.peers),
        claim=_claim_word(t, worst, today=today) if worst and claim else "",
        away=bool(days.absent.any()),
        episodes=bool(episodes),
        months=months(days),
    )


def _strips(days: UnitDays, episodes: Sequence[Episode], zone: ZoneInfo) -> list[tuple[float, float]]:
    """Positions of the episodes, each at least a day wide."""
    spans = [
        (days.position(episode.since.astimezone(zone).date()), days.position(episode.last_as_of) + 1)
        for episode in episodes
    ]
    return [(float(start), float(min(stop, days.count))) for start, stop in spans]


def _past(
    t: Catalogue, episodes: Sequence[Episode], leads: Sequence[Lead], *, zone: ZoneInfo, today: date
) -> tuple[PastSignal, ...]:
    """Without those that became leads: these stand under open or past ones."""
    asked = {(lead.kind, lead.since) for lead in leads}
    others = [episode for episode in reversed(episodes) if (episode.kind, episode.since) not in asked]
    return tuple(
        PastSignal(
            sentence=said(t, episode.evidence),
            when=t(
                "unit.signal_when",
                start=words.near_day(t, episode.since.astimezone(zone).date(), today=today),
                end=words.near_day(t, episode.last_as_of, today=today),
            ),
        )
        for episode in others[:_SIGNALS]
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
            when=words.near_day(t, lead.last_as_of, today=today),
        ),
    )


def _facts(t: Catalogue, header: UnitHeader, known_for: Sequence[Fact]) -> tuple[str, ...]:
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
    facts += [t.of(*FACTS[fact.code]) for fact in known_for]
    return tuple(facts)


def _marks(rows: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(row for row in rows if row.number is not None and row.start is not None)[:_PINS]


def _claim_word(t: Catalogue, lead: Lead, *, today: date) -> str:
    start = words.near_day(t, lead.since.astimezone(ZoneInfo(lead.time_zone)).date(), today=today)
    spread = round(lead.since_pm_days)
    if spread:
        return t("unit.legend_claim", start=start, days=spread, n=spread)
    return t("unit.legend_claim_day", start=start)


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
