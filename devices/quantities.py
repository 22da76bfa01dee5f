"""Which channel a number is for: each quantity is asked, the first that knows it decides."""

import math
from itertools import pairwise

from devices import gauges, registers
from devices.candidates import NO_UNIT, Context, Found
from devices.samples import Sample

_QUANTITIES = (
    registers.energy,
    registers.volume,
    registers.allocation,
    gauges.flow,
    gauges.battery,
    gauges.power,
    gauges.voltage,
    gauges.current,
    gauges.temperature,
    gauges.humidity,
    gauges.co2,
    gauges.signal,
)
#: Behind an x.
_SCALES = frozenset({"10", "100", "1000", "10000"})


def candidate(sample: Sample, context: Context) -> Found:
    """Say which channel a sample is for; a code: why a quantity is not taken; None: it is none."""
    number = sample.number
    if number is None or not math.isfinite(number):
        return None
    if any(first == "x" and second in _SCALES for first, second in pairwise(sample.own.plain)):
        return NO_UNIT  # ``m3_x1000``: whether to multiply or to divide is not said
    answers = (read(sample, number, context) for read in _QUANTITIES)
    return next((found for found in answers if found is not None), None)
