"""The demo estate in a real database: once, and then brought up to now."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anju.demo import accounts, bulk, load
from anju.demo.estate import ESTATE
from anju.demo.facts import FACTS
from anju.demo.load import Demo, DemoRefused
from anju.settings import Settings
from anju.settings import load as load_settings
from housing.estates import EstateRow, upsert_estates
from storage import watermark
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.integration.demo.conftest import SAMPLE

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
KEY = PersonalKey(b"k" * 32)


def _found(connection: Connection, folder: Path, now: datetime = NOW) -> Demo:
    demo = load.find(connection, folder, now=now)
    assert demo is not None
    return demo


def _loaded(connection: Connection, folder: Path) -> Demo:
    demo = _found(connection, folder)
    load.registry(connection, demo, city="anhe", key=KEY, now=NOW)
    ids = dict(connection.execute("SELECT code, id FROM device").fetchall())
    for data in load.measured(demo, None, NOW):
        bulk.store(connection, data, ids.__getitem__)
    load.mark(connection, demo, NOW)
    return demo


def _count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return row[0] if row else 0


def test_the_whole_estate_is_there_even_where_nothing_is_known(connection: Connection, few: Path) -> None:
    demo = _loaded(connection, few)
    assert demo.covered == 3
    assert _count(connection, "unit") == 48
    assert _count(connection, "lease") == 48
    metered = connection.execute(
        "SELECT count(DISTINCT unit_id) FROM installation WHERE channel = 1"
    ).fetchone()
    assert metered == (3,)


def test_a_year_ends_now_and_readings_are_in_time(connection: Connection, few: Path) -> None:
    _loaded(connection, few)
    row = connection.execute("SELECT min(time), max(time), min(received_at - time) FROM reading").fetchone()
    assert row is not None
    first, last, lag = row
    assert timedelta(days=363) < NOW - first <= timedelta(days=366)
    assert timedelta(0) <= NOW - last < timedelta(hours=1)
    assert timedelta(0) < lag < timedelta(minutes=1)


def test_loading_again_adds_nothing(connection: Connection, few: Path) -> None:
    demo = _loaded(connection, few)
    load.registry(connection, demo, city="anhe", key=KEY, now=NOW)
    ids = dict(connection.execute("SELECT code, id FROM device").fetchall())
    assert sum(bulk.store(connection, d, ids.__getitem__) for d in load.measured(demo, None, NOW)) == 0


def test_what_was_just_loaded_is_left_alone(connection: Connection, few: Path) -> None:
    load.mark(connection, _found(connection, few), NOW)
    assert load.find(connection, few, now=NOW + timedelta(minutes=20)) is None


def test_days_later_the_same_homes_go_on_where_they_stopped(connection: Connection, few: Path) -> None:
    before = _loaded(connection, few)
    later = NOW + timedelta(days=9, hours=3)
    demo = _found(connection, few, later)
    assert [home.place for home in demo.homes] == [home.place for home in before.homes]
    assert demo.anchor == before.anchor
    start, middle = load.split(demo, later)
    assert start == NOW
    assert timedelta(days=2) <= later - middle < timedelta(days=3)
    ids = dict(connection.execute("SELECT code, id FROM device").fetchall())
    first = min(
        int(register.time_us[0])
        for data in load.measured(demo, start, middle)
        for register in data.registers.values()
        if register.time_us.size
    )
    assert first > int(NOW.timestamp() * 1_000_000)
    stored = sum(bulk.store(connection, data, ids.__getitem__) for data in load.measured(demo, start, middle))
    assert stored > 1_000


def test_the_first_page_is_told_what_is_real(connection: Connection, few: Path) -> None:
    load.mark(connection, _found(connection, few), NOW)
    note = watermark.noted(connection, "demo")
    assert {language: note[language] for language in ("zh", "en")} == FACTS


def test_a_database_with_other_estates_is_refused(connection: Connection, few: Path) -> None:
    upsert_estates(connection, [EstateRow(code="real", name="真小区", city="anhe")])
    with pytest.raises(DemoRefused, match="other estates"):
        load.find(connection, few, now=NOW)


def test_a_demo_of_other_households_is_refused(connection: Connection, few: Path) -> None:
    load.mark(connection, _found(connection, few), NOW)
    with pytest.raises(DemoRefused, match="other household data"):
        load.find(connection, SAMPLE, now=NOW + timedelta(days=1))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, data_dir=tmp_path)


def test_a_random_password_is_kept_for_its_owner_alone(connection: Connection, settings: Settings) -> None:
    upsert_estates(connection, [EstateRow(code=ESTATE, name="演示", city="anhe")])
    password = accounts.ensure(connection, settings, now=NOW)
    file = settings.data_dir / "secrets" / "demo-password"
    assert file.read_text(encoding="utf-8").strip() == password
    assert file.stat().st_mode & 0o077 == 0
    assert accounts.ensure(connection, settings, now=NOW) == password
    rows = connection.execute("SELECT username, role, all_estates FROM account ORDER BY username").fetchall()
    assert rows == [
        ("enforcement", "enforcement", False),
        ("installer", "installer", False),
        ("operator", "operator", True),
        ("supervisor", "supervisor", False),
    ]
    scoped = connection.execute(
        "SELECT count(*) FROM account_estate a JOIN estate e ON e.id = a.estate_id WHERE e.code = %s",
        [ESTATE],
    ).fetchone()
    assert scoped == (3,)


def test_a_given_password_counts_from_the_next_start(
    connection: Connection, settings: Settings, tmp_path: Path
) -> None:
    upsert_estates(connection, [EstateRow(code=ESTATE, name="演示", city="anhe")])
    accounts.ensure(connection, settings, now=NOW)
    before = connection.execute("SELECT password_hash FROM account ORDER BY id").fetchall()
    given = load_settings({}, data_dir=tmp_path, demo_password="short")
    assert accounts.ensure(connection, given, now=NOW) == "short"
    assert connection.execute("SELECT password_hash FROM account ORDER BY id").fetchall() != before
