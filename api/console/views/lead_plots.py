"""The plots of one lead: signs of life for idleness, hours for water, mean days for who lives there."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup

from api.console import words
from api.console.plots.hours import hours_plot
from api.console.plots.strip import strip_plot
from api.console.plots.year import Days, Use, Words, use_plot
from api.console.reads import Installed, Peers, UnitDays
from api.console.texts import Catalogue
from api.console.views import year
from api.console.views.common import Figure, Table
from api.console.views.hours import Hours
from api.console.views.lead import Plots
from api.console.views.profiles import Profiles
from housing.leads import Lead
from policy.groups import Leak

_DAY = timedelta(days=1)
#: Days shown before the claimed start, and the fewest and most that are shown at all.
_BEFORE, _FEWEST, _MOST = 28, 60, 400
#: Part of the width that the area of a claimed start takes at least.
_THINNEST = 0.01


def window_of(lead: Lead, *, last: date) -> date:
    """The first day that a plot of idleness shows."""
    since = lead.since.astimezone(ZoneInfo(lead.time_zone)).date()
    first = min(since - timedelta(days=_BEFORE), last - timedelta(days=_FEWEST - 1))
    return max(first, last - timedelta(days=_MOST - 1))


def hours_shown(lead: Lead, *, now: datetime) -> int:
    """How many hours a plot of running water shows: three days, or the whole run up to a fortnight."""
    run = int((now - lead.since) / timedelta(hours=1)) + 24
    return min(max(72, run), 14 * 24)


def claim_of(lead: Lead, days: UnitDays) -> tuple[float, float] | None:
    """Positions of the claimed start, never thinner than can be seen; None: outside the days shown."""
    zone = ZoneInfo(lead.time_zone)
    at = (lead.since.astimezone(zone).date() - days.first).days
    half = max(lead.since_pm_days, (days.count * _THINNEST - 1) / 2)
    start, stop = max(at - half, 0.0), min(at + half + 1.0, float(days.count))
    return (start, stop) if stop > 0 and start < days.count else None


def idle_plots(t: Catalogue, lead: Lead, days: UnitDays, installed: Installed) -> Plots:
    """A strip of day states, and the daily use below it."""
    claim = claim_of(lead, days)
    shared = Days(first=days.first, count=days.count, claim=claim)
    rows = [
        (t("lead.strip_energy"), days.energy_alive, installed.energy),
        (t("lead.strip_water"), days.water_alive, installed.water),
        (t("lead.strip_door"), days.door_alive, installed.door),
    ]
    ticks = _day_ticks(t, days)
    strip = strip_plot(rows, away=days.absent, claim=claim, label=t("lead.strip_label"), ticks=ticks)
    figures = [Figure(title=t("lead.strip"), unit=t("lead.strip_unit"), plot=strip)]
    for name, values, since, css in (
        ("energy", days.energy_kwh, rows[0][2], "p-elec"),
        ("water", days.water_l, rows[1][2], "p-water"),
    ):
        if not np.isfinite(values).any():
            continue
        label = t.pick("lead", f"{name}_label", known=int(np.isfinite(values).sum()), days=days.count)
        plot = use_plot(
            shared,
            Use(values=values, installed=since),
            Words(label=label, unit=t.pick("unit", f"{name}_axis"), before=t("unit.before_meter")),
            css=css,
            height=90,
            ticks=ticks,
        )
        figures.append(Figure(title=t.pick("unit", name), unit=t.pick("unit", f"{name}_unit"), plot=plot))
    return Plots(figures=tuple(figures), legend=_idle_legend(t, claim, days), table=_days_table(t, days))


def people_plots(
    t: Catalogue,
    lead: Lead,
    days: UnitDays,
    *,
    shape: Profiles | None,
    peers: Peers,
    installed: Installed,
) -> Plots:
    """A mean day before and after the claimed start, then use beside similar homes and who came in."""
    claim = claim_of(lead, days)
    figures = year.figures(t, days, peers, installed, claim=claim, episodes=(), marks=())
    legend = []
    if shape is not None:
        legend += [
            _line("p-before", t("unit.profile_before", n=shape.before_days // 7)),
            _line("p-after", t("unit.profile_after", n=shape.after_days)),
            _swatch("p-band", t("unit.profile_range")),
        ]
    beside = year.peers_word(t, peers)
    if beside:
        legend.append(_swatch("p-band", beside))
    legend.append(_swatch("p-gap", t("unit.legend_gap")))
    if claim is not None:
        legend.append(_swatch("p-claim", t("lead.legend_claim")))
    return Plots(
        figures=(*(shape.figures if shape else ()), *figures),
        legend=Markup("").join(legend),
        table=_days_table(t, days),
    )


def leak_plots(t: Catalogue, lead: Lead, hours: Hours, *, rules: Leak, zone: ZoneInfo) -> Plots:
    """The last hours of water, gaps hatched, the run as an area."""
    count = hours.values.size
    run = hours.run(lead.since, rules)
    label = t("lead.hours_label", n=count, unknown=hours.unknown)
    starts = [hours.first + timedelta(hours=i) for i in range(count)]
    local = [start.astimezone(zone) for start in starts]
    midnights = [(i, words.day(t, at.date())) for i, at in enumerate(local) if at.hour == 0]
    plot = hours_plot(
        hours.values,
        run=run,
        label=label,
        unit=t("unit.water_axis"),
        days=midnights,
    )
    legend = [_swatch("p-gap", t("unit.legend_gap"))]
    if run is not None:
        when = words.stamp(t, lead.since, zone, now=lead.since - timedelta(days=2))
        legend.append(_swatch("p-claim", t("lead.legend_since", when=when)))
    table = Table(
        title=t("lead.hours_table"),
        heads=(t("lead.hour"), t("lead.litres")),
        rows=tuple(
            (f"{words.day(t, at.date())} {at:%H:%M}", _figure(t, value))
            for at, value in zip(reversed(local), hours.values[::-1].tolist(), strict=True)
        ),
    )
    figure = Figure(title=t("lead.hours", n=count), unit=t("lead.hours_unit"), plot=plot)
    return Plots(figures=(figure,), legend=Markup("").join(legend), table=table)


def _day_ticks(t: Catalogue, days: UnitDays) -> list[tuple[int, str]]:
    """Every other Monday, or every fourth where there are many."""
    step = 14 if days.count <= 120 else 28 if days.count <= 240 else 56
    monday = (7 - days.first.weekday()) % 7
    return [(at, words.day(t, days.first + timedelta(days=at))) for at in range(monday, days.count, step)]


def _idle_legend(t: Catalogue, claim: tuple[float, float] | None, days: UnitDays) -> Markup:
    parts = [
        _swatch("p-alive", t("lead.alive")),
        _swatch("p-quiet", t("lead.quiet"), low=True),
        _swatch("p-gap", t("unit.legend_gap")),
    ]
    if claim is not None:
        parts.append(_swatch("p-claim", t("lead.legend_claim")))
    if days.absent.any():
        parts.append(_swatch("p-away", t("unit.legend_away")))
    return Markup("").join(parts)


def _line(css: str, text: str) -> Markup:
    return Markup(
        '<span><svg aria-hidden="true"><line class="{}" x2="24" y1="6" y2="6"/></svg>{}</span>'
    ).format(css, text)


def _swatch(css: str, text: str, *, low: bool = False) -> Markup:
    y, height = (9, 3) if low else (0, 12)
    return Markup(
        '<span><svg aria-hidden="true"><rect class="{}" y="{}" width="24" height="{}"/></svg>{}</span>'
    ).format(css, y, height, text)


def _days_table(t: Catalogue, days: UnitDays) -> Table:
    rows = []
    for at in reversed(range(days.count)):
        rows.append(
            (
                (days.first + at * _DAY).isoformat(),
                _figure(t, days.energy_kwh[at]),
                _figure(t, days.water_l[at]),
                _figure(t, days.entries_known[at] + days.entries_foreign[at]),
            )
        )
    heads = (t("lead.day"), t("lead.kwh"), t("lead.litres_day"), t("lead.entries"))
    return Table(title=t("lead.days_table"), heads=heads, rows=tuple(rows))


def _figure(t: Catalogue, value: float) -> str:
    return words.figure(float(value)) if np.isfinite(value) else t("lead.unknown_value")
