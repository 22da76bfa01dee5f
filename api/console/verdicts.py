"""What a person decides about a lead: the sheet as a page, and its submission."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import Account, Now, account_of
from api.console import pages, reads, words
from api.console.texts import Catalogue
from api.console.views.common import sentence
from api.console.views.lead import OUTCOMES, form_of
from api.console.views.lead import Form as Sheet
from api.deps import Db
from api.fields import NO_NUL, Id, Version
from api.leads import decide
from api.problems import Problem
from housing import leads, verdicts
from housing.errors import AnotherOpen, InvalidTransition, NoteRequired, UnknownCode, VersionConflict
from housing.leads import Lead
from storage.pool import Connection

router = APIRouter()

Sheets = Literal["confirm", "refute", "dismiss"]
Anyone = Annotated[Account, Depends(account_of)]


@router.get("/leads/{lead_id}/{action}")
def sheet_page(request: Request, lead_id: Id, action: Sheets, account: Anyone, connection: Db) -> Response:
    """The sheet as a page of its own, for browsers without script."""
    _require(account, action)
    lead = leads.detail(connection, lead_id, scope=account.scope)
    if action not in verdicts.permitted(lead.status):
        return RedirectResponse(f"/leads/{lead_id}", status_code=303)
    return _sheet(request, account, connection, lead, form_of(pages.language(request), lead, action))


@router.post("/leads/{lead_id}/reopen")
def reopen(
    *,
    request: Request,
    lead_id: Id,
    account: Anyone,
    connection: Db,
    now: Now,
    version: Annotated[Version, Form()],
) -> Response:
    """Take the last verdict back."""
    _require(account, "reopen")
    try:
        verdicts.reopen(
            connection,
            lead_id=lead_id,
            version=version,
            source="desk",
            by=account.username,
            now=now,
            scope=account.scope,
        )
    except VersionConflict:
        t = pages.language(request)
        lead = leads.detail(connection, lead_id, scope=account.scope)
        return pages.render(
            request,
            "error.html",
            account=account,
            connection=connection,
            section="leads",
            status=409,
            name="conflict",
            code=409,
            text=_conflict(connection, t, lead, account, now),
            back=f"/leads/{lead_id}",
        )
    return RedirectResponse(f"/leads/{lead_id}?done=reopened", status_code=303)


@router.post("/leads/{lead_id}/{action}")
def submit(
    *,
    request: Request,
    lead_id: Id,
    action: Sheets,
    account: Anyone,
    connection: Db,
    now: Now,
    version: Annotated[Version, Form()],
    code: Annotated[str, Form(max_length=40, pattern=NO_NUL)] = "",
    source: Annotated[str, Form(max_length=40, pattern=NO_NUL)] = "",
    note: Annotated[str, Form(max_length=4000, pattern=NO_NUL)] = "",
) -> Response:
    """Record a verdict; else the sheet again with what was typed and what is missing."""
    _require(account, action)
    t = pages.language(request)
    lead = leads.detail(connection, lead_id, scope=account.scope)
    empty = form_of(t, lead, action)
    # browsers count a line break once and send it as two characters
    note = note.replace("\r\n", "\n")
    form = replace(empty, version=version, code=code, source=source, note=note)
    error, status = _missing(t, form), 422
    if not error:
        try:
            decide(
                connection,
                account,
                lead_id=lead_id,
                version=version,
                outcome=OUTCOMES[action],
                code=code if form.codes else verdicts.codes_for(OUTCOMES[action])[0].code,
                source=source if form.sources else "desk",
                note=note,
                now=now,
            )
        except VersionConflict:
            error, status = _conflict(connection, t, lead, account, now), 409
            form = replace(form, version=empty.version)
        except (InvalidTransition, AnotherOpen):
            error, status = t("sheet.invalid"), 409
        except UnknownCode:
            error = t("sheet.need_reason")
        except NoteRequired:
            error = t("sheet.need_other")
        else:
            return RedirectResponse(f"/leads/{lead_id}?done={OUTCOMES[action]}", status_code=303)
    return _sheet(request, account, connection, lead, replace(form, error=error), status=status)


def _missing(t: Catalogue, form: Sheet) -> str:
    if form.codes and not form.code:
        return t("sheet.need_reason")
    if form.sources and not form.source:
        return t("sheet.need_how")
    if form.note_required and not form.note.strip():
        return t("sheet.need_note")
    return ""


def _conflict(connection: Connection, t: Catalogue, lead: Lead, account: Account, now: datetime) -> str:
    """Who decided what in the meantime."""
    recorded = verdicts.of_lead(connection, lead.id, scope=account.scope)
    if not recorded:
        return t("sheet.conflict_plain")
    last = recorded[-1]
    return t(
        "sheet.conflict",
        name=reads.names(connection, [last.by]).get(last.by, last.by),
        when=words.stamp(t, last.at, ZoneInfo(lead.time_zone), now=now),
        outcome=t.pick("outcome", last.outcome),
    )


def _sheet(
    request: Request,
    account: Account,
    connection: Connection,
    lead: Lead,
    form: Sheet,
    *,
    status: int = 200,
) -> Response:
    t = pages.language(request)
    return pages.render(
        request,
        "verdict.html",
        account=account,
        connection=connection,
        section="leads",
        status=status,
        form=form,
        unit=lead.unit,
        sentence=sentence(t, lead),
        #: A lead that somebody closed meanwhile takes no verdict: the page then has no button for one.
        open=form.name in verdicts.permitted(lead.status),
    )


def _require(account: Account, action: str) -> None:
    if not account.may(f"lead.{action}"):
        raise Problem("not_permitted", action=f"lead.{action}")
