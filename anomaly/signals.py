"""The table `signal`: one detector's answer for one home as of the end of one local day."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from anomaly.findings import Finding
from storage.pool import Connection
from storage.queries import load

_SQL = load("anomaly", "signals.sql")


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A finding with whom, when and by what rules."""

    unit_id: int
    as_of: date
    at: datetime
    finding: Finding
    #: Name and version of the detector.
    detector: str
    #: Version of the policy.
    policy: str

    def moved(self, curve: Callable[[float], float]) -> "Signal":
        """The same with its score moved along a curve."""
        finding = dataclasses.replace(self.finding, score=curve(self.finding.score))
        return dataclasses.replace(self, finding=finding)


def replace(
    connection: Connection,
    signals: Iterable[Signal],
    *,
    unit_ids: Sequence[int],
    kinds: Sequence[str],
    first: date,
    last: date,
) -> int:
    """Write what a sweep of some homes and days found, and remove what it did not find again.

    Returns
    -------
    int
        How many were removed.
    """
    rows = list(signals)
    columns: dict[str, object] = {
        "unit_id": [row.unit_id for row in rows],
        "kind": [row.finding.kind for row in rows],
        "as_of": [row.as_of for row in rows],
        "at": [row.at for row in rows],
        "since": [row.finding.since for row in rows],
        "since_pm_days": [row.finding.since_pm_days for row in rows],
        "score": [row.finding.score for row in rows],
        "evidence": [_json([item.as_json() for item in row.finding.evidence]) for row in rows],
        "quality": [_json(row.finding.quality()) for row in rows],
        "detector": [row.detector for row in rows],
        "policy": [row.policy for row in rows],
    }
    removed = connection.execute(
        _SQL["remove_signals"],
        columns | {"unit_ids": list(unit_ids), "kinds": list(kinds), "first": first, "last": last},
    ).rowcount
    if rows:
        connection.execute(_SQL["upsert_signals"], columns)
    return removed


def first_evening(connection: Connection) -> date | None:
    """The earliest evening that anything was said of."""
    row = connection.execute(_SQL["first_evening"]).fetchone()
    return None if row is None else row[0]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
