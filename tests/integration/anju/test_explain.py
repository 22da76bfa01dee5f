from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from storage import watermark
from storage.pool import Connection
from tests.estates import NOW, SWEPT, TODAY, add_signal, build_estates

Run = Callable[..., str]


@pytest.fixture
def run(connection: Connection, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("anju.clock.now", lambda: NOW)
    units = build_estates(connection)
    add_signal(connection, units["HA"][0])
    add_signal(connection, units["HA"][0], kind="sublet", as_of=SWEPT - timedelta(days=7))
    for back in range(1, 50):
        connection.execute(
            "INSERT INTO unit_day (computed_at, day, unit_id, energy_kwh, energy_alive, energy_seen_h,"
            " water_seen_h, absent) VALUES (%s, %s::date - %s, %s, 2.5, %s, 24, 0, %s)",
            [NOW, TODAY, back, units["HA"][1], back % 2 == 0, back < 5],
        )
    watermark.advance(connection, "sweep", NOW, {"last": SWEPT.isoformat()})
    connection.commit()
    return lambda *given: CliRunner().invoke(cli.app, ["explain", *given], catch_exceptions=False).stdout


def test_a_leads_evidence_is_printed_as_it_stood(run: Run) -> None:
    told = run("1-1-0101", "--estate", "HA", "--kind", "vacancy", "--language", "en").splitlines()
    assert told[0] == "HA 1-1-0101: no sign of life for a while (vacancy)"
    assert told[1].startswith(
        "as of 2026-11-23, from what had arrived by 2026-11-24 00:00 +08:00; since 2026-09-20"
    )
    assert "score 0.60; idle/1, policy anhe-test" in told[1]
    assert told[2].startswith("+++  no sign of life on 54 of 60 days")
    old = run("1-1-0101", "--estate", "HA", "--kind", "sublet", "--as-of", "2026-11-16")
    assert "as of 2026-11-16" in old


def test_the_plots_come_as_one_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "lead.html"
    run("1-1-0101", "--estate", "HA", "--kind", "vacancy", "--picture", str(file))
    page = file.read_text(encoding="utf-8")
    assert page.count("<figure>") >= 1
    assert "60天中有54天没有生活迹象" in page
    assert "<link" not in page
    assert "<script" not in page


def test_where_nothing_was_said_what_was_known_is_told(run: Run) -> None:
    told = run("1-1-0102", "--estate", "HA", "--kind", "vacancy").splitlines()
    assert told == [
        "HA 1-1-0102: no vacancy as of 2026-11-23. Of the 60 days up to then 49 have data:",
        "  energy: known on 49 days, signs of life on 24",
        "  water: known on 0 days, signs of life on 0",
        "  door: known on 0 days, signs of life on 0",
        "  a registered absence covers 4",
        "  a source of which nothing is known says nothing, for or against",
    ]
    later = run("1-1-0102", "--estate", "HA", "--kind", "vacancy", "--as-of", "2027-01-01")
    assert later == "HA 1-1-0102: 2027-01-01 was not swept yet; the newest is 2026-11-23\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("9-9-0909", "--kind", "leak"), "9-9-0909: no such home"),
        (("1-1-0101", "--kind", "leak"), "which of HA 1-1-0101, HB 1-1-0101"),
        (("1-1-0101", "--kind", "cats"), "no such kind; there are alarm"),
        (("1-1-0101", "--kind", "leak", "--language", "fr"), "zh or en"),
        (("1-1-0101", "--kind", "leak", "--picture", "/no/such/a.html"), "no such folder"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_line(run: Run, given: tuple[str, ...], said: str) -> None:
    with pytest.raises(AnjuError, match=said):
        run(*given)
