"""Commissioning on the installer's phone: which device, at which flat. No page shows who lives there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from api.auth import Account, Now
from api.console import forms, pages
from api.console.views import installing
from api.deps import Db
from api.device_acts import estates_of, problem_of
from api.fields import NO_NUL, Id
from api.permissions import Needs
from api.problems import Problem
from devices import labels, lifecycle, listing, placements, registration, swaps
from devices.acts import Commission, Move, Registers, Swap
from devices.errors import DevicesError, UnknownDevice, UnknownPlace
from devices.listing import Listed
from devices.registry import NewDevice
from devices.timelines import Place
from housing import estates
from storage.pool import Connection

router = APIRouter()

Installer = Annotated[Account, Depends(Needs("device.install"))]
_SCANNED = 500
#: Code of a problem → the field that it is about.
_REGISTER_FIELDS = {
    "invalid_device_code": "code",
    "reserved_device_code": "code",
    "device_exists": "code",
    "unknown_profile": "profile",
}
_INSTALL_FIELDS = {"register_too_low": "old_final"}

Said = Annotated[str, Query(max_length=_SCANNED, pattern=NO_NUL)]
Typed = Annotated[str, Form(max_length=64, pattern=NO_NUL)]


@router.get("/commissioning")
def scan_page(request: Request, account: Installer, connection: Db, scan: Said = "") -> Response:
    """First step: which device is it? One that is known leads on at once."""
    text = scan.strip()
    found = listing.scanned(connection, labels.candidates(text), estates=estates_of(account)) if text else []
    if len(found) == 1:
        return RedirectResponse(f"/commissioning/devices/{quote(found[0].code)}", status_code=303)
    return _scan(request, account, connection, text, found)


class Registered(BaseModel):
    """What is typed of a device that nobody knew."""

    code: forms.Line
    profile: forms.Line
    estate: forms.Line
    serial: forms.Line = ""


@router.post("/commissioning")
def register(
    *,
    request: Request,
    account: Installer,
    connection: Db,
    now: Now,
    code: forms.Sent = "",
    profile: forms.Sent = "",
    estate: forms.Sent = "",
    serial: forms.Sent = "",
    scan: forms.Sent = "",
) -> Response:
    """A device that nobody knew: registered, then on to its flat."""
    t = pages.language(request)
    form = installing.RegisterForm(code=code, serial=serial, profile=profile, estate=estate)
    show = partial(_scan, request, account, connection, scan.strip()[:_SCANNED], form=form)
    sent = {"code": code, "profile": profile, "estate": estate, "serial": serial}
    read, faults = forms.read(t, Registered, sent)
    if read is None:
        return show(status=422, faults=faults)
    mine = [one for one in estates.list_estates(connection, scope=account.scope) if one.code == read.estate]
    if not mine:
        raise Problem("not_found")
    new = NewDevice(
        code=read.code.strip(), profile=read.profile, estate_id=mine[0].id, serial=read.serial.strip()
    )
    try:
        with connection.transaction():
            found = registration.register(
                connection, new, by=f"account:{account.username}", now=now, estates=estates_of(account)
            )
    except DevicesError as error:
        problem = problem_of(error)
        top, faults = forms.said(t, problem, _REGISTER_FIELDS)
        return show(status=problem.text.status, problem=top, faults=faults)
    return RedirectResponse(f"/commissioning/devices/{quote(found.code)}", status_code=303)


@router.get("/commissioning/devices/{device}")
def place_page(
    *, request: Request, device: str, account: Installer, connection: Db, now: Now, flat: Said = ""
) -> Response:
    """Second step: at which flat? What hangs there already is shown."""
    t = pages.language(request)
    found = listing.device(connection, device, estates=estates_of(account))
    homes = estates.find_units(connection, flat, estate_id=found.estate_id, scope=account.scope)
    view = installing.place_view(
        t,
        found,
        installed=[row for row in listing.installations_of(connection, found.id) if row.valid_to is None],
        flat=flat,
        homes=[(home, listing.at_unit(connection, home.id, at=now)) for home in homes],
        channels=placements.channels_of(found.profile),
        now=now,
    )
    return pages.render(
        request, "commission_place.html", account=account, connection=connection, section="devices", view=view
    )


@router.get("/commissioning/devices/{device}/at/{unit_id}")
def confirm_page(
    *, request: Request, device: str, unit_id: Id, account: Installer, connection: Db, now: Now
) -> Response:
    """What would be done: install, swap, or move."""
    return _confirm(request, account, connection, device=device, unit_id=unit_id, now=now)


class Figures(BaseModel):
    """What is typed of an installation."""

    multiplier: forms.Figure = ""
    old_final: forms.Figure = ""
    new_first: forms.Figure = ""


@router.post("/commissioning/devices/{device}/at/{unit_id}")
def install(
    *,
    request: Request,
    device: str,
    unit_id: Id,
    account: Installer,
    connection: Db,
    now: Now,
    act: Annotated[Literal["commission", "swap", "move"], Form()],
    old: Typed = "",
    multiplier: forms.Sent = "",
    old_final: forms.Sent = "",
    new_first: forms.Sent = "",
    channel: Typed = "",
) -> Response:
    """Do it, and go on to the first reading."""
    t = pages.language(request)
    form = installing.InstallForm(multiplier=multiplier, old_final=old_final, new_first=new_first)
    here = {"device": device, "unit_id": unit_id, "now": now}
    show = partial(_confirm, request, account, connection, form=form, **here)
    read, faults = forms.read(t, Figures, vars(form))
    if read is None:
        return show(status=422, faults=faults)
    place = Place(unit_id=unit_id)
    wanted: Commission | Swap | Move
    if act == "swap":
        registers = Registers(old_final=_number(read.old_final), new_first=_number(read.new_first))
        wanted = Swap(
            old=old,
            new=device,
            at=now,
            multiplier=_number(read.multiplier),
            registers=_registers(channel, registers),
        )
    elif act == "move":
        wanted = Move(device=device, place=place, at=now)
    else:
        factor = _number(read.multiplier)
        wanted = Commission(
            device=device, place=place, since=now, multiplier=1.0 if factor is None else factor
        )
    try:
        with connection.transaction():
            done = lifecycle.perform(
                connection, wanted, by=f"account:{account.username}", now=now, estates=estates_of(account)
            )
    except (UnknownDevice, UnknownPlace):
        raise
    except DevicesError as error:
        problem = problem_of(error)
        top, faults = forms.said(t, problem, _INSTALL_FIELDS)
        return show(status=problem.text.status, problem=top, faults=faults)
    query = {"done": act} | ({"change": str(done.change_id)} if done.change_id else {})
    return RedirectResponse(
        f"/commissioning/devices/{quote(device)}/live?{urlencode(query)}", status_code=303
    )


def _scan(
    request: Request,
    account: Account,
    connection: Connection,
    text: str,
    found: Sequence[Listed] = (),
    *,
    form: installing.RegisterForm | None = None,
    status: int = 200,
    problem: str = "",
    faults: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    mine = estates.list_estates(connection, scope=account.scope)
    response = pages.render(
        request,
        "commission_scan.html",
        account=account,
        connection=connection,
        section="devices",
        status=status,
        view=installing.scan_view(pages.language(request), text, found, mine, form=form),
        problem=problem,
        faults=faults,
    )
    return with_script(response, camera=True)


def _confirm(
    request: Request,
    account: Account,
    connection: Connection,
    *,
    device: str,
    unit_id: int,
    now: datetime,
    form: installing.InstallForm | None = None,
    status: int = 200,
    problem: str = "",
    faults: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    mine = estates_of(account)
    found = listing.device(connection, device, estates=mine)
    home = listing.home(connection, unit_id, estates=mine)
    t = pages.language(request)
    view = installing.confirm_view(
        t,
        found,
        home,
        installed=[row for row in listing.installations_of(connection, found.id) if row.valid_to is None],
        there=listing.at_unit(connection, unit_id, at=now),
        channels=placements.channels_of(found.profile),
        last=lambda device_id, code: swaps.last_register(connection, device_id, code, at=now),
        now=now,
    )
    # what hangs there may have changed meanwhile: then the field in question is not on the form any more
    shown = {"swap": {"old_final", "new_first"}, "commission": {"multiplier"}}.get(view.act, set[str]())
    lost = [f"{t.pick('field', name)} {why}" for name, why in faults.items() if name not in shown]
    return pages.render(
        request,
        "commission_confirm.html",
        account=account,
        connection=connection,
        section="devices",
        status=status,
        view=view,
        form=form or installing.InstallForm(),
        problem=t("lang.semicolon").join([*([problem] if problem else ()), *lost]),
        faults=faults,
    )


def with_script(response: Response, *, camera: bool = False) -> Response:
    """Let the page's script ask this server, and the camera where a label is scanned."""
    response.headers["Content-Security-Policy"] = pages.CONTENT_SECURITY_POLICY + "; connect-src 'self'"
    if camera:
        response.headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
    return response


def _number(text: str) -> float | None:
    stripped = text.strip().replace(",", ".")
    return float(stripped) if stripped else None


def _registers(channel: str, read: Registers) -> dict[str, Registers]:
    return {channel: read} if channel and read != Registers() else {}
