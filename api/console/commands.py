"""Commands on the page of a device: asked for, approved by a second person, declined."""

from datetime import datetime
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import Account, Now
from api.commands import PRESSURE, asker_of
from api.console import pages
from api.console.views import commands as views
from api.deps import Db, Given
from api.device_acts import estates_of, problem_of
from api.fields import NO_NUL
from api.permissions import CommandApprover, CommandAsker, CommandReader
from api.problems import TEXTS, Problem
from devices import commands, listing
from devices.commands import Command, Wanted
from devices.errors import ArgumentsInvalid, ReasonUnfit
from devices.listing import Listed
from devices.profiles import load_profiles
from storage.pool import Connection
from wire.commands import COMMANDS
from wire.commands import Command as Kind

router = APIRouter()

#: Commands on the page of a device.
_SHOWN = 10

Typed = Annotated[str, Form(max_length=64, pattern=NO_NUL)]


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


@router.get("/devices/{device}/commands/{name}")
def ask_page(*, request: Request, device: str, name: str, account: CommandAsker, connection: Db) -> Response:
    """The form of one command."""
    found = listing.device(connection, device, estates=estates_of(account))
    return _form(request, account, connection, found, _kind(found, name))


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
    reason: Typed = "",
    seconds: Annotated[int | None, Form(ge=1, le=10**9)] = None,
    note: Annotated[str, Form(max_length=2000, pattern=NO_NUL)] = "",
) -> Response:
    """Ask for it. What is dangerous waits for a second person; a means of pressure is refused."""
    found = listing.device(connection, device, estates=estates_of(account))
    kind = _kind(found, name)
    wanted = Wanted(
        id=asked_id,
        device=found.code,
        name=name,
        arguments={} if seconds is None else {"seconds": seconds},
        reason=reason,
        note=note.replace("\r\n", "\n").strip(),
    )
    rules = deps.books[deps.city].on(now.date()).command
    form = views.Form(id=asked_id, reason=reason, note=note, seconds=seconds)
    try:
        with connection.transaction():
            asked = commands.ask(connection, wanted, asker=asker_of(account), rules=rules, now=now)
    except (ArgumentsInvalid, ReasonUnfit) as error:
        return _form(request, account, connection, found, kind, form=form, problem=problem_of(error).code)
    if asked.refusal in PRESSURE:
        # That somebody tried stays on record whatever becomes of the page.
        connection.commit()
        problem = f"command_{asked.refusal}"
        return _form(request, account, connection, found, kind, form=form, problem=problem, refused=True)
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
    problem: str = "",
    refused: bool = False,
) -> Response:
    t = pages.language(request)
    text = TEXTS[problem] if problem else None
    return pages.render(
        request,
        "command.html",
        account=account,
        connection=connection,
        section="devices",
        status=text.status if text is not None else 200,
        view=views.form_view(t, found, kind, form or views.Form.empty()),
        problem=t.of(text.zh, text.en) if text is not None else "",
        refused=refused,
    )
