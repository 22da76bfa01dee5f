"""Which devices there are, and which unit each of their channels serves.

A change of the registry and a batch of readings must not pass each other unseen: the change would not
mark the batch's days, and the batch would not know the change. So a change holds an advisory lock alone
and counts up a version (`begin_change`); who stores readings holds the same lock shared and loads the
registry again when the version moved (`hold`). Keep transactions that change the registry short: ingest
waits for them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import TupleRow

from devices import marks
from devices.errors import (
    AddressTaken,
    InvalidDeviceCode,
    ReservedDeviceCode,
    UnknownGateway,
    UnknownProfile,
)
from devices.profiles import Profile, load_profiles
from storage.pool import Connection
from storage.queries import load as load_queries
from wire.envelope import SERVICES, is_device_code

_log = logging.getLogger(__name__)
_LOCK = 7_309_004_712
#: Microseconds since 1970: there is no end.
FOREVER_US = 2**62
_SQL = load_queries("devices", "registry.sql")


@dataclass(frozen=True, kw_only=True)
class NewDevice:
    """A device to be registered."""

    #: Its name in topics.
    code: str
    #: A name of `load_profiles`.
    profile: str
    estate_id: int
    #: The maker's number (表号).
    serial: str = ""
    #: Code of the gateway that speaks for it; empty: it speaks for itself. None: as it is registered.
    gateway: str | None = None
    #: What its format calls it: a EUI, a meter number, a name; empty: its code. None: as it is registered.
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class Device:
    """A registered device."""

    id: int
    code: str
    profile: Profile
    #: False: retired; what it still sends is quarantined.
    active: bool
    #: Of its estate, for times without a zone.
    zone: ZoneInfo
    #: The gateway that speaks for it; None: it speaks for itself.
    gateway_id: int | None = None
    #: What its format calls it; None: its code.
    address: str | None = None
    #: Retired: when that was said, in microseconds since 1970. What came before is still its word when it
    #: is decoded again.
    retired_us: int | None = None

    def speaks_at(self, received_us: int) -> bool:
        """Whether what arrived then counts as its word."""
        return self.active or (self.retired_us is not None and received_us < self.retired_us)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A device's channel at a unit: half-open, microseconds since 1970."""

    unit_id: int
    from_us: int
    to_us: int


class Registry:
    """The registry as of one version, in memory."""

    def __init__(
        self,
        *,
        version: int,
        devices: Mapping[str, Device],
        services: Mapping[tuple[int, int], Sequence[Service]],
        without_profile: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.version = version
        #: Profile by code, of registered devices whose profile this version does not have: nothing says
        #: what they mean, so they are not among the devices.
        self.without_profile = without_profile
        self._devices = devices
        self._services = services
        self._children: dict[tuple[int, str], Device] = {}
        self._spoken_for: dict[int, int] = {}
        self._addressed: dict[tuple[str, str], list[Device]] = {}
        for device in devices.values():
            name = device.address or device.code
            if device.gateway_id is not None:
                self._children[device.gateway_id, name] = device
                self._spoken_for[device.gateway_id] = self._spoken_for.get(device.gateway_id, 0) + 1
            self._addressed.setdefault((device.profile.format, name), []).append(device)

    def device(self, code: str) -> Device | None:
        """Find a device by its name in topics."""
        return self._devices.get(code)

    def child(self, gateway: Device, address: str) -> Device | None:
        """Find the device that a gateway calls so, among its listed children."""
        return self._children.get((gateway.id, address))

    def voices(self, device: Device) -> int:
        """How many devices a device speaks for, itself included."""
        return 1 + self._spoken_for.get(device.id, 0)

    def addressed(self, wire_format: str, address: str) -> Device | None:
        """Find the one device of a format that is called so, whoever speaks for it; None: none or several."""
        found = self._addressed.get((wire_format, address), ())
        return found[0] if len(found) == 1 else None

    def units_at(
        self, device_id: NDArray[np.int64], channel: NDArray[np.int64], time_us: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Say which units devices' channels served.

        Parameters
        ----------
        device_id, channel, time_us : (n,) int
            Times in microseconds since 1970.

        Returns
        -------
        (n,) int
            0 where there was none.
        """
        return self._timetable.units_at(_pair(device_id, channel), time_us)

    @cached_property
    def _timetable(self) -> "_Timetable":
        return _Timetable(self._services)


class _Timetable:
    """All services as columns, in the order of device, channel and time."""

    def __init__(self, services: Mapping[tuple[int, int], Sequence[Service]]) -> None:
        rows = sorted(
            (device_id, channel, service.from_us, service.to_us, service.unit_id)
            for (device_id, channel), several in services.items()
            for service in several
        )
        device_id, channel, *times, self._unit_id = np.array(rows, np.int64).reshape(-1, 5).T
        self._pair, (self._from_us, self._to_us) = _pair(device_id, channel), times
        #: For pair and beginning as one number: as they are they do not fit into 64 bits.
        self._pairs, self._moments = np.unique(self._pair), np.unique(self._from_us)
        self._rank = self._ranked(self._pair, self._from_us)

    def units_at(self, pair: NDArray[np.int64], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(self._pair):
            return np.zeros(len(pair), np.int64)
        # The last service of the pair that had begun.
        row = np.maximum(np.searchsorted(self._rank, self._ranked(pair, time_us), "right") - 1, 0)
        serves = (self._pair[row] == pair) & (self._from_us[row] <= time_us) & (time_us < self._to_us[row])
        return np.where(serves, self._unit_id[row], 0)

    def _ranked(self, pair: NDArray[np.int64], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        moment = np.searchsorted(self._moments, time_us, "right")
        return np.searchsorted(self._pairs, pair, "right") * (len(self._moments) + 1) + moment


def _pair(device_id: NDArray[np.int64], channel: NDArray[np.int64]) -> NDArray[np.int64]:
    return device_id * 2**16 + channel


def load(connection: Connection) -> Registry:
    """Read the registry."""
    profiles = load_profiles()
    version = _version(connection)
    devices: dict[str, Device] = {}
    without_profile: dict[str, str] = {}
    for device_id, code, name, active, zone, gateway_id, address, retired_us in connection.execute(
        _SQL["devices"]
    ):
        profile = profiles.get(name)
        if profile is None:
            without_profile[code] = name
            _tell_of_missing(name)
        else:
            devices[code] = Device(
                id=device_id,
                code=code,
                profile=profile,
                active=active,
                zone=ZoneInfo(zone),
                gateway_id=gateway_id,
                address=address,
                retired_us=retired_us,
            )
    services: dict[tuple[int, int], list[Service]] = {}
    for device_id, channel, *service in connection.execute(_SQL["installations"]):
        services.setdefault((device_id, channel), []).append(_service(*service))
    return Registry(
        version=version,
        devices=MappingProxyType(devices),
        services=MappingProxyType(services),
        without_profile=MappingProxyType(without_profile),
    )


def services_of(connection: Connection, *, device_id: int, channel: int) -> list[Service]:
    """Say which units one device's channel served, and when."""
    rows = connection.execute(_SQL["services"], {"device_id": device_id, "channel": channel}).fetchall()
    return [_service(*row) for row in rows]


def hold(connection: Connection) -> int:
    """Keep the registry as it is until this transaction ends; returns its version."""
    with connection.pipeline():  # one journey; the version is read once the lock is ours
        connection.execute(_SQL["lock_shared"], {"lock": _LOCK})
        version = connection.execute(_SQL["version"])
    return _only(version)


def begin_change(connection: Connection) -> None:
    """Begin to change the registry in this transaction: alone, counted, announced as `registry`."""
    connection.execute(_SQL["lock_exclusive"], {"lock": _LOCK})
    connection.execute(_SQL["count_up"])
    connection.execute(_SQL["notify_registry"])


def register_device(
    connection: Connection,
    *,
    code: str,
    profile: str,
    estate_id: int,
    serial: str = "",
    gateway: str | None = None,
    address: str | None = None,
) -> int:
    """Register one device, or change it; safe to repeat. Returns its id.

    Raises
    ------
    InvalidDeviceCode, ReservedDeviceCode, UnknownProfile, UnknownGateway, AddressTaken
    """
    device = NewDevice(
        code=code, profile=profile, estate_id=estate_id, serial=serial, gateway=gateway, address=address
    )
    return register_devices(connection, [device])[code]


def register_devices(connection: Connection, devices: Sequence[NewDevice]) -> dict[str, int]:
    """Register devices, or change them, in a few round trips; safe to repeat.

    A changed profile changes what the device's readings mean: their days are marked. A gateway may be
    registered in the same call as its children.

    Parameters
    ----------
    devices : Sequence[NewDevice]
        Each code once.

    Returns
    -------
    dict[str, int]
        Id by code.

    Raises
    ------
    InvalidDeviceCode, ReservedDeviceCode, UnknownProfile, UnknownGateway, AddressTaken
        Nothing is written then.
    """
    profiles = load_profiles()
    for device in devices:
        if not is_device_code(device.code):
            raise InvalidDeviceCode(f"not a device code: {device.code!r}")
        if device.code in SERVICES:
            raise ReservedDeviceCode(
                f"{device.code} is the name of a service of ours at the broker: choose another code"
            )
        _profile(profiles, device.profile)
    begin_change(connection)
    codes = [device.code for device in devices]
    with connection.transaction():
        changed = connection.execute(
            _SQL["register"],
            {
                "codes": codes,
                "profiles": [device.profile for device in devices],
                "serials": [device.serial for device in devices],
                "estates": [device.estate_id for device in devices],
            },
        ).fetchall()
        _give_addresses(connection, devices)
    marks.mark_devices(connection, [device_id for device_id, means_else in changed if means_else])
    return dict(connection.execute(_SQL["ids"], {"codes": codes}).fetchall())


def _give_addresses(connection: Connection, devices: Sequence[NewDevice]) -> None:
    said = [device for device in devices if device.gateway is not None or device.address is not None]
    if not said:
        return
    columns = {
        "codes": [device.code for device in said],
        "gateways": [device.gateway for device in said],
        "addresses": [device.address for device in said],
    }
    unknown = connection.execute(_SQL["unknown_gateway"], columns).fetchone()
    if unknown is not None:
        raise UnknownGateway(f"{unknown[0]}: no such gateway: {unknown[1]}")
    try:
        with connection.transaction():
            connection.execute(_SQL["address"], columns)
    except psycopg.errors.UniqueViolation as error:
        raise AddressTaken(_who_has_it(connection, columns)) from error


def _who_has_it(connection: Connection, columns: Mapping[str, object]) -> str | None:
    """The first address that is asked for twice, in words."""
    found = connection.execute(_SQL["address_twice"], columns).fetchone()
    if found is None:
        return None
    gateway, one, other, address = found
    return f"{one} and {other} cannot both be {address} behind {gateway}"


def retire(connection: Connection, code: str) -> bool:
    """Retire a device: its history stays, what it still sends is quarantined. False if it was already.

    Its installations are left alone; `devices.lifecycle` ends them as well.
    """
    begin_change(connection)
    row = connection.execute(_SQL["set_status"], {"code": code, "status": "retired"}).fetchone()
    return row is not None


@cache
def _tell_of_missing(profile: str) -> None:
    """Once a process and profile."""
    _log.warning(
        "no file in devices/profiles for %r: its devices are treated as unknown",
        profile,
        extra={"action": "devices.profile_missing", "profile": profile},
    )


def _service(unit_id: int, from_us: int, to_us: int | None) -> Service:
    return Service(unit_id=unit_id, from_us=from_us, to_us=FOREVER_US if to_us is None else to_us)


def _version(connection: Connection) -> int:
    return _only(connection.execute(_SQL["version"]))


def _only(version: psycopg.Cursor[TupleRow]) -> int:
    row = version.fetchone()
    if row is None:
        raise LookupError("registry_version is empty")
    return row[0]


def _profile(profiles: Mapping[str, Profile], name: str) -> Profile:
    profile = profiles.get(name)
    if profile is None:
        raise UnknownProfile(f"no such profile: {name}; there are {', '.join(sorted(profiles))}")
    return profile
