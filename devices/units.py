"""Units that devices use, and what they are in a channel's own unit."""

from collections.abc import Callable
from types import MappingProxyType

Conversion = Callable[[float], float]


def _times(factor: float) -> Conversion:
    return lambda value: value * factor


#: By channel and unit, lower case, without blanks. A channel's own unit is here too.
_ENERGY = {"kwh": 1.0, "wh": 1e-3, "mwh": 1e3, "gj": 1e3 / 3.6, "mj": 1 / 3.6, "kj": 1 / 3600, "j": 1 / 3.6e6}
_VOLUME_L = {"l": 1.0, "m3": 1e3, "m³": 1e3, "ml": 1e-3, "hl": 100.0, "dm3": 1.0}
_FACTORS: dict[str, dict[str, float]] = {
    "energy_kwh": _ENERGY,
    "heat_kwh": _ENERGY,
    "water_l": _VOLUME_L,
    "hot_water_l": _VOLUME_L,
    "gas_m3": {unit: factor / 1e3 for unit, factor in _VOLUME_L.items()},
    "power_w": {"w": 1.0, "kw": 1e3, "mw": 1e-3},
    "voltage_v": {"v": 1.0, "mv": 1e-3, "kv": 1e3},
    "current_a": {"a": 1.0, "ma": 1e-3},
    "flow_l_h": {"l/h": 1.0, "m3/h": 1e3, "m³/h": 1e3, "l/min": 60.0, "l/s": 3600.0},
    "temperature_c": {"°c": 1.0, "c": 1.0},
    "humidity_pct": {"%": 1.0, "%rh": 1.0},
    "co2_ppm": {"ppm": 1.0},
    "battery_pct": {"%": 1.0},
    "battery_v": {"v": 1.0, "mv": 1e-3},
    "signal_dbm": {"dbm": 1.0},
}
_CONVERSIONS: dict[tuple[str, str], Conversion] = {
    (channel, unit): _times(factor)
    for channel, factors in _FACTORS.items()
    for unit, factor in factors.items()
}
_CONVERSIONS["temperature_c", "k"] = lambda value: value - 273.15
for _unit in ("°f", "f"):
    _CONVERSIONS["temperature_c", _unit] = lambda value: (value - 32.0) / 1.8
CONVERSIONS = MappingProxyType(_CONVERSIONS)


def conversion(channel: str, unit: str) -> Conversion | None:
    """How a value in `unit` becomes one of the channel; None: the unit is not of that channel's kind."""
    return CONVERSIONS.get((channel, "".join(unit.split()).lower()))
