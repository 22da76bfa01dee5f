"""Signs of life, a column a day and a row a source: alive, quiet, unknown."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from api.console.plots import parts
from api.console.plots.scale import Flags, Floats, number, runs

_ROW = 34
_BAR = 18


def strip_plot(
    rows: Sequence[tuple[str, Floats, int]],
    *,
    away: Flags,
    claim: tuple[float, float] | None,
    label: str,
    ticks: Sequence[tuple[int, str]],
) -> Markup:
    """Draw day states.

    Parameters
    ----------
    rows : sequence of (word, states, installed)
        States (days,): 1 alive, 0 quiet, NaN unknown; `installed` is the position of the first day with
        a device.
    away : (days,) bool
        A registered absence covers the day.
    claim : (start, stop)
        The claimed start with its uncertainty.
    ticks : sequence of (position, word)
        Local days named below.
    """
    count = away.size
    high = _ROW * len(rows)
    inner = parts.areas(runs(away), css="p-away", height=high)
    inner += parts.areas([claim] if claim else [], css="p-claim", height=high)
    words = ""
    for k, (word, states, installed) in enumerate(rows):
        y = k * _ROW + (_ROW - _BAR)
        known = np.isfinite(states)
        inner += parts.areas([(0, installed)], css="p-pre", height=_BAR, y=y)
        inner += parts.areas(parts.gaps(known, installed), css="p-gap", height=_BAR, y=y)
        inner += _cells(np.flatnonzero(states == 1), y, _BAR, css="p-alive")
        inner += _cells(np.flatnonzero(states == 0), y + _BAR - 3, 3, css="p-quiet")
        words += f'<text class="lab" x="2" y="{y - 4}">{escape(word)}</text>'
    return parts.drawing(
        parts.stretched(inner, wide=count, high=high, height=high)
        + f'<line class="axis" x1="0" x2="100%" y1="{high + 0.5}" y2="{high + 0.5}"/>'
        + words
        + parts.day_axis([(100 * at / count, word) for at, word in ticks], y=high),
        label=label,
        height=high + 20,
    )


def _cells(at: np.ndarray, y: float, height: float, *, css: str) -> str:
    steps = "".join(f"M{i} {number(y)}h.8v{number(height)}h-.8z" for i in at.tolist())
    return f'<path class="{css}" d="{steps}"/>' if steps else ""
