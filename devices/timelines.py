"""Where one channel of one device was over time, and how one belief differs from another. Pure.

A timeline is the installations of one channel of one device, in order of time, which do not overlap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from devices.installations import Installation
from devices.marks import Stretch

#: Device and channel.
Point = tuple[int, int]
#: Timelines by device and channel.
Timelines = Mapping[Point, Sequence[Installation]]

FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A home or an entrance."""

    #: Exactly one of the two.
    unit_id: int | None = None
    entrance: str | None = None


def place_of(row: Installation) -> Place:
    """Where an installation is."""
    return Place(unit_id=row.unit_id, entrance=row.entrance)


def by_point(rows: Iterable[Installation]) -> dict[Point, list[Installation]]:
    """Timelines of some installations."""
    found: dict[Point, list[Installation]] = {}
    for row in sorted(rows, key=lambda one: one.key):
        found.setdefault((row.device_id, row.channel), []).append(row)
    return found


def in_force(timeline: Sequence[Installation], at: datetime) -> Installation | None:
    """The installation at a moment."""
    return next((row for row in timeline if row.valid_from <= at < ends(row)), None)


def ends(row: Installation) -> datetime:
    """The end of an installation, however far."""
    return row.valid_to or FAR


def cut(timeline: Sequence[Installation], since: datetime, until: datetime | None) -> list[Installation]:
    """Take a period out of a timeline."""
    to = until or FAR
    kept: list[Installation] = []
    for row in timeline:
        if ends(row) <= since or row.valid_from >= to:
            kept.append(row)
            continue
        if row.valid_from < since:
            kept.append(replace(row, valid_to=since))
        if ends(row) > to:
            kept.append(replace(row, valid_from=to))
    return kept


def put(timeline: Sequence[Installation], piece: Installation) -> list[Installation]:
    """Lay a piece over a timeline; it becomes one with neighbours that say the same."""
    rows = [*cut(timeline, piece.valid_from, piece.valid_to), piece]
    rows.sort(key=lambda row: row.valid_from)
    joined: list[Installation] = []
    for row in rows:
        last = joined[-1] if joined else None
        touches = last is not None and last.valid_to == row.valid_from and piece in (last, row)
        if last is not None and touches and _says(last) == _says(row):
            merged = replace(last, valid_to=row.valid_to)
            piece = merged if piece in (last, row) else piece
            joined[-1] = merged
        else:
            joined.append(row)
    return joined


def differences(before: Iterable[Installation], after: Iterable[Installation]) -> list[Stretch]:
    """What homes gained or lost: each stretch of a channel that is at a home under one belief only.

    Returns
    -------
    list of Stretch
        A home that keeps a channel under another multiplier has both gained and lost it: it stands once.
    """
    old, new = by_point(before), by_point(after)
    found: set[Stretch] = set()
    for point in old.keys() | new.keys():
        mine, other = old.get(point, []), new.get(point, [])
        edges = sorted({edge for row in (*mine, *other) for edge in (row.valid_from, ends(row))})
        for since, until in pairwise(edges):
            was, now = in_force(mine, since), in_force(other, since)
            if (was and _says(was)) == (now and _says(now)):
                continue
            found |= {
                Stretch(row.unit_id, *point, since, None if until == FAR else until)
                for row in (was, now)
                if row is not None and row.unit_id is not None
            }
    return sorted(found, key=lambda one: (one.unit_id, one.device_id, one.channel, one.valid_from))


def _says(row: Installation) -> tuple[Place, float]:
    return place_of(row), row.multiplier
