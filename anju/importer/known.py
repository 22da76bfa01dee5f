"""What the database already holds that an import can refer to. Reads only; rooms write their own tables."""

from dataclasses import dataclass, field
from datetime import date, datetime

from storage.pool import Connection
from storage.queries import load

_SQL = load("anju.importer", "known.sql")

#: (estate code, unit code)
UnitKey = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class KnownDevice:
    """One registered device."""

    id: int
    profile: str
    serial: str
    estate: str
    #: Code of the gateway that speaks for it.
    gateway: str | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class KnownInstallation:
    """One channel of one device over a period."""

    device: str
    channel: int
    unit: UnitKey | None
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, kw_only=True)
class Known:
    """Codes that exist."""

    #: code → zone
    estates: dict[str, str] = field(default_factory=dict)
    #: (estate, building)
    buildings: set[tuple[str, str]] = field(default_factory=set)
    units: dict[UnitKey, int] = field(default_factory=dict)
    #: code → (size, elder alone)
    households: dict[str, tuple[int, bool]] = field(default_factory=dict)
    residents: set[str] = field(default_factory=set)
    #: code → (unit, first day, last day)
    leases: dict[str, tuple[UnitKey, date, date]] = field(default_factory=dict)
    #: code → what is registered
    devices: dict[str, KnownDevice] = field(default_factory=dict)
    installations: list[KnownInstallation] = field(default_factory=list)


def read(connection: Connection) -> Known:
    """Read every code; a city of 100,000 homes is some tens of megabytes."""
    rows = {name: connection.execute(_SQL[name]).fetchall() for name in _SQL}
    return Known(
        estates=dict(rows["estates"]),
        buildings={(estate, code) for estate, code in rows["buildings"]},
        units={(estate, code): number for estate, code, number in rows["units"]},
        households={code: (size, elder) for code, size, elder in rows["households"]},
        residents={code for (code,) in rows["residents"]},
        leases={code: ((estate, unit), start, end) for code, estate, unit, start, end in rows["leases"]},
        devices={
            code: KnownDevice(
                id=number, profile=profile, serial=serial, estate=estate, gateway=gateway, address=address
            )
            for code, number, profile, serial, estate, gateway, address in rows["devices"]
        },
        installations=[
            KnownInstallation(
                device=device,
                channel=channel,
                unit=None if unit is None else (estate, unit),
                valid_from=start,
                valid_to=end,
            )
            for device, channel, estate, unit, start, end in rows["installations"]
        ],
    )
