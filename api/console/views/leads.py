"""The queue of leads: who should be looked at next, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup

from api.console import words
from api.console.plots.spark import spark
from api.console.texts import Catalogue
from api.console.views.common import Choice, band_of, over_word, said, sentence, sources_of
from housing.estates import Estate
from housing.leads import QueuedLead
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
class LeadsView:
    """The page."""

    #: open or decided
    status: str
    filters: tuple[Choice, ...]
    #: Empty when the reader has one estate.
    estates: tuple[Choice, ...]
    rows: tuple[Row, ...]
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
    skipped : int
        How many stand before this page.
    """
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
        more=min(left, limit),
        more_href=_href(status, estate, after=queued[-1].id, skipped=skipped + len(queued))
        if left and queued
        else "",
    )


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
