"""The year of a home: three plots that share their days, and the months behind them."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from api.console import words
from api.console.plots.parts import Pin
from api.console.plots.scale import Floats
from api.console.plots.year import Days, Use, Words, door_plot, smoothed, top_of_use, use_plot
from api.console.reads import Installed, Peers, UnitDays
from api.console.texts import Catalogue
from api.console.views.common import Evidence, Figure


def figures(
    t: Catalogue,
    days: UnitDays,
    peers: Peers,
    installed: Installed,
    *,
    claim: tuple[float, float] | None,
    episodes: Sequence[tuple[float, float]],
    marks: Sequence[Evidence],
) -> tuple[Figure, ...]:
    """Electricity with the pins of `marks`, water, and the door with the months below."""
    shared = Days(first=days.first, count=days.count, claim=claim, away=days.absent, episodes=tuple(episodes))
    energy = Use(
        values=days.energy_kwh,
        installed=installed.energy,
        low=smoothed(peers.energy_low),
        high=smoothed(peers.energy_high),
    )
    water = Use(
        values=days.water_l,
        installed=installed.water,
        low=smoothed(peers.water_low),
        high=smoothed(peers.water_high),
    )
    door = door_plot(
        shared,
        known=days.entries_known,
        foreign=days.entries_foreign,
        installed=installed.door,
        words=Words(
            label=t("unit.door_label"),
            unit="",
            before=t("unit.no_lock") if installed.door == days.count else t("unit.before_lock"),
        ),
        up=t("unit.up"),
        down=t("unit.down"),
        months=t.words("lang.months"),
    )
    pins = [
        Pin(at=(row.start - days.first).days, number=row.number)
        for row in marks
        if row.start is not None and row.number is not None and days.first <= row.start <= days.last
    ]
    return (
        _use(t, "energy", shared, energy, css="p-elec", height=132, pins=pins or None),
        _use(t, "water", shared, water, css="p-water", height=110, pins=None),
        Figure(title=t("unit.door"), unit=t("unit.door_unit"), plot=door),
    )


def peers_word(t: Catalogue, peers: Peers) -> str:
    """The legend of the band; empty where it is not drawn."""
    drawn = np.isfinite(peers.energy_low).any() or np.isfinite(peers.water_low).any()
    return t("unit.legend_peers", energy=peers.energy_homes, water=peers.water_homes) if drawn else ""


def months(days: UnitDays) -> tuple[tuple[str, ...], ...]:
    """The numbers behind the plots, a row a month: use and entries, each with how many days are known."""
    rows, at = [], 0
    while at < days.count:
        day = days.first + timedelta(days=at)
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        stop = min(at + (following - day).days, days.count)
        cut = slice(at, stop)
        entries = days.entries_known[cut] + days.entries_foreign[cut]
        rows.append(
            (
                f"{day:%Y-%m}",
                *_sum(days.energy_kwh[cut]),
                *_sum(days.water_l[cut] / 1000, places=1),
                _sum(entries)[0],
                *_sum(days.entries_foreign[cut]),
            )
        )
        at = stop
    return tuple(rows)


def _use(
    t: Catalogue, name: str, shared: Days, use: Use, *, css: str, height: int, pins: Sequence[Pin] | None
) -> Figure:
    known = int(np.isfinite(use.values).sum())
    never = use.installed == shared.count
    plot = use_plot(
        shared,
        use,
        Words(
            label=t.pick("unit", f"{name}_label", known=known),
            unit=t.pick("unit", f"{name}_axis"),
            before=t.pick("unit", f"no_{name}") if never else t("unit.before_meter"),
        ),
        css=css,
        height=height,
        marks=pins,
    )
    top, highest = top_of_use(use)
    cut = (
        "" if highest is None else t("unit.cut", top=words.figure(round(top)), highest=words.figure(highest))
    )
    return Figure(title=t.pick("unit", name), unit=t.pick("unit", f"{name}_unit"), plot=plot, aside=cut)


def _sum(values: Floats, *, places: int = 0) -> tuple[str, str]:
    known = values[np.isfinite(values)]
    return (f"{known.sum():.{places}f}" if known.size else "–"), f"{known.size}/{values.size}"
