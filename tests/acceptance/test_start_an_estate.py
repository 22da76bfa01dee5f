"""`docs/how-to/start-an-estate.md`, command by command, as an operator would type them."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.live import LiveStack

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "start-an-estate.md"
COMMAND = re.compile(r"^    \.venv/bin/anju (.+)$", re.MULTILINE)
PASSWORD = "a long enough password"


def _typed(live: LiveStack, line: str) -> "subprocess.CompletedProcess[str]":
    """Run one line of the page from the project's folder; without a terminal passwords come from stdin."""
    named = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "anju", *shlex.split(line)],
        cwd=ROOT,
        env=named | {"ANJU_DATA_DIR": str(live.data_dir), "LC_ALL": "C.UTF-8"},
        input=f"{PASSWORD}\n{PASSWORD}\n",
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_page_leads_to_a_board_with_homes(place: Path) -> None:
    lines = COMMAND.findall(PAGE.read_text(encoding="utf-8"))
    assert lines[0] == "up"
    data_dir = place / "operator"
    data_dir.mkdir()
    live = LiveStack(data_dir).start()
    try:
        told = {}
        for line in lines[1:]:
            done = _typed(live, line)
            assert done.returncode == 0, f"anju {line}: {done.stdout}{done.stderr}"
            told[line] = done.stdout
        dry, real = (line for line in lines if line.startswith("import "))
        assert "This was a dry run" in told[dry]
        assert "Imported: 341 new rows." in told[real]
        assert "Imported: 0 new rows." in _typed(live, real).stdout
        counted = json.loads(_typed(live, "status --json").stdout)
        assert counted["readings"]["stored"] == 292
        assert counted["events"]["stored"] == 9
        with live.connect() as connection:
            days = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE quality & 8 = 8) FROM usage"
            ).fetchone()
            may = connection.execute(
                "SELECT a.role, e.code FROM account a JOIN account_estate s ON s.account_id = a.id"
                " JOIN estate e ON e.id = s.estate_id WHERE a.username = 'li'"
            ).fetchone()
        assert days is not None
        assert days[0] == days[1] > 0
        assert may == ("supervisor", "qingxi")
    finally:
        assert live.stop() == 0


def test_mistakes_are_told_in_the_language_of_the_terminal(live: LiveStack, tmp_path: Path) -> None:
    (tmp_path / "estates.csv").write_text("code,name,city\nhe,和安苑,atlantis\n", encoding="utf-8")
    said = {language: _typed(live, f"import {tmp_path} --lang {language}") for language in ("zh", "en")}
    assert {done.returncode for done in said.values()} == {1}
    assert "estates.csv:2 city “atlantis” 不在清单内" in said["zh"].stdout
    assert "estates.csv:2 city “atlantis” not in the closed list" in said["en"].stdout
    found = json.loads(_typed(live, f"import {tmp_path} --json").stdout)
    assert found["problems"]["count"] == 1
    assert {"zh", "en", "file", "line", "column", "value", "code"} == set(found["problems"]["listed"][0])
    missing = _typed(live, f"import {tmp_path / 'nowhere'}")
    assert missing.returncode == 1
    assert missing.stderr.count("\n") == 1
