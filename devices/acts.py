"""What can be done to a device's installations: each act as a person asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devices.timelines import Place

#: Why a binding is corrected → zh, en. The closed list.
REASONS: Mapping[str, tuple[str, str]] = {
    "crossed": ("两户的表接反或登记反了", "Two homes' devices were crossed"),
    "wrong_unit": ("登记到了别的房屋", "It was bound to the wrong home"),
    "wrong_time": ("安装或拆除时间登记有误", "The time of installation was wrong"),
}
#: The reason of an act by which a device's readings mean something else.
PROFILE = "profile"


@dataclass(frozen=True, kw_only=True)
class Commission:
    """Install every channel of a device at a place, from a moment on."""

    device: str
    place: Place
    since: datetime
    #: What its registers are multiplied by (transformers, pulses).
    multiplier: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Registers:
    """What the installer read at an exchange; None: not read."""

    old_final: float | None = None
    new_first: float | None = None


@dataclass(frozen=True, kw_only=True)
class Swap:
    """A new device takes over the place of an old one."""

    old: str
    new: str
    at: datetime
    #: None: that of the old one, channel by channel; a transformer stays where it is.
    multiplier: float | None = None
    #: By channel name.
    registers: Mapping[str, Registers] = field(default_factory=dict)
    #: The old one is retired: what it still sends is quarantined.
    retire_old: bool = True


@dataclass(frozen=True, kw_only=True)
class Move:
    """A device hangs at another place from a moment on."""

    device: str
    place: Place
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Retire:
    """A device is taken down for good."""

    device: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Correct:
    """From a moment on, a device really was at another place than was believed."""

    device: str
    place: Place
    since: datetime
    #: None: as long as the installation lasted that is corrected.
    until: datetime | None = None
    #: Channel names, `events` among them; None: all.
    channels: Sequence[str] | None = None
    reason: str = "wrong_unit"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Two devices really were at each other's place."""

    one: str
    other: str
    #: None: since the beginning of what is believed now.
    since: datetime | None = None
    until: datetime | None = None
    channels: Sequence[str] | None = None
    reason: str = "crossed"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ReplaceGateway:
    """A new gateway speaks for all that an old one spoke for; the old one is retired."""

    old: str
    new: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Change:
    """A device is another thing, or reaches us in another way; None: as it is."""

    device: str
    profile: str | None = None
    #: Empty: it speaks for itself.
    gateway: str | None = None
    #: Empty: none; behind a gateway its code.
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class Undo:
    """Take an act back."""

    change_id: int
    #: How long after it an act can be taken back; a correction always can.
    within: timedelta


Wanted = Commission | Swap | Move | Retire | Correct | Exchange | ReplaceGateway | Change | Undo
