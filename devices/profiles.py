"""Profiles: what one kind of device sends, and what its values mean. Data in `profiles/*.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Literal

import msgspec

from devices.errors import ProfileInvalid
from wire.channels import BY_NAME
from wire.events import EventType
from wire.forms import Form


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
    format: Literal["native-v1"]
    expected_interval_s: int
    channels: dict[str, _Channel] = {}
    events: list[str] = []


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
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ProfileInvalid(f"{file.name}: {error}") from error
    if found.expected_interval_s <= 0:
        raise ProfileInvalid(f"{file.name}: expected_interval_s: not positive")
    if not found.channels and not found.events:
        raise ProfileInvalid(f"{file.name}: neither channels nor events")
    for name in found.events:
        if name not in EventType.__members__:
            raise ProfileInvalid(f"{file.name}: events: no such event type: {name}")
    return Profile(
        name=file.name.removesuffix(".toml"),
        format=found.format,
        channels=MappingProxyType({name: _form(file.name, name, c) for name, c in found.channels.items()}),
        events=frozenset(found.events),
        expected_interval_s=found.expected_interval_s,
    )


def _form(file: str, name: str, channel: _Channel) -> Form:
    if name not in BY_NAME:
        raise ProfileInvalid(f"{file}: channels.{name}: no such channel")
    if BY_NAME[name].metered == (channel.kind == "gauge"):
        wanted = "a register or an interval" if BY_NAME[name].metered else "a gauge"
        raise ProfileInvalid(f"{file}: channels.{name}: kind: {name} is {wanted}")
    try:
        return Form(
            kind=channel.kind,
            interval_s=channel.interval_s,
            at=channel.at,
            rollover_at=channel.rollover_at,
        )
    except ValueError as error:
        raise ProfileInvalid(f"{file}: channels.{name}: {error}") from error
