"""Which event a field is for, and whether it says that it is so: ``leak``, ``NoLeak``, ``door open = 0``.

What is not clear gives nothing: a code of a maker's own, a contact of which nothing says what 1 means.
"""

from dataclasses import dataclass

from devices.candidates import Context
from devices.flags import flagged
from devices.samples import Sample
from devices.verdicts import NOBODY, SEATS, WELL, is_generic, is_so
from devices.wording import Words, words

#: Not a state of now, or not of what is watched.
_NOT_SO = (
    "threshold", "setting", "past", "delta", "extreme", "average", "command", "error",
    "interval", "count", "percent",
    "battery", "valve", "temperature", "humidity", "co2", "hygiene", "pollution", "total", "heat",
    "level", "raw",
)  # fmt: skip
_NOT_CHARGE = tuple(word for word in _NOT_SO if word not in ("battery", "extreme", "level", "percent"))
_NOT_POISON = tuple(word for word in _NOT_SO if word != "pollution")
#: Fields whose text may name what happened: ``event: door opened``.
_TELLS_OF = frozenset(
    {"event", "events", "alarm", "alarms", "alert", "alerts", "message", "notification", "state", "status"}
)
_KINDS = frozenset({("event", "type"), ("alarm", "type"), ("alert", "type")})
#: What such a text says of it.
_SAYS = frozenset(
    {
        "detected", "alarm", "alert", "triggered", "present", "absent", "cleared", "normal", "no", "not",
        "ended", "active", "inactive", "open", "opened", "closed", "pressed", "occupied", "vacant", "low",
        "restored", "recovered",
    }
)  # fmt: skip
#: Words of the field or product, and the event they are of; the first that fits.
_EVENTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("battery_low", ("battery",)),
    ("tamper", ("tamper",)),
    ("water_leak", ("leak", "burst")),
    ("smoke", ("smoke",)),
    ("emergency_button", ("emergency",)),
    ("button_pressed", ("button",)),
    ("gas", ("gas", "co", "monoxide")),
    ("door_opened", ("door",)),
    ("motion", ("motion", "proximity")),
)
#: Values that say what they are of, whatever the field is called; `SEATS` are others.
_WETNESS = frozenset({"wet", "dry"})
#: An own detector's or meter's case; a cover or lid may be another thing's.
_CASES = frozenset({"case", "casing", "housing", "enclosure"})
#: What a test is called that no one pressed for.
_OWN_TEST = frozenset({"self", "selftest", "passed", "failed", "result", "status"})
#: Of another detector, which this one heard.
_ELSEWHERE = frozenset({"interconnect", "interconnected", "interlink", "linked", "remote"})
#: Names that are of somebody, or of the detector, where they say nothing else.
_SOMEBODY = frozenset({"present", "is", "somebody", "someone", "human", "user", "state", "status"})
_REMOVED = frozenset({"removed", "detector", "is", "state", "status", "alarm"})
#: What belongs to a detector: whether it is plugged in.
_ACCESSORIES = frozenset({"wire", "cable", "plugged", "connected", "connection"})
_MAGNETS = frozenset({"magnet", "magnetic"})
#: What water is let into.
_OF_WATER = frozenset({"meter", "sensor", "probe", "valve", "hot", "cold"})
_LOW_POWER = frozenset({"low", "power", "state", "status", "alarm", "flag", "warning", "is"})
#: Presses, not states: that nobody presses is not told.
PRESSES = frozenset({"button_pressed", "smoke_test"})
#: A longer text is no state.
_LONGEST_STATE = 512
_METERS = frozenset({"water", "hot_water", "gas", "heat", "electricity"})


@dataclass(frozen=True, kw_only=True)
class Condition:
    """An event that a sample tells of."""

    #: A name of `wire.events`; of a door, `door_opened`.
    event: str
    #: False: it is over, or was not so.
    is_so: bool
    sample: Sample


def conditions(sample: Sample, context: Context) -> list[Condition]:
    """Say what a sample tells of; nothing, where that is not clear."""
    own = sample.own
    if isinstance(sample.value, str) and len(sample.value) > _LONGEST_STATE:
        return []
    if (
        isinstance(sample.value, str)
        and own.has("status", "alarm", "flags", "error", "warning")
        and not own.has("past", "setting")
    ):
        found = _flagged(sample, context)
        if found:
            return found
    if sample.words.has(*_ruled_out(own)) or _is_of_device(sample):
        return []
    event = _event(sample, context)
    if event is None:
        return []
    so = is_so(sample, event, context)
    if so is None or (event in PRESSES and not so):
        return []
    return [Condition(event=event, is_so=so, sample=sample)]


def _is_of_device(sample: Sample) -> bool:
    """Who or how the device is; of an object that is called so, what its fields name is another thing."""
    own = sample.own
    if own.has("identity"):
        return own.plain not in _KINDS
    return sample.around.has("identity") and is_generic(own) and not own.has("door")


def _ruled_out(own: Words) -> tuple[str, ...]:
    if own.has("battery") or _is_low_power(own):
        return _NOT_CHARGE
    return _NOT_POISON if own.has("co", "monoxide") else _NOT_SO


def _event(sample: Sample, context: Context) -> str | None:  # noqa: PLR0911 - guard clauses
    known = sample.words
    own = known if is_generic(sample.own) else sample.own
    if _belongs_elsewhere(known, own, context) or not _ACCESSORIES.isdisjoint(own.plain):
        return None
    if _is_magnet_at_a_meter(sample, context):
        return "tamper"
    if own.has("test") or (known.has("button") and known.has("test")):
        return "smoke_test" if _is_test_of_smoke(known, own, context) else None
    if own.has("water") and not own.has("leak") and _tells_of_water(own, sample):
        return "water_leak"
    if own.has("open") and not _CASES.isdisjoint(own.plain):
        return "tamper"
    for event, wanted in _EVENTS:
        if own.has(*wanted) and _fits(event, own, sample, context):
            return "gas" if event == "water_leak" and _is_of_gas(context) else event
    if _is_low_power(own):
        return "battery_low"
    if "removed" in own.plain and _REMOVED.issuperset(own.plain):
        return "tamper"
    if not NOBODY.isdisjoint(own.plain) or ("present" in own.plain and _SOMEBODY.issuperset(own.plain)):
        return "motion"
    is_bare = is_generic(sample.own) and sample.own.plain not in _KINDS
    return _of_value(sample, context) or (_of_product(context) if is_bare else None)


def _of_value(sample: Sample, context: Context) -> str | None:  # noqa: PLR0911 - guard clauses
    """The event that the value itself names: ``vacant``, ``wet``, ``door opened``."""
    if not isinstance(sample.value, str):
        return None
    value = sample.value.strip().lower()
    if value in SEATS:
        return "motion"
    if context.medium in _METERS:
        return None
    if value in _WETNESS and (context.about.has("leak") or sample.own.has("water")):
        return "water_leak"
    said = words(value)
    tells = bool(sample.own.plain) and _TELLS_OF.issuperset(sample.own.plain)
    if not tells and sample.own.plain not in _KINDS:
        return None
    # A leak detector's "Emergency" is no button's.
    pressed = said.has("emergency") and (tells or "emergency" not in said.plain)
    if _SAYS.isdisjoint(said.plain) and not pressed:
        return None
    if said.has("sensor", "detector", "error", "test", "setting"):
        return None
    if said.has("water") and not said.has("leak"):
        return "water_leak"
    named = [event for event, wanted in _EVENTS if said.has(*wanted)]
    if said.has("open", "closed") and "door_opened" not in named:
        return None
    if named == ["emergency_button", "button_pressed"]:
        return "emergency_button"
    return named[0] if len(named) == 1 else None


def _is_test_of_smoke(known: Words, own: Words, context: Context) -> bool:
    """A detector's test button, or a test of it by hand; that it tests itself is another thing."""
    if known.has("button"):
        return True
    return _OWN_TEST.isdisjoint(own.plain) and (own.has("smoke") or context.about.has("smoke"))


def _tells_of_water(own: Words, sample: Sample) -> bool:
    """Water where there should be none: ``water_detected``, ``water_status: present``."""
    if not _OF_WATER.isdisjoint(own.plain):
        return False
    if own.has("detected", "detection", "detect", "sensed", "present", "presence"):
        return True
    value = sample.value
    return own.has("status") and isinstance(value, str) and words(value).has("present", "absent", "detected")


def _is_low_power(own: Words) -> bool:
    return {"low", "power"} <= set(own.plain) <= _LOW_POWER


def _fits(event: str, own: Words, sample: Sample, context: Context) -> bool:  # noqa: PLR0911 - one an event
    if event == "battery_low":
        return _tells_of_charge(own, sample)
    if event == "water_leak":
        return not own.has("gas") and not (_is_of_gas(context) and _is_metered(context))
    if event == "smoke" and not _ELSEWHERE.isdisjoint(own.plain):
        return False
    if event == "smoke" and own.has("sensor", "chamber"):
        return own.has("alarm", "detected")  # else how the sensor is
    if event == "gas":
        told = ("alarm", "leak", "detected", "detection", *(() if "co" in own.plain else ("status",)))
        stated = own.plain in (("gas",), ("co",)) and sample.number is None
        said = sample.words.has(*told) or stated
        return said and context.medium not in _METERS
    if event == "door_opened":
        if own.has("pulse", "cover", "lid") or (own.has("relay") and not own.has("reed", "contact")):
            return False
        if "dry" in own.plain or (own.has("detection") and not _names_a_door_state(sample.value)):
            return False
        # A thermostat infers an open window from the temperature.
        return not context.said.has("motor", "valve", "setpoint", "heating") and not own.has("current")
    if event == "motion":
        if own.has("proximity") and not isinstance(sample.value, bool | str):
            return False  # how near
        return not own.has("level", "light", "visible", "infrared") or own.has("status", "alarm")
    if event == "button_pressed":
        return not own.has("time", "duration") and not sample.words.has("led")
    return True


def _is_of_gas(context: Context) -> bool:
    """Whether what leaks is gas."""
    said = context.about if context.about.has("gas", "water") else context.said
    return context.medium == "gas" or (said.has("gas") and not said.has("water"))


def _is_metered(context: Context) -> bool:
    return context.medium in _METERS or context.said.has("volume", "consumption", "total")


def _is_magnet_at_a_meter(sample: Sample, context: Context) -> bool:
    """Magnets stop meters: of one, an alarm of a magnet is no door."""
    alarmed = sample.words.has("alarm") and not _MAGNETS.isdisjoint(sample.own.plain)
    return alarmed and _is_metered(context) and not context.about.has("door")


def _tells_of_charge(own: Words, sample: Sample) -> bool:
    """A flag that it is low, or a word for how it is; its level is a reading."""
    if isinstance(sample.value, str):
        return (sample.number is None and not own.has("extreme", "voltage", "percent")) or own.has("low")
    return own.has("low") or sample.words.has("alarm") or not WELL.isdisjoint(own.plain)


def _names_a_door_state(value: object) -> bool:
    return isinstance(value, str) and words(value).has("open") != words(value).has("closed")


def _belongs_elsewhere(known: Words, own: Words, context: Context) -> bool:
    """Parking bays and trackers are occupied and move, too."""
    if known.has("parking") or context.about.has("parking"):
        return True
    if known.has("motion") and own.has("acceleration"):
        return True  # the device's own
    return known.has("motion", "proximity") and (
        context.said.has("position") or context.about.has("position")
    )


def _of_product(context: Context) -> str | None:
    if context.medium in _METERS or "dry" in context.about.plain:
        return None  # a dry contact is of anything
    found = [event for event, wanted in _EVENTS if context.about.has(*wanted)]
    if found and "emergency_button" in found:
        return "emergency_button"
    return found[0] if len(found) == 1 else None


def _flagged(sample: Sample, context: Context) -> list[Condition]:
    """What a text of flags names, or the one word of a contact's status."""
    assert isinstance(sample.value, str)
    text = sample.value.strip()
    listed = bool(sample.series) and sample.field.rpartition(".")[2].isdigit()
    found = flagged(text, listed=listed)
    if sample.words.has("gas") or context.medium == "gas" or context.about.has("gas"):
        found = [event for event in found if event != "water_leak"]
    if found:
        return [Condition(event=event, is_so=True, sample=sample) for event in found]
    elsewhere = context.medium in _METERS or context.about.has("valve", "relay")
    if not elsewhere and text in ("OPEN", "CLOSED") and sample.own.has("status"):
        return [Condition(event="door_opened", is_so=text == "OPEN", sample=sample)]
    return []
