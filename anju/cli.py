"""The command `anju`: thin; each command's module does the work."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from anju import (
    broker,
    calibrations,
    detect,
    detection,
    devices,
    explain,
    logs,
    quarantine,
    replay,
    settings,
    users,
    visits,
)
from anju.embedded.errors import EmbeddedError
from anju.errors import AnjuError
from anju.options import DataDir, Json
from devices.errors import ProfileInvalid
from ingest.errors import IngestError
from policy.errors import PolicyError
from storage.errors import StorageError

app = typer.Typer(
    name="anju",
    help="Anju 安居: telemetry of public-rental housing becomes leads that people can check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(users.app, name="users")
app.add_typer(broker.app, name="broker")
app.command()(detection.sweep)
app.command()(detect.detect)
app.command()(explain.explain)
app.add_typer(detection.signals, name="signals")
app.add_typer(visits.app, name="visits")
app.add_typer(calibrations.app, name="calibrations")
app.add_typer(devices.devices, name="devices")
app.add_typer(quarantine.app, name="quarantine")
app.command()(replay.replay)

#: What a command ends with when it cannot be carried out: one line, no traceback.
_TOLD = (
    AnjuError,
    EmbeddedError,
    IngestError,
    PolicyError,
    ProfileInvalid,
    StorageError,
    PermissionError,
    psycopg.OperationalError,  # the database went away in the middle
)


@app.callback()
def anju() -> None:
    """Anju 安居."""


@app.command()
def up(
    *,
    as_json: Json = False,
    demo: Annotated[bool, typer.Option("--demo", help="Load and replay the demo estate first.")] = False,
    data_dir: DataDir = None,
    http_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Console and API (ANJU_HTTP_PORT; 8080).")
    ] = None,
    mqtt_port: Annotated[int, typer.Option(min=0, max=65535, help="MQTT 5; 0: any free port.")] = 0,
    mqtt311_port: Annotated[int, typer.Option(min=0, max=65535, help="MQTT 3.1.1.")] = 0,
    db_port: Annotated[int, typer.Option(min=0, max=65535, help="PostgreSQL.")] = 0,
) -> None:
    """Everything, embedded, in the foreground, until Ctrl-C or SIGTERM."""
    from anju import up as body  # noqa: PLC0415 - a command loads what it needs

    logs.configure("up", level=logging.INFO if as_json else logging.WARNING)
    body.up(
        settings.load(data_dir=data_dir, http_port=http_port),
        body.Ports(mqtt=mqtt_port, mqtt311=mqtt311_port, database=db_port),
        demo=demo,
        as_json=as_json,
    )


@app.command()
def migrate(*, data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema; safe to repeat."""
    from anju import processes, stack  # noqa: PLC0415

    reached = processes.migrate(stack.database_url(settings.load(data_dir=data_dir)))
    typer.echo(f"the schema is at revision {reached}")


@app.command()
def ingest(*, data_dir: DataDir = None) -> None:
    """Messages from the broker into the database, until SIGTERM."""
    from anju import processes  # noqa: PLC0415

    processes.ingest(settings.load(data_dir=data_dir))


@app.command()
def worker(*, data_dir: DataDir = None) -> None:
    """Usage, day features, signals and leads, until SIGTERM."""
    from anju import processes  # noqa: PLC0415

    processes.worker(settings.load(data_dir=data_dir))


@app.command()
def api(*, data_dir: DataDir = None) -> None:
    """API and console, until SIGTERM."""
    from anju import processes  # noqa: PLC0415

    processes.api(settings.load(data_dir=data_dir))


@app.command()
def healthcheck(
    *,
    process: Annotated[Literal["ingest", "worker", "api"], typer.Argument(help="Of this machine.")],
    data_dir: DataDir = None,
) -> None:
    """Exit 0 while a process on this machine is at work: for containers and whoever watches."""
    from anju import healthcheck as body  # noqa: PLC0415

    body.check(settings.load(data_dir=data_dir), process)


@app.command()
def status(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """What runs, and what was counted; exit 1 when the database cannot be reached."""
    from anju import status as body  # noqa: PLC0415

    found = body.look(settings.load(data_dir=data_dir))
    typer.echo(json.dumps(found.as_json()) if as_json else found.in_words())
    raise typer.Exit(0 if found.counters is not None else 1)


@app.command()
def settle(
    *,
    timeout: Annotated[float, typer.Option(min=0.0, help="Seconds at most.")] = 60.0,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Wait until all that was sent before is stored and computed; exit 1 on time-out."""
    from anju import settle as body  # noqa: PLC0415

    settled = body.settle(settings.load(data_dir=data_dir), timeout_s=timeout)
    typer.echo(json.dumps(settled.as_json()) if as_json else settled.in_words())
    raise typer.Exit(0 if settled.settled else 1)


@app.command(name="import")
def import_(
    *,
    folder: Annotated[Path, typer.Argument(help="CSV and Parquet files, or a pack.", metavar="DIR")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    as_json: Json = False,
    by: Annotated[str, typer.Option("--by", help="Who imports, for the audit log.")] = "",
    language: Annotated[
        Literal["zh", "en"] | None, typer.Option("--lang", help="Of the messages (the terminal's locale).")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """An own estate from files: checked whole, then written; exit 1 when something is wrong."""
    from anju.importer import command  # noqa: PLC0415

    code = command.run(
        settings.load(data_dir=data_dir), folder, dry_run=dry_run, as_json=as_json, by=by, language=language
    )
    raise typer.Exit(code)


@app.command()
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Start what is needed, load, replay, settle, report, stop.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="With --once: counters as JSON.", metavar="FILE")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Other households (ANJU_DEMO_DATA; the sample).", metavar="DIR"),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """The demo estate into the running stack: load what is missing, replay the last days over MQTT."""
    from anju.demo import command  # noqa: PLC0415

    logs.configure("demo", level=logging.WARNING)
    given = settings.load(data_dir=data_dir)
    if once:
        command.run_once(given, data=data, report=report)
    else:
        command.run(given, data=data)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def psql(context: typer.Context) -> None:
    """psql on the configured database; everything behind it is psql's own."""
    from anju import stack  # noqa: PLC0415
    from anju.embedded import binaries  # noqa: PLC0415

    at = conninfo_to_dict(stack.database_url(settings.load()))
    password = str(at.pop("password", "") or "")  # not on the command line, which everybody can list
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    program = binaries.psql()
    os.execve(program, [program, "--dbname", make_conninfo("", **at), *context.args], environment)  # noqa: S606


def main() -> None:
    """Entry point of `.venv/bin/anju`."""
    try:
        app()
    except _TOLD as error:
        print(f"anju: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(1)
