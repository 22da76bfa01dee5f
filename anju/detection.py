"""`anju sweep` and `anju signals`: what the detectors say, of today or as of past days, and as a file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from anju import clock, settings
from anju.errors import AnjuError
from anju.options import DataDir

signals = typer.Typer(
    help="What the detectors said: export.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_DAY = "%Y-%m-%d"


def sweep(
    *,
    first: Annotated[
        datetime, typer.Option("--from", formats=[_DAY], metavar="DAY", help="First local day.")
    ],
    last: Annotated[datetime, typer.Option("--to", formats=[_DAY], metavar="DAY", help="Last local day.")],
    data_dir: DataDir = None,
) -> None:
    """Compute signals as of the end of each local day of a range, from what had arrived by then.

    Signals of these days that are no longer found are withdrawn; days after today are left out. In the
    same transaction the newest signals open leads or refresh them, as when the worker sweeps.
    """
    from anju import database, terminal  # noqa: PLC0415 - a command loads what it needs
    from anju.processes import policy_books  # noqa: PLC0415
    from anomaly.sweep import sweep as body  # noqa: PLC0415
    from housing.leads import raise_leads  # noqa: PLC0415

    if last < first:
        raise AnjuError(f"--to {last:{_DAY}} is before --from {first:{_DAY}}")
    books, now = policy_books(), clock.now()
    with (
        database.connected(settings.load(data_dir=data_dir), name="sweep") as connection,
        terminal.told("homes swept") as told,
    ):
        swept = body(connection, books=books, first=first.date(), last=last.date(), now=now, progress=told)
        opened = raise_leads(connection, books=books, now=now)
    out = f", left out {swept.left_out}" if swept.left_out else ""
    typer.echo(
        f"homes {swept.homes}{out}, evenings {swept.evenings}, signals {swept.signals},"
        f" withdrawn {swept.removed}, leads opened {opened}"
    )


@signals.command()
def export(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet; an existing one is replaced.")],
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", help="leak, vacancy, idle_limit; repeatable. Without: leak and vacancy."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write signals in the columns unit_id, kind, at, since, score, evidence."""
    from anju import database  # noqa: PLC0415
    from anomaly import export as body  # noqa: PLC0415
    from anomaly.sweep import KINDS  # noqa: PLC0415

    odd = sorted(set(kinds or ()) - set(KINDS))
    if odd:
        raise AnjuError(f"--kind {odd[0]}: no such kind; there are {', '.join(KINDS)}")
    if not file.parent.is_dir():
        raise AnjuError(f"no such folder: {file.parent}")
    with database.connected(settings.load(data_dir=data_dir), name="export") as connection:
        rows = body.export(connection, file, kinds=kinds or body.KINDS)
    typer.echo(f"{rows} signals in {file}")
