"""Commands on the page of a device: asked for, approved by a second person, declined."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from api.auth import Account, Now
from api.commands import PRESSURE, asker_of, record_note
from api.console import forms, pages
from api.console.views import commands as views
from api.deps import Db, Given
from api.device_acts import estates_of, problem_of
from api.permissions import CommandApprover, CommandAsker, CommandReader
from api.problems import TEXTS, Problem
from devices import commands, listing, proposals
from devices.commands import Command, Wanted
from devices.errors import ArgumentsInvalid, CommandWaits, NoteUnfit, ReasonUnfit
from devices.listing import Listed
from devices.profiles import load_profiles
from storage.pool import Connection
from wire.commands import COMMANDS
from wire.commands import Command as Kind

router = APIRouter()

#: Commands on the page of a device.
_SHOWN = 10
#: Proposals on the page of those that wait.
_WAITING = 100
#: Code of a problem → the field that it is about.
_FIELDS = {
    "command_reason": "reason",
    "command_arguments": "seconds",
    "command_note_personal": "note",
    "command_note_pressure": "note",
}


def panel(
    connection: Connection, account: Account, found: Listed, *, language: pages.Catalogue, now: datetime
) -> views.Panel | None:
    """The commands of a device as its page shows them; None: the reader may not see them."""
    if not account.may("command.approve"):
        return None
    several = commands.several(connection, asker=asker_of(account), device=found.code, limit=_SHOWN)
    kinds = _kinds(found) if account.may("command.ask") and found.active else []
    return views.panel(
        language, found, several, kinds=kinds, by=asker_of(account).by, now=now, last=len(several) == _SHOWN
    )


@router.get("/commands")
def waiting_page(*, request: Request, account: CommandReader, connection: Db, now: Now) -> Response:
    """What waits for a second person, in every estate of the reader."""
    t = pages.language(request)
    asker = asker_of(account)
    found = proposals.waiting(connection, asker=asker, now=now, limit=_WAITING + 1)
    return pages.render(
        request,
        "commands.html",
        account=account,
        connection=connection,
        section="devices",
        rows=[views.waiting_row(t, one, by=asker.by, now=now) for one in found[:_WAITING]],
        cut=len(found) > _WAITING,
    )


@router.get("/devices/{device}/commands/{name}")
def ask_page(*, request: Request, device: str, name: str, account: CommandAsker, connection: Db) -> Response:
    """The form of one command."""
    found = listing.device(connection, device, estates=estates_of(account))
    return _form(request, account, connection, found, _kind(found, name))


class Asked(BaseModel):
    """What is typed into the form of a command."""

    reason: forms.Line = ""
    seconds: Annotated[int | None, Field(ge=1, le=10**9)] = None
    note: forms.Words = ""


@router.post("/devices/{device}/commands/{name}")
def ask(
    *,
    request: Request,
    device: str,
    name: str,
    account: CommandAsker,
    connection: Db,
    deps: Given,
    now: Now,
    asked_id: Annotated[UUID, Form(alias="id")],
    reason: forms.Sent = "",
    seconds: forms.Sent = "",
    note: forms.Sent = "",
) -> Response:
    """Ask for it. What is dangerous waits for a second person; a means of pressure is refused."""
    found = listing.device(connection, device, estates=estates_of(account))
    kind = _kind(found, name)
    t = pages.language(request)
    form = views.Form(id=asked_id, reason=reason, note=note, seconds=seconds)
    show = partial(_form, request, account, connection, found, kind, form=form)
    read, faults = forms.read(t, Asked, {"reason": reason, "seconds": seconds, "note": note})
    if read is None:
        return show(status=422, faults=faults)
    wanted = Wanted(
        id=asked_id,
        device=found.code,
        name=name,
        arguments={} if read.seconds is None else {"seconds": read.seconds},
        reason=read.reason,
        note=read.note.replace("\r\n", "\n").strip(),
    )
    rules = deps.books[deps.city].on(now.date()).command
    asker = asker_of(account)
    try:
        with connection.transaction():
            asked = commands.ask(connection, wanted, asker=asker, rules=rules, now=now)
    except (ArgumentsInvalid, ReasonUnfit, NoteUnfit, CommandWaits) as error:
        if isinstance(error, NoteUnfit):
            record_note(connection, wanted, error, asker=asker, now=now)
        refused = problem_of(error)
        top, faults = forms.said(t, refused, _FIELDS)
        waits = isinstance(error, CommandWaits)
        return show(status=refused.text.status, problem=top, faults=faults, waits=waits)
    if asked.refusal in PRESSURE:
        # That somebody tried stays on record whatever becomes of the page.
        connection.commit()
        text = TEXTS[f"command_{asked.refusal}"]
        return show(status=text.status, problem=t.of(text.zh, text.en), refused=True)
    return _back(asked, "proposed" if asked.status == "proposed" else "asked")


@router.post("/devices/commands/{command_id}/approve")
def approve(*, command_id: UUID, account: CommandApprover, connection: Db, now: Now) -> Response:
    """Approve a proposal of somebody else."""
    return _back(commands.approve(connection, command_id, asker=asker_of(account), now=now), "approved")


@router.post("/devices/commands/{command_id}/refuse")
def refuse(*, command_id: UUID, account: CommandReader, connection: Db, now: Now) -> Response:
    """Decline a proposal, or take back what one asked for."""
    return _back(commands.refuse(connection, command_id, asker=asker_of(account), now=now), "refused")


def _back(command: Command, done: str) -> Response:
    return RedirectResponse(f"/devices/{quote(command.device)}?done={done}#commands", status_code=303)


def _kinds(found: Listed) -> list[Kind]:
    """What a device understands, in the order of the closed list."""
    profile = load_profiles().get(found.profile)
    return [kind for kind in COMMANDS.values() if profile is not None and kind.name in profile.commands]


def _kind(found: Listed, name: str) -> Kind:
    kind = next((kind for kind in _kinds(found) if kind.name == name), None)
    if kind is None or not found.active:
        raise Problem("not_found")
    return kind


def _form(
    request: Request,
    account: Account,
    connection: Connection,
    found: Listed,
    kind: Kind,
    *,
    form: views.Form | None = None,
    status: int = 200,
    problem: str = "",
    faults: Mapping[str, str] = MappingProxyType({}),
    waits: bool = False,
    refused: bool = False,
) -> Response:
    t = pages.language(request)
    return pages.render(
        request,
        "command.html",
        account=account,
        connection=connection,
        section="devices",
        status=status,
        view=views.form_view(t, found, kind, form or views.Form.empty()),
        problem=problem,
        faults=faults,
        waits=waits,
        refused=refused,
    )
