"""`anju devices command | commands | approve-command | refuse-command`: what devices are told to do.

Done through the functions of the API, as an account: whatever the console refuses is refused and recorded
here too, and nobody is both persons of what needs two.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import typer

from anju import clock, moments, person, settings
from anju.errors import AnjuError
from anju.options import DataDir, Json
from storage.pool import Connection

if TYPE_CHECKING:
    from api.commands import CommandBody, CommandItem
    from devices.commands import Command

CommandId = Annotated[UUID, typer.Argument(metavar="ID", help="Of the command, as `commands` says it.")]


def command(
    *,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Code of the device.")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="read_now, restart, set_interval; relay_open, relay_close, valve_close, valve_open, unlock.",
        ),
    ],
    arguments: Annotated[
        list[str] | None, typer.Option("--arg", metavar="NAME=NUMBER", help="seconds=900; repeatable.")
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="Of safety, for relay, valve and door: gas_leak, fire, water_leak, electrical_danger,"
            " person_in_danger, hazard_over.",
        ),
    ] = "",
    note: Annotated[str, typer.Option("--note", help="In words; no names.")] = "",
    valid_s: Annotated[
        int | None, typer.Option("--valid", min=10, max=604_800, help="Seconds it may wait for its device.")
    ] = None,
    command_id: Annotated[
        UUID | None, typer.Option("--id", help="Of one that was asked for: the same again is the same.")
    ] = None,
    by: person.By,
    password_file: person.PasswordFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of it.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Tell a device to do something.

    What cuts off or gives back power, water or gas, or opens a door, is only proposed: a second person
    approves it, in the console or by `approve-command`, never who asked. Both prove who they are with the
    password of their own account.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - a command loads what it needs

    from api import commands as routes  # noqa: PLC0415

    try:
        body = routes.CommandBody(
            id=command_id or uuid4(),
            device=device,
            name=name,
            arguments=dict(_argument(text) for text in arguments or ()),
            reason=reason,
            note=note,
            valid_s=valid_s,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise AnjuError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    with _person(data_dir, by, password_file, "command.ask") as one:
        if dry_run:
            _say(one.connection, _foreseen(one, body), as_json=as_json, dry_run=True)
            return
        found = routes.ask_command(body, one.connection, one.account, clock.now(), one.deps)
        _say(one.connection, found, as_json=as_json)


def approve_command(
    *,
    command_id: CommandId,
    by: person.By,
    password_file: person.PasswordFile = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Approve what somebody else proposed, as the second person; it is sent at once."""
    from api import commands as routes  # noqa: PLC0415

    with _person(data_dir, by, password_file, "command.approve") as one:
        found = routes.approve_command(command_id, one.connection, one.account, clock.now())
        _say(one.connection, found, as_json=as_json)


def refuse_command(
    *,
    command_id: CommandId,
    by: person.By,
    password_file: person.PasswordFile = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Decline what somebody proposed, or withdraw what one asked for, as long as it was not sent."""
    from api import commands as routes  # noqa: PLC0415

    with _person(data_dir, by, password_file, "command.approve") as one:
        found = routes.refuse_command(command_id, one.connection, one.account, clock.now())
        _say(one.connection, found, as_json=as_json)


def list_commands(
    *,
    device: Annotated[str | None, typer.Argument(metavar="DEVICE", help="Code of a device; all.")] = None,
    status: Annotated[
        Literal["proposed", "queued", "sent", "acknowledged", "failed", "expired", "refused"] | None,
        typer.Option("--status", help="Only those that are so."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Commands at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a command.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show what devices were told, the newest first: who asked, who approved, what became of it."""
    from anju import database  # noqa: PLC0415
    from devices import commands, listing  # noqa: PLC0415
    from devices.commands import Asker  # noqa: PLC0415
    from devices.errors import DevicesError  # noqa: PLC0415

    everywhere = Asker(by="system:devices", everything=True)
    with database.connected(settings.load(data_dir=data_dir), name="devices") as connection:
        try:
            if device is not None:
                listing.device(connection, device)
        except DevicesError as error:
            raise AnjuError(str(error)) from error
        found = commands.several(connection, asker=everywhere, limit=limit, device=device, status=status)
        for one in found:
            _say(connection, one, as_json=as_json)


@contextmanager
def _person(
    data_dir: Path | None, by: str, password_file: Path | None, action: str
) -> Iterator[person.Person]:
    """Somebody whose role permits it; what is refused is one line for the operator."""
    from api.permissions import Needs  # noqa: PLC0415
    from devices.errors import DevicesError  # noqa: PLC0415

    with person.logged_in(settings.load(data_dir=data_dir), by=by, password_file=password_file) as one:
        Needs(action)(one.account)
        try:
            yield one
        except DevicesError as error:
            raise AnjuError(str(error)) from error


def _argument(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    try:
        return name, int(number)
    except ValueError as error:
        raise AnjuError(f"--arg {text}: not a name and a whole number like seconds=900") from error


def _foreseen(one: person.Person, body: "CommandBody") -> "Command":
    """What would become of a command; nothing of it stays."""
    from api.commands import asker_of  # noqa: PLC0415
    from devices import commands  # noqa: PLC0415

    now = clock.now()
    wanted = commands.Wanted(
        id=body.id,
        device=body.device,
        name=body.name,
        arguments=body.arguments,
        reason=body.reason,
        note=body.note,
        valid_for=None if body.valid_s is None else timedelta(seconds=body.valid_s),
    )
    with one.connection.transaction(force_rollback=True):
        return commands.ask(
            one.connection,
            wanted,
            asker=asker_of(one.account),
            rules=one.deps.books[one.deps.city].on(now.date()).command,
            now=now,
        )


def _say(
    connection: Connection, of: "Command | CommandItem", *, as_json: bool, dry_run: bool = False
) -> None:
    from api.commands import CommandItem  # noqa: PLC0415

    if as_json:
        item = CommandItem.model_validate(of, from_attributes=True).model_dump(mode="json")
        typer.echo(json.dumps(item | ({"dry_run": True} if dry_run else {}), ensure_ascii=False))
        return
    for line in _lines(connection, of):
        typer.echo(line)
    if dry_run:
        typer.echo("not done: --dry-run")


def _lines(connection: Connection, of: "Command | CommandItem") -> Iterator[str]:
    from devices import listing  # noqa: PLC0415

    zone = ZoneInfo(listing.device(connection, of.device).time_zone)
    given = "".join(f" {name}={value}" for name, value in of.arguments.items())
    why = f": {of.refusal}" if of.refusal else ""
    yield f"{of.id}  {of.device}  {of.name}{given}  {of.status}{why}"
    for_ = f" for {of.reason}" if of.reason else ""
    yield f"  asked by {of.asked_by}{for_}  {moments.told(of.asked_at, zone)}"
    if of.approved_by is not None and of.approved_at is not None:
        yield f"  approved by {of.approved_by}  {moments.told(of.approved_at, zone)}"
    if of.status == "proposed":
        yield f"  a second person can approve it until {moments.told(of.expires_at, zone)}"
    if of.sent_at is not None:
        yield f"  sent {of.attempts} times, last {moments.told(of.sent_at, zone)}"
    if of.answer is not None:
        detail = of.answer.get("detail") or "-"
        yield f"  the device answered {'ok' if of.answer.get('ok') else 'no'}: {detail}"
    if of.ended_at is not None:
        yield f"  ended {moments.told(of.ended_at, zone)}"
