"""The pages of leads: the queue, and one lead with its evidence."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.auth import Account, Now
from api.console import lead_pictures, pages, reads
from api.console.boards import EstateCode, chosen_estate
from api.console.texts import Catalogue
from api.console.views import lead as lead_view
from api.console.views import leads as leads_view
from api.deps import Db, Given, local_day
from api.fields import Id
from api.permissions import LeadReader
from housing import estates, flows, leads, queue, verdicts, withdrawals
from housing.kinds import LOT
from housing.leads import Lead, QueuedLead

router = APIRouter()

#: Leads on one page of the queue.
_PAGE = 25
#: Lots on it; a month has a few an estate.
_MOST_LOTS = 100
#: Weeks of its sparklines.
_WEEKS = 26


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
    chosen = chosen_estate(mine, estate_code) if estate_code else None
    estate_id = chosen.id if chosen else None
    counted = leads.counts(connection, scope=scope, estate_id=estate_id)
    counts = {
        "open": leads.waiting(connection, scope=scope, estate_id=estate_id),
        "decided": sum(sum(counted[name].values()) for name in leads_view.DECIDED),
    }
    zone = mine[0].time_zone if mine else "UTC"
    queued = leads.queue(
        connection,
        scope=scope,
        today=local_day(zone, now),
        statuses=("open",) if status == "open" else leads_view.DECIDED,
        estate_id=estate_id,
        after=_queued(leads.detail(connection, after, scope=scope)) if after else None,
        weeks=_WEEKS if account.may("usage.read") else 0,
        limit=_PAGE,
    )
    policies = {one.city: deps.policy(one.city, one.time_zone, now) for one in mine}
    leaks = {city: policy.leak for city, policy in policies.items()}
    view = leads_view.view(
        t,
        flows.marked(connection, queued, rules=leaks, now=now),
        status=status,
        counts=counts,
        estates=mine,
        estate=chosen.code if chosen else None,
        bands={city: policy.bands for city, policy in policies.items()},
        months=[
            month
            for month in queue.months(connection, scope=scope, books=deps.books, now=now)
            if estate_id in (None, month.estate_id)
        ],
        lots=leads.list_leads(
            connection,
            scope=scope,
            status="open",
            kind=LOT,
            estate=chosen.code if chosen else None,
            limit=_MOST_LOTS,
        ),
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
    lead_id: Id,
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
    moved = withdrawals.of_lead(connection, lead_id, scope=account.scope)
    flash, undo = _flash(t, lead, recorded, account, done)
    policy = deps.policy(lead.city, lead.time_zone, now)
    (lead,) = flows.marked(connection, [lead], rules={lead.city: policy.leak}, now=now)
    others = leads.list_leads(connection, scope=account.scope, status="open", unit_id=lead.unit_id)
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
            withdrawals=moved,
            names=reads.names(
                connection,
                [*(one.by for one in recorded), *(one.by.partition(":")[2] for one in moved)],
            ),
            others=[one for one in others if one.id != lead.id],
            place=leads.position(connection, lead_id, scope=account.scope),
            plots=lead_pictures.draw(connection, t, lead, scope=account.scope, rules=policy.leak, now=now)
            if account.may("usage.read")
            else None,
            bands=policy.bands,
            actions=account.actions,
            now=now,
        ),
        flash=flash,
        undo=undo,
    )


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


def _queued(lead: Lead) -> QueuedLead:
    return QueuedLead(**vars(lead), spark=[], also=[])
