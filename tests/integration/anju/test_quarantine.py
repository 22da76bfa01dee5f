import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anju import cli
from anju.errors import AnjuError
from storage.pool import connect
from tests.quarantine import put

AT = datetime(2026, 11, 24, 4, tzinfo=UTC)


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ANJU_DATABASE_URL", dsn)
    monkeypatch.setenv("ANJU_DATA_DIR", str(tmp_path))

    def invoke(*arguments: str) -> str:
        found = CliRunner().invoke(cli.app, ["quarantine", *arguments], catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    return invoke


def test_it_says_what_lies_there_and_how_it_is_taken_in(run, dsn: str) -> None:
    assert run("list") == "nothing is in quarantine\n"
    with connect(dsn, name="test") as connection:
        put(connection, "tele/plug/SENSOR", b'{"ENERGY": {}}', at=AT, reason="unknown_topic")
        put(connection, "gw/g-1/x", b"\x68\x10", at=AT)
    said = run("list")
    assert "1  unknown_topic\n" in said
    assert "1  tele/plug/SENSOR\n" in said
    assert "anju replay --quarantined --reason unknown_topic --since 2026-11-24T00:00Z --dry-run" in said
    found = json.loads(
        run("list", "--reason", "invalid_json", "--topic", "g-1", "--since", "2026-11-24", "--json")
    )
    assert [one["topic"] for one in found["items"]] == ["gw/g-1/x"]
    assert all(one["last_at"].endswith("Z") for one in found["items"])
    assert [one["name"] for one in found["by_reason"]] == ["invalid_json"]
    assert run("show", "1").endswith('\n{"ENERGY": {}}\n')
    assert run("show", "2").endswith("\n6810\n")
    whole = json.loads(run("show", "2", "--json"))
    assert (whole["text"], whole["hex"], whole["size"]) == (None, "6810", 2)


def test_what_is_refused_is_one_line(run) -> None:
    with pytest.raises(AnjuError, match="no such reason: bad_luck; there are"):
        run("list", "--reason", "bad_luck")
    with pytest.raises(AnjuError, match="not a time"):
        run("list", "--since", "soon")
