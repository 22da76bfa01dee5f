"""`anju replay`: decode what was received again, after a decoder, a profile or the registry was put right."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from anju import clock, moments, settings
from anju.errors import AnjuError
from anju.options import DataDir, Json


def replay(
    *,
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="From this arrival on: 2026-11-24T08:00, local, or with a zone."),
    ],
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Up to this arrival; none: up to now.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Only this device's rows; may be repeated.")
    ] = None,
    decoder: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="Only rows of this wire format, e.g. cjt188.")
    ] = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Only blocks that something was quarantined of.")
    ] = False,
    reason: Annotated[
        str | None, typer.Option(metavar="CODE", help="With --quarantined: only for this reason.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    unproven: Annotated[
        bool, typer.Option("--unproven", help="No topic proves its sender (ANJU_MQTT_BOUND is empty).")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Decode the journal again and replace what it now says otherwise.

    What is replaced is archived with its decoder's version. Consumption and signals of the touched days are
    derived again by the worker; leads keep the evidence that they were raised with. Safe to repeat and to
    run while everything else runs.
    """
    import policy  # noqa: PLC0415 - a command loads what it needs
    from anju import database, stack, terminal  # noqa: PLC0415
    from devices.codecs.scripts import Scripts  # noqa: PLC0415
    from ingest import replay as body  # noqa: PLC0415
    from ingest.bound import Bound  # noqa: PLC0415
    from ingest.decoding import Decoding  # noqa: PLC0415

    if reason is not None and not quarantined:
        raise AnjuError("--reason goes with --quarantined")
    found = settings.load(data_dir=data_dir)
    now = clock.now()
    bound = stack.mqtt_bound(found)
    if not bound and not unproven:
        raise AnjuError(
            "ANJU_MQTT_BOUND is not set: set it as ingest has it. Without it every row would become one that"
            " proves nothing; --unproven if it is meant so"
        )
    book = policy.load(found.city)
    with database.connected(found, name="replay") as connection:
        zone = moments.zone_of_all(connection)
        connection.commit()
        scope = body.Scope(
            since=moments.read("--since", since, zone),
            until=now if until is None else moments.read("--until", until, zone),
            devices=frozenset(device or ()),
            decoder=decoder,
            quarantined=quarantined,
            reason=reason,
        )
        if scope.until <= scope.since:
            raise AnjuError(
                f"--until {moments.told(scope.until, zone)} is not after --since"
                f" {moments.told(scope.since, zone)}"
            )
        with terminal.told("blocks decoded") as told:
            outcome = body.replay(
                connection,
                scope,
                bound=Bound(bound),
                rules=lambda moment: book.on(moment.date()).ingest,
                now=now,
                by="system:replay",
                dry_run=dry_run,
                decoding=Decoding(
                    rules=lambda moment: book.on(moment.date()).ingest,
                    now=clock.now,
                    scripts=Scripts(found.codecs_dir),
                ),
                progress=told,
            )
    if as_json:
        typer.echo(json.dumps(asdict(outcome)))
        return
    would = "would be " if dry_run else ""
    typer.echo(
        f"{outcome.messages:,} messages of {outcome.blocks:,} blocks: {outcome.replaced:,} rows"
        f" {would}archived, {outcome.written:,} {would}written, {outcome.released:,} {would}released from"
        f" quarantine, {outcome.quarantined:,} {would}taken into it, {outcome.marked:,} days"
        f" {would}derived again"
    )
