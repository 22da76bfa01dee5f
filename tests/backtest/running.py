"""The detectors over whole packs, in this process: one walk through all evenings, and what stages take."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from anomaly import export
from anomaly.episodes import Lead, follow
from anomaly.feed import Feed
from anomaly.feed_tables import read_steps, read_units
from anomaly.feed_walk import evening, walked
from tests.backtest.packs import CITY, book, local_days


@dataclass(kw_only=True)
class Stages:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What runs inside is of this stage."""
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


def leads_of(pack: Path, stages: Stages) -> list[Lead]:
    """All leads of a pack; the same as a replay step by step gives."""
    zone, first, last = local_days(pack)
    rules = book().on(last)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    with stages.stage("read the tables"):
        units = read_units(pack / "units.parquet")
        arrived = read_steps([pack], rules.ingest)
    with stages.stage("derive the hours"):
        feed = Feed(city=CITY, zone=zone, units=units)
        feed.take(
            arrived,
            rules=rules.ingest,
            covered_min=rules.signs.covered_min,
            evenings=[evening(day, zone) for day in days],
        )
    with stages.stage("windows and detectors"):
        said = walked(feed, book(), days)
    with stages.stage("leads"):
        return follow([], said)


def write(leads: Sequence[Lead], file: Path, kinds: Sequence[str]) -> None:
    """Leads of some kinds in the columns of the scorer."""
    rows = [lead for lead in leads if lead.kind in kinds]
    export.write(file, [(row.unit, row.kind, row.at, row.since, row.score, row.evidence) for row in rows])
