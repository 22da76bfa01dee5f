"""Errors as pages, in the same frame, with nothing of the inside."""

from urllib.parse import urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.auth import COOKIE
from api.console import pages
from api.problems import Problem

#: Status → texts of the page; what is not here is `broken`.
_PAGES = {403: "forbidden", 404: "missing", 405: "missing", 409: "conflict"}


def problem_page(request: Request, problem: Problem) -> Response:
    """Answer a page's request that failed: to the log-in where that is all that is missing."""
    if problem.code == "login_required":
        return _to_login(request)
    t = pages.language(request)
    status = problem.text.status
    if problem.code == "csrf":
        name, text = "stale", t("error.stale_text")
    elif status in _PAGES and status != 409:
        name = _PAGES[status]
        text = t.pick("error", f"{name}_text")
    elif status == 500:
        name, text = "broken", t("error.broken_text")
    else:
        name = "conflict"
        text = t.of(problem.text.zh, problem.text.en) + t("lang.full_stop")
    return pages.render(
        request, "error.html", status=status, name=name, code=status, text=text, back=_back(request)
    )


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
