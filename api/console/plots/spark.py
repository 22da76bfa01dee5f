"""A line the size of a word: the weekly mean of half a year."""

import numpy as np
from markupsafe import Markup

from api.console.plots.scale import Floats, number, runs

_HIGH = 32.0
_EDGE = 3.0


def spark(weeks: Floats) -> Markup:
    """Draw weekly means from zero; a week without data breaks the line.

    Parameters
    ----------
    weeks : (n,) float
        Oldest first; NaN: unknown.
    """
    known = np.isfinite(weeks)
    top = float(weeks[known].max()) if known.any() else 0.0
    heights = _HIGH - _EDGE - (weeks / top if top > 0 else weeks * 0.0) * (_HIGH - 2 * _EDGE)
    steps = []
    for start, stop in runs(known):
        points = [f"{i} {number(heights[i])}" for i in range(start, stop)]
        # a single week between two gaps is a short dash, not nothing
        steps.append(f"M{'L'.join(points)}" + ("h.6" if stop - start == 1 else ""))
    hatch = "".join(
        f'<rect class="p-gap" x="{max(start - 0.5, 0):g}" y="0" width="{stop - start:g}" height="{_HIGH:g}"/>'
        for start, stop in runs(~known)
    )
    return Markup(  # noqa: S704 -- numbers only
        f'<svg class="plot" viewBox="0 0 {weeks.size - 1} {_HIGH:g}" preserveAspectRatio="none"'
        f' aria-hidden="true">{hatch}<path class="p-spark" d="{"".join(steps)}"/></svg>'
    )
