"""docker-compose.yml as Docker Compose reads it: hardened, pinned, and in itself consistent."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from anju import mosquitto, settings
from tests.composed import ENVIRONMENT, ROOT, ComposeMissing, Owned, prepare, program, read
from tests.conftest import missing

#: One run of these ends by itself; the others wait for it, or it is run by hand.
ONE_SHOT = {"migrate", "broker-config", "backup"}
LASTING = {"database", "mosquitto", "ingest", "worker", "api", "grafana", "web"}
_SECRET_NAME = re.compile(r"/run/secrets/(\w+)")


@pytest.fixture(scope="module")
def compose() -> Path:
    try:
        return program()
    except ComposeMissing as error:
        missing(str(error))


@pytest.fixture(scope="module")
def services(compose: Path) -> dict[str, Any]:
    return read("--format", "json", compose=compose)["services"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Owned]]:
    folder = tmp_path_factory.mktemp("prepared")
    return folder / "docker", prepare(folder)


def test_compose_takes_the_file(compose: Path) -> None:
    assert read("--quiet", compose=compose) == ""


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_only_the_operator_knows_is_asked_for(compose: Path, name: str) -> None:
    given = {key: value for key, value in ENVIRONMENT.items() if key != name}
    with pytest.raises(ValueError, match=name):
        read("--quiet", compose=compose, environment=given)
    assert f"\n{name}=\n" in (ROOT / "docker" / "example.env").read_text(encoding="utf-8")


def test_every_service_is_one_that_we_know(services: dict[str, Any]) -> None:
    assert services.keys() == ONE_SHOT | LASTING


def test_every_service_is_shut_in(services: dict[str, Any]) -> None:
    for name, service in services.items():
        uid, gid = map(int, service["user"].split(":"))
        assert uid >= 70, name
        assert gid >= 70, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert "privileged" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert 0 < service["pids_limit"] <= 400, name
        assert int(service["mem_limit"]) > 0, name
        assert float(service["cpus"]) > 0, name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert not any("docker.sock" in str(volume) for volume in service.get("volumes", [])), name


def test_every_image_has_a_version_of_its_own(services: dict[str, Any]) -> None:
    for name, service in services.items():
        image, _, tag = service["image"].rpartition(":")
        assert image, name
        assert re.fullmatch(r"\d+\.\d+\.\d+(-\w+)?", tag), (name, tag)
    assert services["api"]["image"] == "anju:" + _project_version()


def test_every_lasting_service_is_watched_and_comes_back(services: dict[str, Any]) -> None:
    for name in LASTING:
        check = services[name]["healthcheck"]
        assert len(check["test"]) > 1, name
        assert check.keys() >= {"interval", "timeout", "retries", "start_period"}, name
        assert services[name]["restart"] == "unless-stopped", name
        assert "stop_grace_period" in services[name], name
    assert services["database"]["stop_grace_period"] == "2m0s"


def test_everything_waits_for_what_it_needs(services: dict[str, Any]) -> None:
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    healthy, done = "service_healthy", "service_completed_successfully"
    assert waits["migrate"] == {"database": healthy}
    for name in ("broker-config", "worker", "api"):
        assert waits[name] == {"database": healthy, "migrate": done}
    assert waits["mosquitto"] == {"broker-config": done}
    assert waits["ingest"] == {"database": healthy, "migrate": done, "mosquitto": healthy}
    assert waits["web"] == {"api": healthy, "grafana": healthy}


def test_two_ports_leave_the_machine_on_a_named_interface(services: dict[str, Any]) -> None:
    published = {
        (name, port["host_ip"], port["published"], port["target"])
        for name, service in services.items()
        for port in service.get("ports", [])
    }
    edge = ENVIRONMENT["ANJU_EDGE_ADDRESS"]
    assert published == {("mosquitto", edge, "8883", 8883), ("web", edge, "443", 8443)}


def test_only_what_is_reached_from_outside_is_on_the_edge(compose: Path, services: dict[str, Any]) -> None:
    networks = read("--format", "json", compose=compose)["networks"]
    assert networks["back"]["internal"] is True
    on_edge = {name for name, service in services.items() if "edge" in service["networks"]}
    assert on_edge == {"mosquitto", "web"}
    assert all("back" in service["networks"] for service in services.values())
    assert not any("network_mode" in service for service in services.values())


def test_no_secret_stands_in_the_environment(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET_KEY|KEY_FILE|_URL_FILE", variable):
                assert variable.endswith("_FILE"), (name, variable)
                assert str(value).startswith("/run/secrets/"), (name, variable)
            assert not re.search(r"://[^/]*:[^/]*@", str(value)), (name, variable)


def test_every_secret_that_is_named_is_mounted_and_can_be_read(
    compose: Path, services: dict[str, Any], prepared: tuple[Path, dict[str, Owned]]
) -> None:
    _, owned = prepared
    files = {
        name: Path(one["file"]).relative_to(ROOT / "docker")
        for name, one in read("--format", "json", compose=compose)["secrets"].items()
    }
    used: set[str] = set()
    for name, service in services.items():
        mounted = {secret["source"] for secret in service.get("secrets", [])}
        used |= mounted
        said = yaml.dump([service.get(key) for key in ("command", "environment", "entrypoint")])
        said += "".join(_content(volume) for volume in service.get("volumes", []))
        named = set(_SECRET_NAME.findall(said))
        if name in {"worker", "migrate", "broker-config", "ingest"}:
            named |= {"database_ca"}  # the database's address leads there
        if name == "broker-config":
            named -= {"mosquitto_cert", "mosquitto_key"}  # as the broker sees them
        assert named <= mounted, name
        uid, gid = map(int, service["user"].split(":"))
        gids = {gid, *map(int, service.get("group_add", []))}
        for secret in mounted:
            assert owned[str(files[secret])].readable_by(uid, gids), (name, secret)
    assert used == files.keys()
    assert all(not one.mode & 0o022 for one in owned.values())


def test_a_key_is_read_by_the_one_that_needs_it(prepared: tuple[Path, dict[str, Owned]]) -> None:
    _, owned = prepared
    secret = [file for file in owned if file.startswith("secrets/") and not file.endswith(("_cert", "_ca"))]
    assert len(secret) > 10
    for file in secret:
        assert not owned[file].mode & 0o007, file
        others = [uid for uid in (70, 101, 472, 1883, 10001) if uid != owned[file].uid]
        assert not any(owned[file].readable_by(uid, set()) for uid in others), file


def test_every_file_that_is_mounted_is_there(
    services: dict[str, Any], prepared: tuple[Path, dict[str, Owned]]
) -> None:
    for name, service in services.items():
        for volume in service.get("volumes", []):
            if volume["type"] == "bind":
                source = Path(volume["source"]).relative_to(ROOT)
                made = str(source) in {"docker/mosquitto", "docker/backup"}
                assert made or (ROOT / source).exists(), (name, source)
                assert volume.get("read_only") or (made and name in ONE_SHOT), (name, source)
                if made:
                    copy, owned = prepared
                    assert (copy.parent / source).is_dir()
                    uid = int(service["user"].partition(":")[0])
                    assert owned[str(source.relative_to("docker"))].uid == uid, (name, source)


def test_anju_reads_its_environment(
    services: dict[str, Any], prepared: tuple[Path, dict[str, Owned]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = prepared
    for name in ("migrate", "broker-config", "ingest", "worker", "api"):
        environment = {
            variable: str(value).replace("/run/secrets", str(folder / "secrets"))
            for variable, value in services[name]["environment"].items()
        }
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        found = settings.load(environment)
        assert found.database_url is not None, name
        assert "sslmode=verify-full" in found.database_url, name
        for variable in environment:
            monkeypatch.delenv(variable)
        if name == "ingest":
            assert found.mqtt_url is not None
            assert found.mqtt_bound == mosquitto.BOUND
        assert found.retention is (name == "worker")
        assert found.https is (name == "api")


def test_grafana_and_web_name_services_and_databases_that_exist(services: dict[str, Any]) -> None:
    source = yaml.safe_load((ROOT / "grafana/provisioning/datasources/timescale.yaml").read_text())
    (only,) = source["datasources"]
    host, port = only["url"].split(":")
    assert (host in services, port) == (True, "5432")
    assert only["jsonData"]["database"] == "anju"
    assert only["jsonData"]["sslmode"] == "verify-full"
    init = (ROOT / "docker/database/init.sh").read_text()
    assert f"CREATE ROLE {only['user']} LOGIN" in init
    assert f"CREATE ROLE {services['grafana']['environment']['GF_DATABASE_USER']} LOGIN" in init
    upstream = set(re.findall(r"http://(\w+):(\d+)", (ROOT / "docker/web/nginx.conf").read_text()))
    assert upstream == {("api", services["api"]["environment"]["ANJU_HTTP_PORT"]), ("grafana", "3000")}


def _content(volume: dict[str, Any]) -> str:
    source = Path(volume.get("source", ""))
    if volume["type"] != "bind" or not source.exists() or source.name in {"mosquitto", "backup"}:
        return ""
    files = [file for file in source.rglob("*") if file.is_file()] if source.is_dir() else [source]
    return "".join(file.read_text(encoding="utf-8") for file in files)


def _project_version() -> str:
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]
