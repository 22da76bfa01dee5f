from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from storage.pool import connect
from tests.homes import make_units
from tests.integration.anomaly.homes import write_usage
from tests.unit.anomaly.homes import lived_in


@pytest.fixture
def anju(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    with connect(dsn, name="test") as connection:
        (unit,) = make_units(connection, 1)
        write_usage(connection, unit, lived_in(90).empty(40, 90))

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    return run


def test_past_days_are_swept_and_exported(anju, tmp_path: Path) -> None:
    assert anju("sweep", "--from", "2025-03-25", "--to", "2025-03-30") == (
        "homes 1, evenings 6, signals 3, withdrawn 0, leads opened 1\n"
    )
    file = tmp_path / "signals.parquet"
    assert anju("signals", "export", str(file)) == f"3 signals in {file}\n"
    assert pq.read_table(file)["kind"].to_pylist() == ["vacancy"] * 3
    assert anju("signals", "export", str(file), "--kind", "leak") == f"0 signals in {file}\n"


def test_what_a_sweep_says_is_a_lead_when_it_ends(anju, dsn: str) -> None:
    anju("sweep", "--from", "2025-03-25", "--to", "2025-03-29")
    leads = "SELECT kind, status, last_as_of::text FROM lead"
    with connect(dsn, name="test") as connection:
        assert connection.execute(leads).fetchall() == [("vacancy", "open", "2025-03-29")]
    assert anju("sweep", "--from", "2025-03-30", "--to", "2025-03-30").endswith("leads opened 0\n")
    with connect(dsn, name="test") as connection:
        assert connection.execute(leads).fetchall() == [("vacancy", "open", "2025-03-30")]


def test_days_to_come_are_left_out(anju) -> None:
    assert anju("sweep", "--from", "2999-01-01", "--to", "2999-12-31").startswith("homes 1, evenings 0,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "--from", "2025-03-02", "--to", "2025-03-01"], "--to 2025-03-01 is before"),
        (["signals", "export", "x.parquet", "--kind", "ghost"], "--kind ghost: no such kind"),
        (["signals", "export", "nowhere/x.parquet"], "no such folder: nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(anju, arguments: list[str], message: str) -> None:
    with pytest.raises(AnjuError, match=message):
        anju(*arguments)


def test_homes_that_cannot_be_judged_are_counted_and_said(
    anju, dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(dsn, name="test") as connection:
        connection.execute("UPDATE estate SET time_zone = 'Asia/Kolkata'")
    said = anju("sweep", "--from", "2025-03-25", "--to", "2025-03-25")
    assert said.startswith("homes 1, left out 1, evenings 0, signals 0,")
    assert "Asia/Kolkata" in caplog.text
