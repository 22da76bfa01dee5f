"""The kinds of lead, and how each is said to people: what was seen, never an accusation."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of signal that becomes a lead."""

    #: `signal.kind`, `lead.kind`
    code: str
    #: True: somebody should go today; stands before every inspection kind.
    hazard: bool
    zh: str
    en: str
    #: Names of the channels that it rests on; `events` for the door.
    channels: frozenset[str]


_SIGNS = frozenset({"energy_kwh", "water_l", "events"})

KINDS: tuple[Kind, ...] = (
    Kind(
        code="leak", hazard=True, zh="持续用水", en="water that never stops", channels=frozenset({"water_l"})
    ),
    Kind(
        code="idle_limit",
        hazard=False,
        zh="连续无生活迹象已到期限",
        en="no sign of life up to the legal limit",
        channels=_SIGNS,
    ),
    Kind(
        code="vacancy",
        hazard=False,
        zh="一段时间没有生活迹象",
        en="no sign of life for a while",
        channels=_SIGNS,
    ),
)

BY_CODE: Mapping[str, Kind] = MappingProxyType({kind.code: kind for kind in KINDS})

#: Codes of the hazards.
HAZARDS: tuple[str, ...] = tuple(kind.code for kind in KINDS if kind.hazard)
