"""A number that may be the value of a channel, and what every such number is asked."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from devices.samples import Sample
from devices.units import conversion, likely
from devices.wording import Words, suffixes
from wire.channels import BY_NAME

#: Words that say that a number is of another time, a part, or a setting.
NOT_NOW = ("past", "tariff", "extreme", "delta", "threshold", "setting", "average")
#: Words that say that it measures nothing.
NO_MEASURE = ("alarm", "error", "flags", "count", "command", "status")
#: Why a number that is of some quantity is not taken; codes of `devices.scope`.
NO_UNIT, NO_TOTAL, NO_MEDIUM = "unit_not_stated", "no_present_total", "medium_not_stated"

_TARIFF = re.compile(r"t(?P<number>\d{1,2})|(?:tariff|rate)(?P<behind>\d*)")
_PHASE = re.compile(r"(?:l|p|phase|ch)([123])")
_LETTERS = MappingProxyType({"a": 1, "b": 2, "c": 3})
#: Objects that are called so hold what is of one phase.
_LINES = frozenset({"l1", "l2", "l3"})
_ALL_PHASES = frozenset({"l123", "abc", "3phase", "threephase", "123", "1234"})
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
#: The highest that any can be even where it is, and that some can be.
_LARGEST = 1e12
_POSSIBLE = MappingProxyType(
    {"power_w": 100_000.0, "current_a": 1_000.0, "voltage_v": 500.0, "flow_l_h": 50_000.0}
)


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
    score: int = 0
    #: 1, 2, 3; 0: not of one phase.
    phase: int = 0
    #: 1, 2, …; 0: not of one tariff.
    tariff: int = 0


#: What a reader of one quantity says of a sample: that it is one, why it is not taken, or that it is none.
Found = Candidate | str | None


def unit_of(sample: Sample, *channels: str) -> str:
    """The unit that the message or the name states; "": none that one of the channels could have."""
    number = sample.number or 0.0
    if sample.unit:
        return likely(sample.unit, number)
    plain = sample.own.plain
    joined = [first + second for first, second in pairwise(plain)]
    for word in (*reversed(joined), *reversed(plain)):
        unit = suffixes().get(word)
        if unit is not None and any(_is_of_kind(channel, unit) for channel in channels):
            return likely(unit, number)
    return ""


def _is_of_kind(channel: str, unit: str) -> bool:
    """Whether a unit is the channel's, if the case of its first letter is lost, too."""
    return any(conversion(channel, spelled) is not None for spelled in (unit, unit.upper()))


def is_of(channel: str, unit: str) -> bool:
    """Whether a unit is stated, and the channel's."""
    return bool(unit) and conversion(channel, unit) is not None


def made(
    channel: str, sample: Sample, number: float, unit: str, *, score: int = 0, phase: int = 0, tariff: int = 0
) -> Candidate | None:
    """The candidate in the channel's unit; None: the value cannot be one."""
    convert = conversion(channel, unit or BY_NAME[channel].unit)
    if convert is None:
        return None
    value = convert(number)
    low, high = (-math.inf, math.inf) if unit else _PLAUSIBLE.get(channel, (-math.inf, math.inf))
    if not low <= value <= high or not abs(value) <= _POSSIBLE.get(channel, _LARGEST):
        return None
    return Candidate(
        channel=channel, value=value + 0.0, sample=sample, score=score, phase=phase, tariff=tariff
    )


def excluded(sample: Sample, *words: str) -> bool:
    """Whether a word stands in the name or around it that rules the sample out; tariffs always do."""
    return sample.words.has(*words) or tariff_of(sample.words) != 0


def tariff_of(own: Words) -> int:
    """Which tariff alone; 0: none, or all; -1: one without a number."""
    for at, word in enumerate(own.plain):
        found = _TARIFF.fullmatch(word)
        if found is not None and own.plain[max(0, at - 1)] != "flow":
            behind = own.plain[at + 1 : at + 2]
            number = (
                found["number"] or found["behind"] or (behind[0] if behind and behind[0].isdecimal() else "")
            )
            if number and int(number) == 0:
                continue  # as M-Bus and OBIS count them: all together
            return int(number) if number else -1
    return 0


def phase_of(sample: Sample) -> int:
    """Which phase alone, 1 to 3; 0: none, or all; -1: between two, or another part."""
    found = _phase(sample.own)
    if found or not (sample.around.has("phase", "phases") or not _LINES.isdisjoint(sample.around.plain)):
        return found
    return _phase(sample.around)


def _phase(own: Words) -> int:
    joined = {first + second for first, second in pairwise(own.plain)}
    if not _ALL_PHASES.isdisjoint({*own.plain, *joined}):
        return 0
    named = [int(found[1]) for found in map(_PHASE.fullmatch, own.plain) if found is not None]
    if named:
        return named[0] if len(named) == 1 else -1
    if own.numbers:
        return own.numbers[0] if len(own.numbers) == 1 and own.numbers[0] in (1, 2, 3) else -1
    return _LETTERS.get(own.plain[-1], 0) if own.plain else 0


def sums(found: Iterable[Candidate]) -> list[Candidate]:
    """Of values of the three phases of one channel and time, their sum; of fewer, nothing."""
    by_phase: dict[int, Candidate] = {}
    for one in found:
        by_phase.setdefault(one.phase, one)
    if not {1, 2, 3} <= by_phase.keys():
        return []
    return [_sum([by_phase[phase] for phase in (1, 2, 3)])]


def sums_of_tariffs(found: Iterable[Candidate]) -> list[Candidate]:
    """Of values of all tariffs from the first on, at least two, their sum; of one tariff, nothing."""
    by_tariff: dict[int, Candidate] = {}
    for one in found:
        if by_tariff.setdefault(one.tariff, one).value != one.value:
            return []  # of each phase one, perhaps
    if len(by_tariff) < 2 or by_tariff.keys() != set(range(1, len(by_tariff) + 1)):
        return []
    return [_sum(list(by_tariff.values()))]


def _sum(parts: list[Candidate]) -> Candidate:
    total = math.fsum(part.value for part in parts)
    return Candidate(channel=parts[0].channel, value=total, sample=parts[0].sample, score=parts[0].score)
