import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from housing.leads import raise_leads
from policy import load
from storage.pool import Connection
from tests.estates import NOW, add_signal, build_estates
from tests.integration.housing.test_fairness import let


@pytest.fixture
def run(connection: Connection, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("anju.clock.now", lambda: NOW)
    units = build_estates(connection, "HA", units=50)["HA"]
    let(connection, units, size=2)
    for unit_id in units[:3]:
        add_signal(connection, unit_id)
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    connection.commit()
    return lambda *given: CliRunner().invoke(cli.app, ["visits", *given], catch_exceptions=False).stdout


def test_the_month_is_told_to_people_and_programs(run) -> None:
    (told,) = run("month").splitlines()
    assert told == (
        "HA 2026-11: 0 of 2 visits done (by lot 0, waiting 0); next leads 1, 2; left out: 1 for lack of"
        " visits, 0 no longer found, 0 decided lately"
    )
    row = json.loads(run("month", "--json"))
    assert (row["estate"], row["month"], row["capacity"], row["next"]) == ("HA", "2026-11", 2, [1, 2])
    assert row["left_out"] == {"capacity": 1, "gone": 0, "resting": 0}


def test_fairness_is_told_with_its_intervals(run) -> None:
    told = run("fairness").splitlines()
    assert told[0] == "all: 3 of 50 homes asked about, 6.0% (2.1% to 16.2%); visited 0, confirmed 0"
    rows = [json.loads(line) for line in run("fairness", "--json").splitlines()]
    assert rows[1] == {
        "group": "household_size",
        "value": "2",
        "homes": 50,
        "asked": 3,
        "low": 0.0206,
        "high": 0.1622,
        "visited": 0,
        "confirmed": 0,
    }
