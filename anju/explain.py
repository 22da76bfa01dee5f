"""`anju explain`: what was said of a home on an evening, and on what grounds, or what was known of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from anju import clock, moments, settings
from anju.errors import AnjuError
from anju.options import DataDir
from storage.pool import Connection

if TYPE_CHECKING:
    from housing.estates import Estate
    from housing.leads import Lead

_DAY = "%Y-%m-%d"
#: Days looked back on where nothing was said.
_BACK = 60


def explain(
    *,
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="As people say it: 3-2-0703.")],
    kind: Annotated[str, typer.Option("--kind", help="A kind of signal: vacancy, leak, sublet …")],
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=[_DAY], metavar="DAY", help="A local day; without: the newest."),
    ] = None,
    estate: Annotated[
        str | None, typer.Option("--estate", help="Its code, where several have such a home.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Write the plots: one HTML file.")
    ] = None,
    language: Annotated[str, typer.Option("--language", help="zh or en.")] = "zh",
    data_dir: DataDir = None,
) -> None:
    """Print a lead's evidence as it stood at the end of a day; without a lead, what was known of the home."""
    from anju import database  # noqa: PLC0415 - a command loads what it needs
    from housing.kinds import BY_CODE  # noqa: PLC0415

    if kind not in BY_CODE:
        raise AnjuError(f"--kind {kind}: no such kind; there are {', '.join(BY_CODE)}")
    if language not in {"zh", "en"}:
        raise AnjuError(f"--language {language}: zh or en")
    if picture is not None and not picture.parent.is_dir():
        raise AnjuError(f"no such folder: {picture.parent}")
    with database.connected(settings.load(data_dir=data_dir), name="explain") as connection:
        home = _home(connection, unit, estate)
        lead = _said(connection, home, kind, as_of and as_of.date())
        if lead is None:
            for line in _silence(connection, home, kind, as_of and as_of.date()):
                typer.echo(line)
            return
        for line in _told(lead, language):
            typer.echo(line)
        if picture is not None:
            picture.write_text(_drawn(connection, lead, language), encoding="utf-8")
            typer.echo(f"plots: {picture}")


@dataclass(frozen=True, kw_only=True)
class _Home:
    estate: "Estate"
    unit_id: int
    code: str


def _home(connection: Connection, unit: str, estate: str | None) -> _Home:
    from housing import estates  # noqa: PLC0415
    from housing.scope import EVERYTHING  # noqa: PLC0415

    found = [
        (one, home)
        for one in estates.list_estates(connection, scope=EVERYTHING)
        if estate in (None, one.code)
        for home in estates.find_units(connection, unit, estate_id=one.id, scope=EVERYTHING)
    ]
    exact = [(one, home) for one, home in found if home.code == unit] or found
    if not exact:
        raise AnjuError(f"{unit}: no such home")
    if len(exact) > 1:
        names = ", ".join(f"{one.code} {home.code}" for one, home in exact[:5])
        raise AnjuError(f"{unit}: which of {names}? Say its whole code, and --estate")
    ((one, home),) = exact
    return _Home(estate=one, unit_id=home.id, code=home.code)


def _said(connection: Connection, home: _Home, kind: str, as_of: date | None) -> "Lead | None":
    """What the detectors said as of a day, in the shape of a lead."""
    from housing.leads import Lead, newest_sweep  # noqa: PLC0415

    newest = newest_sweep(connection)
    row = connection.execute(
        "SELECT s.at, s.as_of, s.since, s.since_pm_days, s.score, s.evidence, s.quality, s.detector, s.policy"
        " FROM v_signal s WHERE s.unit_id = %s AND s.kind = %s AND s.as_of = %s",
        [home.unit_id, kind, as_of or newest],
    ).fetchone()
    if row is None:
        return None
    return Lead(
        id=0,
        unit_id=home.unit_id,
        unit=home.code,
        estate_id=home.estate.id,
        estate=home.estate.code,
        building="",
        kind=kind,
        status="open",
        opened_at=row[0],
        last_signal_at=row[0],
        last_as_of=row[1],
        since=row[2],
        since_pm_days=row[3],
        score=row[4],
        evidence=row[5],
        quality=row[6],
        detector=row[7],
        policy=row[8],
        closed_at=row[0],
        version=1,
        time_zone=home.estate.time_zone,
        city=home.estate.city,
        newest_sweep=newest,
        found_now=row[1] == newest,
    )


def _told(lead: "Lead", language: str) -> Iterator[str]:
    from api.console.texts import catalogue  # noqa: PLC0415
    from api.console.views.common import evidence_rows, unknowns  # noqa: PLC0415
    from housing.kinds import BY_CODE  # noqa: PLC0415

    t, zone = catalogue(language), ZoneInfo(lead.time_zone)
    kind = BY_CODE[lead.kind]
    yield f"{lead.estate} {lead.unit}: {t.of(kind.zh, kind.en)} ({lead.kind})"
    yield (
        f"as of {lead.last_as_of}, from what had arrived by {moments.told(lead.last_signal_at, zone)};"
        f" since {moments.told(lead.since, zone)} ± {lead.since_pm_days:.1f} days; score {lead.score:.2f};"
        f" {lead.detector}, policy {lead.policy}"
    )
    for row in evidence_rows(t, lead, today=lead.last_as_of):
        yield f"{row.sign:>3}  {row.text}" + (f"  [{row.where}]" if row.where else "")
    for text in unknowns(t, lead):
        yield f"  ?  {text}"


def _silence(connection: Connection, home: _Home, kind: str, as_of: date | None) -> Iterator[str]:
    """Why nothing may have been said: what was known of the home in the days before."""
    from housing.leads import newest_sweep  # noqa: PLC0415

    newest, name = newest_sweep(connection), f"{home.estate.code} {home.code}"
    day = as_of or newest or clock.now().astimezone(ZoneInfo(home.estate.time_zone)).date()
    if newest is None or day > newest:
        yield f"{name}: {day} was not swept yet" + (f"; the newest is {newest}" if newest else "")
        return
    row = connection.execute(
        "SELECT count(*), count(energy_alive), count(water_alive), count(door_alive),"
        " count(*) FILTER (WHERE energy_alive), count(*) FILTER (WHERE water_alive),"
        " count(*) FILTER (WHERE door_alive), count(*) FILTER (WHERE absent)"
        " FROM v_unit_day WHERE unit_id = %s AND day BETWEEN %s AND %s",
        [home.unit_id, day - timedelta(days=_BACK - 1), day],
    ).fetchone()
    assert row is not None
    days, *known, energy, water, door, absent = row
    yield f"{name}: no {kind} as of {day}. Of the {_BACK} days up to then {days} have data:"
    for source, count, alive in zip(("energy", "water", "door"), known, (energy, water, door), strict=True):
        yield f"  {source}: known on {count} days, signs of life on {alive}"
    yield f"  a registered absence covers {absent}"
    if sum(count > 0 for count in known) < len(known):
        yield "  a source of which nothing is known says nothing, for or against"


def _drawn(connection: Connection, lead: "Lead", language: str) -> str:
    from anju.processes import policy_books  # noqa: PLC0415
    from api.console import lead_pictures  # noqa: PLC0415
    from api.console.texts import catalogue  # noqa: PLC0415
    from api.console.views.common import sentence  # noqa: PLC0415
    from housing.scope import EVERYTHING  # noqa: PLC0415

    t = catalogue(language)
    rules = policy_books()[lead.city].on(lead.last_as_of).leak
    plots = lead_pictures.draw(connection, t, lead, scope=EVERYTHING, rules=rules, now=clock.now())
    static = resources.files("api.console")
    style = static.joinpath("static", "anju.css").read_text(encoding="utf-8")
    sprite = static.joinpath("templates", "sprite.html").read_text(encoding="utf-8")
    figures = "".join(
        f"<figure><figcaption><b>{escape(one.title)}</b><span>{escape(one.unit)}</span></figcaption>"
        f"{one.plot}</figure>"
        for one in plots.figures
    )
    return (
        f'<!doctype html><html lang="{t("lang.tag")}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(lead.unit)}</title>'
        f"<style>{style}</style><body>{sprite}<main><div class=page><section class=card>"
        f"<h1 class=lede>{escape(lead.unit)} · {escape(sentence(t, lead))}</h1>{figures}"
        f'<div class="legend">{plots.legend}</div></section></div></main></body></html>\n'
    )
