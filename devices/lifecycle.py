"""The life of a device: commissioned, swapped, moved, changed, retired, corrected; each looked at or done.

An act says what a person wants (`devices.acts`). `preview` tells what would follow and writes nothing;
`perform` does it, in the caller's transaction. An act that finds everything as it wants it changes nothing,
so that repeating one is safe.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from devices import bindings, corrections, links, listing, registry, replacements
from devices.acts import (
    PROFILE,
    Change,
    Commission,
    Correct,
    Exchange,
    Move,
    ReplaceGateway,
    Retire,
    Swap,
    Undo,
    Wanted,
)
from devices.bindings import Act, Done, Effect, Plan
from devices.errors import (
    AlreadyInstalled,
    HasChildren,
    IsGateway,
    NothingToInstall,
    NotInstalled,
    OtherEstate,
    PeriodEmpty,
    RegisterTooLow,
    RetiredDevice,
    UnknownProfile,
)
from devices.installations import Installation
from devices.links import Link
from devices.listing import Estates, Listed
from devices.profiles import load_profiles
from devices.timelines import Place, by_point, cut, ends, in_force, place_of, put
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_CODE, BY_NAME, EVENTS
from wire.quality import NOT_EVIDENCE

_SQL = load("devices", "lifecycle.sql")
#: As many codes as a person reads at once.
_SAID = 5


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What an act would do."""

    #: Says what was looked at; `perform` refuses if something else stands by then.
    seen: str
    before: tuple[Installation, ...]
    after: tuple[Installation, ...]
    effects: tuple[Effect, ...]
    #: Codes by id of every device concerned, and the ids of those that are taken down or come back.
    devices: Mapping[int, str]
    retires: tuple[int, ...]
    revives: tuple[int, ...]
    #: What devices are and who speaks for them; of those that change.
    links_before: tuple[Link, ...]
    links_after: tuple[Link, ...]
    #: False: all is already so.
    changes_anything: bool

    @property
    def days(self) -> int:
        """Days of homes and channels that would rest on other data."""
        return sum(effect.days for effect in self.effects)

    @property
    def units(self) -> tuple[int, ...]:
        """Homes that would rest on other data."""
        return tuple(sorted({effect.unit_id for effect in self.effects}))


def preview(connection: Connection, wanted: Wanted, *, now: datetime, estates: Estates = None) -> Preview:
    """What an act would do. Reads only.

    Raises
    ------
    DevicesError
        It cannot be done; the error says why.
    """
    plan = _plan(connection, wanted, now=now, estates=estates)
    return Preview(
        seen=plan.seen,
        before=plan.before,
        after=plan.after,
        effects=bindings.effects(connection, plan),
        devices=plan.devices,
        retires=plan.retires,
        revives=plan.revives,
        links_before=plan.links_before,
        links_after=plan.links_after,
        changes_anything=plan.changes_anything,
    )


def perform(
    connection: Connection,
    wanted: Wanted,
    *,
    by: str,
    now: datetime,
    estates: Estates = None,
    seen: str | None = None,
) -> Done:
    """Carry an act out, in the caller's transaction; it is audited.

    Parameters
    ----------
    by : str
        ``account:…`` or ``system:…``
    estates : sequence of int, optional
        Estates that the person may change; devices and homes outside do not exist. None: every one.
    seen : str, optional
        `Preview.seen` of what the person looked at.

    Raises
    ------
    ChangedMeanwhile
        Something else stands than what was seen.
    DevicesError
        It cannot be done; the error says why. Nothing is written then.
    """
    registry.begin_change(connection)
    plan = _plan(connection, wanted, now=now, estates=estates)
    reason, note, undoes = "", "", None
    if isinstance(wanted, Correct | Exchange):
        reason, note = wanted.reason, wanted.note
    elif plan.means_else:
        reason = PROFILE
    if isinstance(wanted, Undo):
        reason, undoes = "", wanted.change_id
    done = bindings.apply(
        connection,
        plan,
        act=_ACTS[type(wanted)],
        by=by,
        now=now,
        seen=seen,
        reason=reason,
        note=note,
        undoes=undoes,
    )
    if isinstance(wanted, Swap) and done.change_id is not None:
        _keep_registers(connection, wanted, plan, done.change_id)
    return done


_ACTS: dict[type[object], Act] = {
    Commission: "commission",
    Swap: "swap",
    Move: "move",
    Retire: "retire",
    Correct: "correct",
    Exchange: "correct",
    ReplaceGateway: "replace_gateway",
    Change: "change",
    Undo: "undo",
}


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


def _plan(connection: Connection, wanted: Wanted, *, now: datetime, estates: Estates) -> Plan:
    def found(code: str) -> Listed:
        return listing.device(connection, code, estates=estates)

    match wanted:
        case Commission():
            device = _at_work(found(wanted.device))
            _not_ahead(wanted.since, now)
            _check_place(connection, wanted.place, device, estates)
            plan = _commission(connection, wanted, device)
        case Swap():
            _not_ahead(wanted.at, now)
            plan = _swap(connection, wanted, found(wanted.old), _at_work(found(wanted.new)))
        case Move():
            device = _at_work(found(wanted.device))
            _not_ahead(wanted.at, now)
            _check_place(connection, wanted.place, device, estates)
            plan = _move(connection, wanted, device)
        case Retire():
            _not_ahead(wanted.at, now)
            plan = _retire(connection, wanted, found(wanted.device))
        case Correct():
            device = found(wanted.device)
            _check_period(wanted.since, wanted.until, now)
            _check_place(connection, wanted.place, device, estates)
            plan = corrections.correct(connection, wanted, device)
        case Exchange():
            one, other = found(wanted.one), found(wanted.other)
            if one.estate_id != other.estate_id:
                raise OtherEstate
            _check_period(wanted.since, wanted.until, now)
            plan = corrections.exchange(connection, wanted, one, other, now)
        case ReplaceGateway():
            old, new = found(wanted.old), _at_work(found(wanted.new))
            _not_ahead(wanted.at, now)
            plan = replacements.taken_over(connection, _relieved(connection, wanted, old, new), old, new)
        case Change():
            device = _at_work(found(wanted.device))
            plan = replacements.change(connection, wanted, device, estates=estates)
        case Undo():
            plan = corrections.undo(connection, wanted, now=now, estates=estates)
    return plan


def _commission(connection: Connection, wanted: Commission, device: Listed) -> Plan:
    before = bindings.of_devices(connection, [device.id])
    points = [(device.id, channel) for channel in channels_of(device.profile)]
    return Plan(
        devices={device.id: device.code},
        before=before,
        after=_installed(
            before,
            {point: (wanted.place, _multiplier(point[1], wanted.multiplier)) for point in points},
            wanted.since,
        ),
    )


def _swap(connection: Connection, wanted: Swap, old: Listed, new: Listed) -> Plan:
    if old.id == new.id:
        raise AlreadyInstalled
    if old.estate_id != new.estate_id:
        raise OtherEstate
    if links.children(connection, old.id):
        raise IsGateway
    _check_registers(connection, wanted, old)
    return _taken_over(connection, wanted, old, new)


def last_register(connection: Connection, device_id: int, channel: int, *, at: datetime) -> float | None:
    """The last value of a register up to a moment that is evidence; None: there is none."""
    row = connection.execute(
        _SQL["last_register"],
        {"device_id": device_id, "channel": channel, "at": at, "not_evidence": int(NOT_EVIDENCE)},
    ).fetchone()
    return None if row is None else row[0]


def _check_registers(connection: Connection, wanted: Swap, old: Listed) -> None:
    """A register counts upwards: what somebody read off it cannot be below what it reported."""
    for name, read in wanted.registers.items():
        if read.old_final is None or name not in BY_NAME:
            continue
        last = last_register(connection, old.id, BY_NAME[name].code, at=wanted.at)
        # Dials show no more places than people write down.
        if last is not None and read.old_final < math.floor(last):
            raise RegisterTooLow(
                f"{old.code}: {name} {read.old_final:.10g} is below its last reading {last:.10g}:"
                " read it again, or leave it out"
            )


def _relieved(connection: Connection, wanted: ReplaceGateway, old: Listed, new: Listed) -> Plan:
    """A gateway taken down; the new one hangs in its place, if it hangs nowhere yet and can."""
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


def _taken_over(connection: Connection, wanted: Swap, old: Listed, new: Listed) -> Plan:
    before = bindings.of_devices(connection, [old.id, new.id])
    theirs = {
        point: row
        for point, timeline in by_point(before).items()
        if point[0] == old.id and (row := _up_to(timeline, wanted.at)) is not None
    }
    if not theirs:
        raise NotInstalled
    place = place_of(next(iter(theirs.values())))
    multipliers = {channel: row.multiplier for (_, channel), row in theirs.items() if _is_metered(channel)}
    fallback = max(multipliers.values()) if len(set(multipliers.values())) == 1 else 1.0
    wanted_rows = {
        (new.id, channel): (
            place,
            _multiplier(channel, wanted.multiplier or multipliers.get(channel, fallback)),
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
        after=_installed(kept, wanted_rows, wanted.at),
        retires=(old.id,) if wanted.retire_old and old.active else (),
    )


def _move(connection: Connection, wanted: Move, device: Listed) -> Plan:
    before = bindings.of_devices(connection, [device.id])
    after: list[Installation] = []
    found = False
    for timeline in by_point(before).values():
        row = in_force(timeline, wanted.at)
        if row is None:
            after += timeline
            continue
        found = True
        piece = replace(
            row,
            unit_id=wanted.place.unit_id,
            entrance=wanted.place.entrance,
            valid_from=wanted.at,
            valid_to=None,
        )
        after += put(timeline, piece)
    if not found:
        raise NotInstalled
    return Plan(devices={device.id: device.code}, before=before, after=tuple(after))


def _retire(connection: Connection, wanted: Retire, device: Listed) -> Plan:
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


def _installed(
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


def _up_to(timeline: Sequence[Installation], at: datetime) -> Installation | None:
    """The installation at a moment, or the one that ended just then."""
    return in_force(timeline, at) or next((row for row in timeline if row.valid_to == at), None)


def _keep_registers(connection: Connection, wanted: Swap, plan: Plan, change_id: int) -> None:
    ids = {code: device_id for device_id, code in plan.devices.items()}
    old, new = ids[wanted.old], ids[wanted.new]
    for row in plan.after:
        if row.device_id != new or row.valid_from != wanted.at or not _is_metered(row.channel):
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


def _multiplier(channel: int, multiplier: float) -> float:
    """Registers are multiplied; gauges say what is, and events are no numbers."""
    return multiplier if _is_metered(channel) else 1.0


def _is_metered(channel: int) -> bool:
    return channel != EVENTS and BY_CODE[channel].metered


def _at_work(device: Listed) -> Listed:
    if not device.active:
        raise RetiredDevice
    return device


def _check_place(connection: Connection, place: Place, device: Listed, estates: Estates) -> None:
    if place.unit_id is None:
        return
    if listing.home(connection, place.unit_id, estates=estates).estate_id != device.estate_id:
        raise OtherEstate


def _not_ahead(at: datetime, now: datetime) -> None:
    if at > now:
        raise PeriodEmpty


def _check_period(since: datetime | None, until: datetime | None, now: datetime) -> None:
    if since is not None and (since > now or (until is not None and until <= since)):
        raise PeriodEmpty
