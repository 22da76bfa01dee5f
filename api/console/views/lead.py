"""One lead: worth a visit, and why; for and against, then what is not known."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from api.console import words
from api.console.texts import Catalogue
from api.console.views.common import (
    Evidence,
    Figure,
    Table,
    band_of,
    evidence_rows,
    over_word,
    sentence,
    unknowns,
)
from housing.kinds import HAZARDS
from housing.leads import Lead
from housing.verdicts import ACTIONS, SOURCES, Source, Verdict, codes_for, permitted
from housing.withdrawals import REASONS, Withdrawal
from policy.groups import Bands

#: Outcome said by each action.
OUTCOMES: Mapping[str, str] = {action: outcome for outcome, action in ACTIONS.items()}


@dataclass(frozen=True, kw_only=True)
class Option:
    """A reason that can be chosen."""

    code: str
    zh: str
    en: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """The sheet of one verdict, with what was typed when it comes back."""

    #: confirm, refute, dismiss
    name: str
    action: str
    back: str
    #: Of the lead that the person looked at.
    version: int
    codes: tuple[Option, ...]
    sources: tuple[Source, ...]
    note_required: bool
    code: str = ""
    source: str = ""
    note: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button: only what is permitted is one."""

    name: str
    href: str
    #: None: it needs no words (reopen).
    form: Form | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One recorded step."""

    title: str
    when: str
    text: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Plots:
    """What the evidence looks like."""

    figures: tuple[Figure, ...]
    legend: Markup
    table: Table | None


@dataclass(frozen=True, kw_only=True)
class LeadView:
    """The page."""

    id: int
    version: int
    unit: str
    unit_href: str
    place: str
    updated: str
    sentence: str
    since: str
    #: What to say when the newest sweep no longer finds it; else empty.
    gone: str
    #: hazard, over, high, mid or low
    band: str
    #: Of a hazard that is over: when it stopped.
    over: str
    #: The other open leads of the home: page and sentence.
    others: tuple[tuple[str, str], ...]
    #: confirmed, refuted, dismissed, withdrawn; empty while open.
    outcome: str
    #: The data behind it turned out to be another home's; a person decides what becomes of it.
    flagged: bool
    evidence: tuple[Evidence, ...]
    #: None: the reader may not see use.
    plots: Plots | None
    unknown: tuple[str, ...]
    history: tuple[Entry, ...]
    actions: tuple[Action, ...]


def view(
    t: Catalogue,
    lead: Lead,
    *,
    verdicts: Sequence[Verdict],
    withdrawals: Sequence[Withdrawal],
    names: Mapping[str, str],
    others: Sequence[Lead],
    place: tuple[int, int] | None,
    plots: Plots | None,
    bands: Bands,
    actions: Collection[str],
    now: datetime,
) -> LeadView:
    """Put one lead into words.

    Parameters
    ----------
    names : mapping of str to str
        Display name by account.
    others : sequence of Lead
        The other open leads of the home.
    place : (int, int)
        Position in the reader's queue and its length; None: not in it.
    plots : Plots
        None: the reader may not see use.
    actions : collection of str
        What the account may do: ``lead.confirm`` …
    """
    zone = ZoneInfo(lead.time_zone)
    today = now.astimezone(zone).date()
    gone = ""
    if lead.status == "open" and not lead.found_now:
        gone = t("lead.gone", when=words.near_day(t, lead.last_as_of, today=today))
    return LeadView(
        id=lead.id,
        version=lead.version,
        unit=lead.unit,
        unit_href=f"/units/{lead.unit_id}",
        place=t("lead.rank", n=place[0], total=place[1]) if place else "",
        updated=t("lead.as_of", when=words.near_day(t, lead.last_as_of, today=today)),
        sentence=sentence(t, lead),
        since=_since(t, lead, zone=zone, now=now),
        gone=gone,
        band=(band := band_of(lead, bands)),
        over=over_word(t, lead, now=now) if band == "over" else "",
        others=tuple((f"/leads/{one.id}", sentence(t, one)) for one in others),
        outcome="" if lead.status == "open" else lead.status,
        flagged=bool(withdrawals) and withdrawals[-1].effect == "flagged" and lead.status != "open",
        evidence=tuple(evidence_rows(t, lead, today=today)),
        plots=plots,
        unknown=tuple(unknowns(t, lead)),
        history=_history(t, lead, verdicts, withdrawals, names, zone=zone, now=now),
        actions=tuple(
            Action(
                name=action,
                href=f"/leads/{lead.id}/{action}",
                form=None if action == "reopen" else form_of(t, lead, action),
            )
            for action in permitted(lead.status)
            if f"lead.{action}" in actions
        ),
    )


def form_of(t: Catalogue, lead: Lead, action: str) -> Form:
    """The empty sheet of a verdict."""
    codes = codes_for(OUTCOMES[action])
    choose = len(codes) > 1
    return Form(
        name=action,
        action=f"/leads/{lead.id}/{action}",
        back=f"/leads/{lead.id}",
        version=lead.version,
        codes=tuple(
            Option(code=code.code, zh=code.zh, en=code.en, hint=_hint(t, code.code)) for code in codes
        )
        if choose
        else (),
        sources=() if choose else SOURCES,
        note_required=not choose,
    )


def _since(t: Catalogue, lead: Lead, *, zone: ZoneInfo, now: datetime) -> str:
    """The claimed start: to the hour for what runs, else a day with its uncertainty."""
    if lead.kind in HAZARDS:
        return t("lead.since", when=words.stamp(t, lead.since, zone, now=now))
    today = now.astimezone(zone).date()
    when = words.near_day(t, lead.since.astimezone(zone).date(), today=today)
    days = round(lead.since_pm_days)
    return t("lead.since_pm", when=when, days=days, n=days) if days else t("lead.since", when=when)


def _hint(t: Catalogue, code: str) -> str:
    return t.pick("sheet", f"{code}_hint") if f"sheet.{code}_hint" in t.entries else ""


def _history(
    t: Catalogue,
    lead: Lead,
    verdicts: Sequence[Verdict],
    withdrawals: Sequence[Withdrawal],
    names: Mapping[str, str],
    *,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[Entry, ...]:
    if not verdicts and not withdrawals:
        return ()
    steps = [
        (
            verdict.at,
            Entry(
                title=t.pick("outcome", verdict.outcome),
                when=words.stamp(t, verdict.at, zone, now=now),
                text=" · ".join(_reason(t, verdict, names)),
                note=verdict.note,
            ),
        )
        for verdict in verdicts
    ] + [
        (
            one.at,
            Entry(
                title=t.pick("outcome", one.effect),
                when=words.stamp(t, one.at, zone, now=now),
                text=" · ".join((_account(one.by, names), t.of(*REASONS[one.reason]))),
                note="",
            ),
        )
        for one in withdrawals
    ]
    opened = Entry(
        title=t("lead.opened"), when=words.stamp(t, lead.opened_at, zone, now=now), text="", note=""
    )
    return (opened, *(entry for _, entry in sorted(steps, key=lambda step: step[0])))


def _account(actor: str, names: Mapping[str, str]) -> str:
    """Who changed the registry, as people call them."""
    name = actor.partition(":")[2] or actor
    return names.get(name, name)


def _reason(t: Catalogue, verdict: Verdict, names: Mapping[str, str]) -> list[str]:
    said = [names.get(verdict.by, verdict.by)]
    said += [t.of(code.zh, code.en) for code in codes_for(verdict.outcome) if code.code == verdict.code]
    if verdict.outcome != "reopened":
        said += [t.of(source.zh, source.en) for source in SOURCES if source.code == verdict.source]
    return said
