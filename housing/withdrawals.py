"""Leads whose data turned out to be another home's: withdrawn, or flagged where a person decided.

After a binding was corrected, signals of past evenings are renewed. A lead whose evening no longer finds it
rested on the wrong data. While it is open it is withdrawn, with the reason: it counts as neither confirmed
nor refuted, nothing is learned from it, and it does not stand in the way of a new one. One that a person
decided stays as it was decided and is flagged: what becomes of it is for a person to say. What is found
again when a correction is taken back is cleared.

`v_withdrawal` says the same to whoever cited a lead: cases read it from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal

from psycopg.rows import class_row

from housing.kinds import BY_CODE
from housing.scope import Scope
from storage import audit
from storage.pool import Connection
from storage.queries import load

_SQL = load("housing", "withdrawals.sql")

Effect = Literal["withdrawn", "flagged", "cleared"]

#: What people are told → zh, en. The closed list.
REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "another_home": (
            "依据的数据属于另一户（设备登记有误，已更正）",
            "The data behind this was another home's (a device was bound wrongly; now corrected)",
        ),
        "another_time": (
            "依据的数据不属于这户的这段时间（安装时间登记有误，已更正）",
            "The data behind this was not this home's at that time (the time of installation was corrected)",
        ),
        "other_meaning": (
            "设备型号登记有误（已更正），依据的数据须另行解读",
            "The device's profile was wrong (now corrected): the data behind this reads otherwise",
        ),
        "rebound": (
            "设备的安装登记有变动，依据的数据已不属于这户",
            "The record of which device hangs where changed: the data behind this is no longer this home's",
        ),
    }
)
#: Why the registry was changed → what is said of the lead.
_BECAUSE: Mapping[str, str] = MappingProxyType(
    {
        "crossed": "another_home",
        "wrong_unit": "another_home",
        "wrong_time": "another_time",
        "profile": "other_meaning",
    }
)


@dataclass(frozen=True, kw_only=True)
class Rebound:
    """A home that rests on other data since somebody changed what hangs there."""

    unit_id: int
    #: Names of the channels concerned, `events` among them.
    channels: frozenset[str]
    #: The evenings that were judged again, both part of it.
    first: date
    last: date
    #: The act in the registry, who did it, and why.
    change_id: int
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """What became of one lead."""

    id: int
    lead_id: int
    at: datetime
    #: Who changed the registry.
    by: str
    #: `cleared`: found again after the correction was taken back.
    effect: Effect
    #: Status of the lead before.
    status: str
    #: A key of `REASONS`.
    reason: str
    change_id: int


@dataclass(frozen=True, kw_only=True)
class Affected:
    """Leads that a change of the registry may withdraw or flag."""

    #: Open ones, which would be withdrawn if they are not found again.
    open: int
    #: Those that a person decided.
    decided: int


def withdraw(connection: Connection, rebound: Sequence[Rebound], *, now: datetime) -> list[Withdrawal]:
    """Withdraw, flag or clear the leads of these homes, after their signals were renewed.

    An open lead that is still found takes over the renewed evidence. Each step leaves an audit entry.

    Returns
    -------
    list of Withdrawal
        What was done, in the caller's transaction; empty if it was done before.
    """
    if not rebound:
        return []
    homes = {one.unit_id: one for one in rebound}
    columns = _columns(rebound)
    done: list[Withdrawal] = []
    for lead_id, unit_id, unit, kind, status, found, flagged in connection.execute(
        _SQL["lock_concerned"], columns
    ).fetchall():
        why = homes[unit_id]
        if kind in BY_CODE and not BY_CODE[kind].channels & why.channels:
            continue
        effect = _effect(status, found=found, flagged=flagged)
        if effect is None:
            continue
        values: dict[str, Any] = {
            "lead_id": lead_id,
            "at": now,
            "by": why.by,
            "effect": effect,
            "status": status,
            "reason": _BECAUSE.get(why.reason, "rebound"),
            "change_id": why.change_id,
        }
        row = connection.execute(_SQL["record"], values).fetchone()
        if row is None:
            continue
        if effect == "withdrawn":
            connection.execute(_SQL["close"], {"lead_id": lead_id, "now": now})
        done.append(Withdrawal(id=row[0], **values))
        audit.record(
            connection,
            at=now,
            actor="system:worker",
            action=f"lead.{_VERBS[effect]}",
            subject=f"lead:{lead_id}",
            reason=str(values["reason"]),
            detail={"unit": unit, "kind": kind, "from": status, "by": why.by, "change": why.change_id},
        )
    connection.execute(_SQL["renew_evidence"], columns)
    return done


def of_lead(connection: Connection, lead_id: int, *, scope: Scope) -> list[Withdrawal]:
    """What became of a lead, oldest first; nothing outside the scope."""
    with connection.cursor(row_factory=class_row(Withdrawal)) as cursor:
        return cursor.execute(_SQL["of_lead"], {**scope.parameters(), "lead_id": lead_id}).fetchall()


def affected(connection: Connection, unit_ids: Sequence[int], *, since: date, scope: Scope) -> Affected:
    """Leads of some homes that stood on an evening from `since` on, for a preview."""
    row = connection.execute(
        _SQL["affected"], {**scope.parameters(), "units": list(unit_ids), "since": since}
    ).fetchone()
    assert row is not None
    return Affected(open=row[0], decided=row[1])


_VERBS = {"withdrawn": "withdraw", "flagged": "flag", "cleared": "clear"}


def _effect(status: str, *, found: bool, flagged: bool) -> Effect | None:
    if status == "open":
        return None if found else "withdrawn"
    if found == flagged:
        return "cleared" if flagged else "flagged"
    return None


def _columns(rebound: Sequence[Rebound]) -> dict[str, object]:
    return {
        "units": [one.unit_id for one in rebound],
        "firsts": [one.first for one in rebound],
        "lasts": [one.last for one in rebound],
    }
