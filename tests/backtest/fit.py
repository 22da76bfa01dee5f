"""Fit the weights of `anomaly/models/people-1.json` anew: `python -m tests.backtest.fit --date 2026-11-24`.

Packs of seeds 1 to 9 are made (or found, see `tests.backtest.packs`), their weeks are derived by the code
that runs in production, and the weights are fitted to what the packs say is true. Seeds 11 to 19 are for
comparing and never come in here. The slope and offset that make a probability of a score come from leads of
homes that the weights were not fitted on: five parts, no household in two of them.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from anomaly import people, weeks
from anomaly.detectors.people import KINDS
from anomaly.detectors.people_model import Weights, any_of
from anomaly.ledger import Ledger
from anomaly.measures import DOOR, MEASURES, PLACE, Nature, measures, moved, shapes
from anomaly.window import NEVER, Metered, Window
from tests.backtest import packs
from tests.backtest.fitting import Labelled, calibrated, fit

SEEDS, UNITS = tuple(range(1, 10)), 600
MODELS = Path(people.__file__).parent / "models"
#: The first weeks have too little of a past; weeks right after a change, and after its end, teach nothing.
FIRST_WEEK, SETTLE_DAYS, AFTER_DAYS = 9, 14, 70
#: Of the weeks of nothing every fourth is enough.
EVERY = 4
PARTS = 5
#: What arrived later than this was not there when the week was looked at.
LATE_H = 72
#: Log odds at whose first crossing a week teaches the probability: leads are raised when a bar is passed.
BARS = np.arange(-2, 3.01, 0.25)
#: A home is asked about again after so many weeks.
AGAIN = 9


#: What the back-test judges by: the probability is learned of what is shown.
RULES = packs.book().on(date(2025, 12, 31)).people


@dataclass(frozen=True, kw_only=True)
class Pack:
    """The weeks of one pack, and what is true of them."""

    seed: int
    #: (units, weeks, fields)
    rows: np.ndarray
    #: (units, weeks): 0 nothing, from 1 on a kind, -1 teaches nothing.
    outcome: np.ndarray
    #: (units, weeks): something is there that a visit would find.
    found: np.ndarray
    #: (units,): the household whose meter it is.
    household: np.ndarray
    digest: str


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), choices=SEEDS)
    parser.add_argument("--units", type=int, default=UNITS)
    parser.add_argument("--out", type=Path, default=MODELS / f"{people.VERSION}.json")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="named in the file")
    parser.add_argument("--outside", type=Path, help="log odds of weeks whose households taught nothing")
    asked = parser.parse_args(arguments)
    found = [_pack(seed, asked.units) for seed in asked.seeds]
    nature = natural(found)
    taught = Taught.of(found, nature)
    outside = out_of_part(taught)
    if asked.outside:
        np.savez(asked.outside, log_odds=outside, outcome=taught.outcome, door=taught.door, home=taught.home)
    door, meters = weights(taught, outside)
    trained = {
        "packs": [{"seed": one.seed, "units": len(one.rows), "sha256": one.digest} for one in found],
        "made_on": asked.date.isoformat(),
        "weeks": int((taught.outcome >= 0).sum()),
        "weeks_by_kind": {kind: int((taught.outcome == n).sum()) for n, kind in enumerate(KINDS, start=1)},
    }
    written = people.as_json(people.VERSION, door, meters, nature, trained)
    asked.out.write_text(json.dumps(written, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"wrote {asked.out}: {len(taught.outcome)} weeks, slopes {door.slope:.2f} {meters.slope:.2f}")
    return 0


@dataclass(frozen=True, kw_only=True)
class Taught:
    """All weeks of all packs, one after the other."""

    measures: np.ndarray
    outcome: np.ndarray
    found: np.ndarray
    door: np.ndarray
    #: Which of the parts that no household is split over.
    part: np.ndarray
    #: Number of the home, and of the week in it.
    home: np.ndarray
    week: np.ndarray

    @classmethod
    def of(cls, found: Sequence[Pack], nature: Nature) -> "Taught":
        """Weeks from the first that has a past."""
        tables = [measures(one.rows, weeks.peers(one.rows), nature)[:, FIRST_WEEK:] for one in found]
        table = np.concatenate(tables)
        homes, count = table.shape[:2]
        flat = table.reshape(homes * count, -1)
        household = np.concatenate([one.household for one in found])
        names, number = np.unique(household, return_inverse=True)
        part = np.random.default_rng(0).permutation(names.size)[number] % PARTS
        return cls(
            measures=flat,
            outcome=np.concatenate([one.outcome[:, FIRST_WEEK:] for one in found]).reshape(-1),
            found=np.concatenate([one.found[:, FIRST_WEEK:] for one in found]).reshape(-1),
            door=np.isfinite(flat[:, PLACE["foreign_3"]]),
            part=np.repeat(part, count),
            home=np.repeat(np.arange(homes), count),
            week=np.tile(np.arange(count), homes),
        )

    def rows(self, which: np.ndarray) -> Labelled:
        """What is learned from, among some weeks."""
        thin = (self.outcome > 0) | ((self.outcome == 0) & ((self.week + self.home) % EVERY == 0))
        chosen = which & thin
        outcome = self.outcome[chosen]
        return Labelled(
            measures=self.measures[chosen], outcome=outcome, count=np.where(outcome == 0, EVERY, 1.0)
        )


def weights(taught: Taught, outside: np.ndarray) -> tuple[Weights, Weights]:
    """The weights of homes with a door and without, with the curve that makes probabilities of them."""
    result: list[Weights] = []
    for door in (True, False):
        found = fit(taught.rows(taught.door if door else np.ones_like(taught.door)), names(door), len(KINDS))
        score, right = leads(taught, outside, door)
        slope, offset = calibrated(score, right)
        result.append(replace(found, slope=slope, offset=offset))
    return result[0], result[1]


def names(door: bool) -> tuple[str, ...]:
    """The measures that count where the door is heard, or where it is not."""
    return MEASURES if door else tuple(name for name in MEASURES if name not in DOOR)


def out_of_part(taught: Taught) -> np.ndarray:
    """Log odds of every week by weights that did not see its household; (weeks, kinds)."""
    result = np.zeros((len(taught.outcome), len(KINDS)))
    for part in range(PARTS):
        for door in (True, False):
            inside = (taught.part != part) & (taught.door if door else True)
            found = fit(taught.rows(inside), names(door), len(KINDS))
            here = (taught.part == part) & (taught.door == door)
            result[here] = found.prior + found.parts(taught.measures[here], RULES.item_cap).sum(axis=1)
    return result


def leads(taught: Taught, log_odds: np.ndarray, door: bool) -> tuple[np.ndarray, np.ndarray]:
    """The leads of all homes, whatever the bar: their log odds, and whether something was there."""
    count = int(taught.week.max()) + 1
    back = RULES.agree_weeks if door else RULES.agree_weeks_meters
    table = log_odds.reshape(-1, count, len(KINDS))
    agreed = np.stack([table[:, max(w - back + 1, 0) : w + 1].mean(axis=1) for w in range(count)], axis=1)
    score = any_of(agreed)
    heard, found = taught.door.reshape(-1, count), taught.found.reshape(-1, count)
    kept: set[tuple[int, int]] = set()
    for bar in BARS:
        above = (score >= bar) & (heard == door)
        for home in np.flatnonzero(above.any(axis=1)):
            last = -AGAIN
            for week in np.flatnonzero(above[home]):
                if week - last >= AGAIN:
                    kept.add((int(home), int(week)))
                    last = int(week)
    at = np.array(sorted(kept), dtype=int).reshape(-1, 2)
    return agreed[at[:, 0], at[:, 1]], found[at[:, 0], at[:, 1]]


def natural(found: Sequence[Pack]) -> Nature:
    """How far recent weeks lie from the past in all weeks, the widest tenth left out."""
    own = [shapes(one.rows, weeks.peers(one.rows)) for one in found]
    common = np.concatenate([weeks.peers(one.rows) for one in found])
    return Nature(
        power={recent: _inverse([moved(power, recent) for power, _ in own]) for recent in (3, 6)},
        water={recent: _inverse([moved(water, recent) for _, water in own]) for recent in (3, 6)},
        usual=np.nanmean(common, axis=0),
    )


def _inverse(parts: Sequence[np.ndarray]) -> np.ndarray:
    rows = np.concatenate([part.reshape(-1, part.shape[2]) for part in parts])
    rows = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)
    size = np.abs(rows / rows.std(axis=0)).max(axis=1)
    rows = rows[size <= np.quantile(size, 0.9)]
    return np.linalg.inv(np.cov(rows.T) + 1e-4 * np.eye(rows.shape[1]))


def _pack(seed: int, units: int) -> Pack:
    folder = packs.made(seed, units)
    window, codes = packs.window_of(folder)
    rows, ends = weeks_of(window)
    lineage = pd.read_parquet(folder / "truth" / "lineage.parquet").set_index("unit_id")
    outcome, found = _truth(folder, window, codes, ends)
    files = [folder / f"{name}.parquet" for name in ("units", "readings", "events", "residents", "absences")]
    digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files))
    return Pack(
        seed=seed,
        rows=rows,
        outcome=outcome,
        found=found,
        household=lineage["elec_household"].reindex(list(codes)).to_numpy(),
        digest=digest.hexdigest(),
    )


def weeks_of(window: Window) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a pack's whole weeks, without what came late; and the day after each week."""
    book = packs.book()
    at = np.arange(1, window.calendar.hours + 1)

    def in_time(of: Metered) -> Metered:
        late = of.arrived - at > LATE_H
        return replace(of, arrived=np.where(late, NEVER, of.arrived).astype(np.int32))

    window = replace(window, energy=in_time(window.energy), water=in_time(window.water))
    last = window.calendar.days - 1
    ledger = Ledger(window, book.on(window.calendar.day(last)).signs)
    ledger.advance(window.calendar.hours + LATE_H)
    found = weeks.Weeks(window)
    found.advance(ledger, last)
    ends = np.array([found.span.end(week) for week in range(found.span.count)])
    seen = np.isfinite(found.rows[:, :, 0]).any(axis=0)
    first = int(seen.argmax())
    return found.rows[:, first:], ends[first:]


def _truth(
    folder: Path, window: Window, codes: Sequence[str], ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    outcome = np.zeros((len(codes), ends.size), dtype=int)
    found = np.zeros((len(codes), ends.size), dtype=bool)
    place = {code: n for n, code in enumerate(codes)}
    for code, kind, start, end in _episodes(folder, window):
        unit = place[code]
        outcome[unit, (ends > start) & (ends < end + AFTER_DAYS)] = -1
        found[unit, (ends >= start) & (ends <= end + 30)] = True
        if kind in KINDS:
            outcome[unit, (ends >= start + SETTLE_DAYS) & (ends <= end)] = 1 + KINDS.index(kind)
    return outcome, found


def _episodes(folder: Path, window: Window) -> Iterator[tuple[str, str, float, float]]:
    """Code, kind, first day and day after the last, of what a visit would find."""
    truth = pd.read_parquet(folder / "truth" / "truth.parquet")
    truth = truth[(truth["label"] == "positive") & truth["kind"].isin([*KINDS, "vacancy"])]
    starts, ends = (
        [window.calendar.hour(moment) / 24 for moment in pd.DatetimeIndex(truth[name]).to_pydatetime()]
        for name in ("start", "end")
    )
    yield from zip(truth["unit_id"], truth["kind"], starts, ends, strict=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
