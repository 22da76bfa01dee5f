import json
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.codecs import runner as runner_module
from devices.codecs.runner import Job, Outcome, Runner
from devices.codecs.scripts import Scripts
from devices.errors import RunnerBroken, ScriptUnreadable
from tests.unit.devices.hostile import DEADLY, ENDLESS
from tests.waiting import wait_until

EXAMPLE = Scripts().read("example")
LIMIT_S = 0.4
#: Of a machine on which much else runs.
SLACK_S = 1.5
DIED = "the process died: out of memory, or worse"


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as opened:
        list(opened.run([job(0)], limit_s=LIMIT_S))
        yield opened


def job(
    number: int, script: str = EXAMPLE, *, device_id: int | None = None, data: bytes = b"\x01\x00\xd7"
) -> Job:
    return Job(
        id=number,
        device_id=number if device_id is None else device_id,
        script=script,
        data=data,
        port=2,
        received_us=1_700_000_000_000_000,
        variables={"factor": 10.0},
    )


def by_number(outcomes: list[Outcome]) -> dict[int, Outcome]:
    return {outcome.job.id: outcome for outcome in outcomes}


def test_a_script_makes_data_of_bytes(runner: Runner) -> None:
    outcomes = by_number(
        list(runner.run([job(n, data=bytes([n % 2, 0xFF, 0xF6])) for n in range(50)], limit_s=LIMIT_S))
    )
    assert len(outcomes) == 50
    assert json.loads(outcomes[7].data or "") == {"open": True, "temperature": -1, "port": 2}


def test_a_script_is_told_when_and_with_what(runner: Runner) -> None:
    script = (
        "function decodeUplink(i) {"
        " return {data: {at: i.recvTime.toISOString(), factor: i.variables.factor, n: i.bytes.length}} }"
    )
    (outcome,) = runner.run([job(1, script)], limit_s=LIMIT_S)
    assert json.loads(outcome.data or "") == {"at": "2023-11-14T22:13:20.000Z", "factor": 10, "n": 3}


def test_nothing_stays_behind_for_the_next_message(runner: Runner) -> None:
    script = (
        "var seen = (globalThis.seen || 0) + 1; Array.prototype.x = (Array.prototype.x || 0) + 1;"
        "function decodeUplink() { return {data: {seen: seen, x: [].x}} }"
    )
    outcomes = list(runner.run([job(n, script) for n in range(12)], limit_s=LIMIT_S))
    assert {outcome.data for outcome in outcomes} == {'{"seen":1,"x":1}'}


@pytest.mark.parametrize("script", [*ENDLESS.values(), *DEADLY.values()], ids=[*ENDLESS, *DEADLY])
def test_a_hostile_script_costs_its_own_message_its_time_at_most(runner: Runner, script: str) -> None:
    others = [job(n) for n in range(1, 40)]
    began_s = time.monotonic()
    ended_s: dict[int, float] = {}
    outcomes: list[Outcome] = []
    for outcome in runner.run([job(0, script), *others], limit_s=LIMIT_S):
        outcomes.append(outcome)
        ended_s[outcome.job.id] = time.monotonic() - began_s
    found = by_number(outcomes)
    assert found[0].data is None
    assert found[0].error
    assert ended_s[0] < LIMIT_S + SLACK_S
    # Nobody waited for it.
    assert all(found[other.id].data for other in others)
    if script in ENDLESS.values():
        assert max(ended_s[other.id] for other in others) < ended_s[0]


def test_one_device_holds_one_child_only(runner: Runner) -> None:
    """Messages that hang, of one device: another device does not wait for all of them."""
    bad = [job(n, ENDLESS["endless loop"], device_id=99) for n in range(3)]
    began_s = time.monotonic()
    for outcome in runner.run([*bad, job(50)], limit_s=LIMIT_S):
        if outcome.job.id == 50:
            assert time.monotonic() - began_s < 3 * LIMIT_S
            assert outcome.data


def test_a_child_that_is_killed_from_outside_costs_one_message(runner: Runner) -> None:
    children = [child.process for child in runner._children if child.process is not None]
    outcomes = runner.run([job(0, ENDLESS["endless loop"]), *[job(n) for n in range(1, 20)]], limit_s=LIMIT_S)
    found = [next(outcomes)]
    for process in children:
        process.kill()
    found += outcomes
    assert len(by_number(found)) == 20
    assert sum(outcome.data is None for outcome in found) <= 1 + len(children)
    assert next(outcome.data for outcome in runner.run([job(1)], limit_s=LIMIT_S))


def test_a_child_that_dies_while_its_job_is_being_sent_costs_that_job() -> None:
    """Both of its pipes say so at once."""
    counts = "function decodeUplink(i) { return {data: {n: i.bytes.length}} }"
    with Runner() as runner:
        list(runner.run([job(0)], limit_s=LIMIT_S))
        (child,) = [child for child in runner._children if child.ready][:1]
        assert child.process is not None
        child.process.send_signal(signal.SIGSTOP)
        process = child.process

        def kill_half_way() -> None:
            wait_until(lambda: child.job is not None and bool(child.unsent), what="the pipe is full")
            process.kill()

        killer = threading.Thread(target=kill_half_way)
        killer.start()
        outcomes = list(runner.run([job(n, counts, data=bytes(100_000)) for n in range(6)], limit_s=5))
        killer.join()
    found = by_number(outcomes)
    assert len(found) == 6
    assert [outcome.error for outcome in outcomes if outcome.data is None] == [DIED]


def test_what_was_given_up_half_way_is_not_mixed_with_what_comes_next(runner: Runner) -> None:
    next(runner.run([job(0, ENDLESS["endless loop"]), job(1)], limit_s=LIMIT_S))
    assert [outcome.job.id for outcome in runner.run([job(7)], limit_s=LIMIT_S)] == [7]


def test_a_child_has_nothing(runner: Runner) -> None:
    """What it is said to have given up, it cannot do: asked of a child that does not run scripts."""
    code = """
import os, runpy, socket, sys

def tried(what):
    try:
        what()
    except Exception:
        return False
    return True

def can():
    return (
        tried(lambda: open("/etc/passwd")), tried(lambda: os.listdir("/")), tried(os.pipe),
        tried(lambda: os.kill(os.getppid(), 0)), tried(socket.socket),
    )

child = runpy.run_path(sys.argv[1])
print(dict(os.environ), os.getcwd(), *can(), flush=True)
print(child["give_up"](), flush=True)
print(*can(), tried(lambda: bytearray(10**9)), tried(os.fork), flush=True)
os._exit(0)
"""
    child = Path(runner_module.__file__).with_name("child.py")
    before, gone, after = subprocess.run(
        [sys.executable, "-I", "-c", code, str(child)],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert before in ("{'LC_CTYPE': 'C.UTF-8'} / True True True True True", "{} / True True True True True")
    assert after == "False False False False False False False"
    assert "'user': True" in gone
    assert runner.gave_up["privileges"]
    assert runner.gave_up["calls"] == (platform.machine() in {"x86_64", "aarch64"})


def test_children_that_do_not_start_are_not_started_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "_CHILD", Path("/nowhere/child.py"))
    with Runner(children=1) as broken, pytest.raises(RunnerBroken):
        list(broken.run([job(1)], limit_s=LIMIT_S))


def test_an_operators_script_stands_before_ours(tmp_path: Path) -> None:
    (tmp_path / "example.js").write_text("// theirs")
    assert Scripts(tmp_path).read("example") == "// theirs"
    assert Scripts(tmp_path / "nowhere").read("example") == EXAMPLE


@pytest.mark.parametrize("name", ["nothing", "../example", "", "a/b", "Example", "x" * 65, "a\x00"])
def test_a_script_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ScriptUnreadable):
        Scripts().read(name)


def test_a_script_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.js").write_bytes(b"\xff\xfe")
    (tmp_path / "large.js").write_bytes(b" " * (1024 * 1024 + 1))
    for name in ("odd", "large"):
        with pytest.raises(ScriptUnreadable):
            Scripts(tmp_path).read(name)
