"""What a device is, by what it measures and sends: a water meter, a lock, a detector."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from devices.profiles import Profile, load_profiles
from wire.channels import BY_CODE, EVENTS

#: What lists and filters offer.
KINDS = ("power", "water", "hot", "gas", "heat", "several", "door", "detector", "gateway", "other")
#: Kind of meter → its registers.
_METERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "heat": frozenset({"heat_kwh", "heat_hca"}),
        "gas": frozenset({"gas_m3"}),
        "hot": frozenset({"hot_water_l"}),
        "power": frozenset({"energy_kwh"}),
        "water": frozenset({"water_l"}),
    }
)
#: The same, of one without a register.
_GAUGES: Mapping[str, str] = MappingProxyType({"power": "power_w", "water": "flow_l_h"})
#: Kind of device → events that only it sends.
_BY_EVENTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "door": frozenset({"entry", "door_opened"}),
        "detector": frozenset({"smoke", "gas", "water_leak", "motion", "emergency_button"}),
    }
)


def kind_of(profile: Profile | None) -> str:
    """What a device of a profile is, one of `KINDS`."""
    if profile is None:
        return "other"
    if profile.gateway:
        return "gateway"
    metered = meter_kinds(profile.channel_codes)
    if metered:
        # a box that counts is a meter, though it has events of a door as well
        return metered[0] if len(metered) == 1 else "several"
    return next((kind for kind, events in _BY_EVENTS.items() if profile.events & events), "other")


def profiles_of(kind: str) -> list[str] | None:
    """The profiles of a kind; None: of every one."""
    if kind not in KINDS:
        return None
    return [name for name, profile in load_profiles().items() if kind_of(profile) == kind]


def meter_kind(channels: Collection[int]) -> str:
    """What a device meters, for words that depend on it: heat, gas, hot, water, power or other.

    A heat meter counts water, too, and a meter of any kind may report its flow. Whoever may be of several
    kinds is of none.
    """
    kinds = meter_kinds(channels)
    return kinds[0] if len(kinds) == 1 else "other"


def meter_kinds(channels: Collection[int]) -> list[str]:
    """Every kind of meter that a device is, or may be."""
    names = {BY_CODE[code].name for code in channels if code != EVENTS}
    kinds = [kind for kind, registers in _METERS.items() if names & registers]
    if kinds and kinds[0] == "heat":
        kinds = [kind for kind in kinds if kind != "water"]
    return kinds or [kind for kind, gauge in _GAUGES.items() if gauge in names][:1]
