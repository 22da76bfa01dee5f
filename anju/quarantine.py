"""`anju quarantine list | show`: what could not be decoded or stored, why, and how it is taken in again."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anju import clock, moments, settings
from anju.errors import AnjuError
from anju.options import DataDir, Json

if TYPE_CHECKING:
    from ingest.listing import Count, Row

app = typer.Typer(
    help="Messages that could not be decoded or stored: list, show.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: The audit's actor: whoever may run commands on the server.
_BY = "system:quarantine"


@app.command("list")
def list_(
    *,
    reason: Annotated[str | None, typer.Option("--reason", metavar="CODE", help="Only this reason.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="Only topics that hold this.")] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Seen since: 2026-11-24T08:00, local, or with a zone."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="Messages at most.")] = 20,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show how many of each reason and topic there are, the newest ones, and how they are decoded again."""
    from anju import database  # noqa: PLC0415 - a command loads what it needs
    from ingest import listing  # noqa: PLC0415
    from wire.reasons import Reason  # noqa: PLC0415

    if reason is not None and reason not in Reason.__members__:
        raise AnjuError(f"no such reason: {reason}; there are {', '.join(sorted(Reason.__members__))}")
    with database.connected(settings.load(data_dir=data_dir), name="quarantine") as connection:
        zone = moments.zone_of_all(connection)
        seen_since = None if since is None else moments.read("--since", since, zone)
        which = listing.Filter(reason=reason, topic=topic, since=seen_since)
        reasons, topics = listing.by_reason(connection, which), listing.by_topic(connection, which)
        rows = listing.rows(connection, which, limit=limit)
    again = listing.again(reasons)
    if as_json:
        found = {
            "by_reason": _plain(reasons),
            "by_topic": _plain(topics),
            "again": again,
            "items": _plain(rows),
        }
        typer.echo(json.dumps(found, ensure_ascii=False, default=_spelled))
        return
    if not reasons:
        typer.echo("nothing is in quarantine")
        return
    for counts in (reasons, topics):
        for one in counts:
            repeated = f" (+{one.repeats:,} repeats)" if one.repeats else ""
            typer.echo(f"{one.messages:>9,}  {one.name}{repeated}")
        typer.echo()
    for row in rows:
        typer.echo(f"{row.id}  {moments.told(row.last_at, zone)}  {row.reason}  {row.topic}  {row.detail}")
    typer.echo("\none whole: anju quarantine show ID; when what was wrong is put right:")
    for command in again:
        typer.echo(f"  {command}")


@app.command()
def show(
    *,
    row: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `list` says it.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show one message whole, as text or in hexadecimal, personal fields cut out; the reading is recorded."""
    from anju import database  # noqa: PLC0415
    from ingest import listing  # noqa: PLC0415

    with database.connected(settings.load(data_dir=data_dir), name="quarantine") as connection:
        found = listing.whole(connection, row, by=_BY, now=clock.now())
        zone = moments.zone_of_all(connection)
    if as_json:
        said = asdict(found) | {"text": found.text, "hex": found.payload.hex()}
        said.pop("payload")
        typer.echo(json.dumps(said, ensure_ascii=False, default=_spelled))
        return
    typer.echo(f"topic    {found.topic}")
    typer.echo(f"reason   {found.reason}  {found.detail}")
    typer.echo(f"decoder  {found.decoder}")
    typer.echo(f"first    {moments.told(found.first_at, zone)}")
    typer.echo(f"last     {moments.told(found.last_at, zone)}  (+{found.repeats} repeats)")
    typer.echo(found.payload.hex() if found.text is None else found.text)


def _plain(found: "list[Count] | list[Row]") -> list[dict[str, Any]]:
    return [asdict(one) for one in found]


def _spelled(value: object) -> str:
    return moments.spelled(value) if isinstance(value, datetime) else str(value)
