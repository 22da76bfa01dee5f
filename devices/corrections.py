"""Backward corrections: what was believed of a device's place was wrong. Plans only."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from devices import bindings, changes, links, listing
from devices.acts import REASONS, Correct, Exchange, Undo
from devices.bindings import Plan
from devices.errors import NotInstalled, SeveralPlaces, UndoRefused, UnknownReason
from devices.installations import Installation
from devices.listing import Estates, Listed
from devices.timelines import FAR, Place, by_point, cut, ends, in_force, place_of, put
from storage.pool import Connection
from wire.channels import BY_NAME, EVENTS

#: How people call the channel of a device's events.
EVENTS_NAME = "events"


def correct(connection: Connection, wanted: Correct, device: Listed) -> Plan:
    """Plan a correction of one device.

    Raises
    ------
    NotInstalled, UnknownReason
    """
    _check_reason(wanted.reason)
    before = bindings.of_devices(connection, [device.id])
    timelines = by_point(before)
    chosen = _codes(wanted.channels)
    after: list[Installation] = []
    found = False
    for point, timeline in timelines.items():
        row = _corrected(timeline, wanted.since, wanted.until)
        if row is None or (chosen is not None and point[1] not in chosen):
            after += timeline
            continue
        found = True
        piece = replace(
            row,
            unit_id=wanted.place.unit_id,
            entrance=wanted.place.entrance,
            valid_from=wanted.since,
            valid_to=wanted.until or row.valid_to,
        )
        after += put(timeline, piece)
    if not found:
        raise NotInstalled(f"{device.code} is not installed anywhere in that period")
    return Plan(devices={device.id: device.code}, before=before, after=tuple(after))


def exchange(connection: Connection, wanted: Exchange, one: Listed, other: Listed, now: datetime) -> Plan:
    """Plan that two devices change places over a period, on the channels that both have.

    Raises
    ------
    NotInstalled, SeveralPlaces, UnknownReason
    """
    _check_reason(wanted.reason)
    before = bindings.of_devices(connection, [one.id, other.id])
    timelines = by_point(before)
    chosen = _codes(wanted.channels)
    shared = {
        channel
        for device_id, channel in timelines
        if device_id == one.id and (other.id, channel) in timelines and (chosen is None or channel in chosen)
    }
    since = wanted.since or _beginning(timelines, shared, (one.id, other.id), now)
    after = [row for row in before if row.channel not in shared]
    found = False
    for channel in shared:
        mine, theirs = timelines[one.id, channel], timelines[other.id, channel]
        here, there = _sole(mine, since, wanted.until), _sole(theirs, since, wanted.until)
        found |= here is not None and there is not None
        after += _carried(mine, there, since, wanted.until)
        after += _carried(theirs, here, since, wanted.until)
    if not found:
        raise NotInstalled(f"{one.code} and {other.code} share no channel on which both hang in that period")
    return Plan(devices={one.id: one.code, other.id: other.code}, before=before, after=tuple(after))


def undo(connection: Connection, wanted: Undo, *, now: datetime, estates: Estates) -> Plan:
    """Plan that everything stands again as it stood before an act.

    Raises
    ------
    UndoRefused
        Too long ago, undone already, or something was changed since.
    """
    act = changes.change(connection, wanted.change_id)
    if act is None:
        raise UndoRefused(f"no such act: {wanted.change_id}")
    if act.undone_by is not None:
        raise UndoRefused(f"act {act.id} was undone already, by act {act.undone_by}")
    if act.act == "undo":
        raise UndoRefused(f"act {act.id} is itself an undo: do again what it took back")
    if act.act != "correct" and now - act.at > wanted.within:
        hours = wanted.within.total_seconds() / 3600
        raise UndoRefused(f"act {act.id} is more than {hours:g} hours ago: correct where it was instead")
    concerned = changes.concerned(connection, act.id)
    was, became = (links.believed(connection, act.id, after=after) for after in (False, True))
    linked = [one.device_id for one in became]
    since_changed = f"something was changed since act {act.id}"
    if links.of_devices(connection, linked) != became:
        raise UndoRefused(since_changed)
    ids = list(concerned)
    # Where a device was meanwhile installed, a profile taken back would change what its home rests on.
    profiled = {old.device_id for old, new in zip(was, became, strict=True) if old.profile != new.profile}
    before = bindings.of_devices(connection, [*{*ids, *profiled}])
    if set(before) != set(changes.believed(connection, act.id, after=True)):
        raise UndoRefused(since_changed)
    retired = bindings.retired_among(connection, ids)
    codes = listing.codes(connection, [*ids, *linked], estates=estates)
    if codes.keys() != {*ids, *linked}:
        raise UndoRefused
    return Plan(
        devices=codes,
        before=before,
        after=changes.believed(connection, act.id, after=False),
        revives=tuple(one for one, did in concerned.items() if did and one in retired),
        retires=tuple(one for one, did in concerned.items() if did is False and one not in retired),
        links_before=became,
        links_after=was,
    )


def _check_reason(reason: str) -> None:
    if reason not in REASONS:
        raise UnknownReason


def _codes(channels: Sequence[str] | None) -> set[int] | None:
    if channels is None:
        return None
    return {EVENTS if name == EVENTS_NAME else BY_NAME[name].code for name in channels if _known(name)}


def _known(name: str) -> bool:
    if name != EVENTS_NAME and name not in BY_NAME:
        raise NotInstalled(f"no such channel: {name}")
    return True


def _corrected(
    timeline: Sequence[Installation], since: datetime, until: datetime | None
) -> Installation | None:
    """The installation that a correction from a moment on is about."""
    later = (row for row in timeline if since < row.valid_from and (until is None or row.valid_from < until))
    return in_force(timeline, since) or next(later, None)


def _beginning(
    timelines: dict[tuple[int, int], list[Installation]],
    channels: set[int],
    devices: tuple[int, int],
    now: datetime,
) -> datetime:
    """When what is believed now began, for the first of the two."""
    rows = [in_force(timelines[device, channel], now) for device in devices for channel in channels]
    starts = [row.valid_from for row in rows if row is not None]
    if not starts:
        raise NotInstalled
    return min(starts)


def _sole(timeline: Sequence[Installation], since: datetime, until: datetime | None) -> Place | None:
    """The one place of a period."""
    places = {place_of(row) for row in _within(timeline, since, until)}
    if len(places) > 1:
        raise SeveralPlaces
    return next(iter(places), None)


def _carried(
    timeline: Sequence[Installation], place: Place | None, since: datetime, until: datetime | None
) -> list[Installation]:
    """A timeline whose rows of a period lie at another place."""
    if place is None:
        return list(timeline)
    rows = cut(timeline, since, until)
    for row in _within(timeline, since, until):
        piece = replace(
            row,
            unit_id=place.unit_id,
            entrance=place.entrance,
            valid_from=max(row.valid_from, since),
            valid_to=_end(row, until),
        )
        rows = put(rows, piece)
    return rows


def _within(timeline: Sequence[Installation], since: datetime, until: datetime | None) -> list[Installation]:
    return [row for row in timeline if ends(row) > since and row.valid_from < (until or FAR)]


def _end(row: Installation, until: datetime | None) -> datetime | None:
    end = min(ends(row), until or FAR)
    return None if end == FAR else end
