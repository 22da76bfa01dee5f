"""A back-test pack through the whole chain: import, usage, sweep, export, and the scorer's verdict."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import policy
from anju import cli
from anju.work import Work
from storage.pool import connect
from usage.recompute import has_marks

pytestmark = [pytest.mark.slow, pytest.mark.shared]

#: A pack that no threshold was tuned to: two leaks, one of them of 3.7 L an hour, and one home left.
SEED, UNITS = 9, 60
#: The pack's days.
FIRST, LAST = "2024-12-31", "2025-12-29"


def _script(shared: Path, name: str, *arguments: object) -> None:
    subprocess.run(
        [sys.executable, "-B", str(shared / "backtest" / name), *map(str, arguments)],
        check=True,
        capture_output=True,
        timeout=300,
    )


def _anju(*arguments: object) -> str:
    found = CliRunner().invoke(cli.app, [str(one) for one in arguments], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_a_pack_reaches_the_goals(
    shared: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path / "data"))
    pack, leads, verdict = tmp_path / "pack", tmp_path / "leads.parquet", tmp_path / "score.json"
    make = ("--data", shared / "data", "--out", pack, "--seed", SEED, "--units", UNITS)
    _script(shared, "make_pack.py", *make)
    _anju("import", pack)
    books = {city.code: policy.load(city.code) for city in policy.cities()}
    work = Work(books=books, now=lambda: datetime(2026, 1, 5, tzinfo=UTC))
    with connect(dsn, name="test") as connection:
        while has_marks(connection):
            work.recompute(connection)
            connection.commit()
        days = connection.execute("SELECT count(*), count(DISTINCT unit_id) FROM unit_day").fetchone()
    assert days is not None
    assert days[0] > 0.97 * UNITS * 364
    assert days[1] == UNITS
    _anju("sweep", "--from", FIRST, "--to", LAST)
    _anju("signals", "export", leads)
    _script(shared, "score.py", "--pack", pack, "--leads", leads, "--json", verdict, "--no-intervals")
    kinds = json.loads(verdict.read_text(encoding="utf-8"))["kinds"]
    assert kinds["leak"]["recall"] >= 0.9
    assert kinds["leak"]["ap"] >= 0.9  # households whose water really runs for a day rank below
    assert kinds["vacancy"]["precision"] >= 0.9
    assert kinds["vacancy"]["recall"] >= 0.9  # nobody looks in on it: that would set the clock back
