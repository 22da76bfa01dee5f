"""Gauges by their words and units: flow, electricity, battery, air, signal.

Of three phases the power is the total, or the sum of all three, and voltage and current are those of the
first. A temperature is that of the air around, never of water, boards or soil; of a meter only where it
says so. A unit that is not stated is the usual one where the number is plausible in no other: a current
could be amperes or milliamperes, so it needs its unit.
"""

from types import MappingProxyType

from devices.candidates import (
    NO_MEASURE,
    NOT_NOW,
    Context,
    Found,
    excluded,
    is_of,
    made,
    phase_of,
    unit_of,
)
from devices.samples import Sample
from devices.wording import Words, words

_NOT_USED = ("export", "reactive", "apparent", "input", "subunit", "cooling", "interval")
#: What else is called power.
_NO_POWER = (
    *("consumption", "energy", "voltage", "battery", "signal", "tx", "supply", "source", "on", "off"),
    *("transmit", "radio"),
)
#: What is said beside a power that is one.
_ELECTRIC = (
    "voltage",
    "current",
    "energy",
    "consumption",
    "reactive",
    "apparent",
    "pulse",
    "increment",
    "powers",
)
#: Power that is summed up is energy, of a unit that is not stated.
_SUMMED = frozenset({"sum", "cumulative", "cumulated", "accumulated", "accumulative", "index"})
_NOT_AIR = (
    *("carrier", "onboard", "soil", "dew", "hot", "cold", "flow", "water", "valve", "import", "export"),
    *("identity", "relay", "reference", "interval", "gas", "battery"),
)
#: What else is told of a battery.
_OF_A_BATTERY = frozenset(
    {
        "cycle",
        "cycles",
        "mah",
        "ah",
        "health",
        "charging",
        "type",
        "used",
        "resistance",
        "impedance",
        "chemistry",
    }
)
_NO_CHARGE = ("alarm", "error", "count", "interval", "command", "temperature", "current")
#: What a sensor's own supply has, in V and mV, and percentages that can be nothing else.
_SUPPLY_V, _SUPPLY_MV, _CHARGE_PCT = (1.2, 15.0), (1_200.0, 20_000.0), (6.0, 100.0)
#: Less is no mains, but of a part of the device.
_LOWEST_MAINS_V = 40.0
#: A cell's, where the number stands alone: mains in tenths of a volt are lower.
_CELL_MV = (2_500.0, 3_700.0)
_LOWEST = MappingProxyType({"battery_pct": 0.0, "battery_v": 0.5})
_HIGHEST = MappingProxyType({"battery_pct": 100.0, "battery_v": 30.0})


def flow(sample: Sample, number: float, context: Context) -> Found:  # noqa: ARG001 - as the others
    """Of water, gas or a heat carrier, where the unit is stated."""
    unit = unit_of(sample, "flow_l_h")
    if not is_of("flow_l_h", unit):
        return None
    if excluded(sample, "past", "delta", "threshold", "average", "alarm", "count", "export"):
        return None
    if _is_extreme(sample):
        return None
    return made("flow_l_h", sample, number, unit)


def battery(sample: Sample, number: float, context: Context) -> Found:
    """The device's own supply, in percent or V."""
    own = sample.own
    is_battery = own.has("battery")
    if not is_battery and not (own.has("voltage") and _is_supply(sample, number, context)):
        return None
    if excluded(sample, "past", "extreme", "delta", "threshold", *_NO_CHARGE):
        return None
    if not _OF_A_BATTERY.isdisjoint(own.plain):
        return None
    unit = unit_of(sample, "battery_v", "battery_pct")
    channel = "battery_pct" if is_of("battery_pct", unit) else "battery_v"
    if not unit:
        channel, unit = _usual(own, number)
    found = made(channel, sample, number, unit, score=is_battery) if unit else None
    if found is None or found.value > _HIGHEST[channel]:
        return None
    return found if found.value >= _LOWEST[channel] else None


def power(sample: Sample, number: float, context: Context) -> Found:
    """Active power."""
    own = sample.own
    unit = unit_of(sample, "power_w")
    stated = is_of("power_w", unit)
    if ((sample.unit or unit) and not stated) or not (stated or own.has("power")):
        return None
    if not stated and (own.has(*_NO_POWER) or not _SUMMED.isdisjoint(own.plain)):
        return None
    if not stated and not (own.has("active", "import") or context.said.has(*_ELECTRIC)):
        return None  # whether something has power, perhaps
    phase = phase_of(sample)
    if phase < 0 or own.has("battery") or excluded(sample, *NOT_NOW, *_NOT_USED, *NO_MEASURE):
        return None
    return made("power_w", sample, number, unit, score=2 * own.has("total"), phase=phase)


def voltage(sample: Sample, number: float, context: Context) -> Found:  # noqa: ARG001
    """Of the mains, against neutral."""
    own = sample.own
    unit = unit_of(sample, "voltage_v")
    if not own.has("voltage") or (sample.unit and not is_of("voltage_v", unit)):
        return None
    phase = phase_of(sample)
    between = any(word in ("ll", "l12", "l23", "l31", "ab", "bc", "ca") for word in own.plain)
    if between or excluded(sample, *_NOT_ELECTRIC, *NO_MEASURE):
        return None
    if phase < 0 and len(own.numbers) != 1:
        return None
    found = made("voltage_v", sample, number, unit, score=_first(phase, own), phase=phase)
    return found if found is not None and (found.value == 0 or found.value >= _LOWEST_MAINS_V) else None


def current(sample: Sample, number: float, context: Context) -> Found:
    """Where the unit is stated."""
    own = sample.own
    unit = unit_of(sample, "current_a")
    if not is_of("current_a", unit) or not own.has("current", "ac", "phase") or own.has("battery"):
        return None
    if own.has("average") and _PHASES.isdisjoint(context.said.plain):
        return None  # of a time, not of phases
    phase = phase_of(sample)
    if phase < 0 or excluded(sample, *_NOT_ELECTRIC, *NO_MEASURE):
        return None
    return made("current_a", sample, number, unit, score=_first(phase, own), phase=phase)


def temperature(sample: Sample, number: float, context: Context) -> Found:
    """Of the air around."""
    own = sample.own
    unit = unit_of(sample, "temperature_c")
    if not own.has("temperature") or (sample.unit and not is_of("temperature_c", unit)):
        return None
    if own.has(*_NOT_AIR) or sample.around.has("onboard", "soil", "battery"):
        return None
    if sample.around.has("water") and not sample.around.has("leak") and not own.has("room"):
        return None
    if excluded(sample, *NOT_NOW, *NO_MEASURE) or not _is_of_air(own, context):
        return None
    score = 2 * own.has("room") - bool(own.numbers) - 2 * own.has("outside")
    return made("temperature_c", sample, number, unit, score=score)


def humidity(sample: Sample, number: float, context: Context) -> Found:  # noqa: ARG001
    """Of the air around, relative."""
    own = sample.own
    unit = unit_of(sample, "humidity_pct")
    if not own.has("humidity") or (sample.unit and not is_of("humidity_pct", unit)):
        return None
    if excluded(sample, *NOT_NOW, *NO_MEASURE, "soil", "onboard"):
        return None
    found = made("humidity_pct", sample, number, unit, score=-bool(own.numbers))
    return found if found is not None and 0 <= found.value <= _HIGHEST["battery_pct"] else None


def co2(sample: Sample, number: float, context: Context) -> Found:
    """As measured, not guessed from other gases."""
    if not _GUESSED.isdisjoint(sample.own.plain):
        return None  # ``eCO2``, ``CO2eq``: an equivalent
    if not sample.own.has("co2") and not _is_concentration(sample, context):
        return None
    if excluded(sample, *NOT_NOW, *NO_MEASURE, "pollution", "equivalent", "temperature", "humidity"):
        return None
    return made("co2_ppm", sample, number, unit_of(sample, "co2_ppm"))


def signal(sample: Sample, number: float, context: Context) -> Found:
    """Of the device's own radio, not of what it hears."""
    if not sample.own.has("signal") or (sample.unit and not is_of("signal_dbm", sample.unit)):
        return None
    if context.said.has("mac") or sample.series or excluded(sample, *NOT_NOW, *NO_MEASURE):
        return None
    return made("signal_dbm", sample, number, "")


_PHASES = frozenset({"l1", "p1", "phase", "phases", "ln"})
_GUESSED = frozenset({"e", "eq", "equiv", "estimated"})
_NOT_ELECTRIC = ("past", "tariff", "extreme", "delta", "threshold", "setting")


def _is_extreme(sample: Sample) -> bool:
    """The highest or lowest; ``l_min`` at the end is a unit."""
    plain = sample.own.plain
    called = words("_".join(plain[:-2])) if plain[-2:] == ("l", "min") else sample.own
    return called.has("extreme") or sample.around.has("extreme")


def _is_supply(sample: Sample, number: float, context: Context) -> bool:
    """Whether a voltage that nothing else is said of is that of the sensor's own supply."""
    mains = context.said.has("power", "energy", "current", "frequency") or sample.own.has("input", "people")
    mains = mains or sample.around.has("leak", "event", "input", "probe", "alarm")  # of what it watches
    if mains or phase_of(sample) != 0:
        return False
    in_thousandths = _CELL_MV[0] <= number <= _CELL_MV[1]
    return _SUPPLY_V[0] <= number <= _SUPPLY_V[1] or (in_thousandths and not sample.unit)


def _is_concentration(sample: Sample, context: Context) -> bool:
    """Of what is said around it, or of the sensor: ``{"name": "CO2", "ppm": 528}``."""
    plain = sample.own.plain
    if sample.around.has("co2"):
        return plain in (("ppm",), ("concentration",))
    return plain == ("ppm",) and not sample.around.plain and context.about.has("co2")


def _usual(own: Words, number: float) -> tuple[str, str]:
    """What a charge is in where no unit is stated: 3.6 is V, 3600 mV, 98 %; 3 could be V or %."""
    percent = own.has("percent")
    volts = own.has("voltage", "volume")  # "vol" is short for both
    if not percent and _SUPPLY_V[0] <= number <= _SUPPLY_V[1] and (volts or not number.is_integer()):
        return "battery_v", "V"
    if not percent and _SUPPLY_MV[0] <= number <= _SUPPLY_MV[1]:
        return "battery_v", "mV"
    if not volts and number <= _CHARGE_PCT[1] and (percent or number >= _CHARGE_PCT[0]):
        return "battery_pct", "%"
    return "battery_pct", ""


def _first(phase: int, own: Words) -> int:
    """Of three phases the first; better one for all, if there is one; a mean is better than nothing."""
    if "sum" in own.plain:
        return -4  # of several circuits or phases
    return -5 if own.has("average") else 2 * own.has("total") - phase


def _is_of_air(own: Words, context: Context) -> bool:
    said = context.said
    metered = bool(context.medium) or (said.has("volume") and said.has("energy", "flow"))
    metered = metered or (said.has("volume", "consumption") and said.has("water", "leak", "total"))
    if metered:
        return own.has("room", "outside")
    if said.has("soil") and not said.has("humidity"):
        return own.has("room")
    return not own.has("outside")
