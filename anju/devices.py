"""`anju devices`: what devices say, and what becomes of it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anju import clock

if TYPE_CHECKING:
    from rich.table import Table

    from anju.conformance import Outcome

devices = typer.Typer(
    help="Devices: what their messages mean.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@devices.command()
def conformance(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="JSON lines, plain or .gz.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a record.")] = False,
) -> None:
    """Published payloads with what their decoders made of them: what Anju takes of each.

    A record is decoded, or out of scope with a code of what it holds, or failed.
    """
    from rich.console import Console  # noqa: PLC0415

    from anju import conformance as body  # noqa: PLC0415 - a command loads what it needs
    from anju.processes import policy_books  # noqa: PLC0415
    from ingest.limits import limits_of  # noqa: PLC0415

    book = next(iter(policy_books().values()))
    outcomes = body.run(file, limits_of(book.on(clock.now().date()).ingest))
    if as_json:
        for outcome in outcomes:
            typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
        return
    for table in _tables(list(outcomes)):
        Console().print(table)


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
