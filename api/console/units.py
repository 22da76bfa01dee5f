"""The page of one home."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from api.auth import Now
from api.console import pages, reads
from api.console.views import profiles
from api.console.views import unit as unit_view
from api.deps import Db, Given
from api.fields import Id
from api.permissions import UnitReader
from api.signals import episodes
from housing import absences, board, estates, facts, flows, leads
from housing.kinds import KINDS
from housing.leads import Lead

router = APIRouter()

_YEAR = 365


@router.get("/units/{unit_id}")
def unit_page(
    *, request: Request, unit_id: Id, account: UnitReader, connection: Db, deps: Given, now: Now
) -> Response:
    """A year of one home."""
    t = pages.language(request)
    scope = account.scope
    header = estates.unit_header(connection, unit_id, scope=scope, now=now)
    policy = deps.policy(header.city, header.time_zone, now)
    zone = ZoneInfo(header.time_zone)
    today = now.astimezone(zone).date()
    first, last = today - timedelta(days=_YEAR), today - timedelta(days=1)
    all_leads: list[Lead] | None = None
    if account.may("lead.read"):
        all_leads = leads.list_leads(connection, scope=scope, unit_id=unit_id, limit=50)
    rules = {header.city: policy.leak}
    opened = _pressing_first(
        flows.marked(
            connection, [lead for lead in all_leads or () if lead.status == "open"], rules=rules, now=now
        )
    )
    year, shape = None, None
    if account.may("usage.read"):
        year = _year(connection, header, first=first, last=last)
        if opened:
            shape = profiles.load(connection, t, unit_id, since=opened[0].since, zone=zone, today=today)
    found = unit_view.Found(
        header=header,
        year=year,
        sources=board.sources_of_unit(connection, unit_id, scope=scope, silence=policy.silence, now=now),
        absences=absences.list_absences(connection, scope=scope, unit_id=unit_id),
        open=None if all_leads is None else opened,
        closed=[lead for lead in all_leads or () if lead.status != "open"],
        episodes=episodes(connection, unit_id, scope=scope, first=first, last=today)
        if account.may("signal.read")
        else (),
        profiles=shape,
        known_for=facts.of_unit(connection, unit_id, now=now) if account.may("lead.read") else (),
    )
    view = unit_view.view(t, found, bands=policy.bands, idle=policy.idle, now=now)
    return pages.render(
        request, "unit.html", account=account, connection=connection, section="units", view=view
    )


def _year(connection: Db, header: estates.UnitHeader, *, first: date, last: date) -> unit_view.Year:
    """A year of use and of entries, beside similar homes."""
    days = reads.unit_days(connection, header.id, first=first, last=last)
    return unit_view.Year(
        days=days,
        peers=reads.peers(
            connection,
            estate_id=header.estate_id,
            unit_id=header.id,
            rooms=header.rooms,
            first=first,
            last=last,
        ),
        installed=reads.installed(connection, header.id, days, zone=ZoneInfo(header.time_zone)),
    )


def _pressing_first(found: list[Lead]) -> list[Lead]:
    """What the newest sweep finds, the kinds in the order in which they press, the strongest of each."""
    order = {kind.code: place for place, kind in enumerate(KINDS)}
    return sorted(
        found,
        key=lambda lead: (
            lead.stopped_at is not None or not lead.found_now,
            order.get(lead.kind, len(order)),
            -lead.score,
        ),
    )
