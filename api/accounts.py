"""Accounts: made and changed by the operator's command, never over HTTP."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from api.passwords import Passwords
from api.rules import LoginRules
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("api", "accounts.sql")

#: What a user name looks like: it is typed at every log-in, and stands in the audit log.
USERNAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


class AccountError(Exception):
    """The account cannot be made or changed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class AccountExists(AccountError):
    """There is an account of this name already."""


class UsernameRefused(AccountError):
    """A user name has 1 to 64 letters a to z, figures or any of _ . @ -."""


class UnknownAccount(AccountError):
    """There is no account of this name."""


class UnknownRole(AccountError):
    """There is no such role."""


class UnknownEstates(AccountError):
    """Some of the estates do not exist."""


class PasswordRefused(AccountError):
    """The password is too short, or is the user name."""


@dataclass(frozen=True, kw_only=True)
class ListedAccount:
    """An account as its operator sees it."""

    username: str
    display_name: str
    role: str
    all_estates: bool
    active: bool
    created_at: datetime
    #: Codes.
    estates: tuple[str, ...]


def add(
    connection: Connection,
    *,
    username: str,
    password: str,
    role: str,
    estates: Sequence[str] = (),
    all_estates: bool = False,
    display_name: str = "",
    passwords: Passwords,
    rules: LoginRules,
    by: str,
    now: datetime,
) -> None:
    """Make an account, with an audit entry in the same transaction.

    Parameters
    ----------
    estates : sequence of str
        Codes of the estates that it may see, beside `all_estates`.
    by : str
        The audit's actor, e.g. ``system:users``.

    Raises
    ------
    UsernameRefused, AccountExists, UnknownRole, UnknownEstates, PasswordRefused
    """
    if USERNAME.fullmatch(username) is None:
        raise UsernameRefused(
            f"{username!r} cannot be a user name: 1 to 64 letters a to z, figures or any of _ . @ -; how"
            " pages show it is the display name"
        )
    _check_password(username, password, rules)
    known = [row[0] for row in connection.execute(_SQL["roles"])]
    if role not in known:
        raise UnknownRole(f"no role {role!r}; there are: {', '.join(known)}")
    parameters = {
        "username": username,
        "display_name": display_name or username,
        "password_hash": passwords.hash(password),
        "role": role,
        "all_estates": all_estates,
        "now": now,
    }
    try:
        with connection.transaction():
            row = connection.execute(_SQL["insert_account"], parameters).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise AccountExists(f"there is an account {username!r} already") from error
    assert row is not None
    given = connection.execute(
        _SQL["give_estates"], {"account_id": row[0], "codes": list(estates)}
    ).fetchall()
    if len(given) != len(set(estates)):
        raise UnknownEstates(f"not all of these estates exist: {', '.join(sorted(set(estates)))}")
    detail = {"role": role, "estates": sorted(set(estates)), "all_estates": all_estates}
    _audit(connection, now=now, by=by, action="account.add", username=username, detail=detail)


def list_accounts(connection: Connection) -> list[ListedAccount]:
    """Every account, by name."""
    return [
        ListedAccount(
            username=row[0],
            display_name=row[1],
            role=row[2],
            all_estates=row[3],
            active=row[4],
            created_at=row[5],
            estates=tuple(row[6]),
        )
        for row in connection.execute(_SQL["list_accounts"])
    ]


def set_password(
    connection: Connection,
    *,
    username: str,
    password: str,
    passwords: Passwords,
    rules: LoginRules,
    by: str,
    now: datetime,
) -> None:
    """Give an account another password; its sessions end.

    Raises
    ------
    UnknownAccount, PasswordRefused
    """
    _check_password(username, password, rules)
    hashed = {"username": username, "password_hash": passwords.hash(password)}
    _change(connection, connection.execute(_SQL["set_password"], hashed).fetchone(), username)
    _audit(connection, now=now, by=by, action="account.passwd", username=username)


def disable(connection: Connection, *, username: str, by: str, now: datetime) -> None:
    """Close an account; its sessions end. What it did stays on record.

    Raises
    ------
    UnknownAccount
    """
    closed = {"username": username, "active": False}
    _change(connection, connection.execute(_SQL["set_active"], closed).fetchone(), username)
    _audit(connection, now=now, by=by, action="account.disable", username=username)


def enable(connection: Connection, *, username: str, by: str, now: datetime) -> None:
    """Open a closed account again.

    Raises
    ------
    UnknownAccount
    """
    opened = {"username": username, "active": True}
    _change(connection, connection.execute(_SQL["set_active"], opened).fetchone(), username)
    _audit(connection, now=now, by=by, action="account.enable", username=username)


def _check_password(username: str, password: str, rules: LoginRules) -> None:
    if len(password) < rules.password_min or password.casefold() == username.casefold():
        raise PasswordRefused(
            f"a password has at least {rules.password_min} characters and is not the user name"
        )


def _change(connection: Connection, row: tuple[int] | None, username: str) -> None:
    if row is None:
        raise UnknownAccount(f"there is no account {username!r}")
    connection.execute(_SQL["end_sessions_of"], {"account_id": row[0]})


def _audit(
    connection: Connection,
    *,
    now: datetime,
    by: str,
    action: str,
    username: str,
    detail: dict[str, object] | None = None,
) -> None:
    audit.record(connection, at=now, actor=by, action=action, subject=f"account:{username}", detail=detail)
