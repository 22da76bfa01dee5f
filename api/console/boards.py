"""The pages of an estate: the board, and every home as a table."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import Account, Now
from api.console import pages, reads
from api.console.texts import Catalogue
from api.console.views import board as board_view
from api.console.views import units as units_view
from api.console.views.common import Choice, band_of
from api.console.views.hours import water_hours
from api.deps import Db, Given, local_day
from api.estates import board_of
from api.fields import NO_NUL
from api.permissions import UnitReader
from api.problems import Problem
from housing import estates, flows, leads
from housing.estates import Estate
from storage import watermark
from storage.pool import Connection

router = APIRouter()

#: Estates whose code begins so say what is real about them; the demo's loader wrote it down.
_DEMO = "demo"
_SPARK_HOURS = 72

EstateCode = Annotated[str | None, Query(alias="estate", max_length=100, pattern=NO_NUL)]


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
    estate = chosen_estate(mine, estate_code)
    if estate is None:
        return _no_estate(request, account, connection, t)
    policy = deps.policy(estate.city, estate.time_zone, now)
    board = board_of(connection, deps, estate, account, now)
    queue, waiting = None, 0
    if account.may("lead.read"):
        queue = leads.queue(
            connection,
            scope=account.scope,
            today=local_day(estate.time_zone, now),
            estate_id=estate.id,
            weeks=0,
            limit=board_view.ATTENTION,
        )
        ends = {tile.unit_id: tile.stopped_at for tile in board.tiles if tile.stopped_at is not None}
        queue = flows.ended(queue, ends)
        waiting = leads.waiting(connection, scope=account.scope, estate_id=estate.id)
    running: set[int] = set()
    if account.may("usage.read"):
        running = {lead.unit_id for lead in queue or () if band_of(lead, policy.bands) == "hazard"}
    view = board_view.view(
        t,
        board,
        estates=_choices(t, mine, estate, "/"),
        demo=_demo_facts(connection, t) if estate.code.startswith(_DEMO) else (),
        attention=queue,
        open_leads=waiting,
        hours=water_hours(connection, sorted(running), count=_SPARK_HOURS, now=now),
        runs=reads.run_hours(connection, estate.id),
        policy=policy,
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
    code: Annotated[str, Query(max_length=60, pattern=NO_NUL)] = "",
) -> Response:
    """Every home of an estate as a table; an exact code leads straight to its page."""
    t = pages.language(request)
    mine = estates.list_estates(connection, scope=account.scope)
    estate = chosen_estate(mine, estate_code)
    if estate is None:
        return _no_estate(request, account, connection, t)
    wanted = code.strip()
    if wanted:
        same = estates.list_units(connection, scope=account.scope, code=wanted, limit=2)
        here = [unit for unit in same if unit.estate_id == estate.id] or same
        if len(here) == 1:
            return RedirectResponse(f"/units/{here[0].id}", status_code=303)
    view = units_view.view(
        t,
        board_of(connection, deps, estate, account, now),
        estates=_choices(t, mine, estate, "/units"),
        runs=reads.run_hours(connection, estate.id),
        code=wanted,
        now=now,
    )
    return pages.render(
        request, "units.html", account=account, connection=connection, section="units", view=view
    )


def chosen_estate(mine: list[Estate], code: str | None) -> Estate | None:
    """The estate of a code, or the first one; a code that is not the reader's does not exist.

    Raises
    ------
    Problem
        ``not_found``
    """
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
        code="",
        text=t("board.no_estate"),
        back="",
    )


def _demo_facts(connection: Connection, t: Catalogue) -> list[str]:
    facts = watermark.noted(connection, _DEMO).get(t.lang)
    return [str(line) for line in facts] if isinstance(facts, list) else []
