"""The pieces that several plots share: bars, gaps, rules, months, pins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from markupsafe import Markup, escape

from api.console.plots.scale import Flags, Floats, number, rules, runs

#: The height of the stretched inner drawing.
TALL = 100.0
#: Pixels.
_WORD_HEIGHT, _RULE_HEIGHT = 13, 36
#: A known zero is a hairline, so that it differs from nothing known.
_HAIRLINE = 0.8


@dataclass(frozen=True, kw_only=True)
class Pin:
    """A numbered mark: the row of evidence with this number begins on this day."""

    #: The day, as a position of the plot's array.
    at: int
    #: Number of the evidence row.
    number: int


def bars(values: Floats, top: float, *, css: str, height: float = TALL, width: float = 0.8) -> str:
    """One bar for each known value, from the bottom up; none where nothing is known."""
    known = np.flatnonzero(np.isfinite(values))
    heights = np.clip(values[known] / top, 0.0, 1.0) * height
    heights = np.maximum(heights, _HAIRLINE * height / TALL)
    wide, low = number(width), number(height)
    steps = (
        f"M{i} {low}v-{number(h)}h{wide}v{number(h)}z"
        for i, h in zip(known.tolist(), heights.tolist(), strict=True)
    )
    return f'<path class="{css}" d="{"".join(steps)}"/>' if known.size else ""


def areas(spans: Iterable[tuple[float, float]], *, css: str, height: float = TALL, y: float = 0.0) -> str:
    """Rectangles over whole spans: gaps, time before the installation, a claimed start."""
    return "".join(
        f'<rect class="{css}" x="{number(start)}" y="{number(y)}"'
        f' width="{number(stop - start)}" height="{number(height)}"/>'
        for start, stop in spans
        if stop > start
    )


def gaps(known: Flags, installed: int) -> list[tuple[int, int]]:
    """Where nothing is known although a device was there."""
    missing = ~known
    missing[:installed] = False
    return runs(missing)


def band(low: Floats, high: Floats, top: float, *, every: int = 3) -> tuple[str, str]:
    """The peers' range as an area, and its edges to be drawn over the bars.

    Parameters
    ----------
    low, high : (n,) float
        NaN where there are too few peers.
    every : int
        One point of the outline for so many days.
    """
    known = np.isfinite(low) & np.isfinite(high)
    area, edges = [], []
    for start, stop in runs(known):
        if stop - start < 2 * every:
            continue
        at = np.unique(np.append(np.arange(start, stop, every), stop - 1))
        upper, lower = (
            _points(at + 0.5, (1 - np.clip(curve[at] / top, 0, 1)) * TALL) for curve in (high, low)
        )
        area.append(f"M{' '.join(upper)} {' '.join(reversed(lower))}Z")
        edges.extend(f"M{'L'.join(line)}" for line in (upper, lower))
    if not area:
        return "", ""
    return (
        f'<path class="p-band" d="{"".join(area)}"/>',
        f'<path class="p-bandline" d="{"".join(edges)}"/>',
    )


def axis_rules(top: float, *, unit: str, height: float, right: bool = False) -> str:
    """The base line and the rules above it; the unit stands on the topmost."""
    parts = [f'<line class="axis" x1="0" x2="100%" y1="{number(height + 0.5)}" y2="{number(height + 0.5)}"/>']
    values = rules(top)
    if len(values) > height / _RULE_HEIGHT:
        values = values[::-2][::-1]
    for value in values:
        y = round(height * (1 - value / top)) + 0.5
        # a word above the topmost rule would leave the plot
        word_y = y - 4 if y > _WORD_HEIGHT else y + _WORD_HEIGHT
        text = f"{value:g}" + (f" {unit}" if value == values[-1] else "")
        place = 'x="100%" dx="-2" text-anchor="end"' if right else 'x="2"'
        parts.append(
            f'<line class="rule" x1="0" x2="100%" y1="{number(y)}" y2="{number(y)}"/>'
            f'<text class="lab" {place} y="{number(word_y)}">{escape(text)}</text>'
        )
    return "".join(parts)


def month_axis(first: date, days: int, names: Sequence[str], *, y: float) -> str:
    """A tick and a name at each first of a month; narrow screens keep every third.

    Parameters
    ----------
    names : sequence of 12 str
        January first.
    """
    parts = []
    for i in range(days):
        day = first + timedelta(days=i)
        if day.day != 1 or i > days - 6:
            continue
        at = number(100 * i / days)
        hide = "" if day.month % 3 == 0 else ' class="narrow-hide"'
        parts.append(
            f'<g{hide}><line class="axis" x1="{at}%" x2="{at}%" y1="{number(y)}" y2="{number(y + 4)}"/>'
            f'<text x="{at}%" dx="3" y="{number(y + 15)}">{escape(names[day.month - 1])}</text></g>'
        )
    return "".join(parts)


def day_axis(labels: Sequence[tuple[float, str]], *, y: float, spacing: float = 14.0) -> str:
    """Ticks with words at given positions (percent); words that would touch are left out."""
    parts, last = [], -spacing
    for at, text in labels:
        x = number(at)
        parts.append(f'<line class="axis" x1="{x}%" x2="{x}%" y1="{number(y)}" y2="{number(y + 4)}"/>')
        if at - last >= spacing and at <= 100 - spacing * 0.8:
            parts.append(f'<text x="{number(at)}%" dx="3" y="{number(y + 15)}">{escape(text)}</text>')
            last = at
    return "".join(parts)


def pins(marks: Sequence[Pin], days: int) -> str:
    """Numbered pins; those of nearly one day stand side by side and share one line."""
    parts: list[str] = []
    for group in _neighbours(sorted(marks, key=lambda mark: (mark.at, mark.number)), days):
        at = number(100 * (group[0].at + 0.5) / days)
        parts.append(f'<line x1="{at}%" x2="{at}%" y1="8" y2="100%"/>')
        to_left = group[0].at > days / 2
        for k, mark in enumerate(group):
            shift = 18 * (k if not to_left else k - len(group) + 1)
            parts.append(
                f'<g transform="translate({shift} 0)"><circle cx="{at}%" cy="8" r="8"/>'
                f'<text x="{at}%" y="12">{mark.number}</text></g>'
            )
    return f'<g class="p-mark">{"".join(parts)}</g>' if parts else ""


def drawing(inner: str, *, label: str, height: int, css: str = "plot") -> Markup:
    """The outer picture with its name for people who do not see it."""
    return Markup(  # noqa: S704 -- built from numbers and escaped words in this package
        f'<svg class="{css}" role="img" aria-label="{escape(label)}" height="{height}">{inner}</svg>'
    )


def stretched(inner: str, *, wide: float, high: float, height: int, y: int = 0) -> str:
    """The part that stretches with the page; nothing in it is text."""
    return (
        f'<svg viewBox="0 0 {number(wide)} {number(high)}" preserveAspectRatio="none"'
        f' x="0" y="{y}" width="100%" height="{height}">{inner}</svg>'
    )


def _points(xs: Floats, ys: Floats) -> list[str]:
    return [f"{number(x)},{number(y)}" for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]


def _neighbours(marks: Sequence[Pin], days: int) -> list[list[Pin]]:
    groups: list[list[Pin]] = []
    for mark in marks:
        if groups and mark.at - groups[-1][0].at < days * 0.05 * len(groups[-1]):
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups
