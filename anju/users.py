"""`anju users`: who may log in. A password never stands on the command line, where everybody can list it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from anju import clock, settings
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
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="Its first line is the password; asked for when not given."),
]


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
    password_file: PasswordFile = None,
    data_dir: DataDir = None,
) -> None:
    """Make an account."""
    from api import accounts, passwords, rules  # noqa: PLC0415 - a command loads what it needs

    if not estates and not all_estates:
        raise AnjuError("an account sees nothing without --estate CODE or --all-estates")
    known = rules.load_login_rules()
    password = _password(password_file)
    with _connected(data_dir) as connection:
        accounts.add(
            connection,
            username=name,
            password=password,
            role=role,
            estates=estates or (),
            all_estates=all_estates,
            display_name=display_name,
            passwords=passwords.Passwords(known),
            rules=known,
            by=_BY,
            now=clock.now(),
        )
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
def passwd(*, name: Name, password_file: PasswordFile = None, data_dir: DataDir = None) -> None:
    """Give an account another password; its sessions end."""
    from api import accounts, passwords, rules  # noqa: PLC0415

    known = rules.load_login_rules()
    password = _password(password_file)
    with _connected(data_dir) as connection:
        accounts.set_password(
            connection,
            username=name,
            password=password,
            passwords=passwords.Passwords(known),
            rules=known,
            by=_BY,
            now=clock.now(),
        )
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


def _password(file: Path | None) -> str:
    if file is None:
        return typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise AnjuError(f"cannot read the password file {file}: {reason}") from error
    return lines[0] if lines else ""
