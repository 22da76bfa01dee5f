"""What a device is, and who speaks for it, changed: a gateway replaced, a device changed. Plans only."""

from dataclasses import replace

from devices import bindings, links, listing
from devices.acts import Change
from devices.bindings import Plan
from devices.errors import NotAGateway, OtherEstate, RetiredDevice, UnknownGateway, UnknownProfile
from devices.links import Link
from devices.listing import Estates, Listed
from devices.profiles import load_profiles
from storage.pool import Connection


def taken_over(connection: Connection, plan: Plan, old: Listed, new: Listed) -> Plan:
    """Let a gateway speak for all that another one speaks for, in a plan of the two.

    Raises
    ------
    UnknownGateway, NotAGateway
    """
    if old.id == new.id:
        raise UnknownGateway(f"{old.code} cannot replace itself")
    before = links.children(connection, old.id)
    if not (_is_gateway(old.profile) or before):
        raise NotAGateway(f"{old.code} is no gateway: swap it")
    if not (_is_gateway(new.profile) or new.profile == old.profile):
        raise NotAGateway(f"{new.code} is no gateway: its profile is {new.profile}")
    if any(one.device_id == new.id for one in before):
        raise UnknownGateway(f"{new.code} is itself behind {old.code}: change its gateway first")
    return replace(
        plan,
        devices=plan.devices | listing.codes(connection, [one.device_id for one in before]),
        links_before=before,
        links_after=tuple(replace(one, gateway_id=new.id) for one in before),
    )


def change(connection: Connection, wanted: Change, device: Listed, *, estates: Estates) -> Plan:
    """Plan that a device is another thing, or reaches us in another way.

    Raises
    ------
    UnknownProfile, UnknownGateway, UnknownDevice, OtherEstate, RetiredDevice, NotAGateway
    """
    (before,) = links.of_devices(connection, [device.id])
    after = before
    if wanted.profile is not None:
        if wanted.profile not in load_profiles():
            raise UnknownProfile(f"no such profile: {wanted.profile}")
        after = replace(after, profile=wanted.profile)
        if not _is_gateway(after.profile) and links.children(connection, device.id):
            raise NotAGateway(f"{device.code} speaks for other devices; {after.profile} is no gateway")
    if wanted.gateway is not None:
        after = replace(after, gateway_id=_gateway(connection, wanted.gateway, device, estates))
    if wanted.address is not None:
        after = replace(after, address=wanted.address or None)
    if after.gateway_id is not None and after.address is None:
        after = replace(after, address=device.code)  # as it is when a child is registered without one
    installed = bindings.of_devices(connection, [device.id])
    changed: tuple[tuple[Link, ...], tuple[Link, ...]] = (
        ((before,), (after,)) if after != before else ((), ())
    )
    return Plan(
        devices={device.id: device.code},
        before=installed,
        after=installed,
        links_before=changed[0],
        links_after=changed[1],
    )


def _gateway(connection: Connection, code: str, device: Listed, estates: Estates) -> int | None:
    if not code:
        return None
    found = listing.device(connection, code, estates=estates)
    if device.id in (found.id, found.gateway_id):
        raise UnknownGateway(f"{code} cannot speak for {device.code}: it is the same, or behind it")
    if found.estate_id != device.estate_id:
        raise OtherEstate(f"{code} belongs to another estate than {device.code}")
    if not found.active:
        raise RetiredDevice(f"{code} is retired")
    return found.id


def _is_gateway(profile: str) -> bool:
    found = load_profiles().get(profile)
    return found is not None and found.gateway
