"""A back-test pack, taken as it is."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anju.importer import pack as packs
from anju.importer.problems import Problems
from anju.importer.run import Import, Report
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.integration.importer.conftest import Silent

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def _imported(connection: Connection, pack: Path) -> Report:
    work = Import(connection=connection, path=pack, city="anhe", now=NOW, progress=Silent())
    assert work.check(), work.report.problems.kept
    return work.write(key=PersonalKey(b"k" * 32), by="test")


def _one(connection: Connection, statement: str) -> object:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def test_every_reading_and_event_of_a_pack_is_there_once(connection: Connection, pack: Path) -> None:
    report = _imported(connection, pack)
    assert report.pack
    readings = pq.read_table(pack / "readings.parquet")
    keys = readings.group_by(["unit_id", "channel", "ts"]).aggregate([]).num_rows
    assert report.tables["readings"].rows == readings.num_rows
    assert report.tables["readings"].new == keys == _one(connection, "SELECT count(*) FROM reading")
    events = pq.read_table(pack / "events.parquet")
    distinct = events.group_by(["unit_id", "ts", "type", "method", "subject"]).aggregate([]).num_rows
    assert report.tables["events"].new == distinct == _one(connection, "SELECT count(*) FROM event")
    again = _imported(connection, pack)
    assert again.new == 0


def test_values_times_and_arrivals_are_kept(connection: Connection, pack: Path) -> None:
    _imported(connection, pack)
    table = pq.read_table(pack / "readings.parquet").slice(1_000, 1)
    (want,) = table.to_pylist()
    suffix = {"energy_kwh": "-e", "water_l": "-w"}[want["channel"]]
    row = connection.execute(
        "SELECT value, received_at FROM reading r JOIN device d ON d.id = r.device_id"
        " WHERE d.code = %s AND r.time = %s",
        [want["unit_id"] + suffix, want["ts"]],
    ).fetchone()
    assert row == (want["value"], want["received_at"])


def test_units_residents_and_absences_are_the_packs(connection: Connection, pack: Path) -> None:
    _imported(connection, pack)
    units = pq.read_table(pack / "units.parquet").to_pylist()
    stored = connection.execute(
        "SELECT u.code, e.code, e.time_zone, l.starts_on, l.ends_on, h.size, h.elder_alone, u.contract_kw"
        " FROM unit u JOIN estate e ON e.id = u.estate_id JOIN lease l ON l.code = 'l-' || u.code"
        " JOIN household h ON h.id = l.household_id ORDER BY u.code"
    ).fetchall()
    assert stored == [
        (
            unit["unit_id"], unit["estate"], "Asia/Shanghai", unit["lease_start"], unit["lease_end"],
            unit["registered_occupants"], unit["elder_alone"], unit["contract_kw"],
        )
        for unit in sorted(units, key=lambda unit: unit["unit_id"])
    ]  # fmt: skip
    subjects = {row["subject"] for row in pq.read_table(pack / "residents.parquet").to_pylist()}
    assert {row[0] for row in connection.execute("SELECT subject FROM resident")} == subjects
    absences = pq.read_table(pack / "absences.parquet").num_rows
    assert _one(connection, "SELECT count(*) FROM absence") == absences
    locks = {row[0] for row in connection.execute("SELECT code FROM device WHERE profile = 'lock-native'")}
    assert {f"{unit['unit_id']}-l" for unit in units if unit["has_lock"]} <= locks


def test_every_reading_falls_into_an_installation(connection: Connection, pack: Path) -> None:
    _imported(connection, pack)
    lost = _one(
        connection,
        "SELECT count(*) FROM reading r WHERE NOT EXISTS (SELECT FROM installation i"
        " WHERE i.device_id = r.device_id AND i.channel = r.channel AND i.valid_from <= r.time)",
    )
    assert lost == 0


def _tiny(folder: Path) -> Path:
    """A pack of one home whose household changed."""
    utc = pa.timestamp("ms", "UTC")
    day = datetime(2025, 1, 1, tzinfo=UTC)

    def write(name: str, rows: list[dict[str, object]], times: tuple[str, ...]) -> None:
        table = pa.Table.from_pylist(rows)
        for column in times:
            index = table.column_names.index(column)
            table = table.set_column(index, column, table[column].cast(utc))
        pq.write_table(table, folder / f"{name}.parquet")

    write(
        "units",
        [
            {
                "unit_id": "u-1", "estate": "estate-1", "floor_area_m2": 40, "registered_occupants": 2,
                "lease_start": date(2025, 6, 1), "lease_end": date(2030, 5, 31), "elder_alone": False,
                "has_lock": False, "contract_kw": 8.0,
            }
        ],
        (),
    )  # fmt: skip
    moved_out, moved_in = datetime(2025, 5, 10, 16, tzinfo=UTC), datetime(2025, 5, 31, 16, tzinfo=UTC)
    write(
        "residents",
        [
            {"unit_id": "u-1", "subject": "p-old", "relation": "tenant", "start": day, "end": moved_out},
            {"unit_id": "u-1", "subject": "p-new", "relation": "tenant", "start": moved_in,
             "end": datetime(2035, 1, 1, tzinfo=UTC)},
        ],
        ("start", "end"),
    )  # fmt: skip
    reading = {"unit_id": "u-1", "channel": "energy_kwh", "ts": day, "received_at": day, "value": 0.5}
    write("readings", [reading, reading | {"channel": "water_l", "value": 250_000.0}], ("ts", "received_at"))
    event = {"unit_id": "u-1", "ts": day, "type": "door_forced", "method": "", "subject": "", "value": 1.0}
    write("events", [event, event | {"type": "smoke"}], ("ts",))
    absence = {"unit_id": "u-1", "registered_at": day, "start": day, "end": moved_out, "reason": "hospital"}
    write("absences", [absence], ("registered_at", "start", "end"))
    (folder / "meta.json").write_text('{"time_zone": "Asia/Shanghai"}', encoding="utf-8")
    return folder


def test_the_household_before_a_legal_change_has_a_lease_of_its_own(tmp_path: Path) -> None:
    checked = packs.read(_tiny(tmp_path), city="anhe", problems=Problems())
    assert checked is not None
    leases = [tuple(row.values.values()) for row in checked.rows["leases"]]
    assert leases == [
        ("l-u-1-0", "estate-1", "u-1", "h-u-1-0", date(2025, 1, 1), date(2025, 5, 10)),
        ("l-u-1", "estate-1", "u-1", "h-u-1", date(2025, 6, 1), date(2030, 5, 31)),
    ]
    assert [(r.values["resident"], r.values["lease"]) for r in checked.rows["occupants"]] == [
        ("p-old", "l-u-1-0"),
        ("p-new", "l-u-1"),
    ]


def test_a_door_event_of_a_home_without_a_lock_finds_a_device(connection: Connection, tmp_path: Path) -> None:
    _imported(connection, _tiny(tmp_path))
    rows = connection.execute("SELECT code, profile FROM device ORDER BY code").fetchall()
    assert rows == [
        ("u-1-e", "energy-interval-30min"),
        ("u-1-h", "hazard-native"),
        ("u-1-l", "lock-native"),
        ("u-1-w", "water-register"),
    ]
    assert _one(connection, "SELECT count(*) FROM event") == 2


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("meta.json", b"{}", "unreadable"),
        ("meta.json", b'{"time_zone": "Asia/Kolkata"}', "zone_not_whole"),
        ("residents.parquet", b"PAR1", "unreadable"),
        ("readings.parquet", b"PAR1", "unreadable"),
    ],
)
def test_a_damaged_pack_is_refused(tmp_path: Path, file: str, content: bytes, code: str) -> None:
    folder = _tiny(tmp_path)
    (folder / file).write_bytes(content)
    problems = Problems()
    assert packs.read(folder, city="anhe", problems=problems) is None
    assert (code, file) in [(p.code, p.file) for p in problems.kept]
