"""A year of one home, a bar a day: electricity, water, entries at the door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from markupsafe import Markup

from api.console.plots import parts
from api.console.plots.parts import Pin
from api.console.plots.scale import Flags, Floats, number, runs, top_of

#: Pixels that pins take above the bars.
_PIN_ROOM = 16
_AXIS_ROOM = 20
#: Height of the strip of episodes, as part of the plot.
_STRIP = 0.035
#: A word needs this part of the width.
_WORD = 0.07


@dataclass(frozen=True, kw_only=True)
class Days:
    """What every plot of days on a page shares."""

    #: The first local day.
    first: date
    #: How many days.
    count: int
    #: Positions [start, stop) of the claimed start with its uncertainty; None: no claim.
    claim: tuple[float, float] | None = None
    #: (count,) a registered absence covers the day; None: not drawn here.
    away: Flags | None = None
    #: Positions [start, stop) of what detectors claimed over the year: a strip along the top.
    episodes: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Use:
    """Daily use of one channel."""

    #: (days,) NaN: unknown.
    values: Floats
    #: Position of the day the first meter was installed; `count` when none ever was.
    installed: int
    #: (days,) the 10 % and 90 % quantiles of similar homes; NaN: too few.
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a plot says, in the reader's language."""

    #: Read out instead of the picture.
    label: str
    #: Stands on the topmost rule.
    unit: str
    #: Over the time before a device was installed.
    before: str


def use_plot(
    days: Days,
    use: Use,
    words: Words,
    *,
    css: str,
    height: int = 132,
    marks: Sequence[Pin] | None = None,
    ticks: Sequence[tuple[int, str]] = (),
) -> Markup:
    """Bars of daily use, over the peers' band, with gaps hatched and the claimed start as an area.

    Parameters
    ----------
    css : str
        ``p-elec`` or ``p-water``.
    marks : sequence of Pin
        Evidence pins above the plot; None: no room for pins is kept.
    ticks : sequence of (position, word)
        Local days named below; none: another plot below carries the axis.
    """
    top, _ = top_of_use(use)
    y = 0 if marks is None else _PIN_ROOM
    inner = [_background(days, np.isfinite(use.values), use.installed, parts.TALL)]
    edges = ""
    if use.low is not None and use.high is not None:
        area, edges = parts.band(use.low, use.high, top)
        inner.append(area)
    inner += [parts.bars(use.values, top, css=css), edges]
    over = parts.axis_rules(top, unit=words.unit, height=height)
    over += _before(days, use.installed, words, height - 8)
    over += parts.day_axis([(100 * at / days.count, word) for at, word in ticks], y=height)
    return parts.drawing(
        parts.stretched("".join(inner), wide=days.count, high=parts.TALL, height=height, y=y)
        + f'<svg x="0" y="{y}" width="100%" height="{height + _AXIS_ROOM}" overflow="visible">{over}</svg>'
        + parts.pins(marks or (), days.count),
        label=words.label,
        height=height + y + (_AXIS_ROOM if ticks else 4),
    )


def top_of_use(use: Use) -> tuple[float, float | None]:
    """The value at the top edge, and the highest where taller days are cut."""
    also = [curve for curve in (use.low, use.high) if curve is not None]
    return top_of(use.values, *also)


def door_plot(
    days: Days,
    *,
    known: Floats,
    foreign: Floats,
    installed: int,
    words: Words,
    up: str,
    down: str,
    months: Sequence[str],
) -> Markup:
    """Entries of registered people upward, of others downward, the months below.

    Parameters
    ----------
    known, foreign : (days,) float
        Entries a day; NaN: no live lock.
    """
    half = 32.0
    seen = np.isfinite(known)
    top = max(float(np.nanmax(np.where(seen, np.fmax(known, np.nan_to_num(foreign)), 1.0))), 1.0)
    inner = _background(days, seen, installed, 2 * half)
    for values, css, sign in ((known, "p-known", "-"), (foreign, "p-foreign", "")):
        at = np.flatnonzero(np.isfinite(values) & (values > 0))
        sizes = np.clip(values[at] / top, 0, 1) * half
        steps = "".join(
            f"M{i} {number(half)}v{sign}{number(h)}h.8V{number(half)}z"
            for i, h in zip(at.tolist(), sizes.tolist(), strict=True)
        )
        inner += f'<path class="{css}" d="{steps}"/>' if steps else ""
    left = number(100 * installed / days.count + 1)
    signs = ""
    if installed < days.count * 0.8:
        signs = (
            f'<text class="lab" x="{left}%" y="11">▲ {parts.escape(up)}</text>'
            f'<text class="lab" x="{left}%" y="61">▼ {parts.escape(down)}</text>'
        )
    return parts.drawing(
        parts.stretched(inner, wide=days.count, high=2 * half, height=64)
        + '<line class="axis" x1="0" x2="100%" y1="32.5" y2="32.5"/>'
        + signs
        + _before(days, installed, words, 46)
        + parts.month_axis(days.first, days.count, months, y=64),
        label=words.label,
        height=84,
    )


def _background(days: Days, known: np.ndarray, installed: int, height: float) -> str:
    claim = [days.claim] if days.claim else []
    away = [] if days.away is None else runs(days.away)
    return (
        parts.areas([(0, installed)], css="p-pre", height=height)
        + parts.areas(parts.gaps(known, installed), css="p-gap", height=height)
        + parts.areas(away, css="p-away", height=height)
        + parts.areas(claim, css="p-claim", height=height)
        + parts.areas(days.episodes, css="p-episode", height=height * _STRIP)
    )


def _before(days: Days, installed: int, words: Words, y: float) -> str:
    if installed < days.count * _WORD:
        return ""
    return f'<text x="1%" y="{number(y)}" class="lab">{parts.escape(words.before)}</text>'


def smoothed(values: Floats, *, width: int = 7) -> Floats:
    """Centred mean over `width` days of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    kernel = np.ones(width)
    total = np.convolve(np.where(known, values, 0.0), kernel, mode="same")
    count = np.convolve(known.astype(float), kernel, mode="same")
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
