"""Packs of the back-test, made once and kept, and what a whole pack showed as one window.

To look at a pack from a notebook or a script::

    from tests.backtest.packs import feed_of, made, window_of
    window, codes = window_of(made(1))

The window holds all homes and days of the pack, happenings included; row `n` is the home `codes[n]`. Both
the pack and the arrays are kept in memory under /dev/shm/packs, or under ANJU_PACKS.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import fields
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

import policy
from anomaly.feed import Feed
from anomaly.feed_tables import read_steps, read_units
from anomaly.feed_walk import evening
from anomaly.sweep import reach_days
from anomaly.window import Calendar, Doors, Happenings, Homes, Leases, Metered, Residents, Spans, Window
from policy.book import Policy, PolicyBook

#: The reference data beside the project.
SHARED = Path(__file__).resolve().parents[3] / "shared"
#: The example city: national values.
CITY = "anhe"
_PARTS = (Metered, Metered, Doors, Happenings, Spans, Spans, Leases, Residents, Homes)
_NAMES = ("energy", "water", "doors", "happenings", "lock_heard", "absences", "leases", "residents", "homes")


def folder() -> Path:
    """Where packs are kept."""
    memory = Path("/dev/shm")
    at = Path(tempfile.gettempdir()) if not memory.is_dir() else memory
    return Path(os.environ.get("ANJU_PACKS") or at / "packs")


def made(seed: int, units: int = 300) -> Path:
    """The pack of a seed, made if it is not there."""
    pack = folder() / (str(seed) if units == 300 else f"{seed}-{units}")
    if not (pack / "truth" / "truth.parquet").is_file():
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder()) as half:
            script = SHARED / "backtest" / "make_pack.py"
            asked = (
                "--data",
                SHARED / "data",
                "--out",
                Path(half) / "pack",
                "--seed",
                seed,
                "--units",
                units,
            )
            command = [sys.executable, "-B", str(script), *map(str, asked)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (Path(half) / "pack").replace(pack)
    return pack


def book() -> PolicyBook:
    """The rules that the back-test judges by."""
    return policy.load(CITY)


def local_days(pack: Path) -> tuple[ZoneInfo, date, date]:
    """The zone of a pack, and its first and last local day."""
    meta = json.loads((pack / "meta.json").read_text(encoding="utf-8"))
    zone = ZoneInfo(meta["time_zone"])
    first, end = (datetime.fromisoformat(meta[name]).astimezone(zone) for name in ("from", "to"))
    return zone, first.date(), (end - timedelta(microseconds=1)).date()


def feed_of(pack: Path, *, by_evening: bool = True) -> Feed:
    """All that a pack brought, taken at once.

    Parameters
    ----------
    by_evening : bool
        Each hour as it was first known on an evening; False: as all readings together tell it.
    """
    zone, first, last = local_days(pack)
    policy_now = book().on(last)
    feed = Feed(city=CITY, zone=zone, units=read_units(pack / "units.parquet"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if not by_evening:
        days = [last + timedelta(days=365)]
    feed.take(
        read_steps([pack], policy_now.ingest),
        rules=policy_now.ingest,
        covered_min=policy_now.signs.covered_min,
        evenings=[evening(day, zone) for day in days],
    )
    return feed


def window_of(pack: Path) -> tuple[Window, tuple[str, ...]]:
    """A whole pack as one window, and the codes of its homes; kept beside the pack, until the code changes.

    The days begin so long before the pack as a sweep of its first evening looks back.
    """
    kept = pack / f"window-{_version()}.npz"
    if not kept.is_file():
        _keep(feed_of(pack), pack, kept)
    with np.load(kept) as arrays:
        first, days, offset_h = (int(arrays[name]) for name in ("first", "days", "offset_h"))
        parts = {
            name: part(**{one.name: arrays[f"{name}.{one.name}"] for one in fields(part)})
            for name, part in zip(_NAMES, _PARTS, strict=True)
        }
        codes = tuple(arrays["codes"].tolist())
    calendar = Calendar(first=date.fromordinal(first), days=days, offset_h=offset_h)
    return Window(calendar=calendar, unit_ids=tuple(range(1, len(codes) + 1)), **parts), codes  # pyright: ignore


def _keep(feed: Feed, pack: Path, kept: Path) -> None:
    _, first, last = local_days(pack)
    window = whole(feed, first, last, book().on(last))
    calendar = window.calendar
    half = kept.with_name("half-" + kept.name)
    np.savez(
        half,
        codes=np.array([unit.code for unit in feed.units]),
        first=calendar.first.toordinal(),
        days=calendar.days,
        offset_h=calendar.offset_h,
        **{
            f"{name}.{one.name}": getattr(getattr(window, name), one.name)
            for name, part in zip(_NAMES, _PARTS, strict=True)
            for one in fields(part)
        },
    )
    for old in pack.glob("window-*.npz"):
        old.unlink()
    half.replace(kept)


def whole(feed: Feed, first: date, last: date, rules: Policy) -> Window:
    """All homes of a feed, from as far back as a sweep of the first day looks."""
    before = first - timedelta(days=reach_days(rules))
    end = evening(last, feed.zone)
    return feed.window(
        feed.everybody(),
        first=before,
        last=last,
        now=end,
        covered_min=rules.signs.covered_min,
        told_since=before,
    )


def _version() -> str:
    """Changes with the code that makes windows."""
    import hashlib  # noqa: PLC0415

    root = Path(__file__).resolve().parents[2]
    files = sorted([*root.glob("anomaly/feed*.py"), root / "anomaly/window.py", *root.glob("usage/*.py")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
