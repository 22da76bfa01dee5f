"""Profiles: what one kind of device sends, and what its values mean. Data in `profiles/*.toml`.

A device of the native format sends our own channels and event types. Of any other format the profile says
which field is which: a `[[field]]` makes a reading or an event of it (`devices.mapping`). Adding a model is
adding a file.
"""

import math
import tomllib
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Literal

import msgspec

from devices.decoders.gateway_json import PLACES
from devices.decoders.reports import Value
from devices.errors import ProfileInvalid
from devices.formats import FORMATS
from devices.units import conversion
from wire.channels import BY_NAME
from wire.commands import COMMANDS
from wire.events import EventType, Method, Result
from wire.forms import Form
from wire.personal import DROPPED, PERSONAL, plain

NATIVE = "native-v1"
#: Of this format the profile says where in a message things are.
_OWN_PLACES = "gateway-json"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one field of a format's messages means: a reading, or an event."""

    #: The field's name in the format's reports; `*` stands for any one part between points.
    name: str
    #: The channel whose value it is …
    channel: str | None = None
    #: … in this unit; none: what the message states, else the channel's own. `factor` comes before it.
    unit: str | None = None
    factor: float = 1.0
    #: The event type that it is …
    event: str | None = None
    #: … when its value is one of these; none: whenever it is there and not empty, zero or false. `*` in a
    #: text stands for anything: such a rule counts where no rule before it took the value.
    when: tuple[Value, ...] = ()
    #: Numbers only: the bits that count, before `when` is asked.
    mask: int | None = None
    #: A state that is repeated in reports, not a change that was seen. False: it is over. A hazard that is
    #: over is an event with the value 0.
    state: bool = False
    method: str | None = None
    result: str | None = None
    #: Fields that hold who it was (a pseudonym), and how much.
    subject: str | None = None
    value: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One kind of device."""

    #: Name of the file without its ending; stored in `device.profile`.
    name: str
    #: The wire format it speaks.
    format: str
    #: What it measures, by channel name, and how each channel counts.
    channels: Mapping[str, Form]
    #: The event types it may send, by name.
    events: frozenset[str]
    #: How often it is heard when it is well, in seconds.
    expected_interval_s: int
    #: Not native: what its fields mean.
    rules: tuple[Rule, ...] = ()
    #: By a rule's field, the values that say that nothing happened; with `*` as in `Rule.when`. A value that
    #: no rule takes and that is not here is quarantined, so that nothing is lost until the profile knows it.
    ignore: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    #: Fields that no rule names are taken by their names and units (`devices.meaning`).
    by_meaning: bool = False
    #: It speaks for others, its listed children.
    gateway: bool = False
    #: Its battery is low below this; None: its voltage does not tell.
    battery_low_v: float | None = None
    #: `once`: a message that comes again is known by its time or its number. `at-least-once`: it is not.
    delivery: Literal["once", "at-least-once"] = "once"
    #: The vendor's own decoder, a file of devices/codecs/.
    codec: str | None = None
    #: What it understands (`devices.commands`).
    commands: frozenset[str] = frozenset()
    #: Its topics are fixed and cannot begin with its own prefix: the broker puts that before them, on a
    #: listener of its own.
    mount_point: bool = False
    #: What its format's parser must know of the model.
    options: Mapping[str, Value] = field(default_factory=dict)

    @cached_property
    def channel_codes(self) -> frozenset[int]:
        """What it measures, as codes."""
        return frozenset(BY_NAME[name].code for name in self.channels)

    @cached_property
    def event_codes(self) -> frozenset[int]:
        """The event types it may send, as codes."""
        return frozenset(int(EventType[name]) for name in self.events)


class _Channel(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["register", "interval", "gauge"]
    interval_s: int | None = None
    at: Literal["start", "end"] | None = None
    rollover_at: float | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    expected_interval_s: int
    channels: dict[str, _Channel] = {}
    events: list[str] = []
    field: list[Rule] = []
    ignore: dict[str, tuple[Value, ...]] = {}
    by_meaning: bool = False
    gateway: bool = False
    battery_low_v: float | None = None
    delivery: Literal["once", "at-least-once"] = "once"
    codec: str | None = None
    commands: list[str] = []
    mount_point: bool = False
    options: dict[str, Value] = {}


@cache
def load_profiles() -> Mapping[str, Profile]:
    """Read and validate all profiles of the package, by name.

    Raises
    ------
    ProfileInvalid
        Names the file, the key and what is wrong with it.
    """
    folder = resources.files("devices").joinpath("profiles")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
    return MappingProxyType({profile.name: profile for profile in map(read_profile, files)})


def read_profile(file: Traversable) -> Profile:
    """Read and validate one profile.

    Raises
    ------
    ProfileInvalid
        Names the file, the key and what is wrong with it.
    """
    found = _parse(file)
    if found.expected_interval_s <= 0:
        raise ProfileInvalid(f"{file.name}: expected_interval_s: not positive")
    if found.battery_low_v is not None and not math.isfinite(found.battery_low_v):
        raise ProfileInvalid(f"{file.name}: battery_low_v: {found.battery_low_v} is no number to count with")
    if found.format != NATIVE and found.format not in FORMATS:
        known = ", ".join([NATIVE, *FORMATS])
        raise ProfileInvalid(f"{file.name}: format: no such format: {found.format}; there are {known}")
    if not found.channels and not found.events and not found.gateway:
        raise ProfileInvalid(f"{file.name}: neither channels nor events")
    for name in found.events:
        if name not in EventType.__members__:
            raise ProfileInvalid(f"{file.name}: events: no such event type: {name}")
    for name in found.commands:
        if name not in COMMANDS:
            raise ProfileInvalid(f"{file.name}: commands: no such command: {name}")
    if found.commands and found.format != NATIVE:
        raise ProfileInvalid(
            f"{file.name}: commands: there is no way to tell devices of {found.format} anything"
        )
    for rule in found.field:
        _check(file.name, rule, found)
        _refuse_cut(file.name, rule)
    if found.format == _OWN_PLACES:
        _refuse_cut_places(file.name, found.options)
    for name in found.ignore.keys() - {rule.name for rule in found.field if rule.event is not None}:
        raise ProfileInvalid(f"{file.name}: ignore: no rule makes an event of {name}")
    return Profile(
        name=file.name.removesuffix(".toml"),
        format=found.format,
        channels=MappingProxyType({name: _form(file.name, name, c) for name, c in found.channels.items()}),
        events=frozenset(found.events),
        expected_interval_s=found.expected_interval_s,
        rules=tuple(found.field),
        ignore=MappingProxyType(found.ignore),
        by_meaning=found.by_meaning,
        gateway=found.gateway,
        battery_low_v=found.battery_low_v,
        delivery=found.delivery,
        codec=found.codec,
        commands=frozenset(found.commands),
        mount_point=found.mount_point,
        options=MappingProxyType(found.options),
    )


def _parse(file: Traversable) -> _File:
    try:
        return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except tomllib.TOMLDecodeError as error:
        raise ProfileInvalid(f"{file.name}: no TOML: {error}") from error
    except (UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ProfileInvalid(f"{file.name}: {error}") from error


def _check(file: str, rule: Rule, found: _File) -> None:
    """Refuse a rule that can never give anything, or gives what the profile does not announce."""
    where = f"{file}: field {rule.name}"
    if found.format == NATIVE:
        raise ProfileInvalid(f"{where}: the native format has no fields of its own")
    if (rule.channel is None) == (rule.event is None):
        raise ProfileInvalid(f"{where}: needs a channel or an event, and not both")
    if rule.channel is not None and rule.channel not in found.channels:
        raise ProfileInvalid(f"{where}: channel: {rule.channel} is not among the profile's channels")
    if rule.channel is not None and rule.unit is not None and conversion(rule.channel, rule.unit) is None:
        raise ProfileInvalid(f"{where}: unit: {rule.unit} is not a unit of {rule.channel}")
    if not math.isfinite(rule.factor) or rule.factor == 0:
        raise ProfileInvalid(f"{where}: factor: {rule.factor} is no number to multiply with")
    if rule.event is not None and rule.event not in found.events:
        raise ProfileInvalid(f"{where}: event: {rule.event} is not among the profile's events")
    if rule.method is not None and rule.method not in Method.__members__:
        raise ProfileInvalid(f"{where}: method: no such way in: {rule.method}")
    if rule.result is not None and rule.result not in Result.__members__:
        raise ProfileInvalid(f"{where}: result: no such result: {rule.result}")


def _refuse_cut(file: str, rule: Rule) -> None:
    """Refuse a rule for what never gets here: ingest cuts what is personal out of every message."""
    where = f"{file}: field {rule.name}"
    # Of pictures and codes a hash stays: that something is there, and whose, can be told by it; no more.
    told = rule.event is not None and not rule.when and rule.mask is None
    _refuse_personal(f"{where}: name", rule.name, DROPPED if told else PERSONAL)
    _refuse_personal(f"{where}: subject", rule.subject or "", DROPPED)
    _refuse_personal(f"{where}: value", rule.value or "", PERSONAL)


def _refuse_cut_places(file: str, options: Mapping[str, Value]) -> None:
    for name in PLACES & options.keys():
        _refuse_personal(f"{file}: options.{name}", str(options[name]), PERSONAL)


def _refuse_personal(where: str, path: str, cut: Container[str]) -> None:
    for part in path.split("."):
        if plain(part) in cut:
            raise ProfileInvalid(
                f"{where}: {part} is a key of personal values, which are cut out of every message before it"
                " is read: nothing would come of it. Have the sender call it something else"
            )


def _form(file: str, name: str, channel: _Channel) -> Form:
    if name not in BY_NAME:
        raise ProfileInvalid(f"{file}: channels.{name}: no such channel")
    if BY_NAME[name].metered == (channel.kind == "gauge"):
        wanted = "a register or an interval" if BY_NAME[name].metered else "a gauge"
        raise ProfileInvalid(f"{file}: channels.{name}: kind: {name} is {wanted}")
    if channel.rollover_at is not None and not math.isfinite(channel.rollover_at):
        raise ProfileInvalid(f"{file}: channels.{name}: rollover_at: {channel.rollover_at} is never reached")
    try:
        return Form(
            kind=channel.kind,
            interval_s=channel.interval_s,
            at=channel.at,
            rollover_at=channel.rollover_at,
        )
    except ValueError as error:
        raise ProfileInvalid(f"{file}: channels.{name}: {error}") from error
