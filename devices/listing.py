"""The registry as people look at it: one device, lists, what hangs where. Estates bound what is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from devices.errors import UnknownDevice, UnknownPlace
from storage.pool import Connection
from storage.queries import load

_SQL = load("devices", "listing.sql")

#: Ids of the estates that may be seen; None: every one.
Estates = Sequence[int] | None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One registered device."""

    id: int
    code: str
    profile: str
    serial: str
    estate_id: int
    estate: str
    time_zone: str
    active: bool
    #: Code of the gateway that speaks for it.
    gateway: str | None
    gateway_id: int | None
    address: str | None


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One channel of one device at one place, in words."""

    device_id: int
    device: str
    serial: str
    profile: str
    #: A channel code; 0: events.
    channel: int
    unit_id: int | None
    #: Code of the home.
    unit: str | None
    entrance: str | None
    valid_from: datetime
    valid_to: datetime | None
    multiplier: float


@dataclass(frozen=True, kw_only=True)
class Home:
    """A home as devices need it."""

    unit_id: int
    unit: str
    estate_id: int


def device(connection: Connection, code: str, *, estates: Estates = None) -> Listed:
    """One device by its code.

    Raises
    ------
    UnknownDevice
        Not registered, or outside the estates.
    """
    found = _list(connection, estates, code=code, limit=1)
    if not found:
        raise UnknownDevice(f"no such device: {code}")
    return found[0]


def devices(
    connection: Connection,
    *,
    estates: Estates = None,
    estate: str | None = None,
    words: str | None = None,
    installed: bool | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Listed]:
    """Devices by code.

    Parameters
    ----------
    words : str, optional
        Part of the code, the serial number or the address.
    installed : bool, optional
        Whether it is at a place now.
    after : str, optional
        The last code of the page before.
    """
    return _list(
        connection, estates, estate=estate, words=words, installed=installed, after=after, limit=limit
    )


def scanned(connection: Connection, texts: Sequence[str], *, estates: Estates = None) -> list[Listed]:
    """Devices whose code, serial number or address is one of these texts, as a label shows them."""
    parameters = _parameters(estates) | {"texts": list(texts)}
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(_SQL["scanned"], parameters).fetchall()


def installations_of(connection: Connection, device_id: int) -> list[Installed]:
    """Where a device was and is, the newest first."""
    with connection.cursor(row_factory=class_row(Installed)) as cursor:
        return cursor.execute(_SQL["installations_of"], {"device_id": device_id}).fetchall()


def at_unit(connection: Connection, unit_id: int, *, at: datetime) -> list[Installed]:
    """What hangs in a home at a moment."""
    with connection.cursor(row_factory=class_row(Installed)) as cursor:
        return cursor.execute(_SQL["at_unit"], {"unit_id": unit_id, "at": at}).fetchall()


def home(connection: Connection, unit_id: int, *, estates: Estates = None) -> Home:
    """One home.

    Raises
    ------
    UnknownPlace
        No such home, or outside the estates.
    """
    with connection.cursor(row_factory=class_row(Home)) as cursor:
        found = cursor.execute(_SQL["home"], _parameters(estates) | {"unit_id": unit_id}).fetchone()
    if found is None:
        raise UnknownPlace(f"no such home: {unit_id}")
    return found


def _list(
    connection: Connection,
    estates: Estates,
    *,
    limit: int,
    code: str | None = None,
    estate: str | None = None,
    words: str | None = None,
    installed: bool | None = None,
    after: str | None = None,
) -> list[Listed]:
    parameters = _parameters(estates) | {
        "code": code,
        "estate": estate,
        "words": words and words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_"),
        "installed": installed,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Listed)) as cursor:
        return cursor.execute(_SQL["list"], parameters).fetchall()


def _parameters(estates: Estates) -> dict[str, object]:
    return {"everything": estates is None, "estate_ids": list(estates or ())}


def codes(connection: Connection, device_ids: Sequence[int], *, estates: Estates = None) -> dict[int, str]:
    """Codes by id; of those within the estates."""
    parameters = _parameters(estates) | {"devices": list(device_ids)}
    return dict(connection.execute(_SQL["codes"], parameters).fetchall())


def unit_codes(connection: Connection, unit_ids: Sequence[int]) -> dict[int, str]:
    """Codes of homes by id, for what was found in scope before."""
    return dict(connection.execute(_SQL["unit_codes"], {"units": list(unit_ids)}).fetchall())
