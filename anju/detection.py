"""`anju sweep` and `anju signals`: what the detectors say, of today or as of past days, and as a file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from anju import clock, settings
from anju.errors import AnjuError
from storage.pool import Connection, connect, require_schema

signals = typer.Typer(
    help="What the detectors said: export.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Embedded servers, keys, logs (ANJU_DATA_DIR; .anju).")
]
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

    Signals of these days that are no longer found are withdrawn; days after today are left out. Leads are
    made by the worker.
    """
    import policy  # noqa: PLC0415 - a command loads what it needs
    from anomaly.errors import AnomalyError  # noqa: PLC0415
    from anomaly.sweep import sweep as body  # noqa: PLC0415

    if last < first:
        raise AnjuError(f"--to {last:{_DAY}} is before --from {first:{_DAY}}")
    books = {city.code: policy.load(city.code) for city in policy.cities()}
    with _connected(data_dir) as connection, _bar() as told:
        try:
            swept = body(
                connection,
                books=books,
                first=first.date(),
                last=last.date(),
                now=clock.now(),
                progress=told,
            )
        except AnomalyError as error:
            raise AnjuError(str(error)) from error
    typer.echo(
        f"homes {swept.homes}, evenings {swept.evenings}, signals {swept.signals}, withdrawn {swept.removed}"
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
    from anomaly import export as body  # noqa: PLC0415
    from anomaly.sweep import KINDS  # noqa: PLC0415

    odd = sorted(set(kinds or ()) - set(KINDS))
    if odd:
        raise AnjuError(f"--kind {odd[0]}: no such kind; there are {', '.join(KINDS)}")
    if not file.parent.is_dir():
        raise AnjuError(f"no such folder: {file.parent}")
    with _connected(data_dir) as connection:
        rows = body.export(connection, file, kinds=kinds or body.KINDS)
    typer.echo(f"{rows} signals in {file}")


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar of homes on stderr."""
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("homes swept", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def _connected(data_dir: Path | None) -> Iterator[Connection]:
    """One transaction on the configured database."""
    from anju import stack  # noqa: PLC0415
    from storage.migrate import head  # noqa: PLC0415

    with connect(stack.database_url(settings.load(data_dir=data_dir)), name="sweep") as connection:
        require_schema(connection, head())
        yield connection
