"""The life of a device: commissioned, swapped, moved, changed, retired, corrected; each looked at or done.

An act says what a person wants (`devices.acts`). `preview` tells what would follow and writes nothing;
`perform` does it, in the caller's transaction. An act that finds everything as it wants it changes nothing,
so that repeating one is safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from devices import bindings, corrections, listing, placements, registry, replacements, swaps
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
    OtherEstate,
    PeriodEmpty,
    RetiredDevice,
)
from devices.installations import Installation
from devices.links import Link
from devices.listing import Estates, Listed
from devices.timelines import Place
from storage.pool import Connection


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
        swaps.keep_registers(connection, wanted, plan, done.change_id)
    if isinstance(wanted, Undo):
        swaps.mark_registers(connection, wanted.change_id)
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


def _plan(connection: Connection, wanted: Wanted, *, now: datetime, estates: Estates) -> Plan:
    def found(code: str) -> Listed:
        return listing.device(connection, code, estates=estates)

    match wanted:
        case Commission():
            device = _at_work(found(wanted.device))
            _not_ahead(wanted.since, now)
            _check_place(connection, wanted.place, device, estates)
            plan = placements.commission(connection, wanted, device)
        case Swap():
            _not_ahead(wanted.at, now)
            plan = swaps.swap(connection, wanted, found(wanted.old), _at_work(found(wanted.new)))
        case Move():
            device = _at_work(found(wanted.device))
            _not_ahead(wanted.at, now)
            _check_place(connection, wanted.place, device, estates)
            plan = placements.move(connection, wanted, device)
        case Retire():
            _not_ahead(wanted.at, now)
            plan = placements.retire(connection, wanted, found(wanted.device))
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
            plan = replacements.taken_over(connection, swaps.relieved(connection, wanted, old, new), old, new)
        case Change():
            device = _at_work(found(wanted.device))
            plan = replacements.change(connection, wanted, device, estates=estates)
        case Undo():
            plan = corrections.undo(connection, wanted, now=now, estates=estates)
    return plan


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
