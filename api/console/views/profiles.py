"""A mean day before and after the claimed start of a lead."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from api.console.plots.profile import profile_plot
from api.console.plots.scale import Floats
from api.console.texts import Catalogue
from api.console.views.common import Figure
from storage.pool import Connection
from usage import arrays
from wire.channels import BY_NAME

_BEFORE_DAYS, _AFTER_DAYS = 70, 21
#: A mean over fewer days is no shape.
_FEWEST_DAYS = 3
_WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """The figures and how many days each side rests on."""

    figures: tuple[Figure, ...]
    before_days: int
    after_days: int


def load(
    connection: Connection, t: Catalogue, unit_id: int, *, since: datetime, zone: ZoneInfo, today: date
) -> Profiles | None:
    """Mean days of electricity and water; None where too few days are known on either side.

    Parameters
    ----------
    since : datetime
        The claimed start; its day belongs to neither side.
    today : date
        The last local day, which is not over, is left out.
    """
    start = since.astimezone(zone).date()
    after_days = min((today - start).days - 1, _AFTER_DAYS)
    if after_days < _FEWEST_DAYS:
        return None
    first = start - timedelta(days=_BEFORE_DAYS)
    figures = []
    for name, channel, unit, axis in (
        ("energy", "energy_kwh", t("unit.profile_energy_unit"), "kW"),
        ("water", "water_l", t("unit.profile_water_unit"), t("unit.water_axis")),
    ):
        every = _days(connection, unit_id, BY_NAME[channel].code, first, (today - first).days, zone=zone)
        past, recent = every[:_BEFORE_DAYS], every[-after_days:]
        if _known(past) < _FEWEST_DAYS or _known(recent) < _FEWEST_DAYS:
            continue
        low, high = _weekly_range(past)
        plot = profile_plot(
            _mean(past),
            _mean(recent),
            low,
            high,
            water=name == "water",
            label=t.pick("unit", f"profile_{name}_label"),
            unit=axis,
            midnight=t("unit.midnight"),
        )
        figures.append(Figure(title=t.pick("unit", name), unit=unit, plot=plot))
    if not figures:
        return None
    return Profiles(figures=tuple(figures), before_days=_BEFORE_DAYS, after_days=after_days)


def _days(
    connection: Connection, unit_id: int, channel: int, first: date, count: int, *, zone: ZoneInfo
) -> Floats:
    """Measured use, (days, 24) by local hour; on the day a clock changes one hour is missing or left out."""
    found = arrays.load(
        connection,
        unit_ids=[unit_id],
        channel=channel,
        first=first - timedelta(days=1),
        last=first + timedelta(days=count),
    )
    hours = np.where(found.covered_min > 0, found.amount, np.nan)[0]
    origin = datetime.combine(first - timedelta(days=1), datetime.min.time(), ZoneInfo("UTC"))
    table = np.full((count, 24), np.nan)
    for day in range(count):
        midnight = datetime.combine(first + timedelta(days=day), datetime.min.time(), zone)
        at = round((midnight - origin) / timedelta(hours=1))
        table[day] = hours[at : at + 24]
    return table


def _known(days: Floats) -> int:
    return int(np.isfinite(days).any(axis=1).sum())


def _mean(days: Floats) -> Floats:
    known = np.isfinite(days)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, days, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _weekly_range(days: Floats) -> tuple[Floats, Floats]:
    """10 % and 90 % of the weekly means of each hour."""
    weeks = np.array([_mean(days[at : at + _WEEK]) for at in range(0, len(days) - _WEEK + 1, _WEEK)])
    low, high = np.full(24, np.nan), np.full(24, np.nan)
    for hour in range(24):
        known = weeks[np.isfinite(weeks[:, hour]), hour]
        if known.size >= _FEWEST_DAYS:
            low[hour], high[hour] = np.quantile(known, (0.1, 0.9))
    return low, high
