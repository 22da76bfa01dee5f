"""Acts on devices as the API and the pages carry them out: in scope, in the account's name, or only shown."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from pydantic import BaseModel, Field

from api.auth import Account
from api.deps import Db, Deps
from api.problems import TEXTS, Problem
from devices import errors, lifecycle, listing
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
    errors.RegisterTooLow: "register_too_low",
    errors.FigureInvalid: "figure_invalid",
    errors.RecordedLater: "recorded_later",
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
    errors.ReservedDeviceCode: "reserved_device_code",
    errors.UnknownGateway: "unknown_gateway",
    errors.AddressTaken: "address_taken",
    errors.NotAGateway: "not_a_gateway",
    errors.IsGateway: "is_gateway",
    errors.HasChildren: "has_children",
    errors.DeviceExists: "device_exists",
    errors.UnknownCommand: "not_found",
    errors.NotUnderstood: "command_not_understood",
    errors.ArgumentsInvalid: "command_arguments",
    errors.ReasonUnfit: "command_reason",
    errors.CommandConflict: "command_conflict",
    errors.CommandMoved: "invalid_transition",
    errors.CommandWaits: "command_waits",
    errors.SamePerson: "same_person",
}


class EffectItem(BaseModel):
    """Days of a home that rest on other data."""

    unit_id: int
    channel: str
    first: date = Field(description="UTC day.")
    last: date
    days: int


class LinkItem(BaseModel):
    """What a device is and who speaks for it, before and after an act."""

    device: str
    profile: str
    gateway: str | None
    address: str | None
    new_profile: str
    new_gateway: str | None
    new_address: str | None


class Acted(BaseModel):
    """What an act did, or would do."""

    changed: bool = Field(description="False: all was already so.")
    dry_run: bool
    change_id: int | None
    seen: str | None = Field(description="Of a dry run: send it with the act.")
    days: int = Field(description="Days of homes and channels that rest on other data.")
    effects: list[EffectItem]
    links: list[LinkItem] = Field(description="Of a dry run: devices that are linked or understood anew.")
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
    if isinstance(error, errors.HasChildren):
        return Problem(code, children=error.children)
    if isinstance(error, errors.CommandWaits):
        return Problem(code, command=str(error.command), asked_by=error.asked_by.partition(":")[2])
    if isinstance(error, errors.NoteUnfit):
        code = f"command_note_{error.why}"
        said = TEXTS[code]
        return Problem(code, errors=[{"where": ["body", "note"], "zh": said.zh, "en": said.en}])
    return Problem(code)


def estates_of(who: Account) -> Sequence[int] | None:
    """The estates that an account may see; None: every one."""
    return None if who.scope.everything else who.scope.estate_ids


def undo_within(deps: Deps, now: datetime) -> timedelta:
    """How long an act can be taken back: the shortest time of any city, so that none is exceeded."""
    return min(book.on(now.date()).commissioning.undo_within for book in deps.books.values())


def moment_of(who: Account, at: datetime | None, *, deps: Deps, now: datetime) -> datetime:
    """When an act shall hold from; further back than acts can be taken back, it corrects the past.

    Raises
    ------
    Problem
        ``not_permitted``: whoever installs may not correct.
    """
    if at is None:
        return now
    if now - at > undo_within(deps, now) and not who.may("device.correct"):
        raise Problem("not_permitted", action="device.correct")
    return at


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
            linked=_links(connection, shown),
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
    linked: Sequence[LinkItem] = (),
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
        links=list(linked),
        leads_open=touched.open,
        leads_decided=touched.decided,
    )


def _links(connection: Db, shown: lifecycle.Preview) -> list[LinkItem]:
    pairs = list(zip(shown.links_before, shown.links_after, strict=True))
    every = {one.device_id for pair in pairs for one in pair}
    every |= {one.gateway_id for pair in pairs for one in pair if one.gateway_id is not None}
    codes = listing.codes(connection, list(every))
    return [
        LinkItem(
            device=codes[was.device_id],
            profile=was.profile,
            gateway=codes.get(was.gateway_id or 0),
            address=was.address,
            new_profile=now.profile,
            new_gateway=codes.get(now.gateway_id or 0),
            new_address=now.address,
        )
        for was, now in pairs
    ]


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
