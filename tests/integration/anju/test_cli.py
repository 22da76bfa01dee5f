import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from anju import places, stack
from anju.embedded import binaries
from anju.embedded.ports import HOST
from anju.errors import StackRunning


def anju(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "anju", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"ANJU_HTTP_PORT": "eighty"},
            "anju: ANJU_HTTP_PORT is not a port: 0 to 65535, 0 takes any free one",
        ),
        ({"ANJU_CITY": "nowhere"}, "anju: ANJU_CITY cannot be used: no policy file for the city 'nowhere'"),
        ({"ANJU_DATA_DIR": "/dev/null/x"}, "anju: ANJU_DATA_DIR: cannot make /dev/null/x: Not a directory"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line(variables: dict[str, str], line: str) -> None:
    ended = anju("up", "--json", **variables)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(line)
    assert ended.stderr.count("\n") == 1


def test_a_taken_port_stops_the_start_with_one_line(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        ended = anju("up", "--data-dir", str(tmp_path), "--http-port", str(port))
    assert ended.returncode == 1
    assert ended.stderr == f"anju: port {port} is taken: choose another with ANJU_HTTP_PORT\n"


def test_a_database_that_is_away_is_one_line(tmp_path: Path) -> None:
    ended = anju("worker", ANJU_DATABASE_URL="postgresql://127.0.0.1:1/x", ANJU_DATA_DIR=str(tmp_path))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


def test_psql_runs_on_the_configured_database(dsn: str) -> None:
    ended = anju("psql", "-XAtc", "SELECT current_database()", ANJU_DATABASE_URL=dsn)
    assert ended.stdout.strip() == urlsplit(dsn).path.removeprefix("/")


def test_one_stack_a_data_directory(tmp_path: Path) -> None:
    folder = places.prepare(tmp_path / "data")
    with (
        stack.sole(folder),
        pytest.raises(StackRunning, match=rf"another `anju up` \(pid {os.getpid()}\)"),
        stack.sole(folder),
    ):
        pass
    with stack.sole(folder):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="concerns root only")
def test_under_root_a_closed_folder_keeps_its_mode_and_links_to_an_open_one(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_ELSEWHERE", open_folder / "elsewhere")
    closed = places.prepare(tmp_path / "closed")
    closed.chmod(0o700)
    folder = places.cluster_folder(closed)
    assert folder == closed / "postgres"
    assert folder.resolve().parent == open_folder / "elsewhere"
    account = binaries.account_for(folder / "data")
    assert account is not None
    assert binaries.closed_to(account, folder.resolve() / "data") is None
    assert closed.stat().st_mode & 0o777 == 0o700
    assert places.cluster_folder(closed) == folder
