"""Acts on devices as the API and the pages carry them out: in scope, in the account's name, or only shown."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, Field

from api.auth import Account
from api.deps import Db, Deps
from api.problems import Problem
from devices import errors, lifecycle
from devices.acts import Wanted
from devices.bindings import Effect
from devices.errors import DevicesError
from housing import withdrawals
from wire.channels import BY_CODE

#: What the room below raises → how it is answered.
TRANSLATED: dict[type[DevicesError], str] = {
    errors.UnknownDevice: "not_found",
    errors.UnknownPlace: "not_found",
    errors.UnknownCheck: "not_found",
    errors.PlaceTaken: "place_taken",
    errors.InstallationConflict: "place_taken",
    errors.AlreadyInstalled: "already_installed",
    errors.NotInstalled: "not_installed",
    errors.NothingToInstall: "nothing_to_install",
    errors.OtherEstate: "other_estate",
    errors.SeveralPlaces: "several_places",
    errors.RetiredDevice: "device_retired",
    errors.ChangedMeanwhile: "changed_meanwhile",
    errors.UndoRefused: "undo_refused",
    errors.UnknownReason: "unknown_code",
    errors.PeriodEmpty: "period_empty",
    errors.UnknownProfile: "unknown_profile",
    errors.InvalidDeviceCode: "invalid_device_code",
    errors.UnknownGateway: "unknown_gateway",
    errors.AddressTaken: "address_taken",
    errors.DeviceExists: "device_exists",
    errors.UnknownCommand: "not_found",
    errors.NotUnderstood: "command_not_understood",
    errors.ArgumentsInvalid: "command_arguments",
    errors.ReasonUnfit: "command_reason",
    errors.CommandConflict: "command_conflict",
    errors.CommandMoved: "invalid_transition",
    errors.SamePerson: "same_person",
}


class EffectItem(BaseModel):
    """Days of a home that rest on other data."""

    unit_id: int
    channel: str
    first: date = Field(description="UTC day.")
    last: date
    days: int


class Acted(BaseModel):
    """What an act did, or would do."""

    changed: bool = Field(description="False: all was already so.")
    dry_run: bool
    change_id: int | None
    seen: str | None = Field(description="Of a dry run: send it with the act.")
    days: int = Field(description="Days of homes and channels that rest on other data.")
    effects: list[EffectItem]
    leads_open: int = Field(description="Open leads of these homes that may be withdrawn.")
    leads_decided: int = Field(description="Decided ones that may be flagged for a person.")


class Asked(Protocol):
    """What a request says beside its act."""

    dry_run: bool
    seen: str | None


def problem_of(error: DevicesError) -> Problem:
    """How an error of the registry is answered."""
    code = next((TRANSLATED[kind] for kind in type(error).__mro__ if kind in TRANSLATED), "internal")
    if isinstance(error, errors.PlaceTaken):
        return Problem(code, device=error.device)
    return Problem(code)


def estates_of(who: Account) -> Sequence[int] | None:
    """The estates that an account may see; None: every one."""
    return None if who.scope.everything else who.scope.estate_ids


def undo_within(deps: Deps, now: datetime) -> timedelta:
    """How long an act can be taken back: the shortest time of any city, so that none is exceeded."""
    return min(book.on(now.date()).commissioning.undo_within for book in deps.books.values())


def answer(connection: Db, who: Account, wanted: Wanted, asked: Asked, *, now: datetime) -> Acted:
    """Carry an act out in the account's name, or say what would follow.

    Raises
    ------
    DevicesError
        As `devices.lifecycle`; `problem_of` says how it is answered.
    """
    mine = estates_of(who)
    if asked.dry_run:
        shown = lifecycle.preview(connection, wanted, now=now, estates=mine)
        return _acted(
            connection,
            who,
            shown.effects,
            changed=shown.changes_anything,
            change_id=None,
            seen=shown.seen,
        )
    done = lifecycle.perform(
        connection, wanted, by=f"account:{who.username}", now=now, estates=mine, seen=asked.seen
    )
    return _acted(
        connection, who, done.effects, changed=done.change_id is not None, change_id=done.change_id, seen=None
    )


def _acted(
    connection: Db,
    who: Account,
    effects: Sequence[Effect],
    *,
    changed: bool,
    change_id: int | None,
    seen: str | None,
) -> Acted:
    touched = leads_touched(connection, who, effects)
    return Acted(
        changed=changed,
        dry_run=seen is not None,
        change_id=change_id,
        seen=seen,
        days=sum(effect.days for effect in effects),
        effects=[
            EffectItem(
                unit_id=effect.unit_id,
                channel=BY_CODE[effect.channel].name if effect.channel else "events",
                first=effect.first,
                last=effect.last,
                days=effect.days,
            )
            for effect in effects
        ],
        leads_open=touched.open,
        leads_decided=touched.decided,
    )


def leads_touched(connection: Db, who: Account, effects: Sequence[Effect]) -> withdrawals.Affected:
    """Leads that may be withdrawn or flagged because of some effects."""
    if not effects:
        return withdrawals.Affected(open=0, decided=0)
    return withdrawals.affected(
        connection,
        sorted({effect.unit_id for effect in effects}),
        since=min(effect.first for effect in effects) - timedelta(days=1),
        scope=who.scope,
    )
