"""A PostgreSQL server a run, a fresh migrated database a test, a real broker a test.

What a test may ask for:

- `dsn`, `connection`: a fresh migrated database, 20 ms on the run's own server, which lies in memory
  where /dev/shm is large enough. ANJU_TEST_DSN uses a running server instead: on a disk 500 ms a test.
- `broker`: a real broker on free ports, `iotcore` unless the test says otherwise with
  ``@pytest.mark.parametrize("broker", ["iotcore", "mosquitto"], indirect=True)``.
- `chromium`: the path of Debian's Chromium. `shared`: the reference data beside the project.
- `tests.waiting.wait_until` instead of a sleep.

`make test` runs two processes: what is made once a run is then made once a process.

A tool that is missing skips the test that needs it and says so; under CI=true it fails it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit
from uuid import uuid4

import hypothesis
import psycopg
import pytest
from psycopg import sql

from anju.embedded.postgres import start
from devices import lookups
from storage.migrate import migrate
from storage.pool import Connection, connect
from tests import brokers
from tests.brokers import Kind, TestBroker

# What is measured in time is a benchmark: a busy machine is no fault of the code.
hypothesis.settings.register_profile(
    "anju", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("anju")

MEMORY, MEMORY_NEEDED = Path("/dev/shm"), 2 * 1024**3
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference data beside the project; tests that need it skip elsewhere, in CI they fail."""
    if not SHARED.is_dir():
        missing("the reference data in ../shared")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a real browser."""
    return tool("chromium")


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestBroker]:
    """A broker of this test alone."""
    kind: Kind = getattr(request, "param", "iotcore")
    if kind == "mosquitto":
        tool("mosquitto", also="/usr/sbin")
    started = brokers.start(kind, tmp_path / "broker")
    yield started
    started.stop()


def tool(name: str, *, also: str = "") -> str:
    """The path of a program from outside pip."""
    found = shutil.which(name) or shutil.which(name, path=also)
    return found or missing(f"{name}, which is not installed")


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it in CI where everything must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"needs {what}")


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own: under root the server is nobody's.

    In memory if there is room: a database a test is thousands of small files.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED
    folder = Path(tempfile.mkdtemp(prefix="anju-test-", dir=MEMORY if roomy else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server_dsn(open_folder: Path) -> Iterator[str]:
    """A server for this run: the one named by ANJU_TEST_DSN, else an embedded one."""
    given = os.environ.get("ANJU_TEST_DSN")
    if given:
        yield given
        return
    server = start(open_folder / "postgres")
    try:
        yield server.dsn
    finally:
        server.stop()


@pytest.fixture(scope="session")
def template(server_dsn: str) -> Iterator[str]:
    """A migrated database that each test's own is cloned from."""
    name = f"anju_template_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = _named(server_dsn, name)
    migrate(dsn)
    with connect(dsn, name="test") as connection:
        lookups.fill(connection)
    yield name
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def dsn(server_dsn: str, template: str) -> Iterator[str]:
    """The address of a fresh migrated database."""
    name = f"anju_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    yield _named(server_dsn, name)
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def connection(dsn: str) -> Iterator[Connection]:
    """One connection to a fresh migrated database."""
    with connect(dsn, name="test") as opened:
        yield opened


def _named(dsn: str, database: str) -> str:
    return urlsplit(dsn)._replace(path=f"/{database}").geturl()
