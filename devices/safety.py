"""What may be commanded for which reason, and what is refused because it would put pressure on a resident.

行政强制法 Art. 43: nobody is made to comply by cutting off water, power, heating or gas. A reason of that
kind is refused for every command. One of safety may be a pretext: where the tenancy is over, a cut-off needs
a danger that a device of the home has reported. Whoever sees another danger there goes and turns the valve by
hand; giving back is never refused.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from devices.errors import ReasonUnfit
from devices.notes import Unfit
from devices.profiles import Profile
from policy.groups import Command as Rules
from storage import audit
from storage.pool import Connection
from storage.queries import load
from wire.commands import PRESSURES, REASONS, Command
from wire.quality import NOT_EVIDENCE

_SQL = load("devices", "commands.sql")
_WATER = frozenset({"water_l", "hot_water_l"})


class Refusal(StrEnum):
    """Why a command was refused."""

    #: The reason that was given is one to put pressure on a resident.
    pressure = "pressure"
    #: A reason of safety was given, but the tenancy is over and no device saw the danger.
    pressure_suspected = "pressure_suspected"
    #: The second person said no.
    declined = "declined"
    #: Who had asked took it back.
    withdrawn = "withdrawn"


def fitting(command: Command, profile: Profile) -> frozenset[str]:
    """The reasons of safety for which such a device may be told this."""
    if command.name == "valve_close" and _WATER & profile.channels.keys():
        return command.reasons - {"fire"}
    return command.reasons


def refusal(
    connection: Connection,
    command: Command,
    profile: Profile,
    reason: str,
    *,
    device_id: int,
    rules: Rules,
    now: datetime,
) -> Refusal | None:
    """Why a command must be refused; None: it need not be.

    Raises
    ------
    ReasonUnfit
        The reason is none of those that the command needs.
    """
    if reason in PRESSURES:
        return Refusal.pressure
    if not command.needs_two:
        if reason:
            raise ReasonUnfit(f"{command.name} needs no reason")
        return None
    if reason not in command.reasons:
        raise ReasonUnfit(f"{command.name} needs one of {', '.join(sorted(command.reasons))}")
    if reason not in fitting(command, profile):
        raise ReasonUnfit("water may be what puts the fire out")
    at = {"device_id": device_id, "now": now}
    if command.cuts and _says(connection, "tenancy_ended", at):
        shown = at | {
            "window": rules.hazard_window,
            "types": sorted(REASONS[reason].shown_by),
            "not_evidence": int(NOT_EVIDENCE),
        }
        if not _says(connection, "hazard_on_record", shown):
            return Refusal.pressure_suspected
    return None


def record(
    connection: Connection,
    command_id: UUID,
    why: Refusal | Unfit,
    *,
    device: str,
    name: str,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Write an attempt down, with how often this person was refused of late; of a note nothing but that."""
    row = connection.execute(_SQL["refused_before"], {"by": by, "now": now}).fetchone()
    audit.record(
        connection,
        at=now,
        actor=by,
        action="command.pressure",
        subject=f"device:{device}",
        reason=reason,
        detail={
            "command": str(command_id),
            "name": name,
            "refusal": "note" if isinstance(why, Unfit) else why.value,
            "times_in_30_days": row[0] if row else 0,
        },
    )


def _says(connection: Connection, statement: str, values: Mapping[str, object]) -> bool:
    row = connection.execute(_SQL[statement], values).fetchone()
    return row is not None and row[0]
