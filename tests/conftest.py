"""A PostgreSQL server a run, a fresh migrated database a test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from anju.embedded.postgres import start
from devices import lookups
from storage.migrate import migrate
from storage.pool import Connection, connect

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference data beside the project; tests that need it skip elsewhere, in CI they fail."""
    if not SHARED.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared is missing in CI")
        pytest.skip("needs the reference data in ../shared")
    return SHARED


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every account can enter, unlike pytest's own: under root the server is nobody's."""
    folder = Path(tempfile.mkdtemp(prefix="anju-test-"))
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
    return psycopg.conninfo.make_conninfo(dsn, dbname=database)
