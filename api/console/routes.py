"""The pages that show something: board, homes, leads. Each section of a page is one query."""

from datetime import date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import Account, Now
from api.console import pages, reads
from api.console.texts import Catalogue
from api.console.views import board as board_view
from api.console.views import lead as lead_view
from api.console.views import lead_plots, profiles
from api.console.views import leads as leads_view
from api.console.views import unit as unit_view
from api.console.views import units as units_view
from api.console.views.common import Choice, band_of
from api.console.views.hours import water_hours
from api.deps import Db, Deps, Given
from api.permissions import LeadReader, UnitReader
from api.problems import Problem
from housing import absences, board, estates, leads, verdicts
from housing.estates import Estate
from housing.kinds import HAZARDS
from housing.leads import Lead, QueuedLead
from policy.book import Policy
from storage import watermark
from storage.pool import Connection
from wire.channels import BY_NAME, EVENTS

router = APIRouter()

#: Estates whose code begins so say what is real about them; the demo's loader wrote it down.
_DEMO = "demo"
#: Leads on one page of the queue.
_PAGE = 25
_YEAR = 365
_SPARK_HOURS = 72

EstateCode = Annotated[str | None, Query(alias="estate", max_length=100)]


@router.get("/")
def board_page(
    *,
    request: Request,
    account: UnitReader,
    connection: Db,
    deps: Given,
    now: Now,
    estate_code: EstateCode = None,
    show: str = "",
) -> Response:
    """The estate board."""
    t = pages.language(request)
    mine = estates.list_estates(connection, scope=account.scope)
    estate = _chosen(mine, estate_code)
    if estate is None:
        return _no_estate(request, account, connection, t)
    policy = policy_of(deps, estate.city, estate.time_zone, now)
    found = board.board(
        connection, estate.id, scope=account.scope, silence=policy.silence, bands=policy.bands, now=now
    )
    queue, waiting = None, 0
    if account.may("lead.read"):
        queue = leads.queue(
            connection,
            scope=account.scope,
            today=_today(estate.time_zone, now),
            estate_id=estate.id,
            limit=board_view.ATTENTION,
        )
        waiting = sum(leads.counts(connection, scope=account.scope, estate_id=estate.id)["open"].values())
    running = {lead.unit_id for lead in queue or () if band_of(lead, policy.bands) == "hazard"}
    view = board_view.view(
        t,
        found,
        estates=_choices(t, mine, estate, "/"),
        demo=_demo_facts(connection, t) if estate.code.startswith(_DEMO) else (),
        attention=queue,
        open_leads=waiting,
        hours=water_hours(connection, sorted(running), count=_SPARK_HOURS, now=now),
        bands=policy.bands,
        silence=policy.silence,
        show=show,
        now=now,
    )
    return pages.render(
        request, "board.html", account=account, connection=connection, section="board", view=view
    )


@router.get("/units")
def units_page(
    *,
    request: Request,
    account: UnitReader,
    connection: Db,
    deps: Given,
    now: Now,
    estate_code: EstateCode = None,
    code: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Every home of an estate as a table; an exact code leads straight to its page."""
    t = pages.language(request)
    mine = estates.list_estates(connection, scope=account.scope)
    estate = _chosen(mine, estate_code)
    if estate is None:
        return _no_estate(request, account, connection, t)
    wanted = code.strip()
    if wanted:
        same = estates.list_units(connection, scope=account.scope, code=wanted, limit=2)
        here = [unit for unit in same if unit.estate_id == estate.id] or same
        if len(here) == 1:
            return RedirectResponse(f"/units/{here[0].id}", status_code=303)
    policy = policy_of(deps, estate.city, estate.time_zone, now)
    found = board.board(
        connection, estate.id, scope=account.scope, silence=policy.silence, bands=policy.bands, now=now
    )
    view = units_view.view(t, found, estates=_choices(t, mine, estate, "/units"), code=wanted, now=now)
    return pages.render(
        request, "units.html", account=account, connection=connection, section="units", view=view
    )


@router.get("/units/{unit_id}")
def unit_page(
    *, request: Request, unit_id: int, account: UnitReader, connection: Db, deps: Given, now: Now
) -> Response:
    """A year of one home."""
    t = pages.language(request)
    scope = account.scope
    header = estates.unit_header(connection, unit_id, scope=scope, now=now)
    policy = policy_of(deps, header.city, header.time_zone, now)
    zone = ZoneInfo(header.time_zone)
    today = now.astimezone(zone).date()
    first, last = today - timedelta(days=_YEAR), today - timedelta(days=1)
    all_leads: list[Lead] | None = None
    if account.may("lead.read"):
        all_leads = leads.list_leads(connection, scope=scope, unit_id=unit_id, limit=50)
    opened = _pressing_first([lead for lead in all_leads or () if lead.status == "open"])
    shape = None
    if opened and account.may("usage.read"):
        shape = profiles.load(connection, t, unit_id, since=opened[0].since, zone=zone, today=today)
    found = unit_view.Found(
        header=header,
        days=reads.unit_days(connection, unit_id, first=first, last=last),
        peers=reads.peers(
            connection,
            estate_id=header.estate_id,
            unit_id=unit_id,
            rooms=header.rooms,
            first=first,
            last=last,
        ),
        fitted=reads.fitted(connection, unit_id),
        sources=board.sources_of_unit(connection, unit_id, scope=scope, silence=policy.silence, now=now),
        absences=absences.list_absences(connection, scope=scope, unit_id=unit_id),
        open=None if all_leads is None else opened,
        closed=[lead for lead in all_leads or () if lead.status != "open"],
        profiles=shape,
    )
    view = unit_view.view(t, found, bands=policy.bands, idle=policy.idle, now=now)
    return pages.render(
        request, "unit.html", account=account, connection=connection, section="units", view=view
    )


@router.get("/leads")
def leads_page(
    *,
    request: Request,
    account: LeadReader,
    connection: Db,
    deps: Given,
    now: Now,
    estate_code: EstateCode = None,
    status: str = "open",
    after: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    skipped: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """The queue of leads."""
    t = pages.language(request)
    scope = account.scope
    mine = estates.list_estates(connection, scope=scope)
    status = status if status == "decided" else "open"
    chosen = _chosen(mine, estate_code) if estate_code else None
    estate_id = chosen.id if chosen else None
    counted = leads.counts(connection, scope=scope, estate_id=estate_id)
    counts = {
        "open": sum(counted["open"].values()),
        "decided": sum(sum(counted[name].values()) for name in leads_view.DECIDED),
    }
    zone = mine[0].time_zone if mine else "UTC"
    queued = leads.queue(
        connection,
        scope=scope,
        today=_today(zone, now),
        statuses=("open",) if status == "open" else leads_view.DECIDED,
        estate_id=estate_id,
        after=_queued(leads.detail(connection, after, scope=scope)) if after else None,
        limit=_PAGE,
    )
    bands = {one.city: policy_of(deps, one.city, one.time_zone, now).bands for one in mine}
    view = leads_view.view(
        t,
        queued,
        status=status,
        counts=counts,
        estates=mine,
        estate=chosen.code if chosen else None,
        bands=bands,
        skipped=skipped if after else 0,
        limit=_PAGE,
        now=now,
    )
    return pages.render(
        request, "leads.html", account=account, connection=connection, section="leads", view=view
    )


@router.get("/leads/{lead_id}")
def lead_page(
    *,
    request: Request,
    lead_id: int,
    account: LeadReader,
    connection: Db,
    deps: Given,
    now: Now,
    done: str = "",
) -> Response:
    """One lead."""
    t = pages.language(request)
    lead = leads.detail(connection, lead_id, scope=account.scope)
    recorded = verdicts.of_lead(connection, lead_id, scope=account.scope)
    flash, undo = _flash(t, lead, recorded, account, done)
    return pages.render(
        request,
        "lead.html",
        account=account,
        connection=connection,
        section="leads",
        view=lead_view.view(
            t,
            lead,
            verdicts=recorded,
            names=reads.names(connection, (verdict.by for verdict in recorded)),
            place=leads.position(connection, lead_id, scope=account.scope),
            plots=_plots(connection, t, lead, now=now),
            bands=policy_of(deps, lead.city, lead.time_zone, now).bands,
            actions=account.actions,
            now=now,
        ),
        flash=flash,
        undo=undo,
    )


def policy_of(deps: Deps, city: str, time_zone: str, now: datetime) -> Policy:
    """The policy in force in a city today."""
    if city not in deps.books:
        raise Problem("internal")
    return deps.books[city].on(_today(time_zone, now))


def _plots(connection: Connection, t: Catalogue, lead: Lead, *, now: datetime) -> lead_view.Plots:
    zone = ZoneInfo(lead.time_zone)
    until = min(now, lead.closed_at + timedelta(days=1)) if lead.closed_at else now
    if lead.kind in HAZARDS:
        count = lead_plots.hours_shown(lead, now=until)
        hours = water_hours(connection, [lead.unit_id], count=count, now=until)
        return lead_plots.leak_plots(t, lead, hours[lead.unit_id], zone=zone)
    last = until.astimezone(zone).date() - timedelta(days=1)
    days = reads.unit_days(connection, lead.unit_id, first=lead_plots.window_of(lead, last=last), last=last)
    since = {
        channel: at.astimezone(zone).date() for channel, at in reads.fitted(connection, lead.unit_id).items()
    }
    fitted = lead_plots.Fitted(
        energy=since.get(BY_NAME["energy_kwh"].code),
        water=since.get(BY_NAME["water_l"].code),
        door=since.get(EVENTS),
    )
    return lead_plots.idle_plots(t, lead, days, fitted)


def _flash(
    t: Catalogue, lead: Lead, recorded: list[verdicts.Verdict], account: Account, done: str
) -> tuple[str, dict[str, object] | None]:
    """What has just been recorded, while it still stands; and the way back for whoever did it."""
    last = recorded[-1] if recorded else None
    if last is None or last.outcome != done or last.by != account.username:
        return "", None
    undo = None
    if lead.status != "open" and account.may("lead.reopen"):
        undo = {"action": f"/leads/{lead.id}/reopen", "version": lead.version}
    return t.pick("lead", f"done_{done}"), undo


def _demo_facts(connection: Connection, t: Catalogue) -> list[str]:
    facts = watermark.noted(connection, _DEMO).get(t.lang)
    return [str(line) for line in facts] if isinstance(facts, list) else []


def _pressing_first(found: list[Lead]) -> list[Lead]:
    return sorted(found, key=lambda lead: (not lead.found_now, lead.kind not in HAZARDS, -lead.score))


def _queued(lead: Lead) -> QueuedLead:
    return QueuedLead(**vars(lead), spark=[])


def _chosen(mine: list[Estate], code: str | None) -> Estate | None:
    if code is None:
        return mine[0] if mine else None
    found = [estate for estate in mine if estate.code == code]
    if not found:
        raise Problem("not_found")
    return found[0]


def _choices(t: Catalogue, mine: list[Estate], chosen: Estate, path: str) -> list[Choice]:
    return [
        Choice(
            href=f"{path}?{urlencode({'estate': estate.code})}",
            text=t.of(estate.name, estate.name_en or estate.name),
            current=estate.id == chosen.id,
        )
        for estate in mine
    ]


def _no_estate(request: Request, account: Account, connection: Connection, t: Catalogue) -> Response:
    return pages.render(
        request,
        "error.html",
        account=account,
        connection=connection,
        name="no_estate",
        code=200,
        text=t("board.no_estate"),
        back="",
    )


def _today(time_zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(time_zone)).date()
