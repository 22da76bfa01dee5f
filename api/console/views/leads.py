"""The queue of leads: who should be looked at next, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup

from api.console import words
from api.console.plots.spark import spark
from api.console.texts import Catalogue
from api.console.views.common import Choice, band_of, over_word, said, sentence, sources_of
from housing.estates import Estate
from housing.kinds import HAZARDS
from housing.leads import Lead, QueuedLead
from housing.queue import Month
from policy.groups import Bands

#: What the filter `decided` holds, newest first.
DECIDED = ("confirmed", "refuted", "dismissed", "withdrawn")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One lead of the queue."""

    href: str
    rank: str
    unit: str
    sentence: str
    #: The sentences of the other open leads of the home.
    also: tuple[str, ...]
    sources: tuple[str, ...]
    since: str
    #: The newest sweep no longer finds it.
    gone: bool
    #: None: the reader may not see use.
    spark: Markup | None
    #: hazard, over, high, mid or low
    band: str
    #: Of a hazard that is over: when it stopped.
    over: str
    #: confirmed, refuted, dismissed, withdrawn; empty while open.
    outcome: str
    closed: str


@dataclass(frozen=True, kw_only=True)
class Lot:
    """A home that was drawn by lot."""

    href: str
    unit: str
    since: str


@dataclass(frozen=True, kw_only=True)
class MonthCard:
    """The visits of a month: how many there are, and what they go to."""

    month: int
    capacity: int
    visited: int
    suggested: int
    by_lot: int
    #: Parts of the bar, in percent: visited, suggested, by lot.
    bar: tuple[float, float, float]
    #: Why homes are not among them, in words.
    left_out: tuple[str, ...]
    #: The first day of the next month, in words.
    next_month: str


@dataclass(frozen=True, kw_only=True)
class LeadsView:
    """The page."""

    #: open or decided
    status: str
    filters: tuple[Choice, ...]
    #: Empty when the reader has one estate.
    estates: tuple[Choice, ...]
    rows: tuple[Row, ...]
    #: None: no policy says how many visits there are, or decided leads are shown.
    month: MonthCard | None
    #: Behind so many rows of this page the month's visits end; None: elsewhere, or several estates are mixed.
    cut: int | None
    lots: tuple[Lot, ...]
    #: How many stand on the next page; 0: none.
    more: int
    more_href: str


def view(
    t: Catalogue,
    queued: Sequence[QueuedLead],
    *,
    status: str,
    counts: dict[str, int],
    estates: Sequence[Estate],
    estate: str | None,
    bands: dict[str, Bands],
    months: Sequence[Month],
    lots: Sequence[Lead],
    skipped: int,
    limit: int,
    now: datetime,
) -> LeadsView:
    """Put one page of the queue into words.

    Parameters
    ----------
    queued : sequence of QueuedLead
        At most `limit`.
    counts : dict of str to int
        ``open`` and ``decided``, in the reader's scope and estate.
    bands : dict of str to Bands
        By city.
    months : sequence of Month
        Of the estates that are shown.
    lots : sequence of Lead
        The open ones of these estates.
    skipped : int
        How many stand before this page.
    """
    months = months if status == "open" else ()
    left = max(counts[status] - skipped - len(queued), 0)
    return LeadsView(
        status=status,
        filters=tuple(
            Choice(
                href=_href(name, estate),
                text=t.pick("leads", name, n=counts[name]),
                current=name == status,
            )
            for name in ("open", "decided")
        ),
        estates=_estates(t, estates, status, estate),
        rows=tuple(
            _row(t, lead, place, band_of(lead, bands[lead.city]), now=now)
            for place, lead in enumerate(queued, start=skipped + 1)
        ),
        month=_month(t, months) if months else None,
        cut=_cut(queued, months[0]) if len(months) == 1 else None,
        lots=tuple(
            Lot(
                href=f"/leads/{lead.id}",
                unit=lead.unit,
                since=words.near_day(
                    t,
                    lead.opened_at.astimezone(ZoneInfo(lead.time_zone)).date(),
                    today=now.astimezone(ZoneInfo(lead.time_zone)).date(),
                ),
            )
            for lead in lots
            if status == "open"
        ),
        more=min(left, limit),
        more_href=_href(status, estate, after=queued[-1].id, skipped=skipped + len(queued))
        if left and queued
        else "",
    )


def _month(t: Catalogue, months: Sequence[Month]) -> MonthCard:
    first = months[0].first
    capacity, visited = sum(one.capacity for one in months), sum(one.visited for one in months)
    suggested, lots = sum(len(one.next) for one in months), sum(one.lots_waiting for one in months)
    whole = max(capacity, visited + suggested + lots, 1)
    out = {reason: sum(one.left_out[reason] for one in months) for reason in ("capacity", "gone", "resting")}
    return MonthCard(
        month=first.month,
        capacity=capacity,
        visited=visited,
        suggested=suggested,
        by_lot=lots,
        bar=(100 * visited / whole, 100 * suggested / whole, 100 * lots / whole),
        left_out=tuple(t.pick("leads", f"out_{reason}", n=n) for reason, n in out.items() if n),
        next_month=words.day(t, (first + timedelta(days=32)).replace(day=1)),
    )


def _cut(queued: Sequence[QueuedLead], month: Month) -> int | None:
    """How many rows of this page stand before the first that this month has no visit for."""
    chosen = set(month.next)
    places = [
        place for place, lead in enumerate(queued) if lead.kind not in HAZARDS and lead.id not in chosen
    ]
    return places[0] if places else None


def _row(t: Catalogue, lead: QueuedLead, place: int, band: str, *, now: datetime) -> Row:
    zone = ZoneInfo(lead.time_zone)
    since = lead.since.astimezone(zone).date()
    weeks = np.array([np.nan if value is None else value for value in lead.spark], dtype=float)
    return Row(
        href=f"/leads/{lead.id}",
        rank=str(place) if lead.status == "open" else "",
        unit=lead.unit,
        sentence=sentence(t, lead),
        also=tuple(said(t, [item]) for item in lead.also),
        sources=tuple(sources_of(lead)),
        since=t("leads.since", when=words.near_day(t, since, today=now.astimezone(zone).date())),
        gone=lead.status == "open" and not lead.found_now and band != "over",
        spark=spark(weeks) if weeks.size else None,
        band=band,
        over=over_word(t, lead, now=now) if band == "over" else "",
        outcome="" if lead.status == "open" else lead.status,
        closed=words.stamp(t, lead.closed_at, zone, now=now) if lead.closed_at else "",
    )


def _estates(t: Catalogue, estates: Sequence[Estate], status: str, estate: str | None) -> tuple[Choice, ...]:
    if len(estates) < 2:
        return ()
    everywhere = Choice(href=_href(status, None), text=t("leads.all_estates"), current=estate is None)
    return (
        everywhere,
        *(
            Choice(
                href=_href(status, one.code),
                text=t.of(one.name, one.name_en or one.name),
                current=one.code == estate,
            )
            for one in estates
        ),
    )


def _href(status: str, estate: str | None, **more: int) -> str:
    query: dict[str, str | int] = {} if status == "open" else {"status": status}
    if estate is not None:
        query["estate"] = estate
    query |= more
    return "/leads" + (f"?{urlencode(query)}" if query else "")
