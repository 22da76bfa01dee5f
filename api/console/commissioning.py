"""Commissioning on the installer's phone: which device, at which flat. No page shows who lives there."""

from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import Account, Now
from api.console import pages
from api.console.views import installing
from api.deps import Db
from api.device_acts import estates_of
from api.fields import DECIMAL, NO_NUL, Id
from api.permissions import Needs
from api.problems import Problem
from devices import labels, lifecycle, listing, placements, registration, swaps
from devices.acts import Commission, Move, Registers, Swap
from devices.profiles import load_profiles
from devices.registry import NewDevice
from devices.timelines import Place
from housing import estates

router = APIRouter()

Installer = Annotated[Account, Depends(Needs("device.install"))]
Said = Annotated[str, Query(max_length=500, pattern=NO_NUL)]
Typed = Annotated[str, Form(max_length=64, pattern=NO_NUL)]
Figure = Annotated[str, Form(max_length=20, pattern=DECIMAL)]


@router.get("/commissioning")
def scan_page(request: Request, account: Installer, connection: Db, scan: Said = "") -> Response:
    """First step: which device is it? One that is known leads on at once."""
    text = scan.strip()
    found = listing.scanned(connection, labels.candidates(text), estates=estates_of(account)) if text else []
    if len(found) == 1:
        return RedirectResponse(f"/commissioning/devices/{quote(found[0].code)}", status_code=303)
    mine = estates.list_estates(connection, scope=account.scope)
    t = pages.language(request)
    view = installing.scan_view(t, text, found, mine, profiles=sorted(load_profiles()))
    response = pages.render(
        request, "commission_scan.html", account=account, connection=connection, section="devices", view=view
    )
    return with_script(response, camera=True)


@router.post("/commissioning")
def register(
    *,
    account: Installer,
    connection: Db,
    now: Now,
    code: Typed,
    profile: Typed,
    estate: Typed,
    serial: Typed = "",
) -> Response:
    """A device that nobody knew: registered, then on to its flat."""
    mine = [one for one in estates.list_estates(connection, scope=account.scope) if one.code == estate]
    if not mine:
        raise Problem("not_found")
    new = NewDevice(code=code.strip(), profile=profile, estate_id=mine[0].id, serial=serial.strip())
    found = registration.register(
        connection, new, by=f"account:{account.username}", now=now, estates=estates_of(account)
    )
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
    t = pages.language(request)
    mine = estates_of(account)
    found = listing.device(connection, device, estates=mine)
    home = listing.home(connection, unit_id, estates=mine)
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
    return pages.render(
        request,
        "commission_confirm.html",
        account=account,
        connection=connection,
        section="devices",
        view=view,
    )


@router.post("/commissioning/devices/{device}/at/{unit_id}")
def install(
    *,
    device: str,
    unit_id: Id,
    account: Installer,
    connection: Db,
    now: Now,
    act: Annotated[Literal["commission", "swap", "move"], Form()],
    old: Typed = "",
    multiplier: Figure = "",
    old_final: Figure = "",
    new_first: Figure = "",
    channel: Typed = "",
) -> Response:
    """Do it, and go on to the first reading."""
    place = Place(unit_id=unit_id)
    wanted: Commission | Swap | Move
    if act == "swap":
        read = Registers(old_final=_number(old_final), new_first=_number(new_first))
        wanted = Swap(
            old=old, new=device, at=now, multiplier=_number(multiplier), registers=_registers(channel, read)
        )
    elif act == "move":
        wanted = Move(device=device, place=place, at=now)
    else:
        wanted = Commission(device=device, place=place, since=now, multiplier=_number(multiplier) or 1.0)
    done = lifecycle.perform(
        connection, wanted, by=f"account:{account.username}", now=now, estates=estates_of(account)
    )
    query = {"done": act} | ({"change": str(done.change_id)} if done.change_id else {})
    return RedirectResponse(
        f"/commissioning/devices/{quote(device)}/live?{urlencode(query)}", status_code=303
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
