"""The registry for people: every device, one device with its history, and corrections of where it was."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from api.auth import Account, Now
from api.console import commands, forms, pages, reads
from api.console.commissioning import Installer
from api.console.texts import Catalogue
from api.console.views import inventory, kinds, registry, values
from api.deps import Db, Given
from api.device_acts import estates_of, leads_touched, problem_of, undo_within
from api.fields import NO_NUL, Id
from api.permissions import Needs
from api.problems import Problem
from devices import changes, checks, lifecycle, links, listing, overview
from devices.acts import REASONS, Correct, Exchange, Undo
from devices.errors import DevicesError
from devices.listing import Installed, Listed
from devices.profiles import load_profiles
from devices.timelines import Place
from housing import estates

router = APIRouter()

DeviceReader = Annotated[Account, Depends(Needs("device.read"))]
Corrector = Annotated[Account, Depends(Needs("device.correct"))]
Words = Annotated[str, Query(max_length=100, pattern=NO_NUL)]
Typed = Annotated[str, Form(max_length=64, pattern=NO_NUL)]

_PAGE = 50
#: What the page says was done.
_DONE = ("corrected", "undone", "asked", "proposed", "approved", "refused")
#: As a browser's own field sends a local time: without seconds, with them, with parts of one.
_LOCAL = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")


@router.get("/devices")
def devices_page(
    *,
    request: Request,
    account: DeviceReader,
    connection: Db,
    now: Now,
    find: Words = "",
    kind: Words = "",
    state: overview.State = "all",
    after: Annotated[str | None, Query(max_length=64, pattern=NO_NUL)] = None,
) -> Response:
    """Every device by code, or those that are looked for."""
    t = pages.language(request)
    found = overview.devices(
        connection,
        estates=estates_of(account),
        words=find.strip() or None,
        profiles=kinds.profiles_of(kind),
        state=state,
        after=after,
        limit=_PAGE + 1,
    )
    view = inventory.list_view(
        t,
        found[:_PAGE],
        find=find.strip(),
        kind=kind if kind in kinds.KINDS else "",
        state=state,
        more=len(found) > _PAGE,
        linked=account.may("unit.read"),
        now=now,
    )
    return pages.render(
        request,
        "devices.html",
        account=account,
        connection=connection,
        section="devices",
        view=view,
        can_install=account.may("device.install"),
        can_approve=account.may("command.approve"),
    )


@router.get("/devices/{device}")
def device_page(
    *,
    request: Request,
    device: str,
    account: DeviceReader,
    connection: Db,
    deps: Given,
    now: Now,
    done: str = "",
) -> Response:
    """One device: where it was and is, what was done to it, what was checked."""
    t = pages.language(request)
    found = listing.device(connection, device, estates=estates_of(account))
    history = changes.history(connection, found.id)
    believed = {one.id: changes.believed(connection, one.id, after=False) for one in history}
    installed = listing.installations_of(connection, found.id)
    homes = {row.unit_id for rows in believed.values() for row in rows if row.unit_id is not None}
    view = registry.device_view(
        t,
        found,
        installed=installed,
        history=history,
        believed=believed,
        units=listing.unit_codes(connection, sorted(homes)),
        checks=checks.of_device(connection, found.id),
        undo_within=undo_within(deps, now),
        may_install=account.may("device.install"),
        may_correct=account.may("device.correct"),
        may_read_units=account.may("unit.read"),
        now=now,
    )
    return pages.render(
        request,
        "device.html",
        account=account,
        connection=connection,
        section="devices",
        view=view,
        kind=_kind(t, found, installed),
        values=_values(t, connection, account, found, now),
        commands=commands.panel(connection, account, found, language=t, now=now),
        done=done if done in _DONE else "",
    )


def _kind(t: Catalogue, found: Listed, installed: Sequence[Installed]) -> str:
    """What it is: of a model that may be several, what it serves where it hangs says so."""
    kind = kinds.kind_of(load_profiles().get(found.profile))
    if kind == "several":
        serves = kinds.meter_kind([row.channel for row in installed if row.valid_to is None])
        kind = kind if serves == "other" else serves
    return t.pick("device", f"kind_{kind}")


def _values(
    t: Catalogue, connection: Db, account: Account, found: Listed, now: datetime
) -> Sequence[values.Row] | None:
    """What it measured last; None: the reader may not see readings, or it measures nothing."""
    if not (account.may("reading.read") or account.may("device.install")):
        return None
    profile = load_profiles().get(found.profile)
    rows = values.rows(t, reads.newest_readings(connection, found.id), now=now)
    return rows if rows or (profile is not None and profile.channels) else None


@router.post("/devices/changes/{change_id}/undo")
def undo(*, change_id: Id, account: Installer, connection: Db, deps: Given, now: Now) -> Response:
    """Take an act back."""
    found = changes.change(connection, change_id)
    if found is None:
        raise Problem("not_found")
    if found.is_correction and not account.may("device.correct"):
        raise Problem("not_permitted", action="device.correct")
    mine = estates_of(account)
    lifecycle.perform(
        connection,
        Undo(change_id=change_id, within=undo_within(deps, now)),
        by=f"account:{account.username}",
        now=now,
        estates=mine,
    )
    devices = {*changes.concerned(connection, change_id)}
    devices |= {one.device_id for one in links.believed(connection, change_id, after=False)}
    codes = listing.codes(connection, list(devices), estates=mine)
    return RedirectResponse(f"/devices/{quote(min(codes.values()))}?done=undone", status_code=303)


@router.get("/devices/{device}/correct")
def correct_page(request: Request, device: str, account: Corrector, connection: Db) -> Response:
    """The empty form of a correction."""
    found = listing.device(connection, device, estates=estates_of(account))
    return _form(request, account, connection, found, registry.CorrectForm())


class Corrected(BaseModel):
    """What is typed into a correction."""

    flat: forms.Line = ""
    other: forms.Line = ""
    since: forms.Line = ""
    until: forms.Line = ""
    reason: forms.Line = ""
    note: forms.Words = ""


@router.post("/devices/{device}/correct")
def correct(
    *,
    request: Request,
    device: str,
    account: Corrector,
    connection: Db,
    now: Now,
    what: Annotated[Literal["place", "exchange"], Form()],
    step: Annotated[Literal["preview", "do"], Form()],
    flat: forms.Sent = "",
    other: forms.Sent = "",
    since: forms.Sent = "",
    until: forms.Sent = "",
    reason: forms.Sent = "",
    note: forms.Sent = "",
    seen: Typed = "",
) -> Response:
    """Show what would follow; confirmed, do it."""
    t = pages.language(request)
    mine = estates_of(account)
    found = listing.device(connection, device, estates=mine)
    form = registry.CorrectForm(
        what=what,
        flat=flat,
        other=other,
        since=_typed(since),
        until=_typed(until),
        reason=reason,
        note=note,
    )
    read, faults = forms.read(t, Corrected, vars(form))
    if read is None:
        return _form(request, account, connection, found, form, status=422, faults=faults)
    try:
        wanted = _wanted(connection, account, t, found, form)
        shown = lifecycle.preview(connection, wanted, now=now, estates=mine)
        # what was changed in the form after it was shown is shown first
        if step == "do" and seen.endswith(form.mark):
            with connection.transaction():
                lifecycle.perform(
                    connection,
                    wanted,
                    by=f"account:{account.username}",
                    now=now,
                    estates=mine,
                    seen=seen.removesuffix(form.mark),
                )
            return RedirectResponse(f"/devices/{quote(found.code)}?done=corrected", status_code=303)
    except _Refused as refused:
        return _form(request, account, connection, found, form, problem=str(refused), status=422)
    except DevicesError as error:
        text = problem_of(error).text
        return _form(
            request, account, connection, found, form, problem=t.of(text.zh, text.en), status=text.status
        )
    touched = leads_touched(connection, account, shown.effects)
    preview = registry.preview_view(
        t, shown, form, leads=touched, units=listing.unit_codes(connection, shown.units)
    )
    return _form(request, account, connection, found, form, preview=preview)


class _Refused(Exception):
    """What is missing from a form, in the words of the page."""


def _wanted(
    connection: Db, account: Account, t: Catalogue, found: Listed, form: registry.CorrectForm
) -> Correct | Exchange:
    zone = ZoneInfo(found.time_zone)
    since, until = _moment(t, "since", form.since, zone), _moment(t, "until", form.until, zone)
    if form.reason not in REASONS:
        raise _Refused(t("correct.need_reason"))
    if form.what == "exchange":
        if not form.other.strip():
            raise _Refused(t("correct.need_other"))
        return Exchange(
            one=found.code,
            other=form.other.strip(),
            since=since,
            until=until,
            reason=form.reason,
            note=form.note,
        )
    homes = estates.find_units(
        connection, form.flat, estate_id=found.estate_id, scope=account.scope, limit=50
    )
    exact = [home for home in homes if home.code == form.flat.strip()] or homes
    if len(exact) > 1:
        raise _Refused(t("correct.several_flats", flats=t("lang.list").join(home.code for home in exact[:5])))
    if not exact:
        raise _Refused(t("correct.need_flat"))
    if since is None:
        raise _Refused(t("correct.need_since"))
    return Correct(
        device=found.code,
        place=Place(unit_id=exact[0].id),
        since=since,
        until=until,
        reason=form.reason,
        note=form.note,
    )


def _typed(time: str) -> str:
    """A time as a browser's own field shows it again."""
    return time.strip().replace(" ", "T")


def _moment(t: Catalogue, field: str, text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    for form in _LOCAL:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=zone)
    raise _Refused(t("correct.bad_time", field=t.pick("correct", field)))


def _form(
    request: Request,
    account: Account,
    connection: Db,
    found: Listed,
    form: registry.CorrectForm,
    *,
    preview: registry.PreviewView | None = None,
    problem: str = "",
    faults: Mapping[str, str] = MappingProxyType({}),
    status: int = 200,
) -> Response:
    t = pages.language(request)
    return pages.render(
        request,
        "correct.html",
        account=account,
        connection=connection,
        section="devices",
        status=status,
        device=found,
        form=form,
        reasons=tuple((code, t.of(*said)) for code, said in REASONS.items()),
        preview=preview,
        problem=problem,
        faults=faults,
    )
