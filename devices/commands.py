"""Commands to devices: who asked, who approved, and what became of it.

                        approve              claim           the device answers
    ask ──► proposed ────────────► queued ──────────► sent ─────────────────► acknowledged | failed
      └────────────────────────────►  ▲                │ ▲ │ no answer: again, under its id
                                      └────────────────┘ └─┘
                                    the broker was away
    refuse: from proposed and queued to refused. Time runs out: from proposed, queued and sent to expired.

What is dangerous needs two persons and a reason of safety (`wire.commands`). What would put pressure on a
resident is refused and written down (`devices.safety`). An id is asked once: the same again is the same
command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from devices import notes, safety
from devices.errors import (
    ArgumentsInvalid,
    CommandConflict,
    CommandMoved,
    CommandWaits,
    NoteUnfit,
    NotUnderstood,
    RetiredDevice,
    SamePerson,
    UnknownCommand,
    UnknownDevice,
)
from devices.profiles import load_profiles
from devices.safety import Refusal
from policy.groups import Command as Rules
from storage import audit
from storage.pool import Connection
from storage.queries import load
from wire.commands import COMMANDS
from wire.commands import Command as Kind

_SQL = load("devices", "commands.sql")

#: (status, what is done) → status. What is not here is not possible.
TRANSITIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("proposed", "approve"): "queued",
        ("proposed", "refuse"): "refused",
        ("queued", "refuse"): "refused",
    }
)


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who wants something, and in which estates they may."""

    #: The audit's actor: ``account:<username>`` or ``system:<process>``.
    by: str
    everything: bool = False
    estate_ids: Sequence[int] = ()

    def parameters(self) -> dict[str, object]:
        """For the named statements."""
        return {"everything": self.everything, "estate_ids": list(self.estate_ids)}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A command as it is asked for."""

    id: UUID
    #: Code of the device.
    device: str
    #: A name of `wire.commands.COMMANDS`.
    name: str
    arguments: Mapping[str, int]
    #: A code of `wire.commands.REASONS`, where the command needs one.
    reason: str = ""
    note: str = ""
    #: How long it may wait for its device; None: as long as policy says.
    valid_for: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command as it stands."""

    id: UUID
    device: str
    name: str
    arguments: Mapping[str, int]
    status: str
    reason: str
    note: str
    asked_by: str
    asked_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    valid_for: timedelta
    expires_at: datetime
    #: How often it was sent.
    attempts: int
    sent_at: datetime | None
    #: The broker has it. Only the device's answer says that the device has.
    taken_at: datetime | None
    ended_at: datetime | None
    #: A `devices.safety.Refusal`.
    refusal: str | None
    #: What the device said: `ok`, `detail`, `at`.
    answer: Mapping[str, Any] | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Command":
        """From a row of the statements, which name their columns in this order."""
        return cls(**dict(zip(cls.__dataclass_fields__, row, strict=True)))


def ask(connection: Connection, wanted: Wanted, *, asker: Asker, rules: Rules, now: datetime) -> Command:
    """Ask for a command.

    Returns
    -------
    Command
        Queued; proposed, where a second person must approve; refused, where it would be a means of pressure:
        that is written down, so the caller must commit it.

    Raises
    ------
    UnknownDevice, RetiredDevice
        There is none in the asker's estates; it is retired.
    NotUnderstood, ArgumentsInvalid, ReasonUnfit
        There is no such command for this device; its arguments or its reason are not those it needs.
    NoteUnfit
        The note has somebody's phone or identity card number, or speaks of arrears, rent or moving out.
    CommandConflict
        The id is another command's.
    CommandWaits
        It needs two persons, and waits for the second one already.
    """
    row = connection.execute(_SQL["device"], {"code": wanted.device, **asker.parameters()}).fetchone()
    if row is None:
        raise UnknownDevice(f"no such device: {wanted.device}")
    device_id, profile_name, active = row
    if not active:
        raise RetiredDevice(f"{wanted.device} is retired")
    profile = load_profiles().get(profile_name)
    kind = COMMANDS.get(wanted.name)
    if kind is None or profile is None or kind.name not in profile.commands:
        raise NotUnderstood(f"{wanted.device} does not understand {wanted.name}")
    _check_arguments(kind, wanted.arguments)
    why = notes.unfit(wanted.note)
    if why is not None:
        raise NoteUnfit(notes.SAID[why], why=why)
    refusal = safety.refusal(
        connection, kind, profile, wanted.reason, device_id=device_id, rules=rules, now=now
    )
    if refusal is None and kind.needs_two:
        _refuse_like(connection, wanted, device_id, now)
    valid_for = _valid_for(wanted, kind, rules)
    status = "refused" if refusal else "proposed" if kind.needs_two else "queued"
    new = connection.execute(
        _SQL["put"],
        {
            "id": wanted.id,
            "device_id": device_id,
            "name": wanted.name,
            "arguments": Jsonb(dict(wanted.arguments)),
            "status": status,
            "reason": wanted.reason,
            "note": wanted.note,
            "by": asker.by,
            "now": now,
            "valid_for": valid_for,
            "expires_at": now + (rules.approve_within if status == "proposed" else valid_for),
            "refusal": refusal,
        },
    ).fetchone()
    if new is None:
        return _same(connection, wanted, asker=asker)
    if refusal is None:
        _record(connection, "command.ask", wanted.id, wanted, by=asker.by, now=now)
    else:
        safety.record(
            connection,
            wanted.id,
            refusal,
            device=wanted.device,
            name=wanted.name,
            reason=wanted.reason,
            by=asker.by,
            now=now,
        )
    if status == "queued":
        connection.execute(_SQL["notify"])
    return one(connection, wanted.id, asker=asker)


def approve(connection: Connection, command_id: UUID, *, asker: Asker, now: datetime) -> Command:
    """Approve a proposal, as its second person: it is sent, and its time runs from now.

    Raises
    ------
    UnknownCommand
        There is none in the asker's estates.
    CommandMoved
        It is no proposal any more, or its time has run out.
    SamePerson
        Who asked cannot approve.
    """
    found = _lock(connection, command_id, asker)
    status = _next(found, "approve", now)
    if found.asked_by == asker.by:
        raise SamePerson(f"{asker.by} asked for {found.name} and cannot approve it: a second person must")
    _decide(connection, command_id, status, now=now, approved_by=asker.by)
    _record(connection, "command.approve", command_id, found, by=asker.by, now=now)
    connection.execute(_SQL["notify"])
    return one(connection, command_id, asker=asker)


def refuse(connection: Connection, command_id: UUID, *, asker: Asker, now: datetime) -> Command:
    """Decline a proposal, or take back what one asked for oneself, as long as it was not sent.

    Raises
    ------
    UnknownCommand, CommandMoved
    """
    found = _lock(connection, command_id, asker)
    status = _next(found, "refuse", now)
    refusal = Refusal.withdrawn if found.asked_by == asker.by else Refusal.declined
    _decide(connection, command_id, status, now=now, refusal=refusal)
    _record(connection, "command.refuse", command_id, found, by=asker.by, now=now)
    return one(connection, command_id, asker=asker)


def one(connection: Connection, command_id: UUID, *, asker: Asker) -> Command:
    """Read one command.

    Raises
    ------
    UnknownCommand
        There is none in the asker's estates.
    """
    row = connection.execute(_SQL["one"], {"id": command_id, **asker.parameters()}).fetchone()
    return _command(row, command_id)


def several(
    connection: Connection,
    *,
    asker: Asker,
    limit: int,
    device: str | None = None,
    status: str | None = None,
    before: tuple[datetime, UUID] | None = None,
) -> list[Command]:
    """Read commands, the newest first.

    Parameters
    ----------
    before : tuple[datetime, UUID] | None
        Only those older than this one: when it was asked, and its id.
    """
    rows = connection.execute(
        _SQL["several"],
        {
            "device": device,
            "status": status,
            "before": before[0] if before else None,
            "before_id": before[1] if before else None,
            "limit": limit,
            **asker.parameters(),
        },
    )
    return [_command(row, None) for row in rows]


def _check_arguments(kind: Kind, given: Mapping[str, int]) -> None:
    if given.keys() != kind.arguments.keys():
        takes = ", ".join(kind.arguments) or "no arguments"
        raise ArgumentsInvalid(f"{kind.name} takes {takes}, not {', '.join(given) or 'none'}")
    for name, (smallest, largest) in kind.arguments.items():
        if not smallest <= given[name] <= largest:
            raise ArgumentsInvalid(f"{kind.name}: {name} is from {smallest} to {largest}, not {given[name]}")


def _refuse_like(connection: Connection, wanted: Wanted, device_id: int, now: datetime) -> None:
    """Two proposals of one command would be approved one after the other by persons who know of one."""
    connection.execute(_SQL["lock_device"], {"device_id": device_id})
    values = {"device_id": device_id, "name": wanted.name, "id": wanted.id, "now": now}
    row = connection.execute(_SQL["like"], values).fetchone()
    if row is not None:
        raise CommandWaits(
            f"{wanted.device}: {wanted.name} waits for a second person already: {row[0]}, asked by {row[1]}",
            command=row[0],
            asked_by=row[1],
        )


def _valid_for(wanted: Wanted, kind: Kind, rules: Rules) -> timedelta:
    """A danger is not one of tomorrow: what needs two persons has little time."""
    longest = rules.safety_valid if kind.needs_two else rules.valid_max
    return min(wanted.valid_for or rules.valid, longest)


def _same(connection: Connection, wanted: Wanted, *, asker: Asker) -> Command:
    found = _lock(connection, wanted.id, asker, conflict=True)
    there = (found.device, found.name, found.arguments, found.reason, found.asked_by)
    if there != (wanted.device, wanted.name, dict(wanted.arguments), wanted.reason, asker.by):
        raise CommandConflict(f"{wanted.id} is the id of another command")
    return found


def _lock(connection: Connection, command_id: UUID, asker: Asker, *, conflict: bool = False) -> Command:
    row = connection.execute(_SQL["lock"], {"id": command_id, **asker.parameters()}).fetchone()
    if row is None and conflict:
        raise CommandConflict(f"{command_id} is the id of another command")
    return _command(row, command_id)


def _next(found: Command, action: str, now: datetime) -> str:
    status = TRANSITIONS.get((found.status, action))
    if status is None:
        raise CommandMoved(f"a command that is {found.status} cannot be {action}d")
    if found.expires_at <= now:
        raise CommandMoved(
            f"its time was up at {found.expires_at:%Y-%m-%dT%H:%M:%SZ}: it cannot be {action}d"
        )
    return status


def _decide(
    connection: Connection,
    command_id: UUID,
    status: str,
    *,
    now: datetime,
    approved_by: str | None = None,
    refusal: Refusal | None = None,
) -> None:
    values = {"id": command_id, "status": status, "now": now, "approved_by": approved_by, "refusal": refusal}
    connection.execute(_SQL["decide"], values)


def _command(row: tuple[Any, ...] | None, command_id: UUID | None) -> Command:
    if row is None:
        raise UnknownCommand(f"no such command: {command_id}")
    return Command.of(row)


def _record(
    connection: Connection, action: str, command_id: UUID, of: Wanted | Command, *, by: str, now: datetime
) -> None:
    audit.record(
        connection,
        at=now,
        actor=by,
        action=action,
        subject=f"device:{of.device}",
        reason=of.reason or None,
        detail={"command": str(command_id), "name": of.name},
    )
