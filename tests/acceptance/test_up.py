"""`anju up`: what it says, what it restarts, and that nothing is left behind."""

import http.client
import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from anju import stack
from anju.embedded.ports import is_free
from tests.acceptance.live import LiveStack, gone
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

PROCESSES = {"ingest", "worker", "api", "postgres", "broker"}


def health(url: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/api/v1/health")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def test_it_says_where_everything_is_and_leaves_no_orphan_however_it_ends(place: Path) -> None:
    with LiveStack(place) as live:
        ready = live.ready
        assert list(ready) == ["ready", "http", "mqtt", "mqtt311", "dsn", "pids"]
        assert ready["ready"] is True
        assert set(ready["pids"]) == PROCESSES
        assert health(ready["http"])["status"] == "ok"
        with psycopg.connect(ready["dsn"]) as connection:
            connection.execute("CREATE TABLE kept ()")
        assert live.anju("psql", "-XAtc", "SELECT 7").stdout == "7\n"
        settled = json.loads(live.anju("settle", "--timeout", "20", "--json").stdout)
        assert settled["settled"] is True
        status = json.loads(live.anju("status", "--json").stdout)
        assert {key: status[key] for key in ready} == ready
        assert status["messages"] == {"stored": 0}

        second = live.anju("up", "--json")
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.startswith("anju: another `anju up` (pid")
        assert second.stderr.count("\n") == 1

        assert live.stop() == 0
        assert gone([*ready["pids"].values()])()
        assert all(is_free(urlsplit(ready[key]).port or 0) for key in ("http", "mqtt", "mqtt311", "dsn"))
        down = live.anju("status", "--json")
        assert (down.returncode, json.loads(down.stdout)) == (1, {"ready": False})

        # what kill -9 leaves is not in the way of the next start
        live.start()
        killed = [*live.ready["pids"].values()]
        live.stop(by=signal.SIGKILL)
        live.start()
        assert gone(killed)()
        with psycopg.connect(live.ready["dsn"]) as connection:
            connection.execute("SELECT FROM kept")
        assert live.stop(by=signal.SIGINT) == 0
        assert gone([*live.ready["pids"].values()])()


def test_whatever_dies_is_started_again_at_the_same_address(live: LiveStack) -> None:
    killed = {name: live.kill(name) for name in sorted(PROCESSES)}
    for name, pid in killed.items():
        wait_until(live.is_back(name, pid), within_s=30, what=f"{name} is back")
    live.settle()
    running = stack.read(live.data_dir)
    assert running is not None
    assert {"ready": True, **asdict(running)} == live.ready | {"pids": running.pids}
    assert not set(running.pids.values()) & set(killed.values())
    assert all(map(stack.alive, running.pids.values()))
