"""`anju detect`: leads from a folder of tables that grows, step by step, without a database.

The evenings since the last step are walked by the code that the worker's sweep runs. What the folder brought
is kept as state, so a step reads only what is new; a step that is killed changes nothing.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from anju.errors import AnjuError

_ZONE = "Asia/Shanghai"


def detect(
    *,
    feed: Annotated[
        Path,
        typer.Option(
            "--feed", metavar="DIR", help="units.parquet, and a folder of tables a step; or a pack."
        ),
    ],
    until: Annotated[
        str,
        typer.Option(
            "--until", metavar="DATE", help="A time with its zone, or a local day, which is part of it."
        ),
    ],
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Kept between steps; empty at first.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Parquet: all leads so far.")],
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="Only leads of this kind; repeatable.")
    ] = None,
    city: Annotated[str, typer.Option("--city", help="Whose policy holds.")] = "anhe",
    zone: Annotated[str, typer.Option("--zone", help="Whose days are meant.")] = _ZONE,
) -> None:
    """Leads of a back-test's feed up to a moment, as the worker would have raised them by then."""
    import policy  # noqa: PLC0415 - a command loads what it needs
    from anju import terminal  # noqa: PLC0415
    from anomaly import export  # noqa: PLC0415
    from anomaly.errors import AnomalyError  # noqa: PLC0415
    from anomaly.feed_walk import step  # noqa: PLC0415
    from anomaly.sweep import KINDS  # noqa: PLC0415

    odd = sorted(set(kinds or ()) - set(KINDS))
    if odd:
        raise AnjuError(f"--kind {odd[0]}: no such kind; there are {', '.join(KINDS)}")
    if not out.parent.is_dir():
        raise AnjuError(f"no such folder: {out.parent}")
    days_of, book = _zone(zone), policy.load(city)
    moment = _moment(until, days_of)
    try:
        with _alone(state), terminal.told("homes walked") as told:
            done = step(feed, state, until=moment, book=book, zone=days_of, told=told)
    except AnomalyError as error:
        raise AnjuError(str(error)) from error
    chosen = set(kinds or export.KINDS)
    rows = [lead for lead in done.leads if lead.kind in chosen]
    export.write(out, [(row.unit, row.kind, row.at, row.since, row.score, row.evidence) for row in rows])
    for why, count in sorted(done.left_out.items()):
        typer.echo(f"left out {count} rows of {why}", err=True)
    if done.unlisted:
        typer.echo(f"not in units.parquet, kept until they are: {', '.join(done.unlisted)}", err=True)
    typer.echo(
        f"homes {done.homes}, evenings {done.evenings}, new leads {done.new}, leads in {out.name} {len(rows)}"
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise AnjuError(f"--zone {name}: no such time zone") from error


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise AnjuError(f"--until {text}: neither a time like 2025-06-01T16:00:00Z nor a day") from error
    if len(text) == len("2025-06-01"):
        return datetime.combine(found.date() + timedelta(days=1), time.min, zone).astimezone(UTC)
    if found.tzinfo is None:
        raise AnjuError(f"--until {text} has no zone: write it like 2025-06-01T16:00:00Z")
    return found.astimezone(UTC)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else works on a state meanwhile."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise AnjuError(f"--state {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise AnjuError(f"another step works on {folder}") from error
    finally:
        os.close(handle)
