"""The reliability of probabilities as a picture: said against right, with 95 % intervals."""

from collections.abc import Sequence

from scipy.stats import binomtest

from tests.backtest.calibration import Bin

_SIZE, _EDGE = 320, 44


def reliability(panels: Sequence[tuple[str, Sequence[Bin], float]]) -> str:
    """Panels side by side as one SVG, which takes the reader's colours; each with its title and error."""
    width = len(panels) * (_SIZE + _EDGE) + _EDGE
    height = _SIZE + 2 * _EDGE
    parts = [_panel(_EDGE + n * (_SIZE + _EDGE), *panel) for n, panel in enumerate(panels)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="Reliability of probabilities">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _panel(left: int, title: str, bins: Sequence[Bin], error: float) -> str:
    def x(share: float) -> str:
        return f"{left + share * _SIZE:.1f}"

    def y(share: float) -> str:
        return f"{_EDGE + (1 - share) * _SIZE:.1f}"

    drawn = [
        f'<text x="{left}" y="{_EDGE - 14}">{title}; expected error {error:.3f}</text>',
        f'<rect x="{left}" y="{_EDGE}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#99a"/>',
        f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke="#99a" stroke-dasharray="4 4"/>',
    ]
    for share in (0.0, 0.5, 1.0):
        drawn.append(f'<text x="{x(share)}" y="{_EDGE + _SIZE + 18}" text-anchor="middle">{share:g}</text>')
        drawn.append(f'<text x="{left - 6}" y="{y(share)}" text-anchor="end">{share:g}</text>')
    drawn.append(f'<text x="{x(0.5)}" y="{_EDGE + _SIZE + 34}" text-anchor="middle">said</text>')
    for one in bins:
        found = binomtest(round(one.right * one.leads), one.leads).proportion_ci(method="wilson")
        at, low, high = x(one.said), y(float(found.low)), y(float(found.high))
        drawn.append(
            f'<line x1="{at}" y1="{low}" x2="{at}" y2="{high}" stroke="#1b4f91"/>'
            f'<circle cx="{at}" cy="{y(one.right)}" r="{3 + one.leads**0.5 / 2:.1f}" fill="#1b4f91"/>'
        )
    return "".join(drawn)
