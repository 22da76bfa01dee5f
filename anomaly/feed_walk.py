"""One step through a feed: what is new, the evenings it makes whole, and the leads that follow."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from anomaly import feed_state
from anomaly.episodes import Lead, Said, follow
from anomaly.errors import FeedRefused
from anomaly.feed import Feed
from anomaly.feed_state import State
from anomaly.feed_tables import STEP_TABLES, Arrived, read_steps, read_units
from anomaly.loading import FRESH
from anomaly.sweep import judged, reach_days
from policy.book import PolicyBook
from wire.instants import from_us, to_us

_DAY = timedelta(days=1)
#: Days of readings that are kept beyond the latest that may still come: more than `usage.reach` needs.
_BESIDE = timedelta(days=7)

Told = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a step found."""

    leads: Sequence[Lead]
    new: int
    homes: int
    evenings: int
    #: Why rows were left out → how many.
    left_out: Counter[str] = field(default_factory=Counter)
    #: Homes of which something came and that `units.parquet` does not have.
    unlisted: Sequence[str] = ()


def step(
    folder: Path,
    kept: Path,
    *,
    until: datetime,
    book: PolicyBook,
    zone: ZoneInfo,
    told: Told = lambda *_: None,
) -> Step:
    """Take in what is new in a folder, walk the evenings that are over by `until`, and keep the state.

    Repeating a step changes nothing. Rows of an evening that was walked already count from the next one on.

    Parameters
    ----------
    folder : Path
        `units.parquet`, and either the other tables (a pack) or one folder of them a step.
    kept : Path
        The state's folder; it need not be there.

    Raises
    ------
    FeedRefused
        The folder or the state cannot be used; nothing was changed.
    """
    units = read_units(folder / "units.parquet")
    before = feed_state.load(kept, city=book.city.code, zone=zone, units=units)
    names = _steps(folder)
    if before is not None:
        _check(before, until, names, folder, kept)
    policy = book.on((until.astimezone(zone) - _DAY).date())
    new_names = [name for name in names if before is None or name not in before.steps]
    arrived = read_steps([folder / name for name in new_names], policy.ingest)
    state = before or State(
        feed=Feed(city=book.city.code, zone=zone, units=units),
        until=until,
        first=None,
        last=None,
        steps=(),
        leads=(),
    )
    days = _days(state, arrived, until, reach_days(policy))
    feed = state.feed
    feed.take(
        arrived,
        rules=policy.ingest,
        covered_min=policy.signs.covered_min,
        evenings=[evening(day, zone) for day in days],
    )
    leads = follow(state.leads, walked(feed, book, days, told))
    last = days[-1] if days else state.last
    if last is not None:
        horizon = last - timedelta(days=reach_days(policy))
        feed.forget(
            readings_us=to_us(evening(last, zone) - policy.ingest.past_tolerance - _BESIDE),
            events_us=to_us(evening(horizon, zone) - FRESH - _BESIDE),
            first_day=(horizon - _BESIDE - date(1970, 1, 1)).days,
        )
    done = State(
        feed=feed,
        until=until,
        first=state.first or (days[0] if days else None),
        last=last,
        steps=(*state.steps, *new_names),
        leads=tuple(leads),
    )
    feed_state.save(kept, done)
    listed = {unit.code for unit in units}
    return Step(
        leads=leads,
        new=len(leads) - len(state.leads),
        homes=len(units),
        evenings=len(days),
        left_out=arrived.left_out,
        unlisted=sorted(set(feed.codes) - listed),
    )


def walked(feed: Feed, book: PolicyBook, days: Sequence[date], told: Told = lambda *_: None) -> list[Said]:
    """What the detectors say of all homes of a feed as of each of some days."""
    if not days:
        return []
    found: list[Said] = []
    done = 0
    for block in feed.blocks():
        for signal in judged(partial(feed.window, block), book, days, now=evening(days[-1], feed.zone)):
            code = feed.code(signal.unit_id)
            found.append(Said.of(signal, code, evening(signal.as_of, feed.zone)))
        done += len(block.unit_ids)
        told(done, len(feed.units))
    return found


def evening(day: date, zone: ZoneInfo) -> datetime:
    """The end of a local day."""
    return datetime.combine(day + _DAY, time.min, zone).astimezone(UTC)


def _steps(folder: Path) -> list[str]:
    """The folders of tables, by name; `.`: the tables lie beside the homes."""
    if (folder / "readings.parquet").is_file():
        return ["."]
    found = sorted(one.name for one in folder.iterdir() if one.is_dir())
    if not found:
        raise FeedRefused(f"{folder} has no folder with {', '.join(STEP_TABLES)}")
    return found


def _check(state: State, until: datetime, names: Sequence[str], folder: Path, kept: Path) -> None:
    if until < state.until:
        raise FeedRefused(f"{kept} stands at {state.until.isoformat()}, after --until {until.isoformat()}")
    gone = sorted(set(state.steps) - set(names))
    if gone:
        raise FeedRefused(f"{kept} is of another feed: it has read {gone[0]}, which {folder} does not have")


def _days(state: State, arrived: Arrived, until: datetime, most: int) -> list[date]:
    """The evenings that are over and were not walked; at first from the day on which the first reading or
    event came."""
    zone = state.feed.zone
    last = (until.astimezone(zone) - _DAY).date()
    if state.last is not None:
        first = state.last + _DAY
    else:
        came = [part.received_us for part in arrived.readings] + [part.time_us for part in arrived.events]
        came.append(state.feed.readings.received_us)
        firsts = [int(np.min(times)) for times in came if times.size]
        if not firsts:
            return []
        first = max(from_us(min(firsts)).astimezone(zone).date(), last - timedelta(days=most))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
