"""`anju calibrations`: what visits taught about probabilities, and taking it back."""

import json
from typing import Annotated

import typer

from anju import clock, moments, settings
from anju.errors import AnjuError
from anju.options import DataDir, Json

app = typer.Typer(
    help="What visits taught about the detectors' probabilities: list, drift, take-back.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

City = Annotated[str, typer.Argument(metavar="CITY", help="Code of a city.")]
Family = Annotated[str, typer.Argument(metavar="FAMILY", help="people or vacancy.")]
#: The audit's actor: whoever may run commands on the server.
_BY = "system:calibrations"


@app.command("list")
def list_all(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Every calibration that was made, with what it was learned from; the one in force is marked."""
    from anju import database  # noqa: PLC0415 - a command loads what it needs
    from anomaly import calibration  # noqa: PLC0415

    now = clock.now()
    with database.connected(settings.load(data_dir=data_dir), name="calibrations") as connection:
        made = calibration.versions(connection)
        zone = moments.zone_of_all(connection)
        held = {
            one.id
            for city in {one.city for one in made}
            for one in calibration.in_force(connection, city=city, at=now).values()
        }
    if not made and not as_json:
        typer.echo("nothing was learned yet: the detectors' own probabilities hold")
    for one in made:
        if as_json:
            row = {name: getattr(one, name) for name in _NUMBERS} | {"in_force": one.id in held}
            row |= {name: moments.spelled(getattr(one, name)) for name in ("made_at", "first_at", "last_at")}
            typer.echo(json.dumps(row))
            continue
        typer.echo(
            f"{'*' if one.id in held else ' '} {one.id} {one.city} {one.family} ({one.detector}),"
            f" {moments.told(one.made_at, zone)}: logit p' = {one.intercept:+.2f} {one.slope:+.2f} logit p;"
            f" {one.confirmed} of {one.unit_years} homes and years confirmed, {one.lots} visits by lot;"
            f" calibration error {one.error_before:.3f} before, {one.error_after:.3f} after"
        )


@app.command()
def drift(*, city: City, family: Family, as_json: Json = False, data_dir: DataDir = None) -> None:
    """What was said and what visits found, for probabilities that are alike, with 95 % intervals."""
    from anju import database  # noqa: PLC0415
    from anomaly import calibration  # noqa: PLC0415

    detector = _detector(family)
    with database.connected(settings.load(data_dir=data_dir), name="calibrations") as connection:
        found = calibration.drift(connection, city=city, family=family, detector=detector, now=clock.now())
    if as_json:
        bands = [
            {
                "low": round(band.low, 4),
                "high": round(band.high, 4),
                "homes": band.homes,
                "said": round(band.said, 4),
                "found": round(band.found, 4),
                "interval": [round(edge, 4) for edge in band.interval],
            }
            for band in found.bands
        ]
        lots = {"lots": found.lots, "lots_confirmed": found.lots_confirmed}
        typer.echo(json.dumps({"homes": found.homes, "error": round(found.error, 4), "bands": bands} | lots))
        return
    for band in found.bands:
        low, high = band.interval
        typer.echo(
            f"said {band.said:.0%} ({band.low:.0%} to {band.high:.0%}): {band.homes} homes, confirmed"
            f" {band.found:.0%} ({low:.0%} to {high:.0%})"
        )
    typer.echo(f"{found.homes} homes and years, calibration error {found.error:.3f}")
    low, high = found.lots_interval
    typer.echo(
        f"by lot: {found.lots_confirmed} of {found.lots} visits confirmed"
        + (f" ({low:.1%} to {high:.1%})" if found.lots else "")
    )


@app.command("take-back")
def take_back(
    *,
    city: City,
    family: Family,
    reason: Annotated[str, typer.Option("--reason", help="Kept in the audit log.")],
    data_dir: DataDir = None,
) -> None:
    """Take the calibration in force back; the one before it holds again from now on."""
    from anju import database  # noqa: PLC0415
    from anomaly import calibration  # noqa: PLC0415
    from anomaly.errors import NothingToTakeBack  # noqa: PLC0415

    _detector(family)
    with database.connected(settings.load(data_dir=data_dir), name="calibrations") as connection:
        try:
            gone = calibration.take_back(
                connection, city=city, family=family, by=_BY, reason=reason, now=clock.now()
            )
        except NothingToTakeBack as error:
            raise AnjuError(f"{city} {family}: {error}") from error
        held = calibration.in_force(connection, city=city, at=clock.now()).get(family)
    holds = held.id if held else "the detector's own probabilities"
    typer.echo(f"taken back: {gone.id}; in force: {holds}")


_NUMBERS = (
    "id",
    "city",
    "family",
    "detector",
    "intercept",
    "slope",
    "unit_years",
    "confirmed",
    "lots",
    "error_before",
    "error_after",
    "policy",
)


def _detector(family: str) -> str:
    from anomaly.calibration import FAMILIES  # noqa: PLC0415
    from anomaly.sweep import DETECTORS  # noqa: PLC0415

    if family not in FAMILIES:
        raise AnjuError(f"{family}: no such family; there are {', '.join(FAMILIES)}")
    return DETECTORS.get(FAMILIES[family][0], "")
