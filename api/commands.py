"""`/commands`: what devices are told to do, who asked, who approved, and what the device answered."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import paging
from api.auth import Account, Now
from api.deps import Db, Given
from api.fields import CodeFilter, Note
from api.permissions import CommandApprover, CommandAsker, CommandReader
from api.problems import Problem
from devices import commands, safety
from devices.commands import Asker, Wanted
from devices.errors import NoteUnfit
from devices.notes import Unfit
from devices.safety import Refusal
from wire.commands import COMMANDS, PRESSURE_ARTICLE, PRESSURES, REASONS

router = APIRouter(tags=["commands"])

Status = Literal["proposed", "queued", "sent", "acknowledged", "failed", "expired", "refused"]
#: Refusals that the law asks for.
PRESSURE = frozenset({Refusal.pressure, Refusal.pressure_suspected})


class CommandItem(BaseModel):
    """A command as it stands."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    device: str
    name: str
    arguments: Mapping[str, int]
    status: Status
    reason: str
    note: str
    asked_by: str
    asked_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    expires_at: datetime = Field(description="Of a proposal: until then it can be approved.")
    attempts: int = Field(description="How often it was sent, always under its id.")
    sent_at: datetime | None
    ended_at: datetime | None
    refusal: str | None
    answer: Mapping[str, Any] | None = Field(description="The device's own word, late or not.")


class CommandBody(BaseModel):
    """A command as it is asked for."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="Made by the asker: the same again is the same command.")
    device: str = Field(max_length=64)
    name: str = Field(max_length=50)
    arguments: dict[str, int] = {}
    reason: str = Field(default="", max_length=50, description="Of safety, where the command needs one.")
    note: Note = ""
    valid_s: int | None = Field(default=None, ge=10, le=604_800, description="It waits so long at most.")


class ReasonItem(BaseModel):
    """A reason, or one that is refused."""

    code: str
    zh: str
    en: str


class KindItem(BaseModel):
    """Something that devices can be told."""

    name: str
    zh: str
    en: str
    needs_two: bool
    reasons: list[str]
    arguments: dict[str, tuple[int, int]] = Field(description="Smallest and largest.")


class Kinds(BaseModel):
    """The closed lists."""

    commands: list[KindItem]
    reasons: list[ReasonItem]
    refused: list[ReasonItem] = Field(description="Means of pressure, which the law forbids.")
    article: str


@router.get("/commands/kinds")
def list_kinds(_: CommandReader) -> Kinds:
    """What devices can be told, for which reasons, and for which never."""
    return Kinds(
        commands=[
            KindItem(
                name=kind.name,
                zh=kind.zh,
                en=kind.en,
                needs_two=kind.needs_two,
                reasons=sorted(kind.reasons),
                arguments=dict(kind.arguments),
            )
            for kind in COMMANDS.values()
        ],
        reasons=[ReasonItem(code=r.code, zh=r.zh, en=r.en) for r in REASONS.values()],
        refused=[ReasonItem(code=p.code, zh=p.zh, en=p.en) for p in PRESSURES.values()],
        article=PRESSURE_ARTICLE,
    )


@router.post("/commands", status_code=201, responses={403: {}, 404: {}, 409: {}})
def ask_command(body: CommandBody, connection: Db, who: CommandAsker, now: Now, deps: Given) -> CommandItem:
    """Ask for a command. What is dangerous waits for a second person; a means of pressure is refused."""
    rules = deps.books[deps.city].on(now.date()).command
    wanted = Wanted(
        id=body.id,
        device=body.device,
        name=body.name,
        arguments=body.arguments,
        reason=body.reason,
        note=body.note,
        valid_for=None if body.valid_s is None else timedelta(seconds=body.valid_s),
    )
    try:
        asked = commands.ask(connection, wanted, asker=asker_of(who), rules=rules, now=now)
    except NoteUnfit as error:
        record_note(connection, wanted, error, asker=asker_of(who), now=now)
        raise
    if asked.refusal in PRESSURE:
        # That somebody tried stays on record though the reply is an error.
        connection.commit()
        raise Problem(f"command_{asked.refusal}", article=PRESSURE_ARTICLE, command=str(asked.id))
    return CommandItem.model_validate(asked)


@router.get("/commands")
def list_commands(
    *,
    connection: Db,
    who: CommandReader,
    device: CodeFilter = None,
    status: Annotated[Status | None, Query()] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[CommandItem]:
    """Commands in the reader's scope, the newest first."""
    found = commands.several(
        connection, asker=asker_of(who), device=device, status=status, before=_before(cursor), limit=limit + 1
    )
    page, more = paging.page_of(found, limit)
    following = paging.encode("commands", page[-1].asked_at.isoformat(), str(page[-1].id)) if more else None
    return paging.Page(items=[CommandItem.model_validate(one) for one in page], next=following)


@router.get("/commands/{command_id}", responses={404: {}})
def read_command(command_id: UUID, connection: Db, who: CommandReader) -> CommandItem:
    """One command."""
    return CommandItem.model_validate(commands.one(connection, command_id, asker=asker_of(who)))


@router.post("/commands/{command_id}/approve", responses={404: {}, 409: {}})
def approve_command(command_id: UUID, connection: Db, who: CommandApprover, now: Now) -> CommandItem:
    """Approve a proposal of somebody else; it is sent at once."""
    found = commands.approve(connection, command_id, asker=asker_of(who), now=now)
    return CommandItem.model_validate(found)


@router.post("/commands/{command_id}/refuse", responses={404: {}, 409: {}})
def refuse_command(command_id: UUID, connection: Db, who: CommandReader, now: Now) -> CommandItem:
    """Decline a proposal, or take back what one asked for, as long as it was not sent."""
    found = commands.refuse(connection, command_id, asker=asker_of(who), now=now)
    return CommandItem.model_validate(found)


def asker_of(who: Account) -> Asker:
    """An account as whoever asks for, or decides about, commands."""
    return Asker(
        by=f"account:{who.username}", everything=who.scope.everything, estate_ids=who.scope.estate_ids
    )


def record_note(connection: Db, wanted: Wanted, error: NoteUnfit, *, asker: Asker, now: datetime) -> None:
    """Keep on record that a note spoke of what must be no reason, though the reply is an error."""
    if error.why is Unfit.pressure:
        safety.record(
            connection,
            wanted.id,
            error.why,
            device=wanted.device,
            name=wanted.name,
            reason=wanted.reason,
            by=asker.by,
            now=now,
        )
        connection.commit()


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    key = paging.decode("commands", cursor, str, str)
    if key is None:
        return None
    try:
        at, command_id = datetime.fromisoformat(str(key[0])), UUID(str(key[1]))
    except ValueError as error:
        raise Problem("invalid_cursor") from error
    if at.tzinfo is None:
        raise Problem("invalid_cursor")
    return at, command_id
