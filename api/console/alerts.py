"""The pages of alerts: the list, one of them with what may be done, and homes not heard of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from alerts import handling, listing
from alerts.errors import InvalidTransition, VersionConflict
from api.alerts import permitted_to
from api.auth import Account, Now
from api.console import pages, reads
from api.console.views import alerts as views
from api.deps import Db, Given
from api.fields import NO_NUL, Id, Version
from api.permissions import AlertReader, Needs, UnitReader
from devices import coverage
from storage import watermark

router = APIRouter()

#: Alerts on one page, and homes.
_PAGE, _HOMES = 40, 500
#: What the watch advances with each pass, and after how many intervals without one it has stopped.
_WATCHED, _STOPPED = "watch", 5

_SHOWN: Mapping[str, listing.Show] = {"over": "over", "all": "all"}

Handler = Annotated[Account, Depends(Needs("alert.handle"))]
Action = Literal["acknowledge", "progress", "resolve", "close", "undo"]


@router.get("/alerts")
def alerts_page(
    *,
    request: Request,
    account: AlertReader,
    connection: Db,
    deps: Given,
    now: Now,
    show: str = "current",
    after: Annotated[str, Query(pattern=r"^([0-9]-[0-9]{1,9})?$")] = "",
) -> Response:
    """What needs somebody, the most pressing first."""
    t = pages.language(request)
    shown: listing.Show = _SHOWN.get(show, "current")
    rank, _, last_id = after.partition("-")
    found = listing.list_alerts(
        connection,
        scope=account.scope,
        show=shown,
        after=(int(rank), int(last_id)) if after else None,
        limit=_PAGE + 1,
    )
    watched_at = watermark.reached(connection, _WATCHED)
    view = views.listed(
        t,
        found[:_PAGE],
        shown=shown,
        counts=listing.counts(connection, scope=account.scope),
        more=len(found) > _PAGE,
        watched_at=watched_at,
        stale=_has_stopped(deps, watched_at, now),
        uncovered=_uncovered(connection, account, now),
        now=now,
    )
    return pages.render(
        request, "alerts.html", account=account, connection=connection, section="alerts", view=view
    )


@router.get("/alerts/{alert_id}")
def alert_page(
    *, request: Request, alert_id: Id, account: AlertReader, connection: Db, now: Now, done: str = ""
) -> Response:
    """One alert."""
    return _page(request, account, connection, alert_id, now=now, done=done)


@router.post("/alerts/{alert_id}/{action}")
def act(
    *,
    request: Request,
    alert_id: Id,
    action: Action,
    account: Handler,
    connection: Db,
    now: Now,
    version: Annotated[Version, Form()],
    note: Annotated[str, Form(max_length=2000, pattern=NO_NUL)] = "",
) -> Response:
    """Move it on, or take the last step back."""
    try:
        handling.handle(
            connection,
            alert_id=alert_id,
            version=version,
            action=action,
            by=account.username,
            note=note.replace("\r\n", "\n").strip(),
            scope=account.scope,
            now=now,
        )
    except (VersionConflict, InvalidTransition):
        return _page(request, account, connection, alert_id, now=now, error="alerts.conflict", status=409)
    return RedirectResponse(f"/alerts/{alert_id}?done={action}", status_code=303)


@router.get("/uncovered")
def uncovered_page(*, request: Request, account: UnitReader, connection: Db, now: Now) -> Response:
    """Homes without any live sensor."""
    t = pages.language(request)
    scope = account.scope
    found = coverage.list_uncovered(
        connection,
        everything=scope.everything,
        estate_ids=list(scope.estate_ids),
        now=now,
        limit=_HOMES,
    )
    return pages.render(
        request,
        "uncovered.html",
        account=account,
        connection=connection,
        section="alerts",
        rows=views.uncovered_rows(t, found, now=now),
        count=_uncovered(connection, account, now),
    )


def _page(
    request: Request,
    account: Account,
    connection: Db,
    alert_id: int,
    *,
    now: datetime,
    done: str = "",
    error: str = "",
    status: int = 200,
) -> Response:
    t = pages.language(request)
    found = listing.detail(connection, alert_id, scope=account.scope)
    steps = handling.steps(connection, alert_id)
    view = views.shown_alert(
        t,
        found,
        steps,
        actions=permitted_to(account, found.status, steps),
        names=reads.names(connection, (step.by for step in steps)),
        now=now,
    )
    last = steps[-1] if steps else None
    flash = ""
    if last is not None and last.action == done and last.by == account.username:
        flash = t.pick("alerts", f"done_{done}")
    return pages.render(
        request,
        "alert.html",
        account=account,
        connection=connection,
        section="alerts",
        status=status,
        view=view,
        flash=flash,
        error=t(error) if error else "",
    )


def _has_stopped(deps: Given, watched_at: datetime | None, now: datetime) -> bool:
    if watched_at is None:
        return True
    every = min(book.on(now.date()).silence.watch_every for book in deps.books.values())
    return now - watched_at > _STOPPED * every


def _uncovered(connection: Db, account: Account, now: datetime) -> int:
    scope = account.scope
    return coverage.count_uncovered(
        connection, everything=scope.everything, estate_ids=list(scope.estate_ids), now=now
    )
