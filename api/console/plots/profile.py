"""The shape of a day, hour by hour: before dashed, after solid, the home's own range as a band."""

import numpy as np
from markupsafe import Markup, escape

from api.console.plots import parts
from api.console.plots.scale import Floats, number, runs

_HOURS = 24
_HEIGHT = 150


def profile_plot(
    before: Floats,
    after: Floats,
    low: Floats,
    high: Floats,
    *,
    water: bool,
    label: str,
    unit: str,
    midnight: str,
) -> Markup:
    """Draw two mean days.

    Parameters
    ----------
    before, after : (24,) float
        Mean of each local hour; NaN: unknown.
    low, high : (24,) float
        The home's own weekly range before the change.
    midnight : str
        Word at the left end of the axis.
    """
    every = np.concatenate((before, after, high))
    known = every[np.isfinite(every)]
    top = float(known.max()) * 1.08 if known.size and known.max() > 0 else 1.0
    inner = ""
    both = np.isfinite(low) & np.isfinite(high)
    for start, stop in runs(both):
        upper = _steps(high, start, stop, top)
        lower = _steps(low, start, stop, top)
        inner += f'<path class="p-band" d="M{"L".join(upper)}L{"L".join(reversed(lower))}Z"/>'
    after_css = "p-after w" if water else "p-after"
    for values, css in ((before, "p-before"), (after, after_css)):
        lines = "".join(f"M{'L'.join(_steps(values, *run, top))}" for run in runs(np.isfinite(values)))
        inner += f'<path class="{css}" d="{lines}"/>' if lines else ""
    over = parts.axis_rules(top, unit=unit, height=_HEIGHT, right=True)
    for hour, word in ((0, midnight), (6, "6"), (12, "12"), (18, "18"), (24, "24")):
        at = number(100 * hour / _HOURS)
        dx = -14 if hour == _HOURS else 3
        over += (
            f'<line class="axis" x1="{at}%" x2="{at}%" y1="{_HEIGHT}" y2="{_HEIGHT + 4}"/>'
            f'<text x="{at}%" dx="{dx}" y="{_HEIGHT + 15}">{escape(word)}</text>'
        )
    return parts.drawing(
        parts.stretched(inner, wide=_HOURS, high=parts.TALL, height=_HEIGHT) + over,
        label=label,
        height=_HEIGHT + 20,
    )


def _steps(values: Floats, start: int, stop: int, top: float) -> list[str]:
    """Corners of a stepped line over the hours [start, stop)."""
    heights = (1 - np.clip(values[start:stop] / top, 0, 1)) * parts.TALL
    corners = []
    for hour, height in zip(range(start, stop), heights.tolist(), strict=True):
        corners += [f"{hour} {number(height)}", f"{hour + 1} {number(height)}"]
    return corners
