"""Whether a field says that its event is so, or over; where that is not clear, neither."""

from devices.candidates import Context
from devices.samples import Sample
from devices.wording import Words, truth, words

#: What says nothing itself: then the product's name does.
_GENERIC = frozenset(
    {
        "status", "alarm", "on", "off", "value", "detected", "detection", "event", "sensor", "trigger",
        "triggered", "output", "input", "digital",
        "is", "onoff", "state", "active", "channel", "contact", "relay", "istatus",
        "type", "report", "current", "door", "open", "opened", "close", "closed",
        "istate",
    }
)  # fmt: skip
#: Values of a place that somebody takes, or nobody.
SEATS = frozenset({"occupied", "vacant", "unoccupied"})
#: Names of what is over where they are true.
NOBODY = frozenset({"vacant", "vacancy", "unoccupied"})
#: What stands for the unit of a state.
_UNITS = frozenset({"bool", "boolean", "state", "na"})
#: What says how the device is, where the field does not name what it watches.
WELL = frozenset({"ok", "good", "success", "healthy"})
_BUTTONS = frozenset({"button_pressed", "emergency_button"})
_PRESSES = frozenset({"press", "pressed", "click"})
_WIRED = frozenset({"digital", "input", "output"})
#: How a button was pressed.
_PRESSED = frozenset(
    {"short", "long", "single", "double", "triple", "click", "clicked", "push", "pushed", "hold"}
)


def is_so(sample: Sample, event: str, context: Context) -> bool | None:  # noqa: PLR0911 - guard clauses
    """Say whether an event is so by a sample's value; None: the value does not say."""
    value = sample.value
    if event == "battery_low":
        return _is_low(sample)
    if event == "door_opened":
        return _is_open(sample, context)
    if event == "motion" and not NOBODY.isdisjoint(sample.own.plain):
        return _is_anybody(sample)
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if is_generic(sample.own) and (_is_detector(sample, context) or value.strip().lower() in WELL):
            # Of a detector: nothing detected. Else: the device is well.
            return False if _is_detector(sample, context) and value.strip().lower() in WELL else None
        said = truth(value)
        if said is None and event in _BUTTONS and not _PRESSED.isdisjoint(words(value).plain):
            return True
        if said is None and event == "motion" and sample.number is not None and not sample.unit:
            return sample.number > 0
        return said
    if sample.unit and sample.unit.lower() not in (_UNITS | {"count"} if event == "motion" else _UNITS):
        return None
    if event == "motion":
        return value > 0 if 0 <= value < 255 else None
    if event == "button_pressed" and sample.own.has("event") and not _PRESSES.isdisjoint(sample.own.plain):
        return value > 0  # once, twice, for long
    if event in ("water_leak", "smoke", "gas", "emergency_button", "tamper", "button_pressed", "smoke_test"):
        return {0.0: False, 1.0: True}.get(value)
    return None


def _is_detector(sample: Sample, context: Context) -> bool:
    """Wireless M-Bus: in a detector's status stands what it detects."""
    return sample.field == "status" and context.medium == "smoke"


def _is_anybody(sample: Sample) -> bool | None:
    """Of a field that is true where nobody is."""
    state = _state(sample.value)
    named = isinstance(sample.value, str) and sample.value.strip().lower() in SEATS
    return state if state is None or named else not state


def _state(value: float | bool | str) -> bool | None:
    if isinstance(value, bool):
        return value
    return truth(value) if isinstance(value, str) else {0.0: False, 1.0: True}.get(value)


def _is_low(sample: Sample) -> bool | None:
    value = sample.value
    if not sample.own.has("low") and not WELL.isdisjoint(sample.own.plain):
        state = _state(value)
        return None if state is None else not state
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        said = words(value)
        if said.has("low", "critical", "empty", "weak", "replace"):
            return not said.has("not", "no")
        if said.has("good", "ok", "normal", "full", "high", "medium"):
            return False
        return truth(value) if sample.own.has("low", "alarm") else None
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
    state = _state(value)
    if state is None:
        return None
    if own.has("open") != own.has("closed"):
        return state == own.has("open")
    if sample.words.has("alarm") or (isinstance(value, str) and value.strip() not in ("0", "1")):
        return None  # an alarm of a door: open for too long, or by force
    if "door" in own.plain or "window" in own.plain:
        return state
    generic = is_generic(own) and not own.has("door") and context.about.has("door")
    generic = generic and _WIRED.isdisjoint(own.plain)  # whether the magnet or its absence closes it
    return state if generic else None


def is_generic(own: Words) -> bool:
    """Whether a name says nothing of what it watches: ``status``, ``alarm 1``."""
    return all(word in _GENERIC or word.isdigit() for word in own.plain)
