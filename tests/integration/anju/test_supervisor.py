import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from anju.errors import ChildFailed
from anju.supervisor import Child, Supervisor, python_child
from tests.waiting import wait_until

READY = "import os; os.write(int(os.environ['ANJU_READY_FD']), b'1')\n"
WAITS = READY + "import signal; signal.pause()"


def child(name: str, code: str, folder: Path, **given: object) -> Child:
    log = folder / f"{name}.log"
    start = python_child([sys.executable, "-c", code], log=log, environment=dict(os.environ))
    return Child(name=name, start=start, log=log, **given)  # pyright: ignore[reportArgumentType]


def test_a_child_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.add(child("one", WAITS, tmp_path))
        supervisor.run(supervisor.all_ready)
        (one,) = supervisor.children
        assert one.process is not None
        first = one.process
        first.kill()
        supervisor.run(lambda: one.ready and one.process is not first)
        assert one.pid != first.pid
        last = one.process
    assert last is not None
    assert last.returncode == -signal.SIGTERM


def test_all_stop_in_the_opposite_order(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = (
        "import os, signal, sys\n"
        "def stop(*_):\n"
        "    with open({order!r}, 'a') as out: out.write({name!r} + '\\n')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop)\n" + WAITS
    )
    with Supervisor() as supervisor:
        for name in ("first", "second", "third"):
            supervisor.add(child(name, code.format(order=str(order), name=name), tmp_path))
        supervisor.run(supervisor.all_ready)
    assert order.read_text().split() == ["third", "second", "first"]


def test_a_child_that_does_not_stop_is_killed_after_its_grace(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + WAITS
    with Supervisor() as supervisor:
        supervisor.add(child("deaf", deaf, tmp_path, grace_s=0.2))
        supervisor.run(supervisor.all_ready)
        process = supervisor.children[0].process
    assert process is not None
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_watch(tmp_path: Path, by: signal.Signals) -> None:
    with Supervisor() as supervisor:
        supervisor.add(child("one", WAITS, tmp_path))
        supervisor.run(supervisor.all_ready)
        threading.Timer(0.05, os.kill, (os.getpid(), by)).start()
        supervisor.run(lambda: False)
        assert supervisor.stopping


def test_a_child_that_never_comes_up_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.add(child("one", "import sys; sys.exit('port 80 is taken')", tmp_path))
        with pytest.raises(ChildFailed, match="one does not come up: port 80 is taken"):
            supervisor.run(supervisor.all_ready)


def test_a_child_that_ends_by_itself_is_not_started_again(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.add(child("load", "print('loaded')", tmp_path, lasting=False))
        supervisor.run(supervisor.all_ready)
    assert (tmp_path / "load.log").read_text() == "loaded\n"


def test_kill_9_of_the_supervisor_ends_its_children(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from anju.supervisor import Child, Supervisor, python_child\n"
        "log = Path(sys.argv[1])\n"
        "start = python_child([sys.executable, '-c', sys.argv[2]], log=log, environment=dict(os.environ))\n"
        "with Supervisor() as supervisor:\n"
        "    supervisor.add(Child(name='one', start=start, log=log))\n"
        "    supervisor.run(supervisor.all_ready)\n"
        "    print(supervisor.children[0].pid, flush=True)\n"
        "    supervisor.run(lambda: False)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "one.log", WAITS], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        orphan = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until(lambda: not Path(f"/proc/{orphan}").exists())


def test_a_child_that_once_ran_is_tried_again_when_the_disk_is_full(tmp_path: Path) -> None:
    full = tmp_path / "full"
    good = child("one", WAITS, tmp_path)

    def start() -> tuple["subprocess.Popen[bytes]", int | None]:
        if full.exists():
            full.unlink()
            raise OSError(28, "No space left on device")
        return good.start()

    with Supervisor() as supervisor:
        supervisor.add(Child(name="one", start=start, log=good.log))
        supervisor.run(supervisor.all_ready)
        (one,) = supervisor.children
        first = one.process
        assert first is not None
        full.touch()
        first.kill()
        supervisor.run(lambda: one.ready and one.process is not first)
        assert not full.exists()
