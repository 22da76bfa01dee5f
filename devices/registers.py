"""Registers by their words and units: energy, volume, the units of heat cost allocators.

A wrong register is worse than none. Only a present total is taken, and only where the message states the
unit; what the flat sends out, and what a heat carrier moves, is no consumption.
"""

from itertools import pairwise

from devices.candidates import (
    NO_MEASURE,
    NO_MEDIUM,
    NO_TOTAL,
    NO_UNIT,
    NOT_NOW,
    Context,
    Found,
    excluded,
    is_of,
    made,
    phase_of,
    tariff_of,
    unit_of,
)
from devices.samples import Sample
from devices.wording import Words

_NOT_USED = ("export", "reactive", "apparent", "input", "subunit", "cooling", "interval")
#: No electricity is counted in these.
_OF_HEAT = frozenset({"gj", "mj", "kj", "gcal", "mcal", "kcal", "btu", "kbtu"})
#: What a heat meter moves to carry heat, or another medium than water and gas.
_CARRIER = ""
#: How hot it goes and comes back.
_THERE = frozenset({"supply", "forward", "flow", "inlet", "vorlauf", "départ", "depart"})
_BACK = frozenset({"return", "outlet", "rücklauf", "ruecklauf", "retour"})
_NO_ENERGY = (
    *(word for word in NOT_NOW if word != "tariff"),
    *_NOT_USED,
    *(word for word in NO_MEASURE if word != "count"),
)
_NO_VOLUME = (*NOT_NOW, *_NOT_USED, "alarm", "error", "status", "command")


def energy(sample: Sample, number: float, context: Context) -> Found:  # noqa: PLR0911 - guard clauses
    """Electricity or heat, in units of energy."""
    own = sample.own
    unit = unit_of(sample, "energy_kwh")
    stated = is_of("energy_kwh", unit)
    if (sample.unit and not stated) or is_of("power_w", unit_of(sample, "power_w")) or _is_ratio(own):
        return None
    if not stated and not _is_called_energy(own):
        return None
    tariff = tariff_of(sample.words)
    counted = sample.words.has("count") and not (stated and own.has("total"))
    if tariff < 0 or counted or sample.words.has(*_NO_ENERGY) or (tariff and not stated):
        return NO_TOTAL if stated or own.has("energy") else None
    if not stated:
        return NO_UNIT
    phase = 0 if own.has("tariff") or tariff or _is_first_heat(sample) else phase_of(sample)
    if number < 0 or phase < 0:
        return NO_TOTAL
    channel = _carrier_of(sample, context, unit)
    if channel is None:
        return NO_MEDIUM
    return made(channel, sample, number, unit, score=_total(own), phase=phase, tariff=tariff)


def volume(sample: Sample, number: float, context: Context) -> Found:
    """Water or gas, in units of volume."""
    own = sample.own
    unit = unit_of(sample, "water_l")
    stated = is_of("water_l", unit) and not is_of("flow_l_h", unit_of(sample, "flow_l_h"))
    summed = own.has("total", "consumption", "import")
    named = own.has("volume") or (own.has("water", "gas", "flow") and summed)
    if (sample.unit and not stated) or not (stated or named) or _is_ratio(own):
        return None
    if own.has("battery", "voltage", "temperature", "flow") and not (named and stated):
        return None
    if excluded(sample, *_NO_VOLUME):
        return NO_TOTAL if stated else None
    if not stated:
        return NO_UNIT
    channel = _of_medium(sample, context)
    if number < 0 or channel == _CARRIER:
        return NO_TOTAL
    return NO_MEDIUM if channel is None else made(channel, sample, number, unit, score=_total(own))


def allocation(sample: Sample, number: float, context: Context) -> Found:  # noqa: ARG001 - as the others
    """The units of a heat cost allocator, since its last reckoning."""
    if "hca" not in sample.own.plain:
        return None
    if excluded(sample, *NOT_NOW, *_NOT_USED) or number < 0:
        return NO_TOTAL
    return made("heat_hca", sample, number, "HCA", score=_total(sample.own))


def _is_ratio(own: Words) -> bool:
    """What one pulse counts for, or a battery holds."""
    return "per" in own.plain or own.has("battery")


def _is_first_heat(sample: Sample) -> bool:
    """Heat meters number their registers: E1 is the heat, others are of cold or of a carrier."""
    return sample.words.has("heat") and ("e", "1") in pairwise(sample.own.plain)


def _is_called_energy(own: Words) -> bool:
    if own.has("power", "electricity") and own.has("consumption", "total"):
        return not own.has("active", "import")  # "total active power" is power
    return own.has("energy", "kwh")


def _total(own: Words) -> int:
    """How much a register's name sounds like the total of all; several are told apart by a number."""
    parts = sum(word in ("forward", "positive") for word in own.plain) + 3 * bool(own.numbers)
    return 4 * own.has("total") + own.has("current") - parts


def _carrier_of(sample: Sample, context: Context, unit: str) -> str | None:
    """Electricity or heat; None: nothing says which, or it is another."""
    if context.medium:
        return {"heat": "heat_kwh", "electricity": "energy_kwh"}.get(context.medium)
    said, about = context.said, context.about
    if sample.words.has("heat") or unit.strip("[]()").lower() in _OF_HEAT:
        return "heat_kwh"
    if sample.words.has("electricity", "import", "active") or about.has("electricity", "power"):
        return "energy_kwh"
    if about.has("heat") or _is_said_to_carry(said):
        return "heat_kwh"
    if said.has("voltage", "current", "reactive", "relay", "active", "electricity", "phase"):
        return "energy_kwh"
    return None


def _is_said_to_carry(said: Words) -> bool:
    """Whether a report tells of a heat carrier: its volume, or how hot it goes and comes back."""
    if said.has("volume") and said.has("carrier", "flow", "extreme"):
        return True
    return said.has("temperature") and not any(way.isdisjoint(said.plain) for way in (_THERE, _BACK))


def _of_medium(sample: Sample, context: Context) -> str | None:  # noqa: PLR0911 - guard clauses
    """Water or gas; None: nothing says which."""
    if context.medium:
        return {"water": "water_l", "hot_water": "hot_water_l", "gas": "gas_m3"}.get(context.medium, _CARRIER)
    words = sample.words
    if words.has("heat") or (context.said.has("energy", "heat") and not words.has("water", "gas")):
        return _CARRIER
    for about in (words, context.about):
        if about.has("gas") and not about.has("water"):
            return "gas_m3"
        if about.has("hot") and about.has("cold"):
            return None  # one register of two
        if about.has("water"):
            return "hot_water_l" if about.has("hot") else "water_l"
    gas, water = context.said.has("gas"), context.said.has("water", "leak", "burst", "dry")
    if gas == water:
        return None
    return "gas_m3" if gas else "water_l"
