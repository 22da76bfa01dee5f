"""A device is put up, moved, or taken down. Plans only."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from devices import bindings, links, listing
from devices.acts import Commission, Move, Retire
from devices.bindings import Plan
from devices.errors import (
    AlreadyInstalled,
    FigureInvalid,
    HasChildren,
    NothingToInstall,
    NotInstalled,
    RecordedLater,
    UnknownProfile,
)
from devices.installations import Installation
from devices.listing import Listed
from devices.profiles import load_profiles
from devices.timelines import Place, by_point, cut, ends, in_force, place_of, put
from storage.pool import Connection
from wire.channels import BY_CODE, EVENTS

#: As many codes as a person reads at once.
_SAID = 5


def channels_of(profile: str) -> list[int]:
    """Every channel that a device of a profile has, its events among them.

    Raises
    ------
    UnknownProfile, NothingToInstall
    """
    found = load_profiles().get(profile)
    if found is None:
        raise UnknownProfile(f"no such profile: {profile}")
    codes = sorted(found.channel_codes) + ([EVENTS] if found.events else [])
    if not codes:
        raise NothingToInstall
    return codes


def commission(connection: Connection, wanted: Commission, device: Listed) -> Plan:
    """Plan that every channel of a device hangs at a place.

    Raises
    ------
    AlreadyInstalled, UnknownProfile, NothingToInstall, FigureInvalid
    """
    check_multiplier(wanted.multiplier)
    before = bindings.of_devices(connection, [device.id])
    points = [(device.id, channel) for channel in channels_of(device.profile)]
    return Plan(
        devices={device.id: device.code},
        before=before,
        after=installed(
            before,
            {point: (wanted.place, factor(point[1], wanted.multiplier)) for point in points},
            wanted.since,
        ),
    )


def move(connection: Connection, wanted: Move, device: Listed) -> Plan:
    """Plan that what hangs somewhere hangs elsewhere; what is recorded after that moment stays as it is.

    Raises
    ------
    NotInstalled, RecordedLater
    """
    before = bindings.of_devices(connection, [device.id])
    after: list[Installation] = []
    found = False
    for timeline in by_point(before).values():
        row = in_force(timeline, wanted.at)
        if row is None:
            after += timeline
            continue
        if row.valid_to is not None:
            raise RecordedLater(
                f"{device.code}: more is recorded after {wanted.at:%Y-%m-%d %H:%M} (UTC):"
                " say where it was and until when (anju devices correct)"
            )
        found = True
        piece = replace(
            row,
            unit_id=wanted.place.unit_id,
            entrance=wanted.place.entrance,
            valid_from=wanted.at,
        )
        after += put(timeline, piece)
    if not found:
        raise NotInstalled
    return Plan(devices={device.id: device.code}, before=before, after=tuple(after))


def retire(connection: Connection, wanted: Retire, device: Listed) -> Plan:
    """Plan that a device is taken down for good.

    Raises
    ------
    HasChildren
    """
    if device.active:
        _refuse_orphans(connection, device)
    before = bindings.of_devices(connection, [device.id])
    after = [row for timeline in by_point(before).values() for row in cut(timeline, wanted.at, None)]
    return Plan(
        devices={device.id: device.code},
        before=before,
        after=tuple(after),
        retires=(device.id,) if device.active else (),
    )


def _refuse_orphans(connection: Connection, device: Listed) -> None:
    """Nobody would listen to what a retired gateway says for its children."""
    behind = [one.device_id for one in links.children(connection, device.id)]
    left = set(behind) - bindings.retired_among(connection, behind)
    if left:
        codes = listing.codes(connection, sorted(left)[:_SAID])
        said = ", ".join(sorted(codes.values())) + (", …" if len(left) > _SAID else "")
        raise HasChildren(
            f"{device.code} still speaks for other devices ({len(left)}: {said}): replace it"
            " (anju devices replace-gateway), or give them another gateway or retire them first",
            children=len(left),
        )


def installed(
    before: Sequence[Installation],
    wanted: dict[tuple[int, int], tuple[Place, float]],
    since: datetime,
) -> tuple[Installation, ...]:
    """With these channels at their places from a moment on; a channel that is elsewhere then is refused."""
    timelines = by_point(before)
    for point, (place, multiplier) in wanted.items():
        timeline = timelines.get(point, [])
        if any(ends(row) > since and place_of(row) != place for row in timeline):
            raise AlreadyInstalled
        piece = Installation(
            device_id=point[0],
            channel=point[1],
            valid_from=since,
            unit_id=place.unit_id,
            entrance=place.entrance,
            multiplier=multiplier,
        )
        timelines[point] = put(timeline, piece)
    return tuple(row for timeline in timelines.values() for row in timeline)


def factor(channel: int, multiplier: float) -> float:
    """Registers are multiplied; gauges say what is, and events are no numbers."""
    return multiplier if is_metered(channel) else 1.0


def check_multiplier(multiplier: float) -> None:
    """Refuse what nothing can be multiplied by.

    Raises
    ------
    FigureInvalid
    """
    if not (math.isfinite(multiplier) and multiplier > 0):
        raise FigureInvalid(f"{multiplier:g} is no multiplier: it is a number above 0")


def is_metered(channel: int) -> bool:
    """Whether a channel counts."""
    return channel != EVENTS and BY_CODE[channel].metered
