"""How commands say times: to people in local time with its offset, to programs in UTC."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from storage.pool import Connection


def told(at: datetime, zone: tzinfo) -> str:
    """A moment for people: ``2026-11-24 16:00:05 +08:00``; whole minutes without seconds."""
    local = at.astimezone(zone).isoformat(" ", "seconds" if at.second else "minutes")
    return f"{local[:-6]} {local[-6:]}"


def spelled(at: datetime) -> str:
    """A moment for programs: ``2026-11-24T08:00:05Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def zone_of_all(connection: Connection) -> tzinfo:
    """Say in which time zone all estates are; UTC where there is none, or more than one."""
    from housing import estates  # noqa: PLC0415 - a command loads what it needs
    from housing.scope import EVERYTHING  # noqa: PLC0415

    zones = {one.time_zone for one in estates.list_estates(connection, scope=EVERYTHING)}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC
