"""Whether the water of a hazard still flows: between two sweeps it may have stopped."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from housing.kinds import FLOWS
from housing.leads import Lead
from policy.groups import Leak
from storage.pool import Connection
from usage import arrays
from wire.channels import BY_NAME

_HOUR = timedelta(hours=1)
_WATER = BY_NAME["water_l"].code
#: What stopped longer ago the sweep has long stopped to find.
_LOOK_BACK = timedelta(days=7)

Marked = TypeVar("Marked", bound=Lead)


def run_end(litres: npt.NDArray[np.floating], rules: Leak) -> tuple[int, bool]:
    """How many hours a run goes on, and whether it is known to have stopped.

    It ends with the first hour known to be without flow, or with a gap too long to be bridged: nobody knows
    what happened meanwhile.

    Parameters
    ----------
    litres : (hours,)
        From the first hour of the run on; NaN: unknown.
    """
    known = np.isfinite(litres)
    dry = np.flatnonzero(known & (litres < rules.flow_l))
    stop = int(dry[0]) if dry.size else litres.size
    unknown = np.concatenate(([0], np.cumsum(~known[:stop])))
    width = rules.bridge_hours + 1
    torn = np.flatnonzero(unknown[width:] - unknown[:-width] == width) if stop >= width else dry[:0]
    return (int(torn[0]), False) if torn.size else (stop, bool(dry.size))


def stopped(
    connection: Connection, since: Mapping[int, datetime], *, rules: Leak, now: datetime
) -> dict[int, datetime]:
    """When the flow of these homes stopped, by home; those where it is not known to have are not there.

    Parameters
    ----------
    since : mapping of int to datetime
        By home: when its flow began.
    """
    if not since:
        return {}
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = (end - _LOOK_BACK).replace(hour=0)
    found = arrays.load(
        connection, unit_ids=list(since), channel=_WATER, first=first.date(), last=(end - _HOUR).date()
    )
    count = int((end - first) / _HOUR)
    litres = np.where(found.covered_min > 0, found.amount, np.nan)[:, :count]
    ends: dict[int, datetime] = {}
    for (unit_id, began), hours in zip(since.items(), litres, strict=True):
        start = max(math.floor((began - first) / _HOUR), 0)
        length, over = run_end(hours[start:], rules)
        if over and length:
            ends[unit_id] = first + (start + length) * _HOUR
    return ends


def marked(
    connection: Connection, found: Sequence[Marked], *, rules: Mapping[str, Leak], now: datetime
) -> list[Marked]:
    """The same leads; of open hazards whose flow has stopped, with when it did.

    Parameters
    ----------
    rules : mapping of str to Leak
        By city.
    """
    ends: dict[int, datetime] = {}
    flowing = [one for one in found if one.kind in FLOWS and one.status == "open"]
    for city in {one.city for one in flowing}:
        since = {one.unit_id: one.since for one in flowing if one.city == city}
        ends |= stopped(connection, since, rules=rules[city], now=now)
    return ended(found, ends)


def ended(found: Sequence[Marked], ends: Mapping[int, datetime]) -> list[Marked]:
    """The same leads; of open hazards of these homes, with when their flow stopped."""
    return [
        replace(one, stopped_at=ends.get(one.unit_id)) if one.kind in FLOWS and one.status == "open" else one
        for one in found
    ]
