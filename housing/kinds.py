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
    #: A home has one open lead of a family, of the kind that ranks first; empty: a family of its own.
    of: str = ""

    @property
    def family(self) -> str:
        """What it is one question with."""
        return self.of or self.code


#: One question: does somebody else, or do more people, live here?
PEOPLE = "people"
#: Nobody suspects anything: the home was drawn by lot.
LOT = "lot"
_SIGNS = frozenset({"energy_kwh", "water_l", "events"})
_WATER, _ENERGY, _EVENTS = frozenset({"water_l"}), frozenset({"energy_kwh"}), frozenset({"events"})

KINDS: tuple[Kind, ...] = (
    Kind(code="alarm", hazard=True, zh="报警器或门锁报警", en="an alarm or a forced door", channels=_EVENTS),
    Kind(
        code="burst",
        hazard=True,
        zh="用水突然远超平时",
        en="water far beyond what this home ever used",
        channels=_WATER,
    ),
    Kind(
        code="elder_silence",
        hazard=True,
        zh="独居老人较久没有生活迹象",
        en="no sign of life for long, an older person living alone",
        channels=_SIGNS,
    ),
    Kind(
        code="overload", hazard=True, zh="用电超过报装容量", en="power above the contract", channels=_ENERGY
    ),
    Kind(code="leak", hazard=True, zh="持续用水", en="water that never stops", channels=_WATER),
    Kind(
        code="idle_limit",
        hazard=False,
        zh="连续无生活迹象已到期限",
        en="no sign of life up to the legal limit",
        channels=_SIGNS,
    ),
    Kind(
        code="sublet",
        hazard=False,
        zh="进出和用能的人可能换了",
        en="other people may come and go than before",
        channels=_SIGNS,
        of=PEOPLE,
    ),
    Kind(
        code="group_rental",
        hazard=False,
        zh="居住的人可能多于登记",
        en="more people than registered may live here",
        channels=_SIGNS,
        of=PEOPLE,
    ),
    Kind(
        code="short_stay",
        hazard=False,
        zh="来住的人可能经常更换",
        en="the people who stay may change often",
        channels=_SIGNS,
        of=PEOPLE,
    ),
    Kind(
        code="business",
        hazard=False,
        zh="工作日白天的用能和来访较多",
        en="much use and many visits in working hours",
        channels=_SIGNS,
        of=PEOPLE,
    ),
    Kind(
        code="vacancy",
        hazard=False,
        zh="一段时间没有生活迹象",
        en="no sign of life for a while",
        channels=_SIGNS,
    ),
    Kind(code=LOT, hazard=False, zh="随机抽查", en="drawn by lot", channels=frozenset()),
)

BY_CODE: Mapping[str, Kind] = MappingProxyType({kind.code: kind for kind in KINDS})

#: Codes of the hazards, and of those kinds that rest on water alone.
HAZARDS: tuple[str, ...] = tuple(kind.code for kind in KINDS if kind.hazard)
OF_WATER: tuple[str, ...] = tuple(kind.code for kind in KINDS if kind.channels == _WATER)
#: What goes on for as long as water flows.
FLOWS: tuple[str, ...] = ("leak",)
