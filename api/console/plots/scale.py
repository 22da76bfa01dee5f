"""Where things go: rules of an axis, runs of a mask, where a tall day is cut."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]

#: A day this much taller than nearly all others is cut, so that the others stay readable.
_TALL = 1.3
#: Room above the tallest bar, so that the topmost rule keeps its word inside the plot.
_HEADROOM = 1.12
#: Below this nothing is drawn to scale: no meter of ours counts so finely.
_LEAST = 1e-6
#: The top of a plot that holds zeros only.
_NOTHING = 1.15


def number(value: float) -> str:
    """A coordinate as short as it can be: at most one decimal place, no trailing zero."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def rules(top: float) -> tuple[float, ...]:
    """Two to four round values above zero and not above `top`, for the rules of an axis."""
    if top < _LEAST or not math.isfinite(top):
        return ()
    exponent = math.floor(math.log10(top)) - 1
    for step in (base * 10.0 ** (exponent + more) for more in range(3) for base in (1, 2, 5)):
        if top / step < 4.5:
            return tuple(step * n for n in range(1, math.floor(top / step + 1e-9) + 1))
    return (top,)


def top_of(values: Floats, *also: Floats) -> tuple[float, float | None]:
    """The value at the top edge of a plot, and the highest value where that one is cut.

    Parameters
    ----------
    values : (n,) float
        What the bars show; NaN is unknown.
    also : (n,) float
        Other curves that must fit, e.g. the peers' band; they are never the reason for a cut.
    """
    known = values[np.isfinite(values)]
    others = [curve[np.isfinite(curve)] for curve in also]
    room = max([float(curve.max()) for curve in others if curve.size], default=0.0)
    if not known.size:
        return _top(room), None
    highest = float(known.max())
    usual = max(float(np.quantile(known, 0.985)) * 1.1, room)
    if usual > _LEAST and highest > usual * _TALL:
        return usual, highest
    return _top(max(highest, room)), None


def runs(mask: Flags) -> list[tuple[int, int]]:
    """Start and stop (exclusive) of each run of true."""
    padded = np.concatenate(([False], mask, [False]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _top(highest: float) -> float:
    return highest * _HEADROOM if highest > _LEAST else _NOTHING
