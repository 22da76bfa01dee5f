import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from anju.work import Work
from anomaly import calibration
from policy import load
from storage.pool import Connection
from tests.estates import NOW, build_estates
from tests.integration.anomaly.test_calibration import DAY, RULES, judge

Run = Callable[..., str]


@pytest.fixture
def run(connection: Connection, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("anju.clock.now", lambda: NOW + 2 * DAY)
    return lambda *given: CliRunner().invoke(cli.app, ["calibrations", *given], catch_exceptions=False).stdout


@pytest.fixture
def learned(connection: Connection) -> calibration.Calibration:
    for n, unit_id in enumerate(build_estates(connection, "HA", units=24)["HA"]):
        judge(connection, unit_id, score=0.8, confirmed=n % 4 == 0, kind="vacancy", detector="idle/1")
    made = calibration.learn(
        connection,
        city="anhe",
        family="vacancy",
        detector="idle/1",
        rules=RULES,
        policy="p",
        now=NOW + DAY,
    )
    connection.commit()
    assert made is not None
    return made


def test_nothing_is_in_force_before_anything_was_learned(run: Run, connection: Connection) -> None:
    assert run("list") == "nothing was learned yet: the detectors' own probabilities hold\n"
    with pytest.raises(AnjuError, match="anhe vacancy: No calibration is in force"):
        run("take-back", "anhe", "vacancy", "--reason", "a test")
    with pytest.raises(AnjuError, match="no such family; there are people, vacancy"):
        run("drift", "anhe", "cats")


def test_one_command_takes_what_was_learned_back(run: Run, learned: calibration.Calibration) -> None:
    (told,) = run("list").splitlines()
    assert told.startswith(f"* {learned.id} anhe vacancy (idle/1), 2026-11-25 ")
    assert "6 of 24 homes and years confirmed, 0 visits by lot" in told
    row = json.loads(run("list", "--json"))
    assert (row["in_force"], row["unit_years"], row["made_at"]) == (True, 24, "2026-11-25T08:00:00Z")
    said = run("take-back", "anhe", "vacancy", "--reason", "visits by people in training")
    assert said == f"taken back: {learned.id}; in force: the detector's own probabilities\n"
    assert run("list").startswith(f"  {learned.id} ")


def test_drift_is_told_with_intervals(run: Run, learned: calibration.Calibration) -> None:
    assert run("drift", "anhe", "vacancy").splitlines() == [
        "said 80% (80% to 80%): 12 homes, confirmed 25% (9% to 53%)",
        "said 80% (80% to 80%): 12 homes, confirmed 25% (9% to 53%)",
        "24 homes and years, calibration error 0.550",
        "by lot: 0 of 0 visits confirmed",
    ]
    assert json.loads(run("drift", "anhe", "vacancy", "--json"))["bands"][0]["homes"] == 12


def test_the_worker_learns_once_there_is_enough(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=210)["HA"]
    work = Work(books={"anhe": load("anhe")}, now=lambda: NOW + timedelta(days=1))
    for unit_id in units[:199]:
        judge(connection, unit_id, score=0.8, confirmed=False, kind="vacancy", detector="idle/1")
    work.sweep(connection)
    assert calibration.versions(connection) == []
    judge(connection, units[199], score=0.8, confirmed=True, kind="vacancy", detector="idle/1")
    work.sweep(connection)
    (made,) = calibration.versions(connection)
    assert (made.family, made.unit_years, made.confirmed) == ("vacancy", 200, 1)
