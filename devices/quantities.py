"""Which channel a number is for, by its words and its unit.

A wrong value is worse than none. So a register takes a total and never a tariff, a past or a partial value,
and only where the message states the unit; what the flat sends out or what a heat carrier moves is no
consumption; a temperature is that of the air around, never of water, boards or soil. Of three phases the
power is the total, or the sum of all three, and voltage and current are those of the first.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from devices.samples import Sample
from devices.units import conversion
from devices.wording import Words
from wire.channels import BY_NAME

#: Words that say that a number is of another time, a part, or a setting.
_NOT_NOW = ("past", "tariff", "extreme", "delta", "threshold", "setting", "average")
_NO_MEASURE = ("alarm", "error", "flags", "count", "command", "status")
_NOT_USED = ("export", "reactive", "apparent", "input", "subunit", "cooling", "interval")
_NOT_AIR = (
    "carrier",
    "onboard",
    "soil",
    "dew",
    "hot",
    "cold",
    "flow",
    "water",
    "valve",
    "import",
    "export",
    "identity",
)
_TARIFF = re.compile(r"t\d{1,2}|tariff\d*")
_PHASE = re.compile(r"(?:l|p|phase|ch)([123])")
_LETTERS = MappingProxyType({"a": 1, "b": 2, "c": 3})
_ALL_PHASES = frozenset({"l123", "abc", "3phase", "123", "system", "total", "1234"})
#: In names: units that state what a number is. Single letters count only beside the word they are of.
_SUFFIXES = MappingProxyType(
    {
        "kwh": "kWh", "wh": "Wh", "mwh": "MWh", "gj": "GJ", "mj": "MJ", "m3": "m3", "l": "L",
        "liter": "L", "liters": "L", "litre": "L",
        "litres": "L", "gallons": "gal", "gal": "gal", "ft3": "ft3", "kw": "kW", "w": "W", "mv": "mV",
        "v": "V", "vac": "V", "vdc": "V",
        "ma": "mA", "a": "A", "c": "°C", "celsius": "°C", "f": "°F", "fahrenheit": "°F", "pct": "%",
        "percent": "%", "percentage": "%",
        "rh": "%", "ppm": "ppm", "dbm": "dBm", "m3h": "m3/h", "lh": "L/h", "lph": "L/h", "lpm": "L/min",
        "hca": "HCA", "varh": "varh",
        "kvarh": "varh", "var": "var", "kvar": "var", "va": "VA", "kva": "VA", "vah": "VAh",
        "kvah": "VAh", "°c": "°C",
    }
)  # fmt: skip
#: Between what a number can be where its unit is not stated.
_PLAUSIBLE = MappingProxyType(
    {
        "temperature_c": (-50.0, 80.0),
        "humidity_pct": (0.0, 100.0),
        "co2_ppm": (100.0, 40_000.0),
        "power_w": (-30_000.0, 50_000.0),
        "voltage_v": (80.0, 480.0),
        "signal_dbm": (-150.0, -1.0),
    }
)
#: What else is called power.
_NO_POWER = (
    *("consumption", "energy", "voltage", "battery", "signal", "tx", "supply", "source", "on", "off"),
    *("transmit", "radio"),
)
#: The highest that each can be even where it is.
_POSSIBLE = MappingProxyType(
    {"power_w": 100_000.0, "current_a": 1_000.0, "voltage_v": 500.0, "flow_l_h": 50_000.0}
)
#: No sensor's voltage, and no battery's that a sensor has.
_BATTERY_V = (1.2, 10.0)
_MILLIVOLTS = (1_200.0, 20_000.0)
_PERCENT = (6.0, 100.0)

#: Why a number that is some quantity's is not taken; `devices.scope` tells them on.
NO_UNIT, NO_TOTAL = "unit_not_stated", "no_present_total"


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the whole report is about."""

    #: Of the product, the medium, and what else is said in text.
    about: Words
    #: Of all fields.
    said: Words
    #: water, hot_water, gas, heat, electricity, or another name of a meter's medium; "": not stated.
    medium: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sample that can be the value of a channel."""

    channel: str
    value: float
    sample: Sample
    #: Higher is better; of equals that differ none is taken where it is a register.
    score: int
    #: 1, 2, 3; 0: not of one phase.
    phase: int = 0


def candidate(sample: Sample, context: Context) -> Candidate | str | None:
    """Say which channel a sample is for; a code: why a quantity is not taken; None: it is none."""
    number = sample.number
    own = sample.own
    if number is None or not math.isfinite(number):
        return None
    for read in (
        _energy,
        _volume,
        _flow,
        _battery,
        _power,
        _voltage,
        _current,
        _temperature,
        _humidity,
        _co2,
        _signal,
        _allocator,
    ):
        found = read(sample, own, number, context)
        if found is not None:
            return found
    return None


def _unit(sample: Sample, *wanted: str) -> str:
    """The unit that the message or the name states; "": none of the kind that is wanted."""
    if sample.unit:
        return sample.unit
    for word in reversed(sample.own.plain):
        unit = _SUFFIXES.get(word)
        if unit is not None and any(conversion(channel, unit) for channel in wanted):
            return unit
    return ""


def _made(
    channel: str, sample: Sample, number: float, unit: str, *, score: int = 0, phase: int = 0
) -> Candidate | None:
    convert = conversion(channel, unit or BY_NAME[channel].unit)
    if convert is None:
        return None
    value = convert(number)
    low, high = _PLAUSIBLE.get(channel, (-math.inf, math.inf)) if not unit else (-math.inf, math.inf)
    if not low <= value <= high or abs(value) > _POSSIBLE.get(channel, math.inf):
        return None
    return Candidate(channel=channel, value=value + 0.0, sample=sample, score=score, phase=phase)


def _excluded(sample: Sample, *words: str) -> bool:
    return sample.words.has(*words) or any(_TARIFF.fullmatch(word) for word in sample.words.plain)


def _total(own: Words) -> int:
    """How much a register's name sounds like the total of all."""
    return 4 * own.has("total") - sum(word in ("forward", "positive") for word in own.plain)


def _phase(own: Words) -> int:
    """Which phase alone; 0: none, or all; -1: between two."""
    if not _ALL_PHASES.isdisjoint(own.plain):
        return 0
    for word in own.plain:
        found = _PHASE.fullmatch(word)
        if found is not None:
            return int(found[1])
    if "phase" in own.plain or "l" in own.plain or own.plain[-1:] == ("n",) or own.has("voltage"):
        if len(own.numbers) > 1:
            return -1
        if own.numbers and own.numbers[0] in (1, 2, 3):
            return own.numbers[0]
    return _LETTERS.get(own.plain[-1], 0) if own.plain else 0


def _energy(sample: Sample, own: Words, number: float, context: Context) -> Candidate | str | None:
    unit = _unit(sample, "energy_kwh")
    stated = bool(unit) and conversion("energy_kwh", unit) is not None
    if sample.unit and not stated:
        return None
    if not stated and not (
        own.has("energy", "kwh") or (own.has("power", "electricity") and own.has("consumption"))
    ):
        return None
    if own.has("power") and not own.has("energy", "consumption", "total") and not stated:
        return None
    if _excluded(sample, *_NOT_NOW, *_NOT_USED, *_NO_MEASURE):
        return NO_TOTAL if stated or own.has("energy") else None
    if not stated:
        return NO_UNIT
    channel = "heat_kwh" if _is_heat(sample, context) else "energy_kwh"
    phase = _phase(own)
    return (
        _made(channel, sample, number, unit, score=_total(own), phase=phase)
        if number >= 0 and phase >= 0
        else NO_TOTAL
    )


def _is_heat(sample: Sample, context: Context) -> bool:
    if context.medium:
        return context.medium == "heat"
    if sample.words.has("heat"):
        return True
    if sample.words.has("electricity", "import", "active") or context.about.has("electricity"):
        return False
    return context.about.has("heat") or (
        context.said.has("volume") and context.said.has("carrier", "flow", "extreme")
    )


def _volume(sample: Sample, own: Words, number: float, context: Context) -> Candidate | str | None:  # noqa: PLR0911 - guard clauses
    unit = _unit(sample, "water_l")
    stated = bool(unit) and conversion("water_l", unit) is not None
    if sample.unit and not stated:
        return None
    named = own.has("volume") or (
        own.has("water", "gas") and own.has("total", "consumption", "volume", "count")
    )
    if own.has("battery", "voltage", "temperature", "flow") and not named:
        return None
    if not stated:
        if not named or own.has("flow", "battery", "temperature"):
            return None
        return None if _excluded(sample, *_NOT_NOW, *_NOT_USED, "alarm", "error", "status") else NO_UNIT
    if _excluded(sample, *_NOT_NOW, *_NOT_USED, "alarm", "error", "status", "command"):
        return NO_TOTAL
    channel = _of_medium(sample, context)
    if channel is None:
        return None
    return _made(channel, sample, number, unit, score=_total(own)) if number >= 0 else NO_TOTAL


def _of_medium(sample: Sample, context: Context) -> str | None:
    by_medium = {"water": "water_l", "hot_water": "hot_water_l", "gas": "gas_m3"}
    if context.medium:
        return by_medium.get(context.medium)
    words = sample.words
    if words.has("heat") or (context.said.has("energy", "heat") and not words.has("water")):
        return None  # the carrier of a heat meter
    for about in (words, context.about):
        if about.has("gas") and not about.has("water"):
            return "gas_m3"
        if about.has("water"):
            return "hot_water_l" if about.has("hot") else "water_l"
    if context.said.has("gas") and not context.said.has("water", "leak"):
        return "gas_m3"
    return "water_l"


def _flow(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    unit = _unit(sample, "flow_l_h")
    if not unit or conversion("flow_l_h", unit) is None:
        return None
    if _excluded(sample, "past", "extreme", "delta", "threshold", "average", "alarm", "count", "export"):
        return None
    return _made("flow_l_h", sample, number, unit)


def _battery(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: PLR0911 - guard clauses
    is_battery = own.has("battery")
    if not is_battery and not (own.has("voltage") and _on_battery(own, number, context)):
        return None
    if _excluded(
        sample,
        "past",
        "extreme",
        "delta",
        "threshold",
        "alarm",
        "error",
        "count",
        "interval",
        "command",
        "temperature",
        "current",
    ):
        return None
    unit = _unit(sample, "battery_v", "battery_pct")
    if unit:
        channel = "battery_pct" if conversion("battery_pct", unit) else "battery_v"
        found = _made(channel, sample, number, unit, score=own.has("battery"))
        return found if found is not None and _is_charge(found) else None
    volts = own.has("voltage", "volume")  # "vol" is short for both
    if (
        not own.has("percent")
        and (volts or not number.is_integer())
        and _BATTERY_V[0] <= number <= _BATTERY_V[1]
    ):
        return _made("battery_v", sample, number, "V", score=1 + is_battery)
    if not own.has("percent") and _MILLIVOLTS[0] <= number <= _MILLIVOLTS[1]:
        return _made("battery_v", sample, number, "mV", score=is_battery)
    if not volts and (own.has("percent") or _PERCENT[0] <= number) and 0 <= number <= _PERCENT[1]:
        return _made("battery_pct", sample, number, "%", score=is_battery)
    return None


def _is_charge(found: Candidate) -> bool:
    return 0 <= found.value <= (100 if found.channel == "battery_pct" else 2 * _BATTERY_V[1])


def _on_battery(own: Words, number: float, context: Context) -> bool:
    """Whether a voltage that nothing else is said of is that of the sensor's own battery."""
    mains = context.said.has("power", "energy", "current", "frequency") or own.has("input", "people")
    return not mains and _phase(own) == 0 and _BATTERY_V[0] <= number <= _BATTERY_V[1]


def _power(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    unit = _unit(sample, "power_w")
    stated = bool(unit) and conversion("power_w", unit) is not None
    if (sample.unit and not stated) or not (stated or own.has("power")):
        return None
    if not stated and own.has(*_NO_POWER):
        return None
    if _excluded(sample, *_NOT_NOW, *_NOT_USED, *_NO_MEASURE):
        return None
    phase = _phase(own)
    score = 2 * own.has("total") + (not _ALL_PHASES.isdisjoint(own.plain)) - (phase > 0)
    return _made("power_w", sample, number, unit, score=score, phase=phase) if phase >= 0 else None


def _voltage(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    unit = _unit(sample, "voltage_v")
    if (sample.unit and conversion("voltage_v", sample.unit) is None) or not own.has("voltage"):
        return None
    if _excluded(sample, "past", "tariff", "extreme", "delta", "threshold", "setting", *_NO_MEASURE):
        return None
    phase = _phase(own)
    if (
        phase < 0
        or "ll" in own.plain
        or any(word in ("l12", "l23", "l31", "ab", "bc", "ca") for word in own.plain)
    ):
        return None
    return _made("voltage_v", sample, number, unit, score=_first(phase, own), phase=phase)


def _current(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    unit = _unit(sample, "current_a")
    stated = bool(unit) and conversion("current_a", unit) is not None
    if not stated:
        return None
    if not own.has("current") and not own.has("ac", "phase"):
        return None
    if _excluded(sample, "past", "tariff", "extreme", "delta", "threshold", "setting", *_NO_MEASURE):
        return None
    phase = _phase(own)
    return (
        _made("current_a", sample, number, unit, score=_first(phase, own), phase=phase)
        if phase >= 0
        else None
    )


def _first(phase: int, own: Words) -> int:
    """Of three phases the first; better one for all, if there is one; a mean is better than nothing."""
    if own.has("average"):
        return -5
    return 2 * own.has("total") - phase


def _temperature(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:
    unit = _unit(sample, "temperature_c")
    stated = bool(unit) and conversion("temperature_c", unit) is not None
    if (sample.unit and not stated) or not own.has("temperature"):
        return None
    if (
        _excluded(sample, *_NOT_NOW, *_NO_MEASURE)
        or own.has(*_NOT_AIR)
        or sample.around.has("onboard", "soil")
    ):
        return None
    if own.has("relay", "color", "reference", "interval"):
        return None
    metered = bool(context.medium) or (
        context.said.has("volume", "consumption") and context.said.has("water", "leak", "total")
    )
    if metered:
        if not own.has("room", "outside"):
            return None
    elif own.has("outside") or (context.said.has("soil") and not context.said.has("humidity")):
        return None
    score = 2 * own.has("room") - bool(own.numbers) - 2 * own.has("outside")
    return _made("temperature_c", sample, number, unit, score=score)


def _humidity(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    unit = _unit(sample, "humidity_pct")
    if not own.has("humidity") or (sample.unit and conversion("humidity_pct", sample.unit) is None):
        return None
    if _excluded(sample, *_NOT_NOW, *_NO_MEASURE, "soil", "onboard"):
        return None
    found = _made("humidity_pct", sample, number, unit, score=-bool(own.numbers))
    return found if found is not None and 0 <= found.value <= 100 else None


def _co2(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    if not own.has("co2") or _excluded(
        sample, *_NOT_NOW, *_NO_MEASURE, "pollution", "equivalent", "temperature", "humidity"
    ):
        return None
    return _made("co2_ppm", sample, number, _unit(sample, "co2_ppm"))


def _signal(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:
    if (
        not own.has("signal")
        or _excluded(sample, *_NOT_NOW, *_NO_MEASURE)
        or sample.words.has("position", "mac")
    ):
        return None
    if context.said.has("mac", "position"):
        return None
    return (
        _made("signal_dbm", sample, number, "")
        if not sample.unit or conversion("signal_dbm", sample.unit)
        else None
    )


def _allocator(sample: Sample, own: Words, number: float, context: Context) -> Candidate | None:  # noqa: ARG001
    if "hca" not in own.plain or _excluded(
        sample, "past", "tariff", "extreme", "delta", "threshold", "setting", "average"
    ):
        return None
    return (
        _made("heat_hca", sample, number, "HCA", score=own.has("current", "total")) if number >= 0 else None
    )


def sums(found: Iterable[Candidate]) -> list[Candidate]:
    """Of values of the three phases of one channel and time, their sum; of fewer, nothing."""
    by_phase: dict[int, Candidate] = {}
    for one in found:
        by_phase.setdefault(one.phase, one)
    if not {1, 2, 3} <= by_phase.keys():
        return []
    first = by_phase[1]
    total = sum(by_phase[phase].value for phase in (1, 2, 3))
    return [Candidate(channel=first.channel, value=total, sample=first.sample, score=first.score)]
