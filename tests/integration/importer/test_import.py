"""An import into a real database: all or nothing, and twice is once."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anju.importer.run import Import, ImportRefused, Report
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.integration.importer.conftest import Silent
from wire.quality import Quality

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
KEY = PersonalKey(b"k" * 32)
TABLES = (
    "estate", "building", "unit", "household", "resident", "lease", "occupant", "absence", "device",
    "installation", "reading", "event",
)  # fmt: skip


@pytest.fixture
def imported(connection: Connection) -> Callable[[Path], Report]:
    def run(folder: Path) -> Report:
        work = Import(connection=connection, path=folder, city="anhe", now=NOW, progress=Silent())
        if work.check():
            work.write(key=KEY, by="li")
        return work.report

    return run


def _counts(connection: Connection) -> dict[str, int]:
    found = {}
    for table in TABLES:
        row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        found[table] = row[0] if row else 0
    connection.rollback()
    return found


def _told(report: Report) -> list[tuple[str, str, int | None, str | None]]:
    return [(p.code, p.file, p.line, p.column) for p in report.problems.kept]


def test_an_estate_is_there_after_its_import(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    report = imported(folder)
    assert _told(report) == []
    assert report.written
    assert _counts(connection) == {
        "estate": 1, "building": 1, "unit": 4, "household": 3, "resident": 5, "lease": 3, "occupant": 5,
        "absence": 1, "device": 8, "installation": 9, "reading": 292, "event": 9,
    }  # fmt: skip
    assert {name: (c.rows, c.new) for name, c in report.tables.items()} == {
        "estates": (1, 1), "buildings": (1, 1), "units": (4, 4), "households": (3, 3), "residents": (5, 5),
        "leases": (3, 3), "occupants": (5, 5), "absences": (1, 1), "devices": (8, 8),
        "installations": (9, 9), "readings": (292, 292), "events": (9, 9),
    }  # fmt: skip


def test_a_second_import_adds_nothing(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    imported(folder)
    before = _counts(connection)
    again = imported(folder)
    assert again.written
    assert again.new == 0
    assert all(counts.changed == 0 for counts in again.tables.values())
    assert _counts(connection) == before


def test_a_corrected_file_changes_only_what_differs(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    imported(folder)
    units = folder / "units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("42.5", "43", 1), encoding="utf-8")
    again = imported(folder)
    assert {name: c.changed for name, c in again.tables.items() if c.changed} == {"units": 1}
    assert again.new == 0


def test_gateways_and_addresses_come_with_the_devices_and_stay_where_a_file_is_silent(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    devices = folder / "devices.csv"
    plain = devices.read_text(encoding="utf-8")
    head, first, second, *rest = plain.splitlines()
    gateway = second.split(",")[0]
    lines = [f"{head},网关,地址", f"{first},{gateway},17", *(f"{line},," for line in (second, *rest))]
    devices.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert _told(imported(folder)) == []
    child = first.split(",")[0]
    of_child = (
        "SELECT g.code, d.address FROM device d LEFT JOIN device g ON g.id = d.gateway_id WHERE d.code = %s"
    )
    assert connection.execute(of_child, [child]).fetchone() == (gateway, "17")
    devices.write_text(plain, encoding="utf-8")
    assert imported(folder).tables["devices"].changed == 0
    assert connection.execute(of_child, [child]).fetchone() == (gateway, "17")
    devices.write_text(f"{head},gateway\n{first},gw-9\n", encoding="utf-8")
    assert ("unknown_reference", "devices.csv", 2, "gateway") in _told(imported(folder))


def test_one_mistake_in_any_file_and_nothing_is_written(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    readings = folder / "readings.csv"
    lines = readings.read_text(encoding="utf-8").splitlines()
    lines[120] = lines[120].replace("w-77e2", "w-77e3")
    readings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = imported(folder)
    assert _told(report) == [("unknown_reference", "readings.csv", 121, "device")]
    assert not report.written
    assert set(_counts(connection).values()) == {0}


def test_mistakes_of_all_files_come_together(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    (folder / "lease.csv").write_text("code\n1\n", encoding="utf-8")
    (folder / "buildings.csv").write_text("code,colour\n1,red\n", encoding="utf-8")
    units = folder / "units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("1,2,0201", "1,two,0201"), encoding="utf-8")
    events = folder / "events.csv"
    events.write_text("device,time,type\nl-6c21,2026-01-05 08:05,knocked\n", encoding="utf-8")
    codes = {(code, file) for code, file, *_ in _told(imported(folder))}
    assert {
        ("unknown_file", "lease.csv"),
        ("unknown_column", "buildings.csv"),
        ("not_whole", "units.csv"),
        ("not_in_list", "events.csv"),
    } <= codes
    assert set(_counts(connection).values()) == {0}


def test_readings_can_follow_on_their_own(
    connection: Connection, folder: Path, imported: Callable[[Path], Report], tmp_path: Path
) -> None:
    later = tmp_path / "later"
    later.mkdir()
    (folder / "readings.csv").rename(later / "readings.csv")
    assert imported(folder).written
    report = imported(later)
    assert _told(report) == []
    assert {name: (c.rows, c.new) for name, c in report.tables.items()} == {"readings": (292, 292)}


def test_imported_readings_say_so_and_ask_for_their_days(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    imported(folder)
    qualities = connection.execute("SELECT DISTINCT quality FROM reading").fetchall()
    assert qualities == [(int(Quality.IMPORTED),)]
    marked = connection.execute(
        "SELECT DISTINCT u.code, d.channel FROM usage_dirty d JOIN unit u ON u.id = d.unit_id"
        " WHERE d.day BETWEEN '2026-01-05' AND '2026-01-07'"
    ).fetchall()
    assert {("1-1-0101", 1), ("1-1-0101", 2), ("1-1-0102", 1), ("1-1-0102", 2), ("1-1-0101", 0)} <= set(
        marked
    )


def test_readings_outside_an_installation_are_stored_with_a_notice(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    installations = folder / "installations.csv"
    text = installations.read_text(encoding="utf-8")
    installations.write_text(text.replace("2025-12-01", "2026-01-06", 1), encoding="utf-8")
    report = imported(folder)
    assert [(n.code, n.file) for n in report.problems.notices] == [("not_installed", "readings.csv")]
    assert report.problems.notices[0].en.startswith("24 readings")
    assert report.tables["readings"].new == 292


def test_who_imported_is_on_record(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    imported(folder)
    rows = connection.execute(
        "SELECT at, actor, action, subject, detail FROM audit_log ORDER BY id"
    ).fetchall()
    mine = [row for row in rows if row[2].startswith("import.")]
    assert [(row[0], row[1], row[2], row[3]) for row in mine] == [
        (NOW, "system:import", "import.started", "import:estate"),
        (NOW, "system:import", "import.finished", "import:estate"),
    ]
    assert mine[1][4]["by"] == "li"
    assert mine[1][4]["rows_new_changed"]["readings"] == [292, 292, 0]


def test_names_are_sealed(connection: Connection, folder: Path, imported: Callable[[Path], Report]) -> None:
    imported(folder)
    row = connection.execute("SELECT name_enc FROM resident WHERE code = 'r-001'").fetchone()
    assert row is not None
    assert "王小明".encode() not in bytes(row[0])
    assert KEY.open(bytes(row[0]), column="resident.name") == "王小明"


def test_what_was_checked_and_does_not_hold_any_more_is_not_written(
    connection: Connection, folder: Path, imported: Callable[[Path], Report]
) -> None:
    imported(folder)
    leases = folder / "leases.csv"
    header, first, *others = leases.read_text(encoding="utf-8").splitlines()
    leases.write_text("\n".join([header, first.replace("HT-2024-001", "HT-NEW"), *others]), encoding="utf-8")
    work = Import(connection=connection, path=folder, city="anhe", now=NOW, progress=Silent())
    connection.execute("DELETE FROM occupant WHERE lease_id IS NOT NULL")
    connection.execute("DELETE FROM lease WHERE code = 'HT-2024-001'")
    (folder / "occupants.csv").unlink()
    connection.commit()
    assert work.check()
    connection.execute(
        "INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
        " SELECT 'HT-OTHER', u.id, h.id, '2024-01-01', '2025-01-01' FROM unit u, household h"
        " WHERE u.code = '1-1-0101' AND h.code = 'h-001'"
    )
    connection.commit()
    with pytest.raises(ImportRefused, match="changed since"):
        work.write(key=KEY, by="li")
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM lease WHERE code = 'HT-NEW'").fetchone() == (0,)


def test_an_empty_folder_says_which_files_are_known(
    tmp_path: Path, imported: Callable[[Path], Report]
) -> None:
    report = imported(tmp_path)
    assert [p.code for p in report.problems.kept] == ["no_files"]
    assert "units.csv" in report.problems.kept[0].en
