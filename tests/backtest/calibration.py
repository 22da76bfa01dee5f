"""Whether scores that are called probabilities are: reliability by bin, and the expected error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Leads of alike scores."""

    low: float
    high: float
    leads: int
    #: Mean score, and the share that was right.
    said: float
    right: float


def reliability(score: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> list[Bin]:
    """Bins of equal width that hold any lead; scores lie from 0 to 1."""
    place = np.minimum((score * bins).astype(int), bins - 1)
    return [
        Bin(
            low=at / bins,
            high=(at + 1) / bins,
            leads=int((place == at).sum()),
            said=float(score[place == at].mean()),
            right=float(right[place == at].mean()),
        )
        for at in sorted(set(place.tolist()))
    ]


def expected_error(bins: list[Bin]) -> float:
    """Mean distance between what was said and what was right, each lead worth the same."""
    leads = sum(one.leads for one in bins)
    return sum(one.leads * abs(one.said - one.right) for one in bins) / leads if leads else float("nan")
