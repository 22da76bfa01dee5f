"""Two estates with homes, people and signals, for tests of housing and the API."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from psycopg.types.json import Jsonb

from housing.estates import BuildingRow, EstateRow, UnitRow, upsert_buildings, upsert_estates, upsert_units
from storage.pool import Connection

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
TODAY = date(2026, 11, 24)
#: The last whole local day.
SWEPT = date(2026, 11, 23)


def build_estates(connection: Connection, *codes: str, units: int = 4) -> dict[str, list[int]]:
    """Write estates of one building with `units` homes each: estate code → ids of its units, by code."""
    codes = codes or ("HA", "HB")
    upsert_estates(connection, [EstateRow(code=code, name=f"{code}苑", city="anhe") for code in codes])
    upsert_buildings(connection, [BuildingRow(estate=code, code="1", name="1号楼") for code in codes])
    rows = [
        UnitRow(
            estate=code,
            building="1",
            code=f"1-1-{number:04}",
            stair="1",
            floor=number // 100,
            door=f"{number:04}",
            area_m2=45.5,
            rooms=2,
        )
        for code in codes
        for number in range(101, 101 + units)
    ]
    upsert_units(connection, rows)
    found: dict[str, list[int]] = {code: [] for code in codes}
    for estate, unit_id in connection.execute(
        "SELECT e.code, u.id FROM unit u JOIN estate e ON e.id = u.estate_id ORDER BY u.code"
    ):
        if estate in found:
            found[estate].append(unit_id)
    return found


def estate_id(connection: Connection, code: str) -> int:
    row = connection.execute("SELECT id FROM estate WHERE code = %s", [code]).fetchone()
    assert row is not None
    return row[0]


def add_signal(
    connection: Connection,
    unit_id: int,
    *,
    kind: str = "vacancy",
    as_of: date = SWEPT,
    since: datetime | None = None,
    score: float = 0.6,
    numbers: Sequence[float] = (),
) -> None:
    """Write one signal, as a sweep does; the day's signal is replaced."""
    since = since or datetime(2026, 9, 20, tzinfo=UTC)
    evidence = [
        {
            "code": "idle_days",
            "weight": 3,
            "zh": "60天中有54天没有生活迹象",
            "en": "no sign of life on 54 of 60 days",
            "source": "energy",
            "from": since.date().isoformat(),
            "to": as_of.isoformat(),
            "numbers": {"days": list(numbers)},
        }
    ]
    connection.execute(
        "INSERT INTO signal (unit_id, kind, as_of, at, since, since_pm_days, score, evidence, quality,"
        " detector, policy) VALUES (%s, %s, %s, %s, %s, 1, %s, %s, %s, 'idle/1', 'anhe-test')"
        " ON CONFLICT (unit_id, kind, as_of) DO UPDATE SET score = excluded.score, since = excluded.since,"
        " evidence = excluded.evidence",
        [
            unit_id,
            kind,
            as_of,
            datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC) - timedelta(hours=8),
            since,
            score,
            Jsonb(evidence),
            Jsonb({"sources": {"energy": {"known_days": 60, "days": 60}}, "unknown": []}),
        ],
    )
