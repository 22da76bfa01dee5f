"""From a report in the words of its format to readings and events, by the device's profile. Pure."""

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import tzinfo
from fnmatch import fnmatchcase

from devices import meaning
from devices.decoders.elements import DecodedEvent, DecodedReading, Element, Refusal, event_key
from devices.decoders.reports import Report, Value
from devices.profiles import Profile, Rule
from devices.samples import samples
from devices.units import conversion
from wire.channels import BY_NAME
from wire.events import EventType, Method, Result
from wire.instants import to_us
from wire.reasons import Reason

#: An option of a profile: what kind of device it is, in words, for fields that are taken by meaning.
ABOUT = "about"
#: Events that tell of a state and have no opposite among the types: over is a value of 0.
_HAZARDS = frozenset(
    {"smoke", "gas", "water_leak", "motion", "emergency_button", "tamper", "door_forced", "battery_low"}
)
_OPPOSITE = {
    "door_opened": "door_closed",
    "door_closed": "door_opened",
    "online": "offline",
    "offline": "online",
}


def element(report: Report, profile: Profile, zone: tzinfo) -> Element:
    """Say what a report means.

    Parameters
    ----------
    zone : tzinfo
        Of the estate, for times without a zone.

    Returns
    -------
    Element
        Readings and events in the profile's order. What cannot be understood is its refusal, beside what
        can; nothing is raised.
    """
    time_us = _time_us(report, zone)
    readings: dict[int, DecodedReading] = {}
    events: list[DecodedEvent] = []
    refusals = [] if report.refusal is None else [report.refusal]
    units = _units(report, profile, zone)
    told: set[str] = set()
    unknown: dict[str, Value] = {}
    for rule, field, value in _matched(report, profile.rules):
        if rule.channel is not None:
            number = amount(rule, value, units.get(field))
            if isinstance(number, Refusal):
                refusals.append(number)
            else:
                channel = BY_NAME[rule.channel].code
                readings.setdefault(channel, DecodedReading(channel, time_us, number))
        elif _is_open(rule) and (field in told or _means_nothing(field, value, profile)):
            continue
        elif (found := happened(rule, value, report, time_us)) is not None:
            events.append(found)
            told.add(field)
        elif rule.when and rule.mask is None and value and not _means_nothing(field, value, profile):
            unknown[field] = value
    refusals += [
        Refusal(Reason.unknown_event, f"{field}: {value}")
        for field, value in unknown.items()
        if field not in told
    ]
    if profile.by_meaning and report.fields:
        taken = {field for _, field, _ in _matched(report, profile.rules)}
        meant = _by_meaning(report, profile, zone, taken)
        there = set(readings)
        given = [reading for reading in meant.readings if reading.channel not in there]
        events += meant.events
        refusals += [] if meant.refusal is None or taken else [meant.refusal]
    else:
        given = []
    if not (readings or given or events or refusals or _expected(report, profile)):
        refusals.append(Refusal(Reason.nothing_known, _what_there_is(report)))
    return Element(
        raw=report.raw,
        readings=(*readings.values(), *given),
        events=tuple(events),
        refusal=refusals[0] if refusals else None,
        counter=report.counter,
        boot=report.boot,
    )


def _what_there_is(report: Report) -> str:
    if report.frame is not None and not report.fields:
        return "no decoded object and no script"
    return ", ".join(sorted(report.fields))


def _units(report: Report, profile: Profile, zone: tzinfo) -> Mapping[str, str]:
    """The units that the message states: those its parser knows, and where rules need more, all it names."""
    if not profile.by_meaning or all(rule.channel is None or rule.unit for rule in profile.rules):
        return report.units
    return {one.field: one.unit for one in samples(report.fields, report.units, zone) if one.unit}


def _by_meaning(report: Report, profile: Profile, zone: tzinfo, taken: Container[str]) -> Element:
    """What the fields mean that no rule names; a device has what its profile lists, and no more."""
    fields = {field: value for field, value in report.fields.items() if field not in taken}
    about = profile.options.get(ABOUT, report.about)  # who registered it knows better
    found = meaning.read(fields, report.units, zone, about=str(about))
    made = _time_us(report, zone)
    readings = tuple(
        DecodedReading(BY_NAME[one.channel].code, made if one.at_us is None else one.at_us, one.value)
        for one in found.readings
        if one.channel in profile.channels
    )
    events = (_meant(one, report, made) for one in found.events)
    return Element(
        raw=report.raw,
        readings=readings,
        events=tuple(event for event in events if event.type in profile.event_codes),
        refusal=None if found.scope is None else Refusal(Reason.out_of_scope, found.scope),
    )


def _meant(one: meaning.Meant, report: Report, made: int | None) -> DecodedEvent:
    name = one.event if one.is_so else _OPPOSITE.get(one.event, one.event)
    kind = int(EventType[name])
    value = float(one.is_so) if name in _HAZARDS else None
    at_us = made if one.at_us is None else one.at_us
    return DecodedEvent(
        type=kind,
        method=0,
        result=0,
        time_us=at_us,
        subject=None,
        value=value,
        # A message may hold the states of several times.
        dedupe_key=event_key(report.counted or "", kind, value, at_us if one.at_us is not None else None),
        is_state=one.event not in meaning.PRESSES,
    )


def amount(rule: Rule, value: Value, stated: str | None) -> float | Refusal:
    """Read a number in the unit of the rule's channel."""
    assert rule.channel is not None
    number = _number(value)
    if number is None:
        return Refusal(Reason.invalid_shape, f"{rule.name} is not a number: {value!r}")
    unit = rule.unit or stated or BY_NAME[rule.channel].unit
    convert = conversion(rule.channel, unit)
    if convert is None:
        return Refusal(Reason.invalid_shape, f"{rule.name}: {unit} is not a unit of {rule.channel}")
    found = convert(number * rule.factor)
    if not math.isfinite(found):
        return Refusal(Reason.not_finite, rule.name)
    # Adding zero turns -0.0 into 0.0: one number, one spelling.
    return found + 0.0


def happened(rule: Rule, value: Value, report: Report, time_us: int | None) -> DecodedEvent | None:
    """Make the event of a rule; None: its field does not say that it happened."""
    assert rule.event is not None
    is_so = _is_so(rule, value)
    if not is_so and not rule.state:
        return None
    name = rule.event if is_so else _OPPOSITE.get(rule.event)
    over = name is None
    if name is None:
        if rule.event not in _HAZARDS:
            return None
        name = rule.event
    subject = _text(report.fields.get(rule.subject)) if rule.subject else None
    how_much = _number(report.fields.get(rule.value, "")) if rule.value else None
    if rule.state and name in _HAZARDS:
        how_much = 0.0 if over else 1.0
    kind = int(EventType[name])
    method = int(Method[rule.method]) if rule.method else 0
    result = int(Result[rule.result]) if rule.result else 0
    return DecodedEvent(
        type=kind,
        method=method,
        result=result,
        time_us=time_us,
        subject=subject,
        value=how_much,
        dedupe_key=event_key(report.counted or "", kind, method, result, subject, how_much),
        is_state=rule.state,
    )


def _matched(report: Report, rules: Iterable[Rule]) -> Iterator[tuple[Rule, str, Value]]:
    for rule in rules:
        if "*" not in rule.name:
            if rule.name in report.fields:
                yield rule, rule.name, report.fields[rule.name]
            continue
        parts = rule.name.split(".")
        for field, value in report.fields.items():
            if _fits(parts, field.split(".")):
                yield rule, field, value


def _fits(pattern: list[str], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(p in ("*", g) for p, g in zip(pattern, parts, strict=True))


def _is_open(rule: Rule) -> bool:
    """Whether a rule takes values that nobody listed."""
    return any(isinstance(wanted, str) and "*" in wanted for wanted in rule.when)


def _means_nothing(field: str, value: Value, profile: Profile) -> bool:
    """Whether the profile says of a value that nothing happened."""
    return any(
        _same(value, ignored)
        for name, values in profile.ignore.items()
        if _fits(name.split("."), field.split("."))
        for ignored in values
    )


def _expected(report: Report, profile: Profile) -> bool:
    """Whether a rule names a field of the report: then it says that nothing happened."""
    return any(True for _ in _matched(report, profile.rules))


def _is_so(rule: Rule, value: Value) -> bool:
    if rule.mask is not None:
        number = _number(value)
        if number is None or not number.is_integer():
            return False
        value = float(int(number) & rule.mask)
    if not rule.when:
        return bool(value) and value not in ("0", "false", "False")
    return any(_same(value, wanted) for wanted in rule.when)


def _same(value: Value, wanted: Value) -> bool:
    if isinstance(value, str) and isinstance(wanted, str) and "*" in wanted:
        return fnmatchcase(value, wanted)
    if isinstance(value, bool) or isinstance(wanted, bool) or isinstance(value, str):
        return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    return value == wanted


def _number(value: Value) -> float | None:
    if isinstance(value, bool):
        return float(value)
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _text(value: Value | None) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)[:128]


def _time_us(report: Report, zone: tzinfo) -> int | None:
    if report.at_us is not None:
        return report.at_us
    if report.local_at is None:
        return None
    return to_us(report.local_at.replace(tzinfo=zone))
