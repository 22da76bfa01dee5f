"""`anju demo --once`: real processes, and a report that SQL agrees with."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anju import stack
from anju.processes import policy_books
from housing.leads import raise_leads
from storage.pool import connect
from tests.integration.demo.conftest import few
from tests.waiting import wait_until

__all__ = ["few"]

pytestmark = pytest.mark.slow

COUNTS = {
    "messages.stored": "SELECT sum(messages) FROM journal",
    "readings.stored": "SELECT count(*) FROM reading",
    "events.stored": "SELECT count(*) FROM event",
    "quarantine.total": "SELECT count(*) FROM quarantine",
    "usage.dirty": "SELECT count(*) FROM usage_dirty",
    "leads.open": "SELECT count(*) FROM lead WHERE status = 'open'",
}


def test_the_report_is_what_the_database_says(dsn: str, few: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "anju", "demo", "--once", "--report", report, "--data", few]
    environment = os.environ | {"ANJU_DATABASE_URL": dsn, "ANJU_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert "demo accounts: supervisor, enforcement, operator, installer" in done.stderr
    told = json.loads(report.read_text(encoding="utf-8"))
    with connect(dsn, name="test") as connection:
        for name, statement in COUNTS.items():
            group, key = name.split(".")
            row = connection.execute(statement).fetchone()
            assert row is not None
            assert told[group][key] == (row[0] or 0), name
        kinds = dict(connection.execute("SELECT kind, count(*) FROM signal GROUP BY kind").fetchall())
        found = connection.execute("SELECT DISTINCT kind FROM lead ORDER BY kind").fetchall()
        # what the report says of leads is what the board goes on to show
        assert raise_leads(connection, books=policy_books(), now=datetime.now(UTC)) == 0
    assert told["signals"]["by_kind"] == kinds
    assert told["published"] == told["messages"]["stored"] > 100
    # the long vacancy and the run without a pause that are really in these households
    assert {("idle_limit",), ("leak",), ("vacancy",)} <= set(found)


def test_a_demo_that_is_killed_leaves_no_stack_behind(dsn: str, few: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "anju", "demo", "--once", "--report", tmp_path / "r.json", "--data", few]
    environment = os.environ | {"ANJU_DATABASE_URL": dsn, "ANJU_DATA_DIR": str(data_dir)}
    demo = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = wait_until(lambda: stack.read(data_dir), within_s=60, what="the stack is up")
    pids = [pid for pid in running.pids.values() if pid is not None]
    demo.kill()
    demo.wait()
    wait_until(lambda: not any(stack.alive(pid) for pid in pids), within_s=30, what="all of it is gone")
