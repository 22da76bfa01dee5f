"""How commands say and read times: people have local time with its offset, programs UTC."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from anju.errors import AnjuError
from storage.pool import Connection


def told(at: datetime, zone: tzinfo) -> str:
    """A moment for people: ``2026-11-24 16:00:05 +08:00``; whole minutes without seconds."""
    local = at.astimezone(zone).isoformat(" ", "seconds" if at.second else "minutes")
    return f"{local[:-6]} {local[-6:]}"


def read(option: str, text: str, zone: tzinfo) -> datetime:
    """The moment that an option names; without a zone it is local, and a day is its beginning.

    Raises
    ------
    AnjuError
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise AnjuError(
            f"{option} {text}: not a time like 2026-11-24, 2026-11-24T08:00 or 2026-11-24T08:00:00+08:00"
        ) from error
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)


def spelled(at: datetime) -> str:
    """A moment for programs: ``2026-11-24T08:00:05Z``."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def zone_of_all(connection: Connection) -> tzinfo:
    """The time zone of all estates, for what is no one estate's; UTC where they are in several."""
    from housing import estates  # noqa: PLC0415 - a command loads what it needs
    from housing.scope import EVERYTHING  # noqa: PLC0415

    zones = {one.time_zone for one in estates.list_estates(connection, scope=EVERYTHING)}
    return ZoneInfo(zones.pop()) if len(zones) == 1 else UTC
