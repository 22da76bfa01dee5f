"""Published households as they come in Parquet, on their own local wall clock.

Two schemas are read, those of the published copies (`data/README.md`): electricity with `household`,
`ts` (UTC, start of the half hour) and `kwh`; water with `household`, `ts` (UTC) and `reading_l`, the
register. A folder with other households in the same schemas may stand in for the sample.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anju.errors import AnjuError

ELECTRICITY_ZONE = "Europe/London"
WATER_ZONE = "Europe/Madrid"
DAY_S = 86_400
SLOTS = 48
_HALF_HOUR_S = 1_800
#: A shorter record has nothing to turn.
_SHORTEST_DAYS = 7


class DataUnusable(AnjuError):
    """The folder does not hold household data that the demo can use."""


@dataclass(frozen=True, kw_only=True)
class Electricity:
    """One household's half hours."""

    household: int
    #: First local day, counted from 1970-01-01.
    first_day: int
    #: (days, 48) energy of each local half hour; NaN where none was published.
    kwh: NDArray[np.float64]

    @property
    def daily_kwh(self) -> float:
        return float(np.nanmean(self.kwh)) * SLOTS

    @property
    def seen(self) -> float:
        """Share of half hours that were published."""
        return float(np.isfinite(self.kwh).mean())


@dataclass(frozen=True, kw_only=True)
class Water:
    """One household's register, as published: resets, swaps and back-jumps included."""

    household: int
    #: Local wall clock of each reading in seconds from 1970-01-01, strictly rising.
    wall_s: NDArray[np.int64]
    litres: NDArray[np.int64]

    @property
    def first_day(self) -> int:
        """First whole local day."""
        return int(-(-self.wall_s[0] // DAY_S))

    @property
    def last_day(self) -> int:
        """Last whole local day."""
        return int((self.wall_s[-1] + 3_600) // DAY_S) - 1

    @property
    def daily_l(self) -> float:
        used = np.clip(np.diff(self.litres), 0, 2_000).sum()
        return float(used) / max((self.wall_s[-1] - self.wall_s[0]) / DAY_S, 1)

    @property
    def seen(self) -> float:
        """Readings as a share of the hours between the first and the last."""
        return min(1.0, self.wall_s.size / max((self.wall_s[-1] - self.wall_s[0]) / 3_600, 1))


@dataclass(frozen=True, kw_only=True)
class Households:
    """All households of a folder, by number."""

    electricity: list[Electricity]
    water: list[Water]
    #: Self-reported people of the water households that said so.
    occupants: dict[int, int]


def read(folder: Path) -> Households:
    """Read the Parquet files of a folder; which is which is told by their columns.

    Raises
    ------
    DataUnusable
        No file, an unreadable one, or not both kinds.
    """
    electricity: list[Electricity] = []
    water: list[Water] = []
    occupants: dict[int, int] = {}
    kinds: set[str] = set()
    for file in sorted(folder.glob("*.parquet")):
        try:
            names = set(pq.read_schema(file).names)
            if {"household", "ts", "kwh"} <= names:
                kinds.add("electricity")
                electricity += _electricity(pq.read_table(file, columns=["household", "ts", "kwh"]))
            elif {"household", "ts", "reading_l"} <= names:
                kinds.add("water")
                water += _water(pq.read_table(file, columns=["household", "ts", "reading_l"]))
            elif {"household", "occupants"} <= names:
                survey = pq.read_table(file, columns=["household", "occupants"]).to_pylist()
                occupants |= {row["household"]: row["occupants"] for row in survey if row["occupants"]}
        except (pa.ArrowException, OSError) as error:
            raise DataUnusable(f"{file}: {error}") from error
    if len(kinds) < 2:
        raise DataUnusable(
            f"{folder}: needs one Parquet file with household, ts, kwh and one with household, ts, reading_l"
        )
    return Households(electricity=electricity, water=water, occupants=occupants)


def _electricity(table: pa.Table) -> Iterator[Electricity]:
    for household, part in _by_household(table):
        wall = _wall(part["ts"], ELECTRICITY_ZONE)
        first_day = int(wall.min() // DAY_S)
        days = int(wall.max() // DAY_S) - first_day + 1
        slot = (wall - first_day * DAY_S) // _HALF_HOUR_S
        total = np.zeros(days * SLOTS)
        seen = np.zeros(days * SLOTS, dtype=bool)
        # an hour that the clock passed twice holds the energy of both
        np.add.at(total, slot, part["kwh"].to_numpy().astype(np.float64))
        seen[slot] = True
        kwh = np.where(seen, total, np.nan).reshape(days, SLOTS)
        yield Electricity(household=household, first_day=first_day, kwh=kwh)


def _water(table: pa.Table) -> Iterator[Water]:
    for household, part in _by_household(table):
        wall = _wall(part["ts"], WATER_ZONE)
        # of an hour that the clock passed twice the second reading stays: the register covers both
        later = np.minimum.accumulate(wall[::-1])[::-1]
        kept = np.append(wall[:-1] < later[1:], True)
        litres = part["reading_l"].to_numpy().astype(np.int64)
        record = Water(household=household, wall_s=wall[kept], litres=litres[kept])
        if record.last_day - record.first_day >= _SHORTEST_DAYS:
            yield record


def _by_household(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    ordered = table.combine_chunks().sort_by([("household", "ascending"), ("ts", "ascending")])
    numbers = ordered["household"].to_numpy()
    edges = np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1, append=numbers[-1] + 1))
    for start, end in pairwise(edges.tolist()):
        yield int(numbers[start]), ordered.slice(start, end - start)


def _wall(stamps: pa.ChunkedArray, zone: str) -> NDArray[np.int64]:
    local = pc.call_function("local_timestamp", [stamps.cast(pa.timestamp("s", zone), safe=False)])
    return local.cast(pa.int64()).to_numpy()
