"""A device enters the registry, as a person asks for it: nobody takes over another one by its code."""

from datetime import datetime

from devices import listing, registry
from devices.errors import DeviceExists, UnknownDevice
from devices.listing import Estates, Listed
from devices.registry import NewDevice
from storage import audit
from storage.pool import Connection


def register(
    connection: Connection, new: NewDevice, *, by: str, now: datetime, estates: Estates = None
) -> Listed:
    """Register a device, in the caller's transaction; the same again changes nothing.

    Parameters
    ----------
    estates : sequence of int, optional
        Estates that the person may work in.

    Raises
    ------
    DeviceExists
        The code is taken, by a device that is not the same, or lies outside the estates.
    InvalidDeviceCode, UnknownProfile, UnknownGateway, AddressTaken
    """
    registry.begin_change(connection)
    if new.gateway:
        listing.device(connection, new.gateway, estates=estates)
    try:
        found = listing.device(connection, new.code)
    except UnknownDevice:
        registry.register_devices(connection, [new])
        found = listing.device(connection, new.code, estates=estates)
        audit.record(
            connection,
            at=now,
            actor=by,
            action="device.register",
            subject=f"device:{new.code}",
            detail={
                "profile": new.profile,
                "serial": new.serial,
                "estate": found.estate,
                "gateway": found.gateway,
                "address": found.address,
            },
        )
        return found
    same = (
        found.estate_id == new.estate_id
        and (estates is None or found.estate_id in estates)
        and (found.profile, found.serial) == (new.profile, new.serial)
        and (new.gateway is None or new.gateway == (found.gateway or ""))
        and (new.address is None or new.address == (found.address or ""))
    )
    if not same:
        visible = estates is None or found.estate_id in estates
        raise DeviceExists(f"{new.code} is registered otherwise: change it" if visible else None)
    return found
