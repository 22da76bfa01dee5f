"""Units that devices use, and what they are in a channel's own unit.

Makers write kWh, KWH and kwh for one thing; only m and M before a unit are two, a thousandth and a million.
Gallons are those of the United States; cubic metres of gas are as metered.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

Conversion = Callable[[float], float]


def _times(factor: float) -> Conversion:
    return lambda value: value * factor


#: By channel and unit, lower case but for the M of a million, without blanks. A channel's own is here too.
_ENERGY = {
    "kwh": 1.0,
    "wh": 1e-3,
    "mwh": 1e-6,
    "Mwh": 1e3,
    "gj": 1e3 / 3.6,
    "Mj": 1 / 3.6,
    "kj": 1 / 3600,
    "j": 1 / 3.6e6,
} | {
    "gwh": 1e6,
    "gcal": 1163.0,
    "Mcal": 1.163,
    "kcal": 1.163e-3,
    "btu": 2.930711e-4,
    "kbtu": 0.2930711,
}
_GALLON_L, _CUBIC_FOOT_L = 3.785411784, 28.316846592
_VOLUME_L = {"l": 1.0, "m3": 1e3, "ml": 1e-3, "kl": 1e3, "cl": 1e-2, "dl": 1e-1, "hl": 100.0, "dm3": 1.0} | {
    "gal": _GALLON_L,
    "ft3": _CUBIC_FOOT_L,
    "ccf": 100 * _CUBIC_FOOT_L,
}
_FACTORS: dict[str, dict[str, float]] = {
    "energy_kwh": _ENERGY,
    "heat_kwh": _ENERGY,
    "water_l": _VOLUME_L,
    "hot_water_l": _VOLUME_L,
    "gas_m3": {unit: factor / 1e3 for unit, factor in _VOLUME_L.items()},
    "power_w": {"w": 1.0, "kw": 1e3, "mw": 1e-3, "Mw": 1e6},
    "voltage_v": {"v": 1.0, "mv": 1e-3, "kv": 1e3},
    "current_a": {"a": 1.0, "ma": 1e-3},
    "flow_l_h": {"l/h": 1.0, "m3/h": 1e3, "l/min": 60.0, "l/s": 3600.0, "ml/h": 1e-3, "m3/s": 3.6e6}
    | {"gal/min": 60 * _GALLON_L, "gal/h": _GALLON_L, "m3/min": 6e4},
    "heat_hca": {"hca": 1.0},
    "temperature_c": {"c": 1.0},
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
_CONVERSIONS["temperature_c", "f"] = lambda value: (value - 32.0) / 1.8
CONVERSIONS = MappingProxyType(_CONVERSIONS)
#: Other spellings of the same, lower case, without blanks and brackets.
_SPELLINGS = MappingProxyType(
    {
        **dict.fromkeys(("°c", "℃", "cel", "celsius", "degc", "degreescelsius", "\u00bac", "度"), "c"),
        **dict.fromkeys(("°f", "℉", "fahrenheit", "degf", "\u00baf"), "f"),
        **dict.fromkeys(("m³", "cbm", "m3n", "nm3", "立方米", "方"), "m3"),
        **dict.fromkeys(("litre", "litres", "liter", "liters", "ltr", "升"), "l"),
        **dict.fromkeys(("gallon", "gallons", "usgal"), "gal"),
        **dict.fromkeys(("ft³", "cf", "cuft"), "ft3"),
        **dict.fromkeys(("m³/h", "m3h", "cbm/h"), "m3/h"),
        **dict.fromkeys(("lph", "lh", "l/hour", "l/hr"), "l/h"),
        **dict.fromkeys(("lpm", "l/m"), "l/min"),
        **dict.fromkeys(("gpm",), "gal/min"),
        **dict.fromkeys(("kw-h", "千瓦时"), "kwh"),
        **dict.fromkeys(("w-h",), "wh"),
        **dict.fromkeys(("兆瓦时",), "Mwh"),
        **dict.fromkeys(("watt", "watts", "瓦"), "w"),
        **dict.fromkeys(("volt", "volts", "伏", "vac", "vdc"), "v"),
        **dict.fromkeys(("millivolt", "millivolts"), "mv"),
        **dict.fromkeys(("amp", "amps", "ampere", "安"), "a"),
        **dict.fromkeys(("percent", "pct", "prc", "%rh", "rh%", "rh"), "%"),
    }
)
#: Units that m and M can stand before.
_PREFIXED = frozenset({"wh", "w", "j", "cal", "l", "v", "a"})
#: Who writes all in lower case leaves open which he means; of heat nobody counts thousandths.
_ALL_LOWER = MappingProxyType({"mwh": "", "mw": "", "mj": "Mj", "mcal": "Mcal"})


class _Thousandth(NamedTuple):
    unit: str
    #: From where on a number can be of nothing else.
    at_least: float


_OPEN = MappingProxyType({"mwh": _Thousandth("mWh", 100_000.0), "mw": _Thousandth("mW", 1.0)})
_LEFT_OUT = str.maketrans("", "", "^·*")


def conversion(channel: str, unit: str) -> Conversion | None:
    """How a value in `unit` becomes one of the channel; None: the unit is not of that channel's kind."""
    return CONVERSIONS.get((channel, _spelling(unit)))


def _spelling(unit: str) -> str:
    found = "".join(unit.split()).strip("[]()").translate(_LEFT_OUT)
    low = found.lower()
    if low[:1] != "m" or low[1:] not in _PREFIXED:
        return _SPELLINGS.get(low, low)
    if found[0] == "M":
        return f"M{low[1:]}"
    return _ALL_LOWER.get(low, low) if found == low else low


def likely(unit: str, number: float) -> str:
    """Restore the case of a unit that is written in small letters, where the number leaves one reading.

    A hundred thousand MWh, or a MW, is no consumption of a house. What stays open is returned as it is:
    no unit of any channel.
    """
    thousandth = _OPEN.get(unit)
    if thousandth is None or 0 < abs(number) < thousandth.at_least:
        return unit
    return thousandth.unit
