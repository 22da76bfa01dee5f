"""Which device serves which home, rewritten: planned, shown, then done in one act that stays readable.

A plan says what is believed of some devices and what shall be believed instead. It can be looked at
(`effects`: homes and days that would rest on other data) before it is carried out (`apply`). What was
believed before is kept in `installation_version`, row by row, under the act that replaced it
(`devices.changes`); the homes and days are marked for recompute and kept in `installation_effect`, from which
signals and leads are renewed.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import psycopg
from psycopg.rows import class_row

from devices import links
from devices.errors import ChangedMeanwhile, InstallationConflict, PlaceTaken
from devices.installations import Installation
from devices.links import Link
from devices.marks import Stretch
from devices.timelines import differences
from storage import audit
from storage.pool import Connection
from storage.queries import load
from wire.channels import BY_CODE, CHANNELS, EVENTS
from wire.quality import NOT_EVIDENCE

_SQL = load("devices", "bindings.sql")
#: Of these a home has one meter at a time.
_METERED = [channel.code for channel in CHANNELS if channel.metered]

Act = Literal["commission", "swap", "move", "retire", "correct", "undo", "replace_gateway", "change"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One belief and another."""

    #: Codes by id of every device concerned.
    devices: dict[int, str]
    #: Every installation of these devices as it stands …
    before: tuple[Installation, ...]
    #: … and as it shall stand.
    after: tuple[Installation, ...]
    #: Devices that are retired by it, or brought back.
    retires: tuple[int, ...] = ()
    revives: tuple[int, ...] = ()
    #: What devices are and who speaks for them, as it stands and as it shall stand; of those that change.
    links_before: tuple[Link, ...] = ()
    links_after: tuple[Link, ...] = ()

    @property
    def changes_anything(self) -> bool:
        """False: all is already as it shall be."""
        moved = set(self.before) != set(self.after) or self.links_before != self.links_after
        return moved or bool(self.retires or self.revives)

    @property
    def seen(self) -> str:
        """What stands, as a short word: whoever looked at it can say so."""
        return fingerprint(self.before, self.links_before)

    @property
    def means_else(self) -> frozenset[int]:
        """Devices whose readings mean something else by it: their profile changes."""
        pairs = zip(self.links_before, self.links_after, strict=True)
        return frozenset(was.device_id for was, now in pairs if was.profile != now.profile)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Days of one home and channel that rest on other data since an act."""

    unit_id: int
    #: A channel code; 0: events.
    channel: int
    #: UTC days, both part of it.
    first: date
    last: date
    days: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """What an act did."""

    #: None: all was already so, nothing was recorded.
    change_id: int | None
    effects: tuple[Effect, ...] = ()


def fingerprint(rows: Iterable[Installation], linked: Iterable[Link] = ()) -> str:
    """A short word for a set of installations and links; another set, another word."""
    text = "\n".join(
        f"{row.device_id} {row.channel} {row.unit_id} {row.entrance} {row.multiplier!r}"
        f" {row.valid_from.timestamp()} {row.valid_to and row.valid_to.timestamp()}"
        for row in sorted(rows, key=lambda one: one.key)
    )
    text += "".join(f"\n{one!r}" for one in linked)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_devices(connection: Connection, device_ids: Sequence[int]) -> tuple[Installation, ...]:
    """Every installation of some devices."""
    with connection.cursor(row_factory=class_row(Installation)) as cursor:
        return tuple(cursor.execute(_SQL["of_devices"], {"devices": list(device_ids)}).fetchall())


def effects(connection: Connection, plan: Plan) -> tuple[Effect, ...]:
    """What homes and days a plan would put on other data. Reads only.

    Raises
    ------
    PlaceTaken, AddressTaken
        The plan cannot be carried out.
    """
    _refuse_taken(connection, plan)
    stretches = _stretches(plan)
    if not stretches["units"]:
        return ()
    return _effects(connection.execute(_SQL["effects"], stretches).fetchall())


def apply(
    connection: Connection,
    plan: Plan,
    *,
    act: Act,
    by: str,
    now: datetime,
    seen: str | None = None,
    reason: str = "",
    note: str = "",
    undoes: int | None = None,
) -> Done:
    """Carry a plan out; the caller holds the registry (`registry.begin_change`) since before it was made.

    Parameters
    ----------
    by : str
        ``account:…`` or ``system:…``
    seen : str, optional
        `Plan.seen` of what the person looked at.

    Raises
    ------
    ChangedMeanwhile
        Something else stands than what was seen.
    PlaceTaken, InstallationConflict, AddressTaken
        Another device serves the home in that period, or has that address. Nothing is written then.
    """
    if not plan.changes_anything:
        return Done(change_id=None)
    if seen is not None and seen != plan.seen:
        raise ChangedMeanwhile
    _refuse_taken(connection, plan)
    _write(connection, plan)
    change_id = _record(
        connection,
        plan,
        {"at": now, "by": by, "act": act, "reason": reason, "note": note.strip(), "undoes": undoes},
    )
    found = _mark(connection, plan, change_id)
    for device_id, code in plan.devices.items():
        audit.record(
            connection,
            at=now,
            actor=by,
            action="device.correct" if act == "correct" else "device.install",
            subject=f"device:{code}",
            reason=reason or None,
            detail={
                "act": act,
                "change": change_id,
                "before": [_said(row) for row in plan.before if row.device_id == device_id],
                "after": [_said(row) for row in plan.after if row.device_id == device_id],
                **_said_links(plan, device_id),
            },
        )
    return Done(change_id=change_id, effects=found)


def retired_among(connection: Connection, device_ids: Sequence[int]) -> set[int]:
    """Those of some devices that are retired now."""
    rows = connection.execute(_SQL["retired_now"], {"devices": list(device_ids)}).fetchall()
    return {row[0] for row in rows}


def _refuse_taken(connection: Connection, plan: Plan) -> None:
    links.refuse_taken(connection, plan.links_after)
    new = [row for row in plan.after if row.unit_id is not None and row not in plan.before]
    if not new:
        return
    row = connection.execute(
        _SQL["taken"], _columns(new) | {"metered": _METERED, "concerned": list(plan.devices)}
    ).fetchone()
    if row is not None:
        device, channel, unit, since, until = row
        name = BY_CODE[channel].name
        until_words = f" until {until:%Y-%m-%d %H:%M}" if until else ""
        raise PlaceTaken(
            f"{unit}: {name} is served by {device} since {since:%Y-%m-%d %H:%M}{until_words} (UTC)",
            device=device,
            channel=channel,
        )


def _write(connection: Connection, plan: Plan) -> None:
    gone = [row for row in plan.before if row not in plan.after]
    new = [row for row in plan.after if row not in plan.before]
    try:
        with connection.transaction():
            connection.execute(_SQL["remove"], _columns(gone))
            connection.execute(_SQL["add"], _columns(new))
    except (psycopg.errors.ExclusionViolation, psycopg.errors.CheckViolation) as error:
        raise InstallationConflict(error.diag.message_detail or str(error)) from error
    links.write(connection, plan.links_after)
    for retired, devices in ((True, plan.retires), (False, plan.revives)):
        if devices:
            connection.execute(_SQL["set_status"], {"retired": retired, "devices": list(devices)})


def _record(connection: Connection, plan: Plan, values: dict[str, object]) -> int:
    row = connection.execute(_SQL["insert_change"], values).fetchone()
    assert row is not None
    change_id: int = row[0]
    for is_after, rows in ((False, plan.before), (True, plan.after)):
        connection.execute(
            _SQL["insert_versions"], _columns(rows) | {"change_id": change_id, "is_after": is_after}
        )
    for retired, devices in ((True, plan.retires), (False, plan.revives)):
        connection.execute(
            _SQL["insert_retirements"],
            {"change_id": change_id, "retired": retired, "devices": list(devices)},
        )
    links.record(connection, change_id, plan.links_before, plan.links_after)
    return change_id


def _mark(connection: Connection, plan: Plan, change_id: int) -> tuple[Effect, ...]:
    stretches = _stretches(plan)
    if not stretches["units"]:
        return ()
    found = _effects(connection.execute(_SQL["mark"], stretches | {"change_id": change_id}).fetchall())
    if found:
        connection.execute("NOTIFY usage_dirty")
    return found


def _stretches(plan: Plan) -> dict[str, object]:
    found = differences(plan.before, plan.after) + [
        Stretch(row.unit_id, row.device_id, row.channel, row.valid_from, row.valid_to)
        for row in plan.after
        if row.unit_id is not None and row.device_id in plan.means_else
    ]
    return {
        "units": [one.unit_id for one in found],
        "devices": [one.device_id for one in found],
        "channels": [one.channel for one in found],
        "froms": [one.valid_from for one in found],
        "tos": [one.valid_to for one in found],
        "not_evidence": int(NOT_EVIDENCE),
        "events": EVENTS,
    }


def _effects(rows: Iterable[tuple[int, int, date, date, int]]) -> tuple[Effect, ...]:
    return tuple(
        Effect(unit_id=unit, channel=channel, first=first, last=last, days=days)
        for unit, channel, first, last, days in rows
    )


def _columns(rows: Iterable[Installation]) -> dict[str, object]:
    rows = list(rows)
    return {
        "devices": [row.device_id for row in rows],
        "channels": [row.channel for row in rows],
        "froms": [row.valid_from for row in rows],
        "units": [row.unit_id for row in rows],
        "entrances": [row.entrance for row in rows],
        "tos": [row.valid_to for row in rows],
        "multipliers": [row.multiplier for row in rows],
    }


def _said_links(plan: Plan, device_id: int) -> dict[str, object]:
    pairs = zip(plan.links_before, plan.links_after, strict=True)
    found = next((pair for pair in pairs if pair[0].device_id == device_id), None)
    return {} if found is None else {"link": {"before": links.said(found[0]), "after": links.said(found[1])}}


def _said(row: Installation) -> dict[str, object]:
    return {
        "channel": BY_CODE[row.channel].name if row.channel else "events",
        "unit_id": row.unit_id,
        "entrance": row.entrance,
        "from": row.valid_from.isoformat(),
        "to": row.valid_to and row.valid_to.isoformat(),
        "multiplier": row.multiplier,
    }
