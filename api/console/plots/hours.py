"""The last hours of one channel, a bar an hour: what ran, and what is not known."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from api.console.plots import parts
from api.console.plots.scale import Floats, top_of

Run = tuple[float, float] | None


def hours_spark(values: Floats, *, run: Run, label: str, left: str, right: str) -> Markup:
    """Small bars of a list, oldest hour first, with two words below.

    Parameters
    ----------
    values : (hours,) float
        NaN: unknown.
    run : (start, stop)
        Positions of the claimed run, an area; None: no claim.
    """
    count = values.size
    inner = _inner(values, run, height=44.0, top=top_of(values)[0])
    return parts.drawing(
        parts.stretched(inner, wide=count, high=44.0, height=44)
        + '<line class="axis" x1="0" x2="100%" y1="44" y2="44"/>'
        + f'<text x="0" y="57">{escape(left)}</text>'
        + f'<text x="100%" y="57" text-anchor="end">{escape(right)}</text>',
        label=label,
        height=60,
    )


def hours_plot(
    values: Floats,
    *,
    run: Run,
    label: str,
    unit: str,
    days: Sequence[tuple[int, str]],
    height: int = 140,
) -> Markup:
    """Bars with rules and the local days below.

    Parameters
    ----------
    days : sequence of (position, word)
        Where local days begin.
    """
    top, _ = top_of(values)
    count = values.size
    inner = _inner(values, run, height=parts.TALL, top=top)
    over = parts.axis_rules(top, unit=unit, height=height)
    over += parts.day_axis([(100 * at / count, word) for at, word in days], y=height)
    return parts.drawing(
        parts.stretched(inner, wide=count, high=parts.TALL, height=height) + over,
        label=label,
        height=height + 20,
    )


def _inner(values: Floats, run: Run, *, height: float, top: float) -> str:
    claim = [] if run is None else [(max(run[0], 0.0), min(run[1], float(values.size)))]
    return (
        parts.areas(parts.gaps(np.isfinite(values), 0), css="p-gap", height=height)
        + parts.areas(claim, css="p-claim", height=height)
        + parts.bars(values, top, css="p-water", height=height, width=0.85)
    )
