"""The demo estate as rows: the same that an operator's files would hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from anju.demo.households import DAY_S
from anju.demo.people import Tenancy, tenancy
from anju.demo.plan import BUILDINGS, SEED, Home
from anju.demo.series import ZONE, ZONE_S
from anju.demo.turn import YEAR
from anju.importer.check import Checked
from anju.importer.sheets import Row
from anju.importer.tables import TABLES
from wire import channels

#: Codes that begin with `demo` are shown as such by the console.
ESTATE = "demo-hean"
_NAME, _NAME_EN = "和安苑（演示）", "He’an Estate (demo)"
#: Meters were there before the demo's first reading.
_INSTALLED_DAYS = YEAR + 30


@dataclass(frozen=True, kw_only=True)
class HomeDevice:
    """One device of a home: a random code, what it measures, whether it reports events."""

    code: str
    profile: str
    #: Channel names.
    measures: tuple[str, ...]
    events: bool


def devices(home: Home) -> list[HomeDevice]:
    """The devices of a home; their codes are random and say nothing about the home."""
    if not home.covered:
        return []
    rng = np.random.default_rng([SEED, home.index, 6])
    codes = ["d" + rng.bytes(5).hex() for _ in range(3)]
    if home.one_box:
        measures = ("energy_kwh", "water_l", "battery_pct") if home.has_lock else ("energy_kwh", "water_l")
        return [HomeDevice(code=codes[0], profile="home-native", measures=measures, events=home.has_lock)]
    found = [
        HomeDevice(code=codes[0], profile="energy-register", measures=("energy_kwh",), events=False),
        HomeDevice(code=codes[1], profile="water-register", measures=("water_l",), events=False),
    ]
    if home.has_lock:
        found.append(HomeDevice(code=codes[2], profile="lock-native", measures=("battery_pct",), events=True))
    return found


def rows(homes: Sequence[Home], anchor: int, *, city: str) -> Checked:
    """Everything but readings and events, as an import would have checked it."""
    found: dict[str, list[dict[str, object]]] = {table.name: [] for table in TABLES}
    households: dict[str, tuple[int, bool]] = {}
    found["estates"].append(
        {"code": ESTATE, "name": _NAME, "name_en": _NAME_EN, "city": city, "time_zone": ZONE}
    )
    for building, *_ in BUILDINGS:
        found["buildings"].append({"estate": ESTATE, "code": building, "name": f"{building}栋"})
    today = date(1970, 1, 1) + timedelta(days=anchor)
    for home in homes:
        tenants = tenancy(home, today)
        found["units"].append(_unit(home))
        households[tenants.household] = (home.people, tenants.elder_alone)
        for name, row in _people(home, tenants):
            found[name].append(row)
        if home.absence is not None:
            first, last = home.absence
            found["absences"].append(
                {
                    "estate": ESTATE,
                    "unit": home.place.code,
                    "registered_at": instant(anchor + first - 2, 10 * 3_600),
                    "starts_at": instant(anchor + first),
                    "ends_at": instant(anchor + last),
                    "reason": "探亲（模拟）",
                    "approved_by": "",
                }
            )
        for name, row in _devices(home, anchor):
            found[name].append(row)
    return Checked(
        rows={name: [Row(line=0, values=v) for v in values] for name, values in found.items()},
        households=households,
    )


def instant(day: int, second: int = 0) -> datetime:
    """A local moment of the estate; days count from 1970-01-01."""
    return datetime.fromtimestamp(day * DAY_S + second - ZONE_S, UTC)


def local_day(now: datetime) -> int:
    """The local day of a moment, counted from 1970-01-01."""
    return (now.astimezone(ZoneInfo(ZONE)).date() - date(1970, 1, 1)).days


def _unit(home: Home) -> dict[str, object]:
    rng = np.random.default_rng([SEED, home.index, 7])
    return {
        "estate": ESTATE,
        "building": home.place.building,
        "code": home.place.code,
        "stair": str(home.place.stair),
        "floor": home.place.floor,
        "door": home.place.door,
        "area_m2": float(35 + 7 * min(home.people, 4) + int(rng.integers(5))),
        "rooms": 1 if home.people < 3 else 2,
        "contract_kw": 8.0,
    }


def _people(home: Home, tenants: Tenancy) -> Iterator[tuple[str, dict[str, object]]]:
    yield (
        "leases",
        {
            "code": tenants.lease,
            "estate": ESTATE,
            "unit": home.place.code,
            "household": tenants.household,
            "starts_on": tenants.starts_on,
            "ends_on": tenants.ends_on,
        },
    )
    moved_in = (tenants.starts_on - date(1970, 1, 1)).days
    for number, person in enumerate(tenants.people):
        yield (
            "residents",
            {
                "code": person.code,
                "household": tenants.household,
                "subject": person.subject,
                "name": person.name,
                "phone": person.phone,
                "id_no": "",
            },
        )
        yield (
            "occupants",
            {
                "estate": ESTATE,
                "unit": home.place.code,
                "resident": person.code,
                "lease": tenants.lease,
                "relation": "tenant" if number == 0 else "family" if person.adult else "child",
                "starts_at": instant(moved_in),
                "ends_at": None,
            },
        )


def _devices(home: Home, anchor: int) -> Iterator[tuple[str, dict[str, object]]]:
    for device in devices(home):
        yield (
            "devices",
            {"code": device.code, "estate": ESTATE, "profile": device.profile, "serial": ""},
        )
        codes = [channels.BY_NAME[name].code for name in device.measures]
        for code in [*codes, *([channels.EVENTS] if device.events else [])]:
            yield (
                "installations",
                {
                    "device": device.code,
                    "estate": ESTATE,
                    "unit": home.place.code,
                    "entrance": None,
                    "channel": code,
                    "valid_from": instant(anchor - _INSTALLED_DAYS),
                    "valid_to": None,
                    "multiplier": 1.0,
                },
            )
