"""`anju users`: who may log in. A password never stands on the command line, where everybody can list it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from anju import clock, person, settings
from anju.errors import AnjuError
from anju.options import DataDir
from storage.pool import Connection

app = typer.Typer(
    help="Who may log in: add, list, passwd, disable, enable.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: The audit's actor: whoever may run commands on the server.
_BY = "system:users"

Name = Annotated[str, typer.Argument(help="User name: letters a to z, figures, _ . @ -", metavar="NAME")]


@app.command()
def add(
    *,
    name: Name,
    role: Annotated[
        str,
        typer.Option(
            "--role", help="supervisor, enforcement, operator, installer, reviewer, city_officer, auditor."
        ),
    ],
    estates: Annotated[
        list[str] | None, typer.Option("--estate", help="Code of an estate it may see; repeatable.")
    ] = None,
    all_estates: Annotated[
        bool, typer.Option("--all-estates", help="Every estate, those to come too.")
    ] = False,
    display_name: Annotated[str, typer.Option("--display-name", help="As pages show it.")] = "",
    password_file: person.PasswordFile = None,
    data_dir: DataDir = None,
) -> None:
    """Make an account."""
    from api import accounts, passwords, rules  # noqa: PLC0415 - a command loads what it needs

    if not estates and not all_estates:
        raise AnjuError("an account sees nothing without --estate CODE or --all-estates")
    known = rules.load_login_rules()
    hasher = passwords.Passwords(known)

    def make(connection: Connection, password: str) -> None:
        accounts.add(
            connection,
            username=name,
            password=password,
            role=role,
            estates=estates or (),
            all_estates=all_estates,
            display_name=display_name,
            passwords=hasher,
            rules=known,
            by=_BY,
            now=clock.now(),
        )

    _with_password(make, password_file, data_dir)
    typer.echo(f"{name} can log in as {role}")


@app.command("list")
def list_(*, data_dir: DataDir = None) -> None:
    """Show every account."""
    from api import accounts  # noqa: PLC0415

    with _connected(data_dir) as connection:
        found = accounts.list_accounts(connection)
    for one in found:
        estates = "all estates" if one.all_estates else ", ".join(one.estates) or "no estate"
        closed = "" if one.active else "  (disabled)"
        typer.echo(f"{one.username}  {one.role}  {estates}{closed}")


@app.command()
def passwd(*, name: Name, password_file: person.PasswordFile = None, data_dir: DataDir = None) -> None:
    """Give an account another password; its sessions end."""
    from api import accounts, passwords, rules  # noqa: PLC0415

    known = rules.load_login_rules()
    hasher = passwords.Passwords(known)

    def change(connection: Connection, password: str) -> None:
        accounts.set_password(
            connection,
            username=name,
            password=password,
            passwords=hasher,
            rules=known,
            by=_BY,
            now=clock.now(),
        )

    _with_password(change, password_file, data_dir)
    typer.echo(f"{name} has another password")


@app.command()
def disable(*, name: Name, data_dir: DataDir = None) -> None:
    """Close an account; its sessions end, what it did stays on record."""
    from api import accounts  # noqa: PLC0415

    with _connected(data_dir) as connection:
        accounts.disable(connection, username=name, by=_BY, now=clock.now())
    typer.echo(f"{name} cannot log in any more")


@app.command()
def enable(*, name: Name, data_dir: DataDir = None) -> None:
    """Open a closed account again."""
    from api import accounts  # noqa: PLC0415

    with _connected(data_dir) as connection:
        accounts.enable(connection, username=name, by=_BY, now=clock.now())
    typer.echo(f"{name} can log in again")


def _with_password(
    act: Callable[[Connection, str], None], password_file: Path | None, data_dir: Path | None
) -> None:
    """Do what needs a password; nobody is asked for one before all else is known to be right."""
    with _connected(data_dir) as connection, connection.transaction(force_rollback=True):
        act(connection, secrets.token_urlsafe(32))
    password = person.read_password(password_file, twice=True)
    with _connected(data_dir) as connection:
        act(connection, password)


@contextmanager
def _connected(data_dir: Path | None) -> Iterator[Connection]:
    """One transaction on the configured database; what is refused is one line for the operator."""
    from anju import database  # noqa: PLC0415
    from api.accounts import AccountError  # noqa: PLC0415

    with database.connected(settings.load(data_dir=data_dir), name="users") as connection:
        try:
            yield connection
        except AccountError as error:
            raise AnjuError(str(error)) from error
