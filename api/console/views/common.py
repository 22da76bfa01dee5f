"""What several pages show in the same way: a figure, how strong a lead is, its sentence and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from api.console import words
from api.console.texts import Catalogue
from housing.kinds import HAZARDS
from housing.leads import Lead
from policy.groups import Bands

#: Names of sources in evidence that have a word of their own.
SOURCES = ("energy", "water", "door", "register", "gas", "device")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A plot with its caption."""

    title: str
    unit: str
    plot: Markup
    aside: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of several pages or filters."""

    href: str
    text: str
    current: bool


@dataclass(frozen=True, kw_only=True)
class Table:
    """The numbers behind a plot."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One row for or against."""

    #: -3 to 3; 0: a missing source, which counts neither way.
    weight: int
    sign: str
    #: Its number on the page; None for a missing source.
    number: int | None
    text: str
    #: Source, days, how many of them are known.
    where: str
    #: First day it speaks of.
    start: date | None


def band_of(lead: Lead, bands: Bands) -> str:
    """``hazard``, ``over``, ``high``, ``mid`` or ``low``: how urgent or strong, in words people agreed on.

    What has stopped, or the newest sweep no longer finds, waits for a person, but presses nobody.
    """
    if lead.kind in HAZARDS and lead.status == "open" and (lead.stopped_at or not lead.found_now):
        return "over"
    if not lead.found_now and lead.status == "open":
        return "mid" if lead.score >= bands.mid_from else "low"
    if lead.kind in HAZARDS:
        return "hazard"
    if lead.score >= bands.high_from:
        return "high"
    return "mid" if lead.score >= bands.mid_from else "low"


def over_word(t: Catalogue, lead: Lead, *, now: datetime) -> str:
    """That a hazard has stopped, and when, as far as that is known."""
    zone = ZoneInfo(lead.time_zone)
    if lead.stopped_at is not None:
        return t("leads.stopped_at", when=words.stamp(t, lead.stopped_at, zone, now=now))
    return t("leads.stopped_by", when=words.near_day(t, lead.last_as_of, today=now.astimezone(zone).date()))


def sentence(t: Catalogue, lead: Lead) -> str:
    """The sentence that stands on top: what was seen, over which time, against what."""
    return said(t, lead.evidence)


def said(t: Catalogue, evidence: Sequence[dict[str, Any]]) -> str:
    """The sentence of a list of evidence: its first item."""
    return _said(t, evidence[0]) if evidence else ""


def evidence_rows(t: Catalogue, lead: Lead, *, today: date) -> list[Evidence]:
    """The evidence, numbered; missing sources last and without a number."""
    rows: list[Evidence] = []
    known = _sources(lead)
    for number, item in enumerate(_ordered(lead.evidence), start=1):
        weight = _weight(item)
        rows.append(
            Evidence(
                weight=weight,
                sign="0" if weight == 0 else ("+" if weight > 0 else "−") * abs(weight),
                number=number if weight else None,
                text=_said(t, item),
                where=_where(t, item, known, today=today),
                start=_day(item.get("from")),
            )
        )
    return rows


def unknowns(t: Catalogue, lead: Lead) -> list[str]:
    """What the detector says it does not know, and what no meter can say."""
    said: Any = lead.quality.get("unknown") or []
    return [*(_said(t, item) for item in said), t("lead.unknown_why")]


def sources_of(lead: Lead) -> list[str]:
    """The sources that speak for the lead, in a fixed order."""
    named = {str(item.get("source", "")) for item in lead.evidence if _weight(item) > 0}
    return [source for source in SOURCES if source in named]


def _ordered(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: _weight(item) == 0)


def _weight(item: dict[str, Any]) -> int:
    return max(-3, min(3, int(item.get("weight", 0))))


def _said(t: Catalogue, item: dict[str, Any]) -> str:
    return t.of(str(item.get("zh", "")), str(item.get("en", "")))


def _where(t: Catalogue, item: dict[str, Any], known: dict[str, Any], *, today: date) -> str:
    source = str(item.get("source", ""))
    if _weight(item) == 0:
        return t("lead.missing_source")
    parts = [t.pick("lead", f"source_{source}")] if source in SOURCES else []
    start, end = _day(item.get("from")), _day(item.get("to"))
    if start and end and start != end:
        span = (words.near_day(t, day, today=today) for day in (start, end))
        parts.append(t("lead.from_to", start=next(span), end=next(span)))
    elif start:
        parts.append(words.near_day(t, start, today=today))
    seen = known.get(source)
    if isinstance(seen, dict) and seen.get("days"):
        parts.append(t("lead.days_seen", known=seen.get("known_days", 0), days=seen["days"]))
    return " · ".join(parts)


def _sources(lead: Lead) -> dict[str, Any]:
    found: Any = lead.quality.get("sources")
    return found if isinstance(found, dict) else {}


def _day(text: object) -> date | None:
    return date.fromisoformat(text[:10]) if isinstance(text, str) else None
