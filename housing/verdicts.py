"""What people decide about a lead: a table of transitions, a closed list of reasons, one audit entry each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

import psycopg

from housing import facts
from housing.errors import (
    AnotherOpen,
    InvalidTransition,
    NoteRequired,
    NotFound,
    UnknownCode,
    VersionConflict,
)
from housing.scope import Scope
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "verdicts.sql")

#: (state of the lead, action) → next state. What is not here is not permitted.
TRANSITIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("open", "confirm"): "confirmed",
        ("open", "refute"): "refuted",
        ("open", "dismiss"): "dismissed",
        ("confirmed", "reopen"): "open",
        ("refuted", "reopen"): "open",
        ("dismissed", "reopen"): "open",
    }
)

#: What a verdict says → the action that says it.
ACTIONS: Mapping[str, str] = MappingProxyType(
    {"confirmed": "confirm", "refuted": "refute", "dismissed": "dismiss", "reopened": "reopen"}
)


@dataclass(frozen=True, kw_only=True)
class Code:
    """One reason of the closed list."""

    code: str
    outcome: str
    zh: str
    en: str
    #: True when the reason says nothing without words.
    note_required: bool = False


CODES: tuple[Code, ...] = (
    Code(
        code="seen", outcome="confirmed", zh="看到的情况与线索相符", en="What was seen agrees with the lead"
    ),
    Code(
        code="not_seen",
        outcome="refuted",
        zh="看到的情况与线索不符",
        en="What was seen does not agree with the lead",
    ),
    Code(
        code="relatives_or_care", outcome="dismissed", zh="亲属探访或照护", en="Relatives visiting, or care"
    ),
    Code(code="home_office", outcome="dismissed", zh="居家办公", en="Somebody works at home"),
    Code(
        code="member_to_register",
        outcome="dismissed",
        zh="家庭成员待登记",
        en="A household member still to be registered",
    ),
    Code(code="device_or_data", outcome="dismissed", zh="设备或数据问题", en="A fault of device or data"),
    Code(code="duplicate", outcome="dismissed", zh="与另一条线索重复", en="The same as another lead"),
    Code(code="other", outcome="dismissed", zh="其他（须写明）", en="Other (say what)", note_required=True),
    Code(code="undo", outcome="reopened", zh="撤回上一次处理", en="The last verdict is taken back"),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """How somebody came to know."""

    code: str
    zh: str
    en: str


SOURCES: tuple[Source, ...] = (
    Source(code="desk", zh="核对资料", en="from the desk"),
    Source(code="visit", zh="上门查看", en="a visit"),
    Source(code="call", zh="电话联系", en="a call"),
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One recorded decision; never changed, only followed by another."""

    id: int
    lead_id: int
    outcome: str
    code: str
    source: str
    #: The account.
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The lead after a verdict."""

    lead_id: int
    status: str
    version: int
    permitted: tuple[str, ...]


def permitted(state: str) -> tuple[str, ...]:
    """The actions that a lead in this state takes, in the order people see them."""
    return tuple(action for from_state, action in TRANSITIONS if from_state == state)


def codes_for(outcome: str) -> tuple[Code, ...]:
    """The closed list of one outcome."""
    return tuple(code for code in CODES if code.outcome == outcome)


def record(
    connection: Connection,
    *,
    lead_id: int,
    version: int,
    outcome: str,
    code: str,
    source: str,
    by: str,
    note: str = "",
    now: datetime,
    scope: Scope,
) -> Recorded:
    """Write a person's verdict, move the lead and leave an audit entry, all in the caller's transaction.

    Parameters
    ----------
    version : int
        The version of the lead that the person looked at.
    outcome : str
        ``confirmed``, ``refuted``, ``dismissed``; ``reopened`` takes the last verdict back.
    code : str
        A reason of `codes_for(outcome)`.
    source : str
        A code of `SOURCES`.
    by : str
        Username.

    Raises
    ------
    NotFound
        No such lead, or outside the scope.
    VersionConflict
        Somebody else decided in the meantime.
    InvalidTransition
        The lead's state does not take this.
    UnknownCode, NoteRequired
        The reason is not of this outcome, or needs words.
    AnotherOpen
        Reopening, while a newer lead of this unit and kind is open.
    """
    _check_reason(outcome, code, source, note)
    row = connection.execute(_SQL["lock_lead"], {**scope.parameters(), "lead_id": lead_id}).fetchone()
    if row is None:
        raise NotFound
    state, current, unit, kind, last_as_of = row
    if version != current:
        raise VersionConflict(current=current)
    action = ACTIONS[outcome]
    following = TRANSITIONS.get((state, action))
    if following is None:
        raise InvalidTransition(action, state)
    _move(connection, lead_id, following, now)
    connection.execute(
        _SQL["insert_verdict"],
        {
            "lead_id": lead_id,
            "outcome": outcome,
            "code": code,
            "source": source,
            "by": by,
            "at": now,
            "note": note.strip(),
        },
    )
    facts.follow(connection, lead_id=lead_id, outcome=outcome, code=code, now=now)
    audit.record(
        connection,
        at=now,
        actor=f"account:{by}",
        action=f"lead.{action}",
        subject=f"lead:{lead_id}",
        reason=code,
        detail={
            "unit": unit,
            "kind": kind,
            "from": state,
            "to": following,
            "version": current + 1,
            # What the evidence said when it was judged.
            "as_of": last_as_of.isoformat(),
        },
    )
    return Recorded(lead_id=lead_id, status=following, version=current + 1, permitted=permitted(following))


def reopen(
    connection: Connection,
    *,
    lead_id: int,
    version: int,
    source: str,
    by: str,
    note: str = "",
    now: datetime,
    scope: Scope,
) -> Recorded:
    """Take the last verdict back: the lead is open again, the verdict stays on record. See `record`."""
    return record(
        connection,
        lead_id=lead_id,
        version=version,
        outcome="reopened",
        code="undo",
        source=source,
        by=by,
        note=note,
        now=now,
        scope=scope,
    )


def of_lead(connection: Connection, lead_id: int, *, scope: Scope) -> list[Verdict]:
    """Every verdict on a lead, oldest first; none outside the scope."""
    rows = connection.execute(_SQL["verdicts_of_lead"], {**scope.parameters(), "lead_id": lead_id})
    return [
        Verdict(
            id=row[0],
            lead_id=row[1],
            outcome=row[2],
            code=row[3],
            source=row[4],
            by=row[5],
            at=row[6],
            note=row[7],
        )
        for row in rows
    ]


def _check_reason(outcome: str, code: str, source: str, note: str) -> None:
    found = next((known for known in codes_for(outcome) if known.code == code), None)
    if found is None or all(known.code != source for known in SOURCES):
        raise UnknownCode
    if found.note_required and not note.strip():
        raise NoteRequired


def _move(connection: Connection, lead_id: int, following: str, now: datetime) -> None:
    closed_at = None if following == "open" else now
    try:
        with connection.transaction():
            connection.execute(
                _SQL["move_lead"], {"lead_id": lead_id, "status": following, "closed_at": closed_at}
            )
    except psycopg.errors.UniqueViolation as error:
        raise AnotherOpen from error
