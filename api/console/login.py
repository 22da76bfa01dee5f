"""Logging in and out of the pages."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from api.auth import (
    Account,
    Anybody,
    Hasher,
    Now,
    account_of,
    clear_cookie,
    log_in,
    log_out,
    same_origin,
    set_cookie,
)
from api.console import pages
from api.deps import Db, Given
from api.problems import Problem

router = APIRouter()


@router.get("/login")
def login_page(request: Request, account: Anybody) -> Response:
    """The form; somebody who is logged in goes on."""
    following = _local(request.query_params.get("next", ""))
    if account is not None and account.kind == "cookie":
        return RedirectResponse(following, status_code=303)
    t = pages.language(request)
    message = ""
    for name in ("expired", "out"):
        if name in request.query_params:
            message = t.pick("login", name)
    return pages.render(request, "login.html", next=following, username="", problem="", message=message)


@router.post("/login", dependencies=[Depends(same_origin)])
def login(
    *,
    request: Request,
    deps: Given,
    passwords: Hasher,
    username: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    following: Annotated[str, Form(alias="next", max_length=2000)] = "",
) -> Response:
    """Verify and go on to the page that was asked for; else the form again, saying what is wrong."""
    try:
        started = log_in(deps, passwords, username=username.strip(), password=password, kind="cookie")
    except Problem as problem:
        if problem.code not in {"login_refused", "login_locked"}:
            raise
        t = pages.language(request)
        text = t("login.wrong") if problem.code == "login_refused" else t("login.locked")
        response = pages.render(
            request,
            "login.html",
            status=problem.text.status,
            next=_local(following),
            username=username,
            problem=text,
            message="",
        )
        response.headers.update(problem.headers)
        return response
    response = RedirectResponse(_local(following), status_code=303)
    set_cookie(response, started, deps)
    return response


@router.post("/logout")
def logout(
    account: Annotated[Account, Depends(account_of)], connection: Db, deps: Given, now: Now
) -> Response:
    """End the session."""
    log_out(connection, account, now=now)
    response = RedirectResponse("/login?out=1", status_code=303)
    clear_cookie(response, deps)
    return response


def _local(path: str) -> str:
    """A path on this server, whatever was asked for: never another site's address."""
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if safe and not path.startswith("/login") else "/"
