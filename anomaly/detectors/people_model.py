"""How likely a violation of some kind is by what was measured: a prior and what each piece of evidence adds.

The odds of each kind against "nothing" are the prior times a factor for each item of evidence. An item is a
group of measures that tell of one thing, each with a piecewise straight curve; what a group adds is capped,
so that five ways of seeing one thing do not count five times. A measure that is missing adds nothing. Homes
whose door is heard and homes whose door is not have weights of their own: without a door the meters must say
it all, and can say less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating[Any]]
Chances = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What one measure adds to the logarithm of the odds of each kind."""

    #: Place in a row of measures.
    place: int
    knots: Chances
    #: (knots, kinds); straight between two knots, level beyond the last.
    values: Chances

    def at(self, measure: Numbers) -> Chances:
        """(rows,) to (rows, kinds)."""
        known = np.isfinite(measure)
        inside = np.clip(np.where(known, measure, self.knots[0]), self.knots[0], self.knots[-1])
        right = np.clip(np.searchsorted(self.knots, inside, side="right"), 1, self.knots.size - 1)
        left = right - 1
        share = (inside - self.knots[left]) / (self.knots[right] - self.knots[left])
        found = self.values[left] * (1 - share)[:, None] + self.values[right] * share[:, None]
        return np.where(known[:, None], found, 0.0)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """One way of weighing: of homes whose door is heard, or of others."""

    #: Logarithm of the odds of each kind where nothing is known; (kinds,).
    prior: Chances
    #: By item of evidence.
    curves: Mapping[str, Sequence[Curve]]
    #: Slope and offset that make a probability of a score.
    slope: float
    offset: float

    def parts(self, measures: Numbers, cap: float) -> Chances:
        """What each item adds; (rows, measures) to (rows, items, kinds)."""
        nothing = np.zeros((len(measures), self.prior.size))
        found = [
            sum((curve.at(measures[:, curve.place]) for curve in curves), nothing)
            for curves in self.curves.values()
        ]
        return np.clip(np.stack(found, axis=1), -cap, cap)


@dataclass(frozen=True, kw_only=True)
class Model:
    """All weights of one version."""

    version: str
    kinds: tuple[str, ...]
    door: Weights
    meters: Weights
    #: Place of a measure that is known where the door is.
    door_known: int

    @property
    def items(self) -> tuple[str, ...]:
        """The items of evidence, in the order of `parts`."""
        return tuple(self.door.curves)

    def doors(self, measures: Numbers) -> Flags:
        """Rows of homes whose door was heard of late."""
        return np.isfinite(measures[:, self.door_known])

    def parts(self, measures: Numbers, cap: float) -> Chances:
        """What each item adds to the logarithm of the odds of each kind; (rows, items, kinds)."""
        door = self.doors(measures)[:, None, None]
        return np.where(door, self.door.parts(measures, cap), self.meters.parts(measures, cap))

    def log_odds(self, measures: Numbers, cap: float) -> Chances:
        """Logarithm of the odds of each kind against nothing; (rows, kinds)."""
        door = self.doors(measures)[:, None]
        prior = np.where(door, self.door.prior, self.meters.prior)
        return prior + self.parts(measures, cap).sum(axis=1)

    def chance(self, log_odds: Chances, door: Flags) -> Chances:
        """Probability that a visit finds a violation of any kind; (rows, kinds) to (rows,)."""
        slope = np.where(door, self.door.slope, self.meters.slope)
        offset = np.where(door, self.door.offset, self.meters.offset)
        return 1 / (1 + np.exp(-(offset + slope * any_of(log_odds))))


def any_of(log_odds: Chances) -> Chances:
    """Logarithm of the odds of any kind; (…, kinds) to (…)."""
    most = log_odds.max(axis=-1)
    return most + np.log(np.exp(log_odds - most[..., None]).sum(axis=-1))


def shares(log_odds: Chances) -> Chances:
    """How likely each kind is, given that it is one of them; (…, kinds)."""
    return np.exp(log_odds - any_of(log_odds)[..., None])
