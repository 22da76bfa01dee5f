"""Weights of the evidence that somebody else, or more people, live in a home: fitted to labelled weeks.

A multinomial logistic model of five outcomes (nothing, and four kinds), additive in piecewise straight
curves, one a measure. Curves are kept short and smooth, so that a few hundred homes can teach them.
Everything is computed in a fixed order from the same numbers: the same packs give the same weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from anomaly.detectors.people_model import Curve, Weights, any_of
from anomaly.measures import ITEMS, PLACE

#: Penalties: on steps between knots and on bends; share of a step's on a curve's distance from nothing.
STEEP, BENT, FAR = 2.0, 4.0, 0.3
KNOTS = 5
#: What a week counts for against the penalties.
WORTH = 1.0
_TURNS = 120


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Rows to learn from: weeks of homes."""

    #: (rows, measures)
    measures: np.ndarray
    #: 0: nothing; from 1 on: a kind.
    outcome: np.ndarray
    #: How many rows each stands for.
    count: np.ndarray


def fit(rows: Labelled, names: Sequence[str], kinds: int) -> Weights:
    """Fit the curves of some measures."""
    knots = {name: _knots(rows.measures[:, PLACE[name]], rows.outcome) for name in names}
    starts = np.cumsum([0] + [knots[name].size for name in names])
    table = np.empty((len(rows.outcome), starts[-1]), np.float32)
    means: dict[str, np.ndarray] = {}
    for place, name in enumerate(names):
        measure = rows.measures[:, PLACE[name]]
        hats = _hats(measure, knots[name])
        usual = hats[rows.outcome == 0]
        means[name] = usual.sum(axis=0, dtype=np.float64) / max(float(usual.sum(dtype=np.float64)), 1e-9)
        known = np.isfinite(measure)[:, None]
        table[:, starts[place] : starts[place + 1]] = hats - known * means[name].astype(np.float32)
    prior, values = _solve(table, rows, _penalty([knots[name].size for name in names]), kinds)
    curves: dict[str, list[Curve]] = {}
    for item, members in ITEMS.items():
        for name in (one for one in members if one in knots):
            place = names.index(name)
            own = values[starts[place] : starts[place + 1]]
            centred = own - means[name] @ own  # an ordinary week adds nothing
            curves.setdefault(item, []).append(Curve(place=PLACE[name], knots=knots[name], values=centred))
        curves.setdefault(item, [])
    return Weights(prior=prior, curves=curves, slope=1.0, offset=0.0)


def calibrated(log_odds: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make a probability of the odds of leads, some of which were right."""
    score = any_of(log_odds)

    def loss(values: np.ndarray) -> float:
        logit = values[1] + values[0] * score
        # two leads, one right and one wrong, as if known before: a few leads must not make anything certain
        doubt = np.logaddexp(0, values[1]) + np.logaddexp(0, -values[1])
        return float(
            np.logaddexp(0, np.where(right, -logit, logit)).sum() + doubt + 0.5 * (values[0] - 1) ** 2
        )

    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-6})
    return float(found.x[0]), float(found.x[1])


def _knots(measure: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Where a curve may bend: where ordinary weeks and others lie."""
    known = np.isfinite(measure)
    places = np.linspace(0.03, 0.97, KNOTS)
    fine = np.linspace(0.005, 0.995, 200)
    parts = [np.quantile(measure[known & which], fine) for which in (outcome == 0, outcome > 0)]
    found = np.unique(np.round(np.quantile(np.concatenate(parts), places), 3))
    return found if found.size > 1 else np.array([found[0], found[0] + 1.0])


def _hats(measure: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Share of each knot in each value; nothing of what is unknown."""
    known = np.isfinite(measure)
    inside = np.clip(np.where(known, measure, knots[0]), knots[0], knots[-1])
    right = np.clip(np.searchsorted(knots, inside, side="right"), 1, knots.size - 1)
    share = (inside - knots[right - 1]) / (knots[right] - knots[right - 1])
    table = np.zeros((measure.size, knots.size), np.float32)
    rows = np.arange(measure.size)
    table[rows, right - 1], table[rows, right] = 1 - share, share
    table[~known] = 0
    return table


def _penalty(sizes: Sequence[int]) -> np.ndarray:
    whole = np.zeros((sum(sizes), sum(sizes)))
    start = 0
    for size in sizes:
        once, twice = (np.diff(np.eye(size), times, axis=0) for times in (1, 2))
        block = STEEP * (FAR * np.eye(size) + once.T @ once) + BENT * twice.T @ twice
        whole[start : start + size, start : start + size] = block
        start += size
    return whole


def _solve(
    table: np.ndarray, rows: Labelled, penalty: np.ndarray, kinds: int
) -> tuple[np.ndarray, np.ndarray]:
    worth = (WORTH * rows.count).astype(np.float32)
    target = np.eye(kinds + 1, dtype=np.float32)[rows.outcome]
    width = table.shape[1]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        prior, values = flat[:kinds], flat[kinds:].reshape(width, kinds)
        logit = np.zeros((len(table), kinds + 1), np.float32)
        logit[:, 1:] = table @ values.astype(np.float32) + prior.astype(np.float32)
        top = logit.max(axis=1, keepdims=True)
        odds = np.exp(logit - top)
        total = odds.sum(axis=1, keepdims=True)
        likely = (logit * target).sum(axis=1) - top[:, 0] - np.log(total[:, 0])
        wrong = (worth[:, None] * (odds / total - target))[:, 1:]
        bent = penalty @ values
        slope = np.concatenate([wrong.sum(axis=0, dtype=np.float64), (table.T @ wrong + bent).ravel()])
        return float(-(worth * likely).sum(dtype=np.float64) + 0.5 * (values * bent).sum()), slope

    share = worth @ target
    start = np.concatenate([np.log(share[1:] / share[0]), np.zeros(width * kinds)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _TURNS, "maxcor": 20})
    return found.x[:kinds], found.x[kinds:].reshape(width, kinds)
