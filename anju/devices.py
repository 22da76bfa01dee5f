"""`anju devices`: what devices say, and what becomes of it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from anju import clock, commands, lifecycle
from anju.errors import AnjuError
from anju.options import DataDir

if TYPE_CHECKING:
    from rich.table import Table

    from anju.conformance import Outcome

#: The audit's actor: whoever may run commands on the server.
_BY = "system:devices"

devices = typer.Typer(
    help="Devices: what their messages mean, what they prove themselves by.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

devices.command("list")(lifecycle.list_)
for _command in (
    lifecycle.show,
    lifecycle.register,
    lifecycle.commission,
    lifecycle.swap,
    lifecycle.replace_gateway,
    lifecycle.change,
    lifecycle.move,
    lifecycle.retire,
    lifecycle.correct,
    lifecycle.exchange,
    lifecycle.undo,
    commands.command,
    commands.approve_command,
    commands.refuse_command,
):
    devices.command()(_command)
devices.command("commands")(commands.list_commands)


@devices.command()
def conformance(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="JSON lines, plain or .gz.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a record.")] = False,
) -> None:
    """Published payloads with what their decoders made of them: what Anju takes of each.

    A line is one record: {"source": …, "vendor": …, "model": …, "input": {"bytes_hex": …, "f_port": …} or
    {"telegram_hex": …}, "expected": what the published decoder makes of it}; `input` and `expected` must be
    there. A record is decoded, or out of scope with a code of what it holds, or failed. Exit code 1 when one
    has failed; a line that is no record is named on stderr by its number.
    """
    from rich.console import Console  # noqa: PLC0415

    from anju import conformance as body  # noqa: PLC0415 - a command loads what it needs
    from anju.processes import policy_books  # noqa: PLC0415
    from ingest.limits import limits_of  # noqa: PLC0415

    book = next(iter(policy_books().values()))
    outcomes = list(body.run(file, limits_of(book.on(clock.now().date()).ingest)))
    if not any(outcome.format for outcome in outcomes):
        raise AnjuError(f"{file}: no line of it is a record: JSON with `input` and `expected`")
    if as_json:
        for outcome in outcomes:
            typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
    else:
        for table in _tables(outcomes):
            Console().print(table)
    for outcome in outcomes:
        if not outcome.format:
            typer.echo(f"{file}, line {outcome.index + 1}: no record: {outcome.reason}", err=True)
    raise typer.Exit(any(outcome.status == body.FAILED for outcome in outcomes))


@devices.command()
def credential(
    *,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The device.")],
    kind: Annotated[
        Literal["password", "http", "certificate"],
        typer.Option("--kind", help="For the broker; for our receivers; certificates by `anju broker sign`."),
    ] = "password",
    revoke: Annotated[bool, typer.Option("--revoke", help="Take back what it has.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Issue a device a secret, shown once; the one it had is revoked.

    A password counts once the broker has it: `anju broker config`, then a reload.
    """
    from anju import database, settings  # noqa: PLC0415
    from devices import credentials  # noqa: PLC0415
    from devices.errors import DevicesError  # noqa: PLC0415

    now = clock.now()
    with database.connected(settings.load(data_dir=data_dir), name="devices") as connection:
        try:
            if revoke:
                found = credentials.revoke(connection, code=code, kind=kind, by=_BY, now=now)
                said = f"{code} has no {kind} any more"
            elif kind == "certificate":
                raise AnjuError("one is made of the device's request: anju broker sign CSR --code CODE")
            else:
                said = credentials.issue(connection, code=code, kind=kind, by=_BY, now=now)
                found = True
        except DevicesError as error:
            raise AnjuError(str(error)) from error
    if not found:
        raise AnjuError(f"{code} has no {kind} in force")
    typer.echo(said)


def _tables(outcomes: list["Outcome"]) -> "Iterator[Table]":
    """How many of each source, and why what was not decoded was not."""
    from rich.table import Table  # noqa: PLC0415

    statuses = ("decoded", "out_of_scope", "failed")
    by_source = Table("source", "format", "records", *statuses)
    for (source, named), found in sorted(Counter((one.source, one.format) for one in outcomes).items()):
        counts = Counter(one.status for one in outcomes if (one.source, one.format) == (source, named))
        by_source.add_row(source, named, str(found), *(str(counts[status]) for status in statuses))
    counts = Counter(one.status for one in outcomes)
    by_source.add_section()
    by_source.add_row("all", "", str(len(outcomes)), *(str(counts[status]) for status in statuses))
    yield by_source
    by_reason = Table("reason", "status", "format", "records")
    reasons = Counter((one.reason or "", one.status, one.format) for one in outcomes if one.reason)
    for (reason, status, named), found in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        by_reason.add_row(reason, status, named, str(found))
    yield by_reason
