"""The weekly look at who lives in a home: weights from their file, weeks from the ledger, findings."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from anomaly.detectors import people, people_words
from anomaly.detectors.people import PeopleRules, PeopleView
from anomaly.detectors.people_model import Curve, Model, Weights
from anomaly.errors import ModelRefused
from anomaly.findings import Finding
from anomaly.ledger import Ledger
from anomaly.measures import HISTORY, ITEMS, MEASURES, PLACE, Nature, measures
from anomaly.week_fields import FIELDS
from anomaly.weeks import Weeks, peers
from anomaly.window import Calendar, Floats

#: The model in use.
VERSION = "people-1"
#: Days before an evening that matter to what is said of it.
REACH_DAYS = 7 * (HISTORY + 8)


class People:
    """The weeks of a block, followed through time."""

    def __init__(self, ledger: Ledger, usual: Floats | None = None) -> None:
        self.ledger = ledger
        self.weeks = Weeks(ledger.window)
        #: Medians of the city by week, (weeks, fields of meters); None: those of the block.
        self.usual = usual
        self._looked = 0
        self._found: list[Finding] = []

    def standing(self, rules: PeopleRules, day: int, latest: int, peers_min: int) -> list[Finding]:
        """What is worth a visit as of the end of the newest week that is over; moves the ledger there.

        Looked at once a week: what it says then holds until the next is over, however the range is cut.

        Parameters
        ----------
        day : int
            Position on the day axis; days rise from call to call.
        latest : int
            Hour up to which anything is known.
        """
        count = self.weeks.span.ended(day)
        if count and count != self._looked:
            last = self.weeks.span.end(count - 1) - 1
            self.ledger.advance(min(24 * (last + 1), latest))
            self._looked, self._found = count, self.detect(rules, last, peers_min)
        return self._found

    def detect(self, rules: PeopleRules, day: int, peers_min: int) -> list[Finding]:
        """What is worth a visit as of the end of a day; nothing but at the end of a week."""
        span = self.weeks.span
        count = span.ended(day)
        if not count or span.end(count - 1) != day + 1:
            return []
        self.weeks.advance(self.ledger, day)
        rows = self.weeks.rows[:, :count]
        common = peers(rows, peers_min) if self.usual is None else self.usual[:count]
        return people.detect(view(self.weeks, common, rules), rules, model()[0])


def view(weeks: Weeks, common: Floats, rules: PeopleRules) -> PeopleView:
    """What the detector looks at, up to the last week that is over.

    Parameters
    ----------
    common : (weeks, fields of meters)
        Medians of the city, of the weeks that are over.
    """
    count = common.shape[0]
    first = max(count - HISTORY, 0)
    calendar, span = weeks.window.calendar, weeks.span
    latest = max(rules.agree_weeks, rules.agree_weeks_meters)
    _, nature = model()
    return PeopleView(
        calendar=Calendar(
            first=calendar.day(span.first + 7 * first), days=7 * (count - first), offset_h=calendar.offset_h
        ),
        rows=weeks.rows[:, first:count],
        peers=np.where(np.isfinite(common), common, nature.usual)[first:],
        measures=measures(weeks.rows[:, :count], common, nature, latest),
    )


@cache
def model(version: str = VERSION) -> tuple[Model, Nature]:
    """The weights of a version.

    Raises
    ------
    ModelRefused
        The file does not fit these fields, measures and words.
    """
    text = files("anomaly").joinpath("models", f"{version}.json").read_text(encoding="utf-8")
    return from_json(json.loads(text))


def from_json(found: Mapping[str, Any]) -> tuple[Model, Nature]:
    """A model out of its file.

    Raises
    ------
    ModelRefused
        The file does not fit these fields, measures and words.
    """
    if found["fields"] != list(FIELDS) or found["measures"] != list(MEASURES):
        raise ModelRefused(f"{found['version']} was fitted to other fields or measures: fit it anew")
    if set(ITEMS) - set(people_words.ITEMS):
        raise ModelRefused(
            "there are no words for " + ", ".join(sorted(set(ITEMS) - set(people_words.ITEMS)))
        )
    nature = found["nature"]
    return (
        Model(
            version=found["version"],
            kinds=tuple(found["kinds"]),
            door=_weights(found["door"]),
            meters=_weights(found["meters"]),
            door_known=PLACE["foreign_3"],
        ),
        Nature(
            power={int(weeks): np.array(rows) for weeks, rows in nature["power"].items()},
            water={int(weeks): np.array(rows) for weeks, rows in nature["water"].items()},
            usual=np.array(nature["usual"]),
        ),
    )


def as_json(
    version: str, door: Weights, meters: Weights, nature: Nature, trained: Mapping[str, Any]
) -> dict[str, Any]:
    """The file of a model: numbers rounded, so that it does not change with the last digit."""
    return {
        "version": version,
        "trained": dict(trained),
        "kinds": list(people.KINDS),
        "fields": list(FIELDS),
        "measures": list(MEASURES),
        "door": _written(door),
        "meters": _written(meters),
        "nature": {
            "power": {str(weeks): _rounded(rows) for weeks, rows in nature.power.items()},
            "water": {str(weeks): _rounded(rows) for weeks, rows in nature.water.items()},
            "usual": _rounded(nature.usual),
        },
    }


def _weights(found: Mapping[str, Any]) -> Weights:
    curves: dict[str, Sequence[Curve]] = {
        item: [
            Curve(place=PLACE[name], knots=np.array(curve["knots"]), values=np.array(curve["values"]))
            for name, curve in found["curves"].items()
            if name in members
        ]
        for item, members in ITEMS.items()
    }
    return Weights(
        prior=np.array(found["prior"]), curves=curves, slope=found["slope"], offset=found["offset"]
    )


def _written(weights: Weights) -> dict[str, Any]:
    return {
        "prior": _rounded(weights.prior),
        "slope": round(weights.slope, 4),
        "offset": round(weights.offset, 4),
        "curves": {
            MEASURES[curve.place]: {"knots": _rounded(curve.knots), "values": _rounded(curve.values)}
            for curves in weights.curves.values()
            for curve in curves
        },
    }


def _rounded(values: np.ndarray) -> Any:
    return np.round(values, 4).tolist()
