"""What visits taught about the detectors' probabilities, by city: learned, kept, taken back in one act.

A detector's probability is right for the households that it was fitted on. What inspectors of a city find
moves it: logit(p') = intercept + slope * logit(p), fitted by penalised likelihood (Platt 1999), so that few
verdicts move it little. A home's verdicts of a year are one observation: its weeks say the same thing again
and again. Only visits teach, and the visits by lot beside them tell how much is there that no lead says.

Nothing is learned before the policy's number of observations is there. A calibration holds from the evening
on that it was made; evenings before keep the numbers that they had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg.rows import class_row

from anomaly.errors import NothingToTakeBack
from policy.book import PolicyBook
from policy.groups import Learning
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("anomaly", "calibration.sql")

#: Kinds whose scores are one scale, by family.
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"people": ("sublet", "group_rental", "business", "short_stay"), "vacancy": ("vacancy",)}
)
#: A home that was drawn by lot.
LOT = "lot"
#: Verdicts that say nothing of who lives there.
_SAYS_NOTHING = ["device_or_data", "duplicate"]
#: Probabilities are kept away from 0 and 1, whose logit is infinite.
_EDGE = 1e-4
_BINS = 10


@dataclass(frozen=True, kw_only=True)
class Curve:
    """How a probability is moved."""

    intercept: float
    slope: float

    def __call__(self, score: float) -> float:
        """The probability that a score stands for."""
        return float(1 / (1 + np.exp(-self.intercept - self.slope * _logit(np.float64(score)))))


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """One version, with what it was learned from."""

    id: int
    city: str
    family: str
    #: Whose scores these are; another version of the detector begins anew.
    detector: str
    made_at: datetime
    intercept: float
    slope: float
    unit_years: int
    confirmed: int
    #: Visits by lot of that city so far.
    lots: int
    #: Of the verdicts.
    first_at: datetime
    last_at: datetime
    #: Expected calibration error on these verdicts, before and after.
    error_before: float
    error_after: float
    policy: str

    @property
    def curve(self) -> Curve:
        """How it moves a probability."""
        return Curve(intercept=self.intercept, slope=self.slope)


_COLUMNS = [field.name for field in fields(Calibration)]


@dataclass(frozen=True, kw_only=True)
class Band:
    """What was said and what was found, for probabilities that are much alike."""

    low: float
    high: float
    homes: int
    said: float
    found: float
    #: 95 % interval of `found`.
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Whether a family's probabilities still hold in a city."""

    homes: int
    bands: tuple[Band, ...]
    #: Expected calibration error.
    error: float
    #: Visits by lot, how many were confirmed, and the 95 % interval of that share.
    lots: int
    lots_confirmed: int
    lots_interval: tuple[float, float]


def fit(score: npt.NDArray[np.float64], confirmed: npt.NDArray[np.bool_], *, weight: float) -> Curve:
    """The curve that the verdicts speak for.

    Parameters
    ----------
    score : (n,) float64
        Probabilities that the detector gave.
    confirmed : (n,) bool
    weight : float
        Observations that the detector's own probabilities are worth: how far the curve is held to them.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - every sweep loads this module, and few fit

    x = _logit(score)

    def loss(theta: npt.NDArray[np.float64]) -> float:
        z = theta[0] + np.exp(theta[1]) * x
        likelihood = np.logaddexp(0, z).sum() - z[confirmed].sum()
        return float(likelihood + weight / 8 * (theta[0] ** 2 + (2 * theta[1]) ** 2))

    found = minimize(loss, np.zeros(2), method="BFGS")
    return Curve(intercept=float(found.x[0]), slope=float(np.exp(found.x[1])))


def expected_error(score: npt.NDArray[np.float64], confirmed: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error: mean distance of said and found over bins of equal numbers of homes."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if part.size]
    return sum(abs(score[part].mean() - confirmed[part].mean()) * part.size for part in parts) / max(
        score.size, 1
    )


def learn(
    connection: Connection,
    *,
    city: str,
    family: str,
    detector: str,
    rules: Learning,
    policy: str,
    now: datetime,
) -> Calibration | None:
    """Make a new calibration if enough was learned since the last one; the caller commits.

    Returns
    -------
    Calibration or None
        None: the policy's number of homes and years, or of new ones, is not reached.
    """
    scores, confirmed, times = _judged(connection, city=city, family=family, detector=detector, now=now)
    last = in_force(connection, city=city, at=now).get(family)
    fresh = scores.size if last is None else sum(at > last.last_at for at in times)
    if scores.size < rules.unit_years or (last is not None and fresh < rules.fresh_unit_years):
        return None
    curve = fit(scores, confirmed, weight=rules.prior_weight)
    moved = np.array([curve(one) for one in scores])
    connection.execute(
        _SQL["keep"],
        {
            "city": city,
            "family": family,
            "detector": detector,
            "now": now,
            "intercept": curve.intercept,
            "slope": curve.slope,
            "unit_years": int(scores.size),
            "confirmed": int(confirmed.sum()),
            "lots": _lots(connection, city, now)[0],
            "first_at": min(times),
            "last_at": max(times),
            "error_before": expected_error(scores, confirmed),
            "error_after": expected_error(moved, confirmed),
            "policy": policy,
        },
    )
    return in_force(connection, city=city, at=now)[family]


def learn_all(
    connection: Connection,
    *,
    books: Mapping[str, PolicyBook],
    detectors: Mapping[str, str],
    now: datetime,
) -> list[Calibration]:
    """Learn in every city and family what there is to learn; the caller commits. See `learn`."""
    made: list[Calibration] = []
    for city, book in books.items():
        policy = book.on(now.date())
        for family, kinds in FAMILIES.items():
            detector = detectors.get(kinds[0])
            found = detector and learn(
                connection,
                city=city,
                family=family,
                detector=detector,
                rules=policy.learning,
                policy=policy.version,
                now=now,
            )
            if found:
                made.append(found)
    return made


def in_force(connection: Connection, *, city: str, at: datetime) -> dict[str, Calibration]:
    """What holds in a city at a moment, by family."""
    return _in_force(connection, city, [at])[at]


def curves(
    connection: Connection, *, city: str, detectors: Mapping[str, str], at: Sequence[datetime]
) -> dict[datetime, dict[str, Curve]]:
    """How the scores of each kind are moved at some moments.

    Parameters
    ----------
    detectors : mapping of str to str
        By kind: name and version of today's detector; what was learned of another one does not count.
    """
    return {
        moment: {
            kind: held[family].curve
            for family, kinds in FAMILIES.items()
            for kind in kinds
            if family in held and held[family].detector == detectors.get(kind)
        }
        for moment, held in _in_force(connection, city, at).items()
    }


def versions(connection: Connection) -> list[Calibration]:
    """Every calibration that was ever made, by city, family and time."""
    with connection.cursor(row_factory=class_row(Calibration)) as cursor:
        return cursor.execute(_SQL["all"]).fetchall()


def take_back(
    connection: Connection, *, city: str, family: str, by: str, reason: str, now: datetime
) -> Calibration:
    """Take the calibration in force back: the one before it holds again. It is audited; the caller commits.

    Raises
    ------
    NothingToTakeBack
        None is in force.
    """
    held = in_force(connection, city=city, at=now).get(family)
    if held is None:
        raise NothingToTakeBack
    connection.execute(_SQL["take_back"], {"id": held.id, "now": now, "by": by, "reason": reason})
    audit.record(
        connection,
        at=now,
        actor=by,
        action="calibration.take_back",
        subject=f"calibration:{held.id}",
        reason=reason,
        detail={"city": city, "family": family},
    )
    return held


def drift(connection: Connection, *, city: str, family: str, detector: str, now: datetime) -> Drift:
    """What was said and what visits found, so far."""
    scores, confirmed, _ = _judged(connection, city=city, family=family, detector=detector, now=now)
    order = np.argsort(scores, kind="stable")
    bands = [
        Band(
            low=float(scores[part].min()),
            high=float(scores[part].max()),
            homes=int(part.size),
            said=float(scores[part].mean()),
            found=float(confirmed[part].mean()),
            interval=_interval(int(confirmed[part].sum()), int(part.size)),
        )
        for part in np.array_split(order, min(_BINS, max(scores.size // 10, 1)))
        if part.size
    ]
    lots, lots_confirmed = _lots(connection, city, now)
    return Drift(
        homes=int(scores.size),
        bands=tuple(bands),
        error=expected_error(scores, confirmed),
        lots=lots,
        lots_confirmed=lots_confirmed,
        lots_interval=_interval(lots_confirmed, lots),
    )


def _in_force(
    connection: Connection, city: str, at: Sequence[datetime]
) -> dict[datetime, dict[str, Calibration]]:
    held: dict[datetime, dict[str, Calibration]] = {moment: {} for moment in at}
    for moment, *values in connection.execute(_SQL["in_force"], {"city": city, "at": list(at)}):
        one = Calibration(**dict(zip(_COLUMNS, values, strict=True)))
        held[moment][one.family] = one
    return held


def _judged(
    connection: Connection, *, city: str, family: str, detector: str, now: datetime
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], Sequence[datetime]]:
    rows = connection.execute(
        _SQL["judged"],
        {
            "city": city,
            "kinds": list(FAMILIES[family]),
            "detector": detector,
            "says_nothing": _SAYS_NOTHING,
            "now": now,
        },
    ).fetchall()
    return (
        np.array([row[0] for row in rows], np.float64),
        np.array([row[1] for row in rows], np.bool_),
        [row[2] for row in rows],
    )


def _lots(connection: Connection, city: str, now: datetime) -> tuple[int, int]:
    row = connection.execute(_SQL["lots"], {"city": city, "lot": LOT, "now": now}).fetchone()
    assert row is not None
    return row[0], row[1]


def _logit(score: Any) -> Any:
    inside = np.clip(score, _EDGE, 1 - _EDGE)
    return np.log(inside / (1 - inside))


def _interval(hits: int, of: int) -> tuple[float, float]:
    from scipy.stats import binomtest  # noqa: PLC0415

    if not of:
        return 0.0, 1.0
    found = binomtest(hits, of).proportion_ci(method="wilson")
    return float(found.low), float(found.high)
