"""What the containers run, as far as it runs without containers."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from anju import healthcheck, settings
from anju.embedded import binaries, postgres
from anju.errors import NotHealthy
from storage.migrate import head, migrate
from storage.pool import connect
from storage.timescale import promote
from tests.composed import ROOT, prepare
from tests.conftest import tool
from tests.waiting import wait_until
from tests.workers import working

ROOMS = sorted(file.parent.name for file in ROOT.glob("*/__init__.py"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of docker/ after prepare.sh."""
    tool("openssl")
    folder = tmp_path_factory.mktemp("prepared")
    prepare(folder)
    return folder / "docker"


@pytest.fixture(scope="module")
def cluster(open_folder: Path, prepared: Path) -> Iterator[str]:
    """A server of its own on which init.sh ran; the address of its superuser."""
    server = postgres.start(open_folder / "compose")
    try:
        # like the image's: the superuser is called postgres, and there is nobody else
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE ROLE postgres SUPERUSER LOGIN")
        at = urlsplit(server.dsn)._replace(path="/postgres")
        at = at._replace(netloc=f"postgres@{at.hostname}:{at.port}")
        with psycopg.connect(at.geturl(), autocommit=True) as connection:
            connection.execute("ALTER ROLE anju RENAME TO bootstrap")
        subprocess.run(
            ["/bin/sh", prepared / "database" / "init.sh"],
            env={
                "PATH": f"{Path(binaries.psql()).parent}:{os.environ['PATH']}",
                "PGHOST": at.hostname or "",
                "PGPORT": str(at.port),
                "POSTGRES_USER": at.username or "",
                "ANJU_SECRETS": str(prepared / "secrets"),
            },
            check=True,
            timeout=60,
        )
        yield at.geturl()
    finally:
        server.stop()


def test_preparing_again_changes_nothing(prepared: Path) -> None:
    before = {file: file.read_bytes() for file in (prepared / "secrets").iterdir()}
    prepare(prepared.parent, devices="other.example", web="other.example")
    assert {file: file.read_bytes() for file in (prepared / "secrets").iterdir()} == before


def test_addresses_hold_the_passwords_that_the_servers_know(prepared: Path) -> None:
    secrets = prepared / "secrets"
    for url, password in (
        ("database_url", secrets / "database_owner_password"),
        ("ingest_mqtt_url", prepared / "mosquitto" / "secrets" / "ingest.password"),
    ):
        assert urlsplit((secrets / url).read_text()).password == password.read_text().strip()
    assert len({file.read_bytes() for file in secrets.glob("*_password")}) > 4


@pytest.mark.parametrize(
    ("name", "host"),
    [("database", "database"), ("mosquitto", "devices.example"), ("web", "anju.example")],
)
def test_a_client_that_knows_the_certificate_trusts_it_for_its_host_alone(
    prepared: Path, name: str, host: str
) -> None:
    secrets = prepared / "secrets"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(secrets / f"{name}_cert", secrets / f"{name}_key")
    client = ssl.create_default_context(
        cafile=secrets / ("database_ca" if name == "database" else f"{name}_cert")
    )
    assert _shakes_hands(server, client, host)
    assert not _shakes_hands(server, client, "other.example")


def test_roles_own_what_is_theirs_and_the_reader_reads_nothing(cluster: str, prepared: Path) -> None:
    owner = _as(cluster, "anju", prepared / "secrets" / "database_owner_password", "anju")
    assert migrate(owner) == head()
    assert promote(owner, columnstore_after=timedelta(days=21)).installed is None
    reader = _as(cluster, "grafana_reader", prepared / "secrets" / "database_reader_password", "anju")
    with connect(reader, name="test") as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("15s",)
        for statement in ("SELECT * FROM resident", "SELECT * FROM v_reading", "CREATE TABLE t ()"):
            with pytest.raises(psycopg.Error, match=r"permission denied|does not exist|read-only"):
                connection.execute(statement)
            connection.rollback()
    grafana = _as(cluster, "grafana", prepared / "secrets" / "database_grafana_password", "grafana")
    with connect(grafana, name="test") as connection:
        connection.execute("CREATE TABLE dashboard ()")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(urlsplit(grafana)._replace(path="/anju").geturl())


def test_the_database_lets_nobody_in_without_tls() -> None:
    rules = [
        line.split()
        for line in (ROOT / "docker/database/pg_hba.conf").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert rules == [
        ["local", "all", "postgres", "trust"],
        ["hostssl", "all", "all", "all", "scram-sha-256"],
    ]


def test_the_brokers_configuration_is_written_and_taken(
    dsn: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`broker-config` as composed, at other places and ports; then the broker and its health check."""
    program = tool("mosquitto", also="/usr/sbin")
    subscriber = tool("mosquitto_sub")
    folder, inner, outer = tmp_path / "config", _free_port(), _free_port()
    shutil.copytree(prepared / "mosquitto", folder)
    (tmp_path / "data").mkdir()
    moved = {
        "/mosquitto/config": str(folder),
        "/mosquitto/data": str(tmp_path / "data"),
        "/run/secrets": str(prepared / "secrets"),
        "0.0.0.0": "127.0.0.1",
    }
    asked = COMPOSE["broker-config"]["command"]
    for old, new in moved.items():
        asked = [argument.replace(old, new) for argument in asked]
    asked += [f"--port={outer}", f"--inner-port={inner}", "--host=127.0.0.1"]
    ran = subprocess.run(
        [sys.executable, "-m", "anju", *asked],
        env=os.environ | {"ANJU_DATABASE_URL": dsn, "ANJU_CITY": "anhe"},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert ran.returncode == 0, ran.stderr
    url = (prepared / "secrets" / "ingest_mqtt_url").read_text().strip()
    assert (folder / "secrets" / "ingest.url").read_text().strip() == url.replace("1883", str(inner))
    if os.geteuid() == 0:  # the broker leaves root behind, and reads these as itself
        _let_all_enter(tmp_path, prepared)
    broker = subprocess.Popen([program, "-c", folder / "mosquitto.conf"], stderr=subprocess.PIPE)
    try:
        check = [part.replace("$$", "$") for part in COMPOSE["mosquitto"]["healthcheck"]["test"][1:]]

        def hears(*arguments: str, **environment: str) -> bool:
            everything = {"PATH": os.environ["PATH"]} | environment
            ran = subprocess.run([subscriber, *arguments], env=everything, capture_output=True, check=False)
            return ran.returncode == 0

        wait_until(
            lambda: hears(*check[1:], XDG_CONFIG_HOME=str(folder / "monitor")), what="the broker is healthy"
        )
        assert not hears("-p", str(inner), *check[1:])
    finally:
        broker.terminate()
        broker.communicate(timeout=10)


def test_a_process_is_healthy_while_it_lives(dsn: str) -> None:
    assert "no session of `anju worker`" in _healthcheck(dsn, "worker")
    with working(dsn):
        wait_until(lambda: not _healthcheck(dsn, "worker"), what="the worker is healthy")
        assert "no session of `anju ingest`" in _healthcheck(dsn, "ingest")
    assert _healthcheck(dsn, "worker")
    assert "does not answer" in _healthcheck(dsn, "api", port=_free_port())


def test_the_check_of_a_container_ends_with_one_line(dsn: str) -> None:
    program, *arguments = COMPOSE["worker"]["healthcheck"]["test"][1:]
    ran = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        env=os.environ | {"ANJU_DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (ran.returncode, ran.stderr) == (1, "anju: no session of `anju worker` is open from here\n")


def test_the_image_is_built_from_what_is_pinned() -> None:
    lines = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    images = {line.split()[1] for line in lines if line.startswith("FROM")}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", images.pop())
    installs = [line for line in lines if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)
    assert lines[-3:] == ["USER 10001:10001", "WORKDIR /tmp", 'ENTRYPOINT ["anju"]']
    pins = (ROOT / "requirements/image.txt").read_text(encoding="utf-8")
    for pin in re.findall(r"^\S+==\S+", (ROOT / "requirements/base.txt").read_text(), re.MULTILINE):
        assert pin in pins
    sent = (ROOT / "docker/Dockerfile.dockerignore").read_text().splitlines()
    assert {f"!{room}" for room in ROOMS} <= set(sent)


def test_what_is_installed_holds_every_file_of_every_room(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in (*ROOMS, "pyproject.toml", "README.md", "LICENSE"):
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, source / name)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", tmp_path, source),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
    wanted = {
        str(file.relative_to(source))
        for room in ROOMS
        for file in (source / room).rglob("*")
        if file.is_file()
    }
    assert wanted - held == set()


def _as(dsn: str, user: str, password: Path, database: str) -> str:
    at = urlsplit(dsn)
    netloc = f"{user}:{password.read_text().strip()}@{at.hostname}:{at.port}"
    return at._replace(netloc=netloc, path=f"/{database}").geturl()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _healthcheck(dsn: str, process: healthcheck.Process, *, port: int = 0) -> str:
    """What the check of a container says; nothing: healthy."""
    try:
        healthcheck.check(settings.load({}, database_url=dsn, http_port=port), process)
    except NotHealthy as error:
        return str(error)
    return ""


def _let_all_enter(*folders: Path) -> None:
    for folder in folders:
        for parent in (folder, *folder.parents[:-1]):
            if parent.name.startswith(("pytest-", "popen-", "prepared", "test_")) or parent == folder:
                parent.chmod(0o755)
        for one in folder.rglob("*"):
            one.chmod(0o777 if one.is_dir() else 0o644)


def _shakes_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> bool:
    """Whether a client that looks for this host trusts the server."""
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(there, server_side=True).close()
        except (ssl.SSLError, OSError):
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client.wrap_socket(here, server_hostname=host).close()
    except ssl.SSLError:
        return False
    else:
        return True
    finally:
        here.close()
        thread.join(10)
