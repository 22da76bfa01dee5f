"""A new device takes over the place of an old one, and what was read off both registers: plans and a record.

What was read counts as readings of both devices (`v_swap_reading`), unless the swap is undone.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from devices import bindings, links
from devices.acts import ReplaceGateway, Swap
from devices.bindings import Plan
from devices.errors import (
    AlreadyInstalled,
    FigureInvalid,
    IsGateway,
    NotInstalled,
    OtherEstate,
    RecordedLater,
    RegisterTooLow,
    SeveralPlaces,
)
from devices.installations import Installation
from devices.listing import Listed
from devices.placements import channels_of, check_multiplier, factor, installed, is_metered
from devices.profiles import load_profiles
from devices.timelines import Place, Point, by_point, cut, ends, in_force, place_of
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_CODE, BY_NAME, EVENTS
from wire.quality import NOT_EVIDENCE

_SQL = load("devices", "swaps.sql")


def swap(connection: Connection, wanted: Swap, old: Listed, new: Listed) -> Plan:
    """Plan that a new device takes over.

    Raises
    ------
    AlreadyInstalled, OtherEstate, IsGateway, FigureInvalid, RegisterTooLow, NotInstalled, RecordedLater,
    SeveralPlaces
    """
    if old.id == new.id:
        raise AlreadyInstalled
    if old.estate_id != new.estate_id:
        raise OtherEstate
    if links.children(connection, old.id):
        raise IsGateway
    if wanted.multiplier is not None:
        check_multiplier(wanted.multiplier)
    _check_registers(connection, wanted, old, new)
    return _taken_over(connection, wanted, old, new)


def relieved(connection: Connection, wanted: ReplaceGateway, old: Listed, new: Listed) -> Plan:
    """Plan that a gateway is taken down; the new one hangs in its place, if it hangs nowhere yet and can.

    Raises
    ------
    OtherEstate, AlreadyInstalled, SeveralPlaces
    """
    if old.estate_id != new.estate_id:
        raise OtherEstate
    before = bindings.of_devices(connection, [old.id, new.id])
    hangs = {row.device_id for row in before if row.valid_from <= wanted.at < ends(row)}
    profile = load_profiles().get(new.profile)
    if old.id in hangs and new.id not in hangs and profile and (profile.channels or profile.events):
        return _taken_over(connection, Swap(old=old.code, new=new.code, at=wanted.at), old, new)
    after = [
        row
        for point, timeline in by_point(before).items()
        for row in (cut(timeline, wanted.at, None) if point[0] == old.id else timeline)
    ]
    return Plan(
        devices={old.id: old.code, new.id: new.code},
        before=before,
        after=tuple(after),
        retires=(old.id,) if old.active else (),
    )


def last_register(connection: Connection, device_id: int, channel: int, *, at: datetime) -> float | None:
    """The last value of a register up to a moment that is evidence; None: there is none."""
    row = connection.execute(
        _SQL["last_register"],
        {"device_id": device_id, "channel": channel, "at": at, "not_evidence": int(NOT_EVIDENCE)},
    ).fetchone()
    return None if row is None else row[0]


def _check_registers(connection: Connection, wanted: Swap, old: Listed, new: Listed) -> None:
    """A register counts upwards: what somebody read off it cannot be below what it reported."""
    for name, read in wanted.registers.items():
        for value, device in ((read.old_final, old), (read.new_first, new)):
            if value is None:
                continue
            if not (math.isfinite(value) and value >= 0):
                raise FigureInvalid(f"{name}: {value:g} is no value of a register: it is a number from 0 on")
            if not _has_register(device, name):
                raise FigureInvalid(f"{device.code} has no register of {name} that could be read off")
        if read.old_final is None:
            continue
        last = last_register(connection, old.id, BY_NAME[name].code, at=wanted.at)
        # Dials show no more places than people write down.
        if last is not None and read.old_final < math.floor(last):
            raise RegisterTooLow(
                f"{old.code}: {name} {read.old_final:.10g} is below its last reading {last:.10g}:"
                " read it again, or leave it out"
            )


def _has_register(device: Listed, name: str) -> bool:
    profile = load_profiles().get(device.profile)
    form = profile and profile.channels.get(name)
    return form is not None and form.kind == "register"


def _taken_over(connection: Connection, wanted: Swap, old: Listed, new: Listed) -> Plan:
    before = bindings.of_devices(connection, [old.id, new.id])
    theirs = {
        point: row
        for point, timeline in by_point(before).items()
        if point[0] == old.id and (row := _up_to(timeline, wanted.at)) is not None
    }
    if not theirs:
        raise NotInstalled
    _refuse_later(before, theirs, wanted, old)
    multipliers = {channel: row.multiplier for (_, channel), row in theirs.items() if is_metered(channel)}
    fallback = max(multipliers.values()) if len(set(multipliers.values())) == 1 else 1.0
    wanted_rows = {
        (new.id, channel): (
            _place(channel, theirs, old, new),
            factor(channel, wanted.multiplier or multipliers.get(channel, fallback)),
        )
        for channel in channels_of(new.profile)
    }
    kept = [
        row
        for point, timeline in by_point(before).items()
        for row in (cut(timeline, wanted.at, None) if point in theirs else timeline)
    ]
    return Plan(
        devices={old.id: old.code, new.id: new.code},
        before=before,
        after=installed(kept, wanted_rows, wanted.at),
        retires=(old.id,) if wanted.retire_old and old.active else (),
    )


def _refuse_later(
    before: Sequence[Installation], theirs: Mapping[Point, Installation], wanted: Swap, old: Listed
) -> None:
    """Where the old device hung after the moment would be forgotten."""
    if any((row.device_id, row.channel) in theirs and row.valid_from > wanted.at for row in before):
        raise RecordedLater(
            f"{old.code}: it hangs elsewhere after {wanted.at:%Y-%m-%d %H:%M} (UTC): swap it at a later"
            " moment, or say first where it was (anju devices correct)"
        )


def _place(channel: int, theirs: Mapping[Point, Installation], old: Listed, new: Listed) -> Place:
    """Where the same channel of the old device hung; of one that it had not, where all others did."""
    same = theirs.get((old.id, channel))
    if same is not None:
        return place_of(same)
    places = {place_of(row) for row in theirs.values()}
    if len(places) > 1:
        name = "events" if channel == EVENTS else BY_CODE[channel].name
        raise SeveralPlaces(
            f"{old.code} hangs at several places and has no {name}, so it does not tell where that of"
            f" {new.code} hangs: bring {old.code} to one place first (anju devices correct), or retire it"
            f" and commission {new.code}"
        )
    return next(iter(places))


def _up_to(timeline: Sequence[Installation], at: datetime) -> Installation | None:
    """The installation at a moment, or the one that ended just then."""
    return in_force(timeline, at) or next((row for row in timeline if row.valid_to == at), None)


def keep_registers(connection: Connection, wanted: Swap, plan: Plan, change_id: int) -> None:
    """Keep what was read at a swap that was carried out; use is derived anew from it."""
    ids = {code: device_id for device_id, code in plan.devices.items()}
    old, new = ids[wanted.old], ids[wanted.new]
    for row in plan.after:
        if row.device_id != new or row.valid_from != wanted.at or not is_metered(row.channel):
            continue
        read = wanted.registers.get(BY_CODE[row.channel].name)
        connection.execute(
            _SQL["insert_swap"],
            {
                "change_id": change_id,
                "channel": row.channel,
                "old": old,
                "new": new,
                "unit_id": row.unit_id,
                "at": wanted.at,
                "old_final": read and read.old_final,
                "new_first": read and read.new_first,
            },
        )
    mark_registers(connection, change_id)


def mark_registers(connection: Connection, change_id: int) -> None:
    """Mark the days on which what was read at a swap counts: it was recorded, or taken back."""
    if connection.execute(_SQL["mark_registers"], {"change_id": change_id}).rowcount:
        connection.execute("NOTIFY usage_dirty")
