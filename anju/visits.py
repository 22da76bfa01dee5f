"""`anju visits`: whose turn it is this month, and whether some households are asked about more often."""

import json
from datetime import datetime, timedelta
from typing import Annotated

import typer

from anju import clock, settings
from anju.options import DataDir, Json

app = typer.Typer(
    help="The inspectors' month: month, fairness.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_DAY = "%Y-%m-%d"


@app.command()
def month(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Each estate's visits of this month: capacity, done, next, and what is left out and why."""
    from anju import database  # noqa: PLC0415 - a command loads what it needs
    from anju.processes import policy_books  # noqa: PLC0415
    from housing import estates, queue  # noqa: PLC0415
    from housing.scope import EVERYTHING  # noqa: PLC0415

    now = clock.now()
    with database.connected(settings.load(data_dir=data_dir), name="visits") as connection:
        codes = {one.id: one.code for one in estates.list_estates(connection, scope=EVERYTHING)}
        found = queue.months(connection, scope=EVERYTHING, books=policy_books(), now=now)
    for one in found:
        if as_json:
            typer.echo(
                json.dumps(
                    {
                        "estate": codes[one.estate_id],
                        "month": one.first.isoformat()[:7],
                        "homes": one.homes,
                        "capacity": one.capacity,
                        "by_lot": one.by_lot,
                        "visited": one.visited,
                        "lots_waiting": one.lots_waiting,
                        "next": list(one.next),
                        "left_out": dict(one.left_out),
                    }
                )
            )
            continue
        left = one.left_out
        typer.echo(
            f"{codes[one.estate_id]} {one.first:%Y-%m}: {one.visited} of {one.capacity} visits done"
            f" (by lot {one.by_lot}, waiting {one.lots_waiting}); next leads"
            f" {', '.join(map(str, one.next)) or 'none'}; left out: {left['capacity']} for lack of visits,"
            f" {left['gone']} no longer found, {left['resting']} decided lately"
        )


@app.command()
def fairness(
    *,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=[_DAY], metavar="DAY", help="A year ago.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=[_DAY], metavar="DAY", help="Today.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """How often homes are asked about, by household size, older people alone and estate, with 95 % intervals.

    Age groups and disabilities are not on record.
    """
    from anju import database  # noqa: PLC0415 - a command loads what it needs
    from housing import fairness as body  # noqa: PLC0415
    from housing.scope import EVERYTHING  # noqa: PLC0415

    until = clock.now().date() if last is None else last.date()
    since = until - timedelta(days=365) if first is None else first.date()
    with database.connected(settings.load(data_dir=data_dir), name="visits") as connection:
        found = body.report(connection, scope=EVERYTHING, since=since, until=until)
    for one in found:
        low, high = one.interval
        if as_json:
            row = {"group": one.grouping, "value": one.value, "homes": one.homes, "asked": one.asked}
            row |= {"low": round(low, 4), "high": round(high, 4)}
            typer.echo(json.dumps(row | {"visited": one.visited, "confirmed": one.confirmed}))
        else:
            share = one.asked / one.homes
            name = " ".join(filter(None, (one.grouping, one.value)))
            typer.echo(
                f"{name}: {one.asked} of {one.homes} homes asked about, {share:.1%}"
                f" ({low:.1%} to {high:.1%}); visited {one.visited}, confirmed {one.confirmed}"
            )
