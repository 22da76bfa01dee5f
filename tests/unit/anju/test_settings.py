from pathlib import Path

import pytest

from anju import settings
from anju.errors import SettingsRefused


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"ANJU_{name.upper()}", raising=False)
        monkeypatch.delenv(f"ANJU_{name.upper()}_FILE", raising=False)


def test_without_any_variable_everything_is_embedded_and_on_loopback() -> None:
    found = settings.load()
    assert (found.database_url, found.mqtt_url, found.mqtt_bound) == (None, None, ())
    assert (found.http_host, found.http_port, found.data_dir) == ("127.0.0.1", 8080, Path(".anju"))
    assert not found.https


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_HTTP_PORT", "")
    assert settings.load().http_port == 8080


def test_the_command_line_stands_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_HTTP_PORT", "9000")
    assert settings.load(http_port=0).http_port == 0
    assert settings.load(http_port=None).http_port == 9000


def test_bound_topics_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_MQTT_BOUND", "hm/v1/+/#, gate/+/up/#")
    assert settings.load().mqtt_bound == ("hm/v1/+/#", "gate/+/up/#")


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("HTTP_PORT", "eighty", "ANJU_HTTP_PORT is not a port"),
        ("HTTP_PORT", "70000", "ANJU_HTTP_PORT is not a port"),
        ("HTTPS", "maybe", "ANJU_HTTPS is not true or false"),
        ("CITY", "nowhere", "ANJU_CITY cannot be used: no policy file for the city 'nowhere'"),
        (
            "DATABASE_URL",
            "mysql://root:hidden@db/x",
            "ANJU_DATABASE_URL is not an address like postgresql://",
        ),
        ("DATABASE_URL", "postgresql://u:hidden@db:port/x", "ANJU_DATABASE_URL is not an address like"),
        ("MQTT_URL", "broker:1883", "ANJU_MQTT_URL cannot be used: the broker's address begins mqtt://"),
        ("MQTT_URL", "mqtt://u:hidden@broker:99999", "ANJU_MQTT_URL cannot be used: the broker's address"),
        ("MQTT_BOUND", "hm/#/up", "ANJU_MQTT_BOUND cannot be used: not a topic filter of MQTT: 'hm/#/up'"),
        ("KEY_FILE", "/nowhere/key", "ANJU_KEY_FILE cannot be used: cannot read the key file /nowhere/key"),
        ("NOW_FILE", "/nowhere/now", "ANJU_NOW_FILE cannot be read: /nowhere/now"),
        ("DATABASE_URL_FILE", "/nowhere/url", "ANJU_DATABASE_URL_FILE: cannot read /nowhere/url"),
        ("HTTP_PROT", "8080", "ANJU_HTTP_PROT is not a setting: did you mean ANJU_HTTP_PORT?"),
    ],
)
def test_a_wrong_setting_is_one_line_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
) -> None:
    monkeypatch.setenv(f"ANJU_{variable}", value)
    with pytest.raises(SettingsRefused) as caught:
        settings.load()
    said = str(caught.value)
    assert said.startswith(line)
    assert "\n" not in said
    assert "hidden" not in said


def test_two_wrong_settings_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_HTTP_PORT", "x")
    monkeypatch.setenv("ANJU_CITY", "nowhere")
    with pytest.raises(SettingsRefused, match=r"ANJU_HTTP_PORT.*; ANJU_CITY"):
        settings.load()


def test_a_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://u:hidden@db/anju\n")
    monkeypatch.setenv("ANJU_DATABASE_URL_FILE", str(file))
    found = settings.load()
    assert found.database_url == "postgresql://u:hidden@db/anju"
    assert "hidden" not in repr(found)
    monkeypatch.setenv("ANJU_DATABASE_URL", "postgresql://db/other")
    with pytest.raises(SettingsRefused, match="both set"):
        settings.load()


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    box = settings.load(data_dir=tmp_path).key.seal("张", column="resident.name")
    assert settings.load(data_dir=tmp_path).key.open(box, column="resident.name") == "张"
    assert (tmp_path / "secrets" / "personal.key").stat().st_mode & 0o777 == 0o600
