"""How a page is put together: its frame, language, theme, static files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from alerts import listing
from api.auth import Account
from api.commands import asker_of
from api.console.texts import LANGUAGES, Catalogue, catalogue
from api.deps import deps_of
from api.problems import Problem
from devices import proposals as waiting
from housing import leads
from storage.pool import Connection

router = APIRouter()

_LANGUAGE_COOKIE, _THEME_COOKIE = "anju_lang", "anju_theme"
_THEMES = ("light", "dark")
_A_YEAR = 365 * 86_400
_MEDIA = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the console, as it stands in the navigation."""

    #: board, leads, units: name of its text
    name: str
    href: str
    icon: str
    current: bool
    #: How many items wait there; 0: nothing is shown.
    count: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stands around every page."""

    #: light, dark or empty: as the device prefers
    theme: str
    theme_href: str
    lang_href: str
    who: str
    csrf: str
    sections: tuple[Section, ...]
    #: Commands that wait for this person as their second one.
    proposals: int


@cache
def _static() -> Mapping[str, tuple[bytes, str]]:
    """Each static file with the hash that its address carries."""
    folder = resources.files("api.console").joinpath("static")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    return MappingProxyType(
        {name: (content, hashlib.sha256(content).hexdigest()[:12]) for name, content in files.items()}
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("api.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = lambda name: f"/static/{name}?v={_static()[name][1]}"
    return environment


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """A style sheet, script or picture; its address changes with its content."""
    found = _static().get(name)
    if found is None:
        raise Problem("not_found")
    return Response(
        found[0],
        media_type=_MEDIA[name.rpartition(".")[2]],
        headers={"Cache-Control": f"public, max-age={_A_YEAR}, immutable"},
    )


def language(request: Request) -> Catalogue:
    """The texts of this page: as asked for in its address, else as chosen before, else Chinese."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(_LANGUAGE_COOKIE)):
        if wanted in LANGUAGES:
            return catalogue(wanted)
    return catalogue(LANGUAGES[0])


def render(
    request: Request,
    template: str,
    *,
    account: Account | None = None,
    connection: Connection | None = None,
    section: str = "",
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Fill a template in its frame.

    Parameters
    ----------
    account, connection
        With both, the frame has the navigation that the account may use.
    section : str
        The part of the console that the page belongs to.
    """
    t = language(request)
    frame = _frame(request, t, account, connection, section)
    body = _environment().get_template(template).render(t=t, frame=frame, **values)
    response = HTMLResponse(
        body,
        status_code=status,
        headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Content-Language": t("lang.tag")},
    )
    _keep(request, response, "lang", _LANGUAGE_COOKIE, LANGUAGES)
    _keep(request, response, "theme", _THEME_COOKIE, _THEMES)
    return response


def _frame(
    request: Request, t: Catalogue, account: Account | None, connection: Connection | None, section: str
) -> Frame:
    theme = request.query_params.get("theme") or request.cookies.get(_THEME_COOKIE) or ""
    theme = theme if theme in _THEMES else ""
    proposals = 0
    if account and connection and account.may("command.approve"):
        proposals = waiting.count(connection, asker=asker_of(account), now=deps_of(request).now())
    return Frame(
        theme=theme,
        theme_href=_same_page(request, theme="light" if theme == "dark" else "dark"),
        lang_href=_same_page(request, lang=t("lang.other")),
        who=account.display_name or account.username if account else "",
        csrf=account.csrf if account else "",
        sections=_sections(account, connection, section, proposals) if account and connection else (),
        proposals=proposals,
    )


def _sections(account: Account, connection: Connection, current: str, proposals: int) -> tuple[Section, ...]:
    queued = 0
    if account.may("lead.read"):
        queued = leads.waiting(connection, scope=account.scope)
    alerting = 0
    if account.may("alert.read"):
        alerting = listing.counts(connection, scope=account.scope)["open"]
    every = (
        ("board", "/", "home", "unit.read", 0),
        ("leads", "/leads", "high", "lead.read", queued),
        ("alerts", "/alerts", "hazard", "alert.read", alerting),
        ("units", "/units", "door", "unit.read", 0),
        ("devices", "/devices", "meter", "device.read", proposals),
    )
    return tuple(
        Section(name=name, href=href, icon=icon, current=name == current, count=count)
        for name, href, icon, action, count in every
        if account.may(action)
    )


def _same_page(request: Request, **changed: str) -> str:
    query = {key: value for key, value in request.query_params.items() if key not in {"lang", "theme"}}
    return f"{request.url.path}?{urlencode(query | changed)}"


def _keep(
    request: Request, response: Response, parameter: str, cookie: str, allowed: tuple[str, ...]
) -> None:
    """Remember a choice that the address makes. The theme's cookie is written by the script, too."""
    wanted = request.query_params.get(parameter)
    if wanted in allowed:
        https = deps_of(request).https
        response.set_cookie(cookie, wanted, max_age=_A_YEAR, path="/", secure=https, samesite="lax")
