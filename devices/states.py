"""Which event a field is for, and whether it says that it is so: ``leak``, ``NoLeak``, ``door open = 0``.

What is not clear gives nothing: a code of a maker's own, a contact of which nothing says what 1 means.
"""

import re
from dataclasses import dataclass

from devices.candidates import Context
from devices.samples import Sample
from devices.wording import Words, truth, words

#: Not a state of now, or not of what is watched.
_NOT_SO = (
    "threshold", "setting", "past", "delta", "extreme", "average", "identity", "command", "error",
    "interval", "count", "percent",
    "battery", "valve", "temperature", "humidity", "co2", "proximity", "pollution", "total", "heat",
    "level", "raw",
)  # fmt: skip
_NOT_CHARGE = tuple(word for word in _NOT_SO if word not in ("battery", "extreme", "level", "percent"))
_NOT_POISON = tuple(word for word in _NOT_SO if word != "pollution")
#: What says nothing itself: then the product's name does.
_GENERIC = frozenset(
    {
        "status", "alarm", "on", "off", "value", "detected", "detection", "event", "sensor", "trigger",
        "triggered", "output", "input", "digital",
        "is", "onoff", "state", "active", "channel", "contact", "relay", "istatus",
        "type", "report", "current", "door", "open",
        "istate",
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
    ("motion", ("motion",)),
)
#: Values that say what they are of, whatever the field is called.
_SEATS = frozenset({"occupied", "vacant", "unoccupied"})
#: What says how the device is, where the field does not name what it watches.
_WELL = frozenset({"ok", "good", "success", "healthy"})
_BUTTONS = frozenset({"button_pressed", "emergency_button"})
#: How a button was pressed.
_PRESSED = frozenset(
    {"short", "long", "single", "double", "triple", "click", "clicked", "push", "pushed", "hold"}
)
#: Presses, not states: that nobody presses is not told.
PRESSES = frozenset({"button_pressed", "smoke_test"})
#: What a text of several words, each a flag, can say: of a meter or detector.
_FLAGS = (
    (re.compile(r"(?<!NO)(?<!NO[ _])LEAK(?!AGE_OR)|BURST"), "water_leak"),
    (re.compile(r"TAMPER|SABOTAGE|SEAL_?BROKEN|FRAUD|REMOVAL|MANIPULATION|DETACHED"), "tamper"),
    (re.compile(r"(?:POWER|BATTERY)_?LOW|LOW_?(?:POWER|BATTERY)"), "battery_low"),
    (re.compile(r"MANUAL_TEST"), "smoke_test"),
    (re.compile(r"(?<!TO_)SMOKE(?!_?(?:SENSOR|CHAMBER|INLET|TEST|DETECTOR))|FIRE_?ALARM"), "smoke"),
)  # fmt: skip
#: Flags of another time: ``TAMPER_PREV_MONTH``, ``LEAK_DATE``.
_PAST_FLAG = re.compile(r"PREV|LAST|DATE|HISTOR")
_SEVERAL = re.compile(r"[A-Z][A-Z0-9_]*(?:[ ,;|]+[A-Z0-9_]+)*|OK")
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
    if sample.words.has(*_ruled_out(own)):
        return []
    event = _event(sample, context)
    if event is None:
        return []
    is_so = _is_so(sample, event, context)
    if is_so is None or (event in PRESSES and not is_so):
        return []
    return [Condition(event=event, is_so=is_so, sample=sample)]


def _ruled_out(own: Words) -> tuple[str, ...]:
    if own.has("battery"):
        return _NOT_CHARGE
    return _NOT_POISON if own.has("co", "monoxide") else _NOT_SO


def _event(sample: Sample, context: Context) -> str | None:  # noqa: PLR0911 - guard clauses
    known = sample.words
    own = known if _is_generic(sample.own) else sample.own
    if _belongs_elsewhere(known, context):
        return None
    if known.has("button") and known.has("test"):
        return "smoke_test"
    if own.has("test"):
        return None
    for event, wanted in _EVENTS:
        if own.has(*wanted) and _fits(event, own, sample, context):
            return event
    if isinstance(sample.value, str) and sample.value.strip().lower() in _SEATS:
        return "motion"
    if own.has("water") and own.has("detected", "detection", "detect", "sensed"):
        return "water_leak"
    return _of_product(context) if _is_generic(sample.own) else None


def _fits(event: str, own: Words, sample: Sample, context: Context) -> bool:  # noqa: PLR0911 - one an event
    if event == "battery_low":
        return _tells_of_charge(own, sample)
    if event == "smoke" and own.has("sensor", "chamber"):
        return own.has("alarm", "detected")  # else how the sensor is
    if event == "gas":
        told = ("alarm", "leak", "detected", "detection", *(() if "co" in own.plain else ("status",)))
        return own.has(*told) and context.medium not in _METERS
    if event == "door_opened":
        if own.has("detection", "pulse", "cover", "lid") or (own.has("relay") and "reed" not in own.plain):
            return False
        # A thermostat infers an open window from the temperature.
        return not context.said.has("motor", "valve", "setpoint", "heating") and not own.has("current")
    if event == "motion":
        return not own.has("level", "light", "visible", "infrared") or own.has("status", "alarm")
    if event == "button_pressed":
        return not own.has("time", "duration") and not sample.words.has("led")
    return True


def _tells_of_charge(own: Words, sample: Sample) -> bool:
    """A flag that it is low, or a word for how it is; its level is a reading."""
    if isinstance(sample.value, str):
        return (sample.number is None and not own.has("extreme", "voltage", "percent")) or own.has("low")
    return own.has("low")


def _belongs_elsewhere(known: Words, context: Context) -> bool:
    """Parking bays and trackers are occupied and move, too."""
    if known.has("parking") or context.about.has("parking"):
        return True
    return known.has("motion") and (context.said.has("position") or context.about.has("position"))


def _is_generic(own: Words) -> bool:
    return all(word in _GENERIC or word.isdigit() for word in own.plain)


def _of_product(context: Context) -> str | None:
    if context.medium in _METERS:
        return None
    found = [event for event, wanted in _EVENTS if context.about.has(*wanted)]
    if found and "emergency_button" in found:
        return "emergency_button"
    return found[0] if len(found) == 1 else None


def _is_so(sample: Sample, event: str, context: Context) -> bool | None:  # noqa: PLR0911 - guard clauses
    value = sample.value
    if event == "battery_low":
        return _is_low(sample)
    if event == "door_opened":
        return _is_open(sample, context)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _is_generic(sample.own) and (_is_detector(sample, context) or value.strip().lower() in _WELL):
            # Of a detector: nothing detected. Else: the device is well.
            return False if _is_detector(sample, context) and value.strip().lower() in _WELL else None
        said = truth(value)
        if said is None and event in _BUTTONS and not _PRESSED.isdisjoint(words(value).plain):
            return True
        if said is None and event == "motion" and sample.number is not None and not sample.unit:
            return sample.number > 0
        return said
    if sample.unit and sample.unit.lower() not in ("bool", "boolean", "state", "na"):
        return None
    if event == "motion":
        return value > 0 if 0 <= value < 255 else None
    if event in ("water_leak", "smoke", "gas", "emergency_button", "tamper", "button_pressed", "smoke_test"):
        return {0.0: False, 1.0: True}.get(value)
    return None


def _is_detector(sample: Sample, context: Context) -> bool:
    """Wireless M-Bus: in a detector's status stands what it detects."""
    return sample.field == "status" and context.medium == "smoke"


def _is_low(sample: Sample) -> bool | None:
    value = sample.value
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        said = words(value)
        if said.has("low", "critical", "empty", "weak", "replace"):
            return not said.has("not", "no")
        if said.has("good", "ok", "normal", "full", "high", "medium"):
            return False
        return truth(value) if sample.own.has("low") else None
    return {0.0: False, 1.0: True}.get(value)


def _is_open(sample: Sample, context: Context) -> bool | None:  # noqa: PLR0911 - guard clauses
    """Whether a door stands open: by the word in the value, else by that in the name."""
    value, own = sample.value, sample.own
    if isinstance(value, str):
        said = words(value)
        if said.has("open") != said.has("closed"):
            negated = said.has("not", "no") or any(word.startswith("un") for word in said.plain)
            return said.has("open") != (negated and not said.has("unclosed"))
        if said.has("absent", "far", "away") and own.has("door"):
            return True
        if said.has("present", "near") and own.has("door"):
            return False
        state = truth(value)
    elif isinstance(value, bool):
        state = value
    else:
        state = {0.0: False, 1.0: True}.get(value)
    if state is None:
        return None
    if own.has("open") != own.has("closed"):
        return state == own.has("open")
    if isinstance(value, str):
        return None
    if "door" in own.plain or "window" in own.plain:
        return state
    generic = _is_generic(own) and not own.has("door") and context.about.has("door")
    return state if generic else None


def _flagged(sample: Sample, context: Context) -> list[Condition]:
    """What a text of flags names: ``PERMANENT_ERROR SABOTAGE_ENCLOSURE``, ``leak`` in a list of alarms."""
    assert isinstance(sample.value, str)
    text = sample.value.strip()
    listed = bool(sample.series) and sample.field.rpartition(".")[2].isdigit()
    if not listed and not _SEVERAL.fullmatch(text):
        return []
    flags = re.split(r"[^\w]+", text.upper())
    text = " ".join(flag for flag in flags if not _PAST_FLAG.search(flag))
    found = [Condition(event=event, is_so=True, sample=sample) for flag, event in _FLAGS if flag.search(text)]
    if (
        not found
        and context.medium not in _METERS
        and text in ("OPEN", "CLOSED")
        and sample.own.has("status")
    ):
        found = [Condition(event="door_opened", is_so=text == "OPEN", sample=sample)]
    return found
