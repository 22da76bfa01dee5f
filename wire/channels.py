"""The closed list of channels. The unit is in the name; the code is what the database stores.

A code is never reused and never changes its meaning; a channel that is no longer sent stays listed.
"""

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One measured quantity."""

    #: Stored in `reading.channel`, `usage.channel`, `installation.channel`.
    code: int
    #: The name in payloads, files and the API; ends in the unit.
    name: str
    #: Unit for people.
    unit: str
    #: True when a register or interval of this channel becomes consumption in `usage`.
    metered: bool = False


#: Pseudo-channel of an installation that carries events (a lock, a gate, a detector) and of the dirty
#: marks that an event leaves. Never a reading.
EVENTS = 0

CHANNELS: tuple[Channel, ...] = (
    Channel(code=1, name="energy_kwh", unit="kWh", metered=True),
    Channel(code=2, name="water_l", unit="L", metered=True),
    Channel(code=3, name="gas_m3", unit="m³", metered=True),
    Channel(code=4, name="heat_kwh", unit="kWh", metered=True),
    Channel(code=5, name="hot_water_l", unit="L", metered=True),
    Channel(code=10, name="power_w", unit="W"),
    Channel(code=11, name="voltage_v", unit="V"),
    Channel(code=12, name="current_a", unit="A"),
    Channel(code=13, name="flow_l_h", unit="L/h"),
    #: Of a heat cost allocator: it has no dimension, is of one radiator, and begins again each year.
    Channel(code=14, name="heat_hca", unit="HCA"),
    Channel(code=20, name="temperature_c", unit="°C"),
    Channel(code=21, name="humidity_pct", unit="%"),
    Channel(code=22, name="co2_ppm", unit="ppm"),
    Channel(code=30, name="battery_pct", unit="%"),
    Channel(code=31, name="battery_v", unit="V"),
    Channel(code=32, name="signal_dbm", unit="dBm"),
)

BY_NAME = MappingProxyType({channel.name: channel for channel in CHANNELS})
BY_CODE = MappingProxyType({channel.code: channel for channel in CHANNELS})
