"""What the fields of a report mean that no rule of a profile names: by their words and units. Pure.

`devices.samples` takes a report apart, `devices.quantities` and `devices.states` say what each part
means, this module settles what several parts say of one thing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from types import MappingProxyType

from devices.candidates import NO_TOTAL, Candidate, Context, sums, sums_of_tariffs
from devices.decoders.reports import Value
from devices.quantities import candidate
from devices.samples import Sample, samples
from devices.scope import Scope, announces, scope
from devices.states import PRESSES, Condition, conditions
from devices.wording import Words, words
from wire.channels import BY_NAME

__all__ = ["PRESSES", "Meaning", "Meant", "read"]

#: Fields whose text says what a device is.
_DESCRIBES = ("identity", "medium", "media", "meter", "kind", "operating", "mode", "application")
#: What M-Bus calls a medium.
_MEDIA = MappingProxyType(
    {
        **dict.fromkeys(("water", "cold water", "water data logger"), "water"),
        **dict.fromkeys(("warm water", "hot water"), "hot_water"),
        **dict.fromkeys(("gas", "gas data logger", "gas converter"), "gas"),
        **dict.fromkeys(
            ("heat", "heat/cooling load", "heat volume at inlet", "heat volume at outlet"), "heat"
        ),
        "electricity": "electricity",
        "smoke detector": "smoke",
        # No consumption of a flat, or of a radiator.
        **dict.fromkeys(
            ("cooling load volume at inlet", "cooling load volume at outlet", "steam", "waste water", "oil"),
            "other",
        ),
        **dict.fromkeys(("heat cost allocation", "heat cost allocator", "irrigation water"), "other"),
    }
)
_MOST_WORDS = 256
#: By how much a total in whole units is less than a tariff with decimals.
_ROUNDED = 1.0
#: What is worth having as of a set date, where the present value is not told.
_DATED = frozenset({"heat_hca", *(name for name, channel in BY_NAME.items() if channel.metered)})


@dataclass(frozen=True, kw_only=True)
class Meant:
    """One reading or event."""

    #: A name of `wire.channels` …
    channel: str = ""
    value: float = 0.0
    #: … or of `wire.events`, and whether it is so or over.
    event: str = ""
    is_so: bool = True
    #: Microseconds since 1970, UTC; None: when the report was made.
    at_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a report means."""

    readings: tuple[Meant, ...] = ()
    events: tuple[Meant, ...] = ()
    #: What it is about, where there is neither.
    scope: Scope | None = None


def read(fields: Mapping[str, Value], units: Mapping[str, str], zone: tzinfo, *, about: str = "") -> Meaning:
    """Say what fields mean.

    Parameters
    ----------
    about
        What the message itself calls the kind of device.
    zone
        For times in it that have none.
    """
    found = samples(fields, units, zone)
    context = _context(found, about)
    candidates: list[Candidate] = []
    refused: set[str] = set()
    told: list[Condition] = []
    for sample in found:
        quantity = candidate(sample, context)
        if isinstance(quantity, Candidate):
            candidates.append(quantity)
        elif isinstance(quantity, str):
            refused.add(quantity)
        else:
            told += conditions(sample, context)
    if any(_is_without_battery(sample) for sample in found):
        candidates = [one for one in candidates if one.channel != "battery_pct" or one.value]
    readings = _readings(candidates)
    if candidates and not readings:
        refused.add(NO_TOTAL)
    events = _events(told)
    if not readings and not events and announces(found):
        events = (Meant(event="online"),)
    if readings or events:
        return Meaning(readings=readings, events=events)
    return Meaning(scope=scope(found, context, refused))


def _is_without_battery(sample: Sample) -> bool:
    """A battery of no voltage is none: on the mains, a charge of 0 beside it says nothing."""
    return sample.own.has("battery") and sample.own.has("voltage") and sample.number == 0


def _context(found: Iterable[Sample], about: str) -> Context:
    described, driver = words(about), ""
    plain: set[str] = set()
    known: set[str] = set()
    medium = _medium(about)
    for sample in found:
        for part in (sample.own, sample.around):
            plain.update(part.plain)
            known |= part.known
        if (
            isinstance(sample.value, str)
            and sample.own.has(*_DESCRIBES)
            and len(described.plain) < _MOST_WORDS
        ):
            described |= words(sample.value)
            if sample.own.has("medium", "media"):
                medium = medium or _medium(sample.value)
            if sample.field == "meter":
                driver = sample.value.lower()
    if not medium:  # converters that pass others' values on; the driver's name says whose
        medium = next((found for found in ("heat", "water", "gas") if found in driver), "")
    said = Words(plain=tuple(sorted(plain)), known=frozenset(known))
    return Context(about=described, said=said, medium=medium)


def _medium(text: str) -> str:
    return _MEDIA.get(text.strip().lower(), "")


def _readings(candidates: Iterable[Candidate]) -> tuple[Meant, ...]:
    """One value a channel and time."""
    by_place: dict[tuple[str, int | None], list[Candidate]] = {}
    candidates = list(candidates)
    present = {one.channel for one in candidates if not one.sample.dated}
    for one in candidates:
        if one.sample.dated and (one.channel in present or one.channel not in _DATED):
            continue
        by_place.setdefault((one.channel, one.sample.at_us), []).append(one)
    timed = {one.channel for one in candidates if _is_timed(one.sample)}
    settled: list[Meant] = []
    for (channel, at_us), several in by_place.items():
        if at_us is None and channel in timed:
            continue  # the newest of the series once more
        best = _best(channel, several)
        if best is not None:
            settled.append(Meant(channel=channel, value=best.value, at_us=at_us))
    return tuple(settled)


def _is_timed(sample: Sample) -> bool:
    """Whether a value's time is the present one's: the same without a time is then no other."""
    return sample.at_us is not None and not sample.dated and not sample.logged


def _best(channel: str, several: list[Candidate]) -> Candidate | None:
    sharp = channel == "power_w" or BY_NAME[channel].metered
    parts = [one.value for one in several if one.tariff] if sharp else []
    if sharp:
        several = [one for one in several if not one.tariff] or sums_of_tariffs(several)
        several = [one for one in several if not one.phase] or sums(several)
    if not several:
        return None
    score = max(one.score for one in several)
    best = [one for one in several if one.score == score]
    same = {one.sample.own.plain for one in best}
    if len({one.value for one in best}) > 1 and (sharp or (len(same) == 1 and best[0].sample.series)):
        return None
    if any(part > best[0].value + _ROUNDED for part in parts):
        return None  # less than a part of it: it is another
    return best[0]


def _events(told: Iterable[Condition]) -> tuple[Meant, ...]:
    """One state an event type and time: of several doors or zones it is so if it is of one."""
    so: dict[tuple[str, int | None], bool] = {}
    timed = {one.event for one in told if _is_timed(one.sample)}
    for one in told:
        place = (one.event, one.sample.at_us)
        so[place] = so.get(place, False) or one.is_so
    return tuple(
        Meant(event=event, is_so=is_so, at_us=at_us)
        for (event, at_us), is_so in so.items()
        if at_us is not None or event not in timed
    )
