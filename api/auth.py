"""Logging in and out: a cookie for pages, a bearer token for programs; only their hashes are stored."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Annotated

from fastapi import Depends, Request, Response

from api.accounts import USERNAME
from api.deps import Db, Deps, Given, deps_of
from api.passwords import Passwords, TooManyAtOnce
from api.problems import Problem
from housing.scope import Scope
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("api", "accounts.sql")

COOKIE = "anju_session"
#: Where a page's form carries the session's token; scripts send the header.
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who makes a request, and what they may."""

    id: int
    username: str
    display_name: str
    role: str
    actions: frozenset[str]
    scope: Scope
    #: How they are logged in: cookie or bearer.
    kind: str
    #: What a form of this session must carry.
    csrf: str
    token_hash: bytes

    def may(self, action: str) -> bool:
        """Whether the role permits an action."""
        return action in self.actions


@dataclass(frozen=True, kw_only=True)
class Started:
    """A session that has just begun."""

    #: Only its holder knows it.
    token: str
    csrf: str
    expires_at: datetime


def log_in(deps: Deps, passwords: Passwords, *, username: str, password: str, kind: str) -> Started:
    """Verify a password and start a session, in transactions of its own.

    A failure is counted even though the reply is an error. Unknown names, closed accounts and wrong
    passwords are answered alike and take as long.

    Raises
    ------
    Problem
        ``login_refused``; ``login_locked`` with the time to wait; ``busy`` under a flood.
    """
    name_hash = hashlib.sha256(username.casefold().encode("utf-8", "surrogatepass")).digest()
    try:
        with passwords.attempt(name_hash):
            started = _attempt(deps, passwords, name_hash, username, password, kind=kind)
    except TooManyAtOnce as error:
        raise Problem("busy", headers={"Retry-After": "1"}) from error
    if started is None:
        raise Problem("login_refused", headers={"WWW-Authenticate": "Bearer"} if kind == "bearer" else {})
    return started


def log_out(connection: Connection, account: Account, *, now: datetime) -> None:
    """End the session that made the request."""
    connection.execute(_SQL["end_session"], {"token_hash": account.token_hash})
    _audit(connection, now, account.username, "session.end", account.kind)


def set_cookie(response: Response, started: Started, deps: Deps) -> None:
    """Hand a page session to the browser."""
    response.set_cookie(
        COOKIE,
        started.token,
        max_age=int(deps.rules.session.total_seconds()),
        path="/",
        secure=deps.https,
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, deps: Deps) -> None:
    """Take the page session back."""
    response.delete_cookie(COOKIE, path="/", secure=deps.https, httponly=True, samesite="lax")


def same_origin(request: Request) -> None:
    """Refuse a form that another site sent; for the log-in itself, which has no session yet.

    Raises
    ------
    Problem
        ``csrf``
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Problem("csrf")
    origin = request.headers.get("origin")
    if origin not in (None, "null") and origin.partition("://")[2] != request.headers.get("host"):
        raise Problem("csrf")


def account_or_none(request: Request, connection: Db, deps: Given) -> Account | None:
    """Who makes this request; None when nobody is logged in. A bearer token stands before a cookie."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme:
        token = credential.strip() if scheme.lower() == "bearer" else ""
        kind = "bearer"
    else:
        token, kind = request.cookies.get(COOKIE, ""), "cookie"
    if not token:
        return None
    row = connection.execute(
        _SQL["account_of_token"],
        {"token_hash": hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest(), "now": deps.now()},
    ).fetchone()
    if row is None or row[7] != kind:
        return None
    return Account(
        id=row[0],
        username=row[1],
        display_name=row[2],
        role=row[3],
        actions=frozenset(row[5]),
        scope=Scope(everything=row[4], estate_ids=tuple(row[6])),
        kind=kind,
        csrf=row[8],
        token_hash=bytes(row[9]),
    )


async def account_of(request: Request, found: Annotated[Account | None, Depends(account_or_none)]) -> Account:
    """Who makes this request. A page's request that changes something must carry the session's token.

    Raises
    ------
    Problem
        ``login_required``, ``csrf``
    """
    if found is None:
        raise Problem("login_required", headers={"WWW-Authenticate": "Bearer"})
    if found.kind == "cookie" and request.method not in _SAFE:
        sent = request.headers.get(CSRF_HEADER) or await _form_field(request)
        if not hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), found.csrf.encode()):
            raise Problem("csrf")
    return found


def passwords_of(request: Request) -> Passwords:
    """The application's hasher."""
    return request.app.state.passwords


def now_of(request: Request) -> datetime:
    """Business time of this request."""
    return deps_of(request).now()


Now = Annotated[datetime, Depends(now_of)]
Hasher = Annotated[Passwords, Depends(passwords_of)]
Anybody = Annotated[Account | None, Depends(account_or_none)]


async def _form_field(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return ""
    value = (await request.form()).get(CSRF_FIELD)
    return value if isinstance(value, str) else ""


def _attempt(
    deps: Deps, passwords: Passwords, name_hash: bytes, username: str, password: str, *, kind: str
) -> Started | None:
    """Verify without holding a connection; the failure is counted in a transaction of its own."""
    now = deps.now()
    with deps.connection() as connection:
        _refuse_locked(connection, name_hash, now)
        found = _account_to_verify(connection, username)
    stored = found[2] if found is not None and found[3] else None
    fits = passwords.verify(stored, password)
    with deps.connection() as connection:
        if found is None or stored is None or not fits:
            _count_failure(connection, deps, name_hash, now)
            if found is not None:
                _audit(connection, now, found[1], "session.refuse", kind)
            return None
        _forget_failures(connection, deps, name_hash, now)
        _renew_hash(connection, passwords, found, password)
        return _start(connection, deps, found[0], found[1], kind=kind)


def _refuse_locked(connection: Connection, name_hash: bytes, now: datetime) -> None:
    row = connection.execute(_SQL["locked_until"], {"name_hash": name_hash, "now": now}).fetchone()
    if row is not None:
        wait = ceil((row[0] - now).total_seconds())
        raise Problem("login_locked", headers={"Retry-After": str(wait)}, retry_after=wait)


def _count_failure(connection: Connection, deps: Deps, name_hash: bytes, now: datetime) -> None:
    rules = deps.rules
    connection.execute(
        _SQL["count_failure"],
        {
            "name_hash": name_hash,
            "now": now,
            "forget_before": now - rules.forget_after,
            "failures_free": rules.failures_free,
            "wait_first": rules.wait_first,
            "wait_longest": rules.wait_longest,
        },
    )


def _account_to_verify(connection: Connection, username: str) -> tuple[int, str, str, bool] | None:
    if USERNAME.fullmatch(username) is None:
        return None
    return connection.execute(_SQL["account_to_verify"], {"username": username}).fetchone()


def _forget_failures(connection: Connection, deps: Deps, name_hash: bytes, now: datetime) -> None:
    forget_before = now - deps.rules.forget_after
    connection.execute(_SQL["forget_failures"], {"name_hash": name_hash, "forget_before": forget_before})


def _renew_hash(
    connection: Connection, passwords: Passwords, found: tuple[int, str, str, bool], password: str
) -> None:
    if passwords.outdated(found[2]):
        renewed = {"id": found[0], "password_hash": passwords.hash(password)}
        connection.execute(_SQL["renew_hash"], renewed)


def _start(connection: Connection, deps: Deps, account_id: int, username: str, *, kind: str) -> Started:
    now = deps.now()
    connection.execute(_SQL["sweep_sessions"], {"now": now})
    started = Started(
        token=secrets.token_urlsafe(32),
        csrf=secrets.token_urlsafe(24) if kind == "cookie" else "",
        expires_at=now + (deps.rules.session if kind == "cookie" else deps.rules.token),
    )
    connection.execute(
        _SQL["start_session"],
        {
            "token_hash": hashlib.sha256(started.token.encode()).digest(),
            "account_id": account_id,
            "kind": kind,
            "csrf": started.csrf,
            "now": now,
            "expires_at": started.expires_at,
        },
    )
    _audit(connection, now, username, "session.start", kind)
    return started


def _audit(connection: Connection, now: datetime, username: str, action: str, kind: str) -> None:
    audit.record(
        connection,
        at=now,
        actor=f"account:{username}",
        action=action,
        subject=f"account:{username}",
        detail={"kind": kind},
    )
