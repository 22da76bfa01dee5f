"""An estate with a year of days, made from arrays: every state of the board stands somewhere in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from api import accounts
from api.passwords import Passwords
from api.rules import LoginRules
from devices import installations, registry
from housing import absences, estates, leads, leases, residents, verdicts
from housing.scope import EVERYTHING
from policy.book import PolicyBook
from storage import watermark
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.browser import signals
from wire.channels import BY_NAME, EVENTS

ZONE = ZoneInfo("Asia/Shanghai")
#: Tuesday afternoon in Shanghai.
NOW = datetime(2026, 11, 24, 7, 42, 8, tzinfo=UTC)
PASSWORD = "correct horse battery"
ESTATE, SMALL_ESTATE = "demo-hean", "yuexi"
DAYS = 380
NAME = "慕容不该出现"

ENERGY, WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
_HOUR = timedelta(hours=1)

#: Homes with something to show, by code.
LEAK, VACANT, IDLE, ONCE_EMPTY, GONE = "2-1-0302", "1-1-0402", "3-2-0303", "3-1-0202", "1-2-0203"
SILENT, DEVICE, UNCOVERED, AWAY = ("2-2-0203", "2-2-0204"), ("1-2-0104",), ("3-3-0105",), ("2-1-0101",)
DECIDED, NO_LOCK = "1-1-0101", "1-1-0201"


@dataclass(frozen=True, kw_only=True)
class Home:
    """One home and its hours: (DAYS, 24) local; NaN unknown."""

    code: str
    building: str
    stair: str
    floor: int
    door: str
    energy: NDArray[np.float64]
    water: NDArray[np.float64]
    #: (DAYS,) entries by registered people, by others; NaN: no live lock
    known: NDArray[np.float64]
    foreign: NDArray[np.float64]


def first_day() -> date:
    """The first local day with data; the last one is yesterday."""
    return NOW.astimezone(ZONE).date() - timedelta(days=DAYS)


def homes() -> Iterator[Home]:
    """50 homes in three buildings."""
    plan = (("1", 2, 4, 2), ("2", 2, 4, 2), ("3", 3, 3, 2))
    for building, stairs, floors, doors in plan:
        for stair in range(1, stairs + 1):
            for floor in range(1, floors + 1):
                for k in range(1, doors + 1):
                    door = f"{floor:02d}{(stair - 1) * doors + k:02d}"
                    yield _home(f"{building}-{stair}-{door}", building, str(stair), floor, door)


def seed(
    connection: Connection, *, books: dict[str, PolicyBook], key: PersonalKey, rules: LoginRules
) -> None:
    """Store the estate, its days, signals and leads, and four accounts."""
    every = list(homes())
    _records(connection, every, key)
    ids: dict[str, int] = dict(
        connection.execute(
            "SELECT u.code, u.id FROM unit u JOIN estate e ON e.id = u.estate_id WHERE e.code = %s", [ESTATE]
        ).fetchall()
    )
    _devices(connection, every, ids)
    _days(connection, every, ids)
    _usage(connection, [home for home in every if home.code in _SIGNALS], ids)
    yesterday = NOW.astimezone(ZONE).date() - timedelta(days=1)
    _signals(connection, ids, as_of=yesterday - timedelta(days=1), codes=(GONE,))
    leads.raise_leads(connection, books=books, now=NOW - timedelta(days=1))
    _signals(connection, ids, as_of=yesterday, codes=[code for code in _SIGNALS if code != GONE])
    leads.raise_leads(connection, books=books, now=NOW)
    _decide(connection, ids[DECIDED])
    _accounts(connection, rules)
    facts = {
        "zh": ["这是测试小区，没有真实住户。", "全部数据由程序生成。"],
        "en": ["This is a test estate; nobody lives here.", "All data are invented."],
    }
    watermark.advance(connection, "demo", NOW, facts)


def _home(code: str, building: str, stair: str, floor: int, door: str) -> Home:
    random = np.random.default_rng(int(code.replace("-", "")))
    hours = np.arange(24)
    season = 1 + 0.5 * np.cos(2 * np.pi * (np.arange(DAYS) - 50) / 365)[:, None] ** 2
    shape = 0.09 + 0.5 * np.exp(-((hours - 20) ** 2) / 9) + 0.25 * np.exp(-((hours - 7.5) ** 2) / 3)
    level = random.uniform(0.7, 2.0)
    energy = level * season * shape * random.gamma(4, 0.25, (DAYS, 24))
    energy[:, 2:5] = 0.05 * level
    taps = np.clip(
        0.02 + 0.9 * np.exp(-((hours - 7.5) ** 2) / 4) + 0.7 * np.exp(-((hours - 20) ** 2) / 8), 0, 1
    )
    water = (random.random((DAYS, 24)) < taps) * random.gamma(2.0, 14 * level, (DAYS, 24))
    known = random.poisson(3.6, DAYS).astype(float)
    foreign = (random.random(DAYS) < 0.03) * 1.0
    trip = int(random.integers(90, 300))
    _quiet(energy, water, known, slice(trip, trip + int(random.integers(4, 12))))
    empty = {VACANT: DAYS - 96, IDLE: DAYS - 205, ONCE_EMPTY: DAYS - 47, DECIDED: DAYS - 60}.get(code)
    if empty is not None:
        _quiet(energy, water, known, slice(empty, None))
        known[empty + 20] = 0
    for series in (energy, water):
        for at in random.integers(0, DAYS - 3, 7):
            series[at : at + int(random.integers(1, 3))] = np.nan
    lock = 0 if code != VACANT else 30
    known[:lock] = np.nan
    known[150:154] = np.nan
    if code == VACANT:
        energy[: 42 + DAYS - 365] = np.nan
    if code == NO_LOCK:
        known[:] = np.nan
    return Home(
        code=code,
        building=building,
        stair=stair,
        floor=floor,
        door=door,
        energy=energy,
        water=water,
        known=known,
        foreign=np.where(np.isfinite(known), foreign, np.nan),
    )


def _quiet(energy: NDArray, water: NDArray, known: NDArray, days: slice) -> None:
    energy[days] = 0.05 + 0.02 * (np.arange(24) % 3 == 0)
    water[days] = 0
    known[days] = 0


def _records(connection: Connection, every: list[Home], key: PersonalKey) -> None:
    estates.upsert_estates(
        connection,
        [
            estates.EstateRow(code=ESTATE, name="和安苑", name_en="He’an Estate", city="anhe"),
            estates.EstateRow(code=SMALL_ESTATE, name="悦溪里", name_en="Yuexi Lane", city="anhe"),
        ],
    )
    buildings = [estates.BuildingRow(estate=ESTATE, code=code) for code in ("1", "2", "3")]
    buildings.append(estates.BuildingRow(estate=SMALL_ESTATE, code="A", name="A座"))
    estates.upsert_buildings(connection, buildings)
    units = [
        estates.UnitRow(
            estate=ESTATE,
            building=home.building,
            code=home.code,
            stair=home.stair,
            floor=home.floor,
            door=home.door,
            area_m2=52.0 if home.door.endswith(("1", "3")) else 38.5,
            rooms=2 if home.door.endswith(("1", "3")) else 1,
        )
        for home in every
    ]
    units += [
        estates.UnitRow(estate=SMALL_ESTATE, building="A", code=f"A-{n}", floor=n // 100, door=str(n))
        for n in (*range(101, 111), *range(201, 211))
    ]
    estates.upsert_units(connection, units)
    households = [
        residents.HouseholdRow(code=f"h-{home.code}", size=1 + at % 3) for at, home in enumerate(every)
    ]
    residents.upsert_households(connection, households)
    # Somebody with a name, which no page may show.
    residents.upsert_residents(
        connection,
        [
            residents.ResidentRow(
                code=f"r-{home.code}", household=f"h-{home.code}", subject=f"s-{home.code}", name=NAME
            )
            for home in every
        ],
        key=key,
    )
    leases.upsert_leases(
        connection,
        [
            leases.LeaseRow(
                code=f"l-{home.code}",
                estate=ESTATE,
                unit=home.code,
                household=f"h-{home.code}",
                starts_on=date(2024, 3, 1),
                ends_on=date(2027, 2, 28),
            )
            for home in every
        ],
    )
    absences.upsert_absences(
        connection,
        [
            absences.AbsenceRow(
                estate=ESTATE,
                unit=code,
                registered_at=NOW - timedelta(days=12),
                starts_at=NOW - timedelta(days=9),
                ends_at=NOW + timedelta(days=10),
                reason="外出",
            )
            for code in AWAY
        ],
    )


def _devices(connection: Connection, every: list[Home], ids: dict[str, int]) -> None:
    estate_id = connection.execute("SELECT id FROM estate WHERE code = %s", [ESTATE]).fetchone()
    assert estate_id is not None
    kinds = (("E", "energy-register", ENERGY), ("W", "water-register", WATER), ("L", "lock-native", EVENTS))
    new, where = [], []
    for home in every:
        for letter, profile, channel in kinds:
            if home.code in UNCOVERED or (home.code == NO_LOCK and channel == EVENTS):
                continue
            code = f"{letter.lower()}-{home.code}"
            serial = f"{letter}-{20000 + ids[home.code] * 3 + channel}"
            new.append(registry.NewDevice(code=code, profile=profile, estate_id=estate_id[0], serial=serial))
            where.append((code, home, channel))
    found = registry.register_devices(connection, new)
    installed = [
        installations.Installation(
            device_id=found[code],
            channel=channel,
            unit_id=ids[home.code],
            valid_from=NOW - timedelta(days=_fitted_days(home, channel)),
        )
        for code, home, channel in where
    ]
    installations.install_all(connection, installed)
    connection.execute("DELETE FROM usage_dirty")
    for code, home, channel in where:
        heard = NOW - timedelta(minutes=12)
        if home.code in SILENT:
            heard = NOW - timedelta(days=3, hours=2)
        elif home.code in DEVICE and channel == WATER:
            heard = NOW - timedelta(days=4)
        _heard(connection, found[code], channel, heard)


def _fitted_days(home: Home, channel: int) -> int:
    if home.code != VACANT:
        return DAYS + 1
    return {ENERGY: 323, EVENTS: 350}.get(channel, DAYS + 1)


def _heard(connection: Connection, device_id: int, channel: int, at: datetime) -> None:
    if channel == EVENTS:
        connection.execute(
            "INSERT INTO event (time, received_at, device_id, type, decoder, dedupe_key)"
            " VALUES (%s, %s, %s, 2, 101, 'seed')",
            [at, at, device_id],
        )
        return
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
        " VALUES (%s, %s, 1234.5, %s, %s, 101)",
        [at, at, device_id, channel],
    )


def _days(connection: Connection, every: list[Home], ids: dict[str, int]) -> None:
    columns = (
        "computed_at, day, unit_id, energy_kwh, energy_seen_h, water_l, water_seen_h, entries,"
        " entries_unknown, doors, energy_alive, water_alive, door_alive, absent"
    )
    start = first_day()
    with connection.cursor() as cursor, cursor.copy(f"COPY unit_day ({columns}) FROM STDIN") as copy:
        for home in every:
            if home.code in UNCOVERED:
                continue
            for at in range(DAYS):
                energy, water = home.energy[at], home.water[at]
                entries = _value(home.known[at] + home.foreign[at])
                copy.write_row(
                    (
                        NOW,
                        start + timedelta(days=at),
                        ids[home.code],
                        _value(energy.sum()),
                        int(np.isfinite(energy).sum()),
                        _value(water.sum()),
                        int(np.isfinite(water).sum()),
                        None if entries is None else int(entries),
                        None if entries is None else int(home.foreign[at]),
                        None if entries is None else int(entries) * 2,
                        None if np.isnan(energy).any() else bool((energy > 0.15).sum() > 2),
                        None if np.isnan(water).any() else bool((water > 1).any()),
                        None if entries is None else entries > 0,
                        home.code in AWAY and at > DAYS - 10,
                    )
                )


def _usage(connection: Connection, some: list[Home], ids: dict[str, int]) -> None:
    origin = datetime.combine(first_day(), datetime.min.time(), ZONE).astimezone(UTC)
    columns = "computed_at, day, unit_id, channel, amount, covered_min, lag_h"
    with connection.cursor() as cursor, cursor.copy(f"COPY usage ({columns}) FROM STDIN") as copy:
        for home in some:
            for channel, series in ((ENERGY, home.energy), (WATER, _recent_water(home))):
                flat = np.concatenate(([np.nan] * (origin.hour), series.ravel()))
                flat = np.append(flat, [np.nan] * (-flat.size % 24)).reshape(-1, 24)
                for at, day in enumerate(flat):
                    seen = np.isfinite(day)
                    copy.write_row(
                        (
                            NOW,
                            origin.date() + timedelta(days=at),
                            ids[home.code],
                            channel,
                            [float(value) for value in day],
                            [60 if one else 0 for one in seen],
                            [1] * 24,
                        )
                    )


def _recent_water(home: Home) -> NDArray[np.float64]:
    """Hours up to now; the leak has run for 26 of them."""
    today = np.full((1, 24), np.nan)
    hours_today = NOW.astimezone(ZONE).hour
    today[0, :hours_today] = home.water[-1, :hours_today]
    series = np.vstack((home.water, today))
    if home.code == LEAK:
        flat = series.ravel()
        end = DAYS * 24 + hours_today
        flat[end - 26 : end] = 71 + np.arange(26) % 4 + np.linspace(-40, 0, 26) * (np.arange(26) < 4)
        flat[end - 50 : end - 48] = np.nan
    return series


#: Unit → kind, days since the claimed start, uncertainty, score.
_SIGNALS: dict[str, tuple[str, float, float, float]] = {
    LEAK: ("leak", 26 / 24, 0.0, 0.93),
    VACANT: ("vacancy", 96, 1.0, 0.88),
    IDLE: ("idle_limit", 205, 0.0, 0.97),
    ONCE_EMPTY: ("vacancy", 47, 1.0, 0.55),
    GONE: ("vacancy", 44, 2.0, 0.52),
    DECIDED: ("vacancy", 60, 1.0, 0.61),
}


def _signals(connection: Connection, ids: dict[str, int], *, as_of: date, codes: Sequence[str]) -> None:
    for code in codes:
        kind, days, spread, score = _SIGNALS[code]
        signals.store(
            connection, ids[code], kind=kind, days=days, spread=spread, score=score, as_of=as_of, now=NOW
        )


def _decide(connection: Connection, unit_id: int) -> None:
    row = connection.execute("SELECT id, version FROM lead WHERE unit_id = %s", [unit_id]).fetchone()
    assert row is not None
    verdicts.record(
        connection,
        lead_id=row[0],
        version=row[1],
        outcome="refuted",
        code="not_seen",
        source="visit",
        by="enforcement",
        note="家里有人，电表换过。",
        now=NOW - timedelta(hours=3),
        scope=EVERYTHING,
    )


def _accounts(connection: Connection, rules: LoginRules) -> None:
    passwords = Passwords(rules)
    for username, role, name, everywhere in (
        ("supervisor", "supervisor", "李*", False),
        ("enforcement", "enforcement", "王*", True),
        ("operator", "operator", "赵*", True),
        ("installer", "installer", "周*", True),
        ("auditor", "auditor", "", True),
        ("newcomer", "supervisor", "", None),
    ):
        accounts.add(
            connection,
            username=username,
            password=PASSWORD,
            role=role,
            estates=(ESTATE,) if everywhere is False else (),
            all_estates=bool(everywhere),
            display_name=name,
            passwords=passwords,
            rules=rules,
            by="system:seed",
            now=NOW,
        )


def _value(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
