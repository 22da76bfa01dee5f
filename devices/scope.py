"""What a report is about when nothing in it is kept: a closed list of codes, each with its words."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from devices.candidates import NO_MEDIUM, NO_TOTAL, NO_UNIT, Context
from devices.samples import Sample


class Scope(StrEnum):
    """Codes of what is out of scope. Each member's comment says what such a report holds."""

    #: The vendor's decoder says that it could not read the device's message, or makes nothing of it.
    decoder_errors = "decoder_errors"
    #: A counter or quantity whose unit the message does not state.
    unit_not_stated = NO_UNIT
    #: Only past, partial or tariff values, or what is sent out: no present total.
    no_present_total = NO_TOTAL
    #: Energy of which nothing says whether it is electricity, heat or cold.
    medium_not_stated = NO_MEDIUM
    #: A contact, input or code of which nothing says what it means.
    unclear_state = "unclear_state"
    #: Parking bays.
    parking = "parking"
    #: Where a device is, how it moves or lies.
    position = "position"
    #: How many people come and go, which seat is taken.
    people = "people"
    #: Particles, gases and noise in the air.
    air_quality = "air_quality"
    #: Soil, water quality, weather and light.
    environment = "environment"
    #: How full something is, or how far away.
    level = "level"
    #: Valves, relays, thermostats: what a device does, not what it measures.
    actuator = "actuator"
    #: Settings, versions, answers to commands.
    configuration = "configuration"


#: The one whose words stand in most of the fields; of equals the first.
_WORDS: tuple[tuple[Scope, tuple[str, ...]], ...] = (
    (Scope.parking, ("parking",)),
    (Scope.position, ("position", "acceleration")),
    (Scope.air_quality, ("pollution",)),
    (Scope.environment, ("soil", "chemistry", "weather", "dew")),
    (Scope.level, ("level",)),
    (Scope.people, ("people",)),
    (Scope.actuator, ("valve", "relay")),
    (
        Scope.unclear_state,
        (
            "door",
            "leak",
            "motion",
            "smoke",
            "tamper",
            "button",
            "input",
            "alarm",
            "status",
            "flags",
            "battery",
            "open",
            "gas",
            "water",
        ),
    ),
    (
        Scope.configuration,
        ("setting", "identity", "wrapper", "command", "interval", "threshold", "error", "past", "count"),
    ),
)


def announces(samples: Sequence[Sample]) -> bool:
    """Whether a report holds nothing but who the device is and its versions: it tells that it started."""
    return any(sample.words.has("version") for sample in samples) and all(
        sample.words.has("identity", "wrapper") and not sample.words.has("command") for sample in samples
    )


def scope(samples: Sequence[Sample], context: Context, refused: Collection[str]) -> Scope | None:
    """Say what a report without anything in scope is about; None: nobody knows.

    Parameters
    ----------
    refused
        Why quantities in it were not taken.
    """
    if samples and all(sample.own.has("error", "alarm") and sample.series for sample in samples):
        return Scope.decoder_errors
    if any(sample.words.has("command") for sample in samples):
        return Scope.configuration
    for code in (Scope.unit_not_stated, Scope.no_present_total, Scope.medium_not_stated):
        if code in refused:
            return code
    if context.about.has("parking"):
        return Scope.parking
    votes = [(sum(sample.words.has(*wanted) for sample in samples), code) for code, wanted in _WORDS]
    most = max(count for count, _ in votes)
    return next((code for count, code in votes if count == most > 0), None)
