"""A pack through the database and the same pack as a feed of files: one window."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import policy
from anju.importer.run import Import
from anju.work import Work
from anomaly import loading
from anomaly.window import Doors, Happenings, Leases, Metered, Residents, Spans, Window
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.backtest.packs import CITY, feed_of, local_days
from tests.integration.importer.conftest import Silent
from usage.recompute import has_marks

pytestmark = pytest.mark.shared

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def pack(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dozen homes, with swaps, resets, late and doubled readings among them."""
    out = tmp_path_factory.mktemp("pack") / "pack"
    made = [shared / "backtest" / "make_pack.py", "--data", shared / "data", "--out", out]
    subprocess.run([sys.executable, *made, "--seed", "4", "--units", "24"], check=True)
    return out


def _rows(table: Doors | Spans | Leases | Residents | Happenings) -> list[tuple[object, ...]]:
    """The rows of a table, without the numbers of subjects: any will do."""
    columns = {name: column for name, column in vars(table).items() if name != "subject"}
    return sorted(zip(*(column.tolist() for column in columns.values()), strict=True))


def _same_hours(one: Metered, other: Metered) -> None:
    np.testing.assert_array_equal(one.amount, other.amount)
    np.testing.assert_array_equal(one.arrived, other.arrived)


def _same_subjects(one: Happenings, other: Happenings) -> bool:
    """Whether the numbers of the subjects say the same, whatever they are."""
    pairs = set(zip(one.subject.tolist(), other.subject.tolist(), strict=True))
    return len({pair[0] for pair in pairs}) == len(pairs) == len({pair[1] for pair in pairs})


def _told(window: Window) -> Happenings:
    """Happenings in one order: those at one moment may come in any."""
    told = window.happenings
    order = np.lexsort(
        (told.registered, told.fresh, told.subject < 0, told.method, told.type, told.hour, told.unit)
    )
    return Happenings(**{name: column[order] for name, column in vars(told).items()})


def test_a_feed_shows_what_the_database_shows(connection: Connection, pack: Path) -> None:
    work = Import(connection=connection, path=pack, city=CITY, now=NOW, progress=Silent())
    assert work.check(), work.report.problems.kept
    work.write(key=PersonalKey(b"k" * 32), by="test")
    worker = Work(books={CITY: policy.load(CITY)}, now=lambda: NOW)
    while has_marks(connection):
        worker.recompute(connection)
    zone, first, last = local_days(pack)
    feed = feed_of(pack, by_evening=False)
    [block] = loading.blocks(connection)
    codes = dict(connection.execute("SELECT id, code FROM unit").fetchall())
    assert [codes[unit_id] for unit_id in block.unit_ids] == [unit.code for unit in feed.units]

    end = datetime.combine(last, datetime.min.time(), zone) + timedelta(days=1)
    asked = {
        "first": first - timedelta(days=20),
        "last": last,
        "now": end,
        "covered_min": 45,
        "told_since": first,
    }
    want = loading.load(connection, block, **asked)  # pyright: ignore[reportArgumentType]
    found = feed.window(feed.everybody(), **asked)  # pyright: ignore[reportArgumentType]

    assert found.calendar == want.calendar
    assert np.isfinite(want.water.amount).sum() > 24 * 300 * 24 * 0.8
    _same_hours(found.energy, want.energy)
    _same_hours(found.water, want.water)
    for name in ("doors", "lock_heard", "absences", "leases", "residents"):
        assert _rows(getattr(found, name)) == _rows(getattr(want, name)), name
        assert len(_rows(getattr(want, name))) > 0
    mine, theirs = _told(found), _told(want)
    assert mine.unit.size > 10_000
    for name in ("unit", "hour", "arrived", "type", "method", "registered", "fresh", "value"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)
    assert (mine.subject == -1).any()
    assert _same_subjects(mine, theirs)
    for name, column in vars(want.homes).items():
        np.testing.assert_array_equal(getattr(found.homes, name), column, err_msg=name)
