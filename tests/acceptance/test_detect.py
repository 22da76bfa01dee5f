"""`anju detect` under the replay of the back-test, killed in the middle, and beside the database."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import policy
from anju.importer.run import Import
from anju.work import Work
from anomaly import export
from anomaly.episodes import Said, follow
from anomaly.feed_walk import evening
from anomaly.sweep import KINDS, sweep
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.backtest.packs import CITY, local_days
from tests.backtest.running import Stages, leads_of, write
from tests.integration.importer.conftest import Silent
from tests.waiting import wait_until
from usage.recompute import has_marks

pytestmark = [pytest.mark.slow, pytest.mark.shared]

NOW = datetime(2026, 1, 5, tzinfo=UTC)
#: The replay's first step ends a week later: what came before is one step.
FROM = "2025-12-10"


@pytest.fixture(scope="module")
def pack(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few homes with at least one of everything."""
    out = tmp_path_factory.mktemp("pack") / "pack"
    made = [shared / "backtest" / "make_pack.py", "--data", shared / "data", "--out", out]
    subprocess.run([sys.executable, "-B", *made, "--seed", "9", "--units", "24"], check=True, timeout=300)
    return out


@pytest.fixture(scope="module")
def at_once(pack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The leads of one walk in this process."""
    file = tmp_path_factory.mktemp("leads") / "leads.parquet"
    write(leads_of(pack, Stages()), file, export.KINDS)
    assert pq.read_table(file).num_rows >= 3
    return file


def _command(feed: object, until: object, state: object, out: object) -> list[str]:
    asked = {"--feed": feed, "--until": until, "--state": state, "--out": out}
    return [sys.executable, "-m", "anju", "detect", *(str(word) for pair in asked.items() for word in pair)]


def test_a_replay_in_steps_of_a_week_gives_the_leads_of_one_walk(
    shared: Path, pack: Path, at_once: Path, tmp_path: Path
) -> None:
    work, out = tmp_path / "work", tmp_path / "leads.parquet"
    command = " ".join(_command("{feed}", "{until}", "{state}", "{out}"))
    script = [shared / "backtest" / "replay.py", "--pack", pack, "--work", work, "--out", out]
    rhythm = ["--every-days", "7", "--from", FROM, "--command", command]
    subprocess.run([sys.executable, "-B", *map(str, script), *rhythm], check=True, timeout=300)
    assert (work / "out.parquet").read_bytes() == at_once.read_bytes()
    stamped = pq.read_table(out).select(["unit_id", "kind"]).to_pylist()
    first = {(row["unit_id"], row["kind"]) for row in pq.read_table(at_once).to_pylist()}
    assert {(row["unit_id"], row["kind"]) for row in stamped} == first


def test_a_step_that_is_killed_is_made_again_to_the_byte(pack: Path, at_once: Path, tmp_path: Path) -> None:
    state, out = tmp_path / "state", tmp_path / "leads.parquet"
    subprocess.run(_command(pack, "2025-02-03", state, out), check=True, timeout=120)
    newest = (state / "newest").read_text(encoding="utf-8")
    before = out.read_bytes()
    command = _command(pack, "2025-12-29", state, out)
    step = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(state.glob("generation-*"))) > 1 or step.poll() is not None, within_s=60)
    step.kill()
    assert step.wait() == -signal.SIGKILL, "the step was over before it could be killed"
    assert (state / "newest").read_text(encoding="utf-8") == newest
    assert out.read_bytes() == before
    subprocess.run(command, check=True, timeout=120)
    assert out.read_bytes() == at_once.read_bytes()


def test_the_database_gives_the_same_leads(connection: Connection, pack: Path) -> None:
    work = Import(connection=connection, path=pack, city=CITY, now=NOW, progress=Silent())
    assert work.check(), work.report.problems.kept
    work.write(key=PersonalKey(b"k" * 32), by="test")
    books = {CITY: policy.load(CITY)}
    worker = Work(books=books, now=lambda: NOW)
    while has_marks(connection):
        worker.recompute(connection)
    zone, first, last = local_days(pack)
    half = first + timedelta(days=180)
    for start, end in ((first, half), (half + timedelta(days=1), last)):
        sweep(connection, books=books, first=start, last=end, now=NOW)
    rows = connection.execute(
        "SELECT u.code, s.kind, s.as_of, s.at, s.since, s.score, s.evidence -> 0 ->> 'zh',"
        " s.evidence -> 0 -> 'numbers' -> 'hours' FROM signal s JOIN unit u ON u.id = s.unit_id"
    ).fetchall()
    said = [
        Said(
            unit=unit,
            kind=kind,
            as_of=as_of,
            evening=evening(as_of, zone),
            at=at,
            since=since,
            score=score,
            evidence=evidence,
            hours=hours if isinstance(hours, (int, float)) else None,
        )
        for unit, kind, as_of, at, since, score, evidence, hours in rows
    ]
    stored, walked = follow([], said), leads_of(pack, Stages())
    for kind in KINDS:
        theirs = [lead for lead in stored if lead.kind == kind]
        mine = [lead for lead in walked if lead.kind == kind]
        assert _facts(mine) == _facts(theirs), kind
        for one, other in zip(mine, theirs, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-6)
    assert {lead.kind for lead in stored} >= {"leak", "vacancy"}


def _facts(leads: list[object]) -> list[tuple[object, ...]]:
    names = ("unit", "kind", "at", "since", "evidence", "last_as_of")
    return [tuple(getattr(lead, name) for name in names) for lead in leads]
