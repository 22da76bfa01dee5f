"""Errors as pages, in the same frame, with nothing of the inside."""

from urllib.parse import urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.auth import COOKIE, Account, account_or_none
from api.console import pages
from api.console.texts import Catalogue
from api.deps import deps_of
from api.problems import Problem
from storage.pool import Connection

#: Status → texts of the page.
_PAGES = {403: "forbidden", 404: "missing", 405: "missing"}
#: With these the database cannot be asked who reads.
_NO_DATABASE = {"database_away", "internal"}


def problem_page(request: Request, problem: Problem) -> Response:
    """Answer a page's request that failed: to the log-in where that is all that is missing."""
    if problem.code == "login_required":
        return _to_login(request)
    if problem.code in _NO_DATABASE:
        return _page(request, problem, None, None)
    deps = deps_of(request)
    with deps.connection() as connection:
        account = account_or_none(request, connection, deps)
        if problem.code == "not_permitted" and request.url.path == "/" and _installs(account):
            return RedirectResponse("/commissioning", status_code=303)
        return _page(request, problem, account, connection)


def _installs(account: Account | None) -> bool:
    """Whoever installs devices has no board: their first page is another one."""
    return account is not None and account.may("device.install")


def _page(
    request: Request, problem: Problem, account: Account | None, connection: Connection | None
) -> Response:
    t = pages.language(request)
    status, reads = problem.text.status, request.method in {"GET", "HEAD"}
    if problem.code == "invalid_request" and reads:
        status = 404  # an address that no page has
    if problem.code == "csrf":
        name, text = "stale", t("error.stale_text")
    elif status in _PAGES:
        name = _PAGES[status]
        text = t.pick("error", f"{name}_text")
    elif problem.code == "internal":
        name, text = "broken", t("error.broken_text")
    else:
        name = "broken" if reads else "conflict"
        text = t.of(problem.text.zh, problem.text.en) + t("lang.full_stop")
    return pages.render(
        request,
        "error.html",
        account=account,
        connection=connection,
        status=status,
        name=name,
        code=status,
        text=text,
        faults=[] if reads else _faults(t, problem),
        back=_back(request),
    )


def _faults(t: Catalogue, problem: Problem) -> list[tuple[str, str]]:
    """Each field that is not as it must be, by what the form calls it, and why."""
    found = problem.extra.get("errors")
    return [
        (_field(t, one["where"]), t.of(one["zh"], one["en"]))
        for one in (found if isinstance(found, list) else ())
    ]


def _field(t: Catalogue, where: list[str]) -> str:
    name = where[-1] if where else ""
    return t.pick("field", name) if f"field.{name}" in t.entries else name


def _to_login(request: Request) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = {"next": here} if here not in {"/", "/logout"} else {}
    if request.cookies.get(COOKIE):
        query["expired"] = "1"
    return RedirectResponse("/login" + (f"?{urlencode(query)}" if query else ""), status_code=303)


def _back(request: Request) -> str:
    """The page before, when it was ours."""
    referer = urlsplit(request.headers.get("referer", ""))
    if referer.netloc != request.headers.get("host") or referer.path == request.url.path:
        return ""
    return referer.path + (f"?{referer.query}" if referer.query else "")
