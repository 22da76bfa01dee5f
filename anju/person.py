"""A person at the command line, who proves with a password to be one: acts that need two are theirs by name.

Whoever may run commands on the server is nobody in particular, and could be both persons of an act. So such
acts are asked for and decided as over the API: by an account, within what its role permits and where.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anju import clock, stack
from anju.errors import AnjuError
from anju.settings import Settings
from storage.migrate import head
from storage.pool import Connection, open_pool, require_schema

if TYPE_CHECKING:
    from api.auth import Account
    from api.deps import Deps
    from api.problems import Problem

By = Annotated[str, typer.Option("--by", metavar="USER", help="Your own account; its password is asked for.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="Its first line is the password; asked for when not given."),
]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who is logged in for one command."""

    account: "Account"
    deps: "Deps"
    #: Committed when the command has succeeded.
    connection: Connection


@contextmanager
def logged_in(settings: Settings, *, by: str, password_file: Path | None) -> Iterator[Person]:
    """Log somebody in for one command; wrong passwords count as they do at the console.

    Raises
    ------
    AnjuError
        The password is not theirs; or what the API answers with a problem, in its words.
    """
    from starlette.requests import Request  # noqa: PLC0415 - a command loads what it needs

    from anju.processes import policy_books  # noqa: PLC0415
    from api import auth, passwords, rules  # noqa: PLC0415
    from api.deps import Deps  # noqa: PLC0415
    from api.problems import Problem  # noqa: PLC0415

    known = rules.load_login_rules()
    password = read_password(password_file)
    with open_pool(stack.database_url(settings), name="person", size=1) as pool:
        deps = Deps(
            pool=pool, now=clock.now, books=policy_books(), city=settings.city, key=settings.key,
            version=version("anju"), rules=known,
        )  # fmt: skip
        try:
            with deps.connection() as connection:
                require_schema(connection, head())
            started = auth.log_in(
                deps, passwords.Passwords(known), username=by, password=password, kind="bearer"
            )
            request = Request(
                {"type": "http", "headers": [(b"authorization", f"Bearer {started.token}".encode())]}
            )
            with deps.connection() as connection:
                account = auth.account_or_none(request, connection, deps)
            assert account is not None
            try:
                with deps.connection() as connection:
                    yield Person(account=account, deps=deps, connection=connection)
            finally:
                with deps.connection() as connection:
                    auth.log_out(connection, account, now=clock.now())
        except Problem as problem:
            raise AnjuError(_said(problem)) from problem


def read_password(file: Path | None, *, twice: bool = False) -> str:
    """Read a password: the first line of a file, or typed.

    Raises
    ------
    AnjuError
        The file cannot be read.
    """
    if file is None:
        return typer.prompt("Password", hide_input=True, confirmation_prompt=twice)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise AnjuError(f"cannot read the password file {file}: {reason}") from error
    return lines[0] if lines else ""


def _said(problem: "Problem") -> str:
    wait = f" (in {problem.extra['retry_after']} s)" if "retry_after" in problem.extra else ""
    article = f" ({problem.extra['article']})" if "article" in problem.extra else ""
    return f"{problem.text.en}{wait}{article}"
