"""A small feed: four homes for eleven weeks, written as tables in folders, whole or in steps."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = 77
#: Local midnight of the first day.
START = datetime(2025, 2, 28, 16, tzinfo=UTC)
FIRST = date(2025, 3, 1)
ARRIVES = {"readings": "received_at", "events": "ts", "absences": "registered_at", "residents": "start"}
_TIME = pa.timestamp("ms", "UTC")
_EMPTY = 2  # this home stands empty after two weeks
_FLOWS = 1  # in this one water never stops from day 40 to 50

Tables = dict[str, pa.Table]


def end_of(day: int) -> datetime:
    """The end of a local day, counted from the first."""
    return START + timedelta(days=day + 1)


def tables(*, shift: timedelta = timedelta(0)) -> Tables:
    """All rows; the same each time, `shift` later."""
    rng = np.random.default_rng(5)
    start_ms = int((START + shift).timestamp() * 1000)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("unit", "channel", "ts", "late", "value")}
    for unit in range(4):
        half_hours = np.arange(DAYS * 48)
        lived = (half_hours < 14 * 48) if unit == _EMPTY else np.ones(half_hours.size, bool)
        evening = (half_hours % 48 >= 36) & (half_hours % 48 < 46)
        power = (
            0.05
            + rng.random(half_hours.size) * 0.005
            + lived * (rng.random(half_hours.size) * 0.1 + evening * 0.6)
        )
        _add(columns, unit, "energy_kwh", half_hours * 30 * 60_000, np.round(power, 3), rng)
        hours = np.arange(DAYS * 24 + 1)
        living = (hours < 14 * 24) if unit == _EMPTY else np.ones(hours.size, bool)
        use = living * (rng.random(hours.size) < 0.4) * (hours % 24 >= 6) * rng.integers(1, 60, hours.size)
        use = use + ((unit == _FLOWS) & (hours >= 40 * 24) & (hours < 50 * 24)) * 12.0
        minute = 7 + 11 * unit
        _add(columns, unit, "water_l", (hours * 60 + minute) * 60_000, 1000 + np.cumsum(use), rng)
    flat = {name: np.concatenate(parts) for name, parts in columns.items()}
    homes = np.array([f"h-{n}" for n in range(4)])
    return {
        "units": _units(),
        "readings": pa.table(
            {
                "unit_id": homes[flat["unit"]],
                "channel": np.array(["energy_kwh", "water_l"])[flat["channel"]],
                "ts": pa.array(start_ms + flat["ts"]).cast(_TIME),
                "received_at": pa.array(start_ms + flat["ts"] + flat["late"]).cast(_TIME),
                "value": flat["value"],
            }
        ),
        "events": _events(start_ms, homes),
        "absences": pa.table(
            {
                "unit_id": ["h-3"],
                **{
                    name: pa.array([start_ms + day * 86_400_000]).cast(_TIME)
                    for name, day in (("registered_at", 20), ("start", 22), ("end", 30))
                },
                "reason": ["travel"],
            }
        ),
        "residents": pa.table(
            {
                "unit_id": list(homes),
                "subject": [f"p-{n}" for n in range(4)],
                "relation": ["tenant"] * 4,
                "start": pa.array([start_ms - 86_400_000] * 4).cast(_TIME),
                "end": pa.array([start_ms + 3650 * 86_400_000] * 4).cast(_TIME),
            }
        ),
    }


def _add(
    columns: dict[str, list[np.ndarray]],
    unit: int,
    channel: str,
    at: np.ndarray,
    value: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Readings of a series: some are missing, some come days later, some hours late and in another order."""
    late = rng.integers(1_000, 3 * 3_600_000, at.size)
    days_later = rng.random(at.size) < 0.004
    late[days_later] += 86_400_000 * rng.integers(1, 9, int(days_later.sum()))
    there = rng.random(at.size) < 0.995
    of = {"unit": np.full(at.size, unit), "channel": np.full(at.size, int(channel == "water_l"))}
    for name, column in (of | {"ts": at, "late": late, "value": value}).items():
        columns[name].append(column[there])


def _units() -> pa.Table:
    return pa.table(
        {
            "unit_id": [f"h-{n}" for n in range(4)],
            "estate": ["e-1"] * 4,
            "floor_area_m2": [40, 50, 60, 70],
            "registered_occupants": [1] * 4,
            "lease_start": pa.array([date(2023, 1, 1)] * 4),
            "lease_end": pa.array([date(2028, 1, 1)] * 4),
            "elder_alone": [False] * 4,
            "has_lock": [True] * 4,
            "contract_kw": [8.0] * 4,
        }
    )


def _events(start_ms: int, homes: np.ndarray) -> pa.Table:
    rng = np.random.default_rng(6)
    rows = [
        (unit, day * 86_400_000 + int(rng.integers(17 * 3600, 20 * 3600)) * 1000)
        for unit in range(4)
        for day in range(DAYS)
        if unit != _EMPTY or day < 14
    ]
    unit, at = (np.array(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "unit_id": homes[unit],
            "ts": pa.array(start_ms + at).cast(_TIME),
            "type": ["entry"] * unit.size,
            "method": ["face"] * unit.size,
            "subject": np.where(rng.random(unit.size) < 0.9, np.char.add("p-", unit.astype(str)), "stranger"),
            "value": np.zeros(unit.size),
        }
    )


def write_whole(folder: Path, given: Tables) -> Path:
    """All tables beside each other, as a pack has them."""
    folder.mkdir(parents=True)
    for name, table in given.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def write_step(folder: Path, given: Tables, since: datetime, until: datetime) -> None:
    """What arrived after one moment and up to another, in a folder of its own."""
    step = folder / until.strftime("%Y%m%dT%H%M")
    step.mkdir(parents=True)
    if not (folder / "units.parquet").is_file():
        pq.write_table(given["units"], folder / "units.parquet")
    for name, stamp in ARRIVES.items():
        came = given[name][stamp]
        chosen = pc.and_(
            pc.greater(came, pa.scalar(since, _TIME)), pc.less_equal(came, pa.scalar(until, _TIME))
        )
        pq.write_table(given[name].filter(chosen), step / f"{name}.parquet")


def each(given: Tables, change: Callable[[pa.Table], pa.Table], names: Sequence[str]) -> Tables:
    """The same with some tables changed."""
    return given | {name: change(given[name]) for name in names}
