"""A profile that knew too little, put right, and `anju replay` after it: nothing that was refused is lost."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from anju import cli
from devices import registry
from devices.installations import Installation, install_all
from devices.profiles import Profile, read_profile
from storage.pool import Connection
from tests.homes import make_estate, make_units
from tests.integration.ingest.conftest import INSTALLED, NOW, Rows, make_pipeline, sent, us
from wire.channels import BY_NAME, EVENTS
from wire.events import EventType

GAS, CO2 = BY_NAME["gas_m3"].code, BY_NAME["co2_ppm"].code
BOUND = ("hm/v1/+/#", "gw/+/#")
BUTTON, AIR, METER = "gw/server-1/zigbee2mqtt/button", "gw/server-1/zigbee2mqtt/air", "hm/v1/meter-1/up/m"

GATEWAY = 'format = "zigbee2mqtt"\nexpected_interval_s = 3600\ngateway = true\n'
#: What is between the lines of stars, the profile did not know at first.
FILES = {
    "gateway": GATEWAY,
    "button": """
format = "zigbee2mqtt"
expected_interval_s = 86400
events = ["emergency_button"]
[[field]]
name = "action"
event = "emergency_button"
when = ["single"]
****
[[field]]
name = "action"
event = "emergency_button"
when = ["hold"]
[ignore]
action = ["release"]
""",
    "air": """
format = "zigbee2mqtt"
expected_interval_s = 3600
[channels.co2_ppm]
kind = "gauge"
[channels.temperature_c]
kind = "gauge"
[[field]]
name = "temperature"
channel = "temperature_c"
****
[[field]]
name = "co2"
channel = "co2_ppm"
""",
    "meter": """
format = "native-v1"
expected_interval_s = 900
[channels.water_l]
kind = "register"
****
[channels.gas_m3]
kind = "register"
""",
}


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, Profile]:
    """As the registry reads them: at first without what is below the stars."""
    return _read(tmp_path, {name: text.partition("****")[0] for name, text in FILES.items()})


@pytest.fixture
def fix(tmp_path: Path, profiles: dict[str, Profile]) -> Callable[[], None]:
    """Put the profiles right."""
    return lambda: profiles.update(
        _read(tmp_path, {name: text.replace("****", "") for name, text in FILES.items()})
    )


def _read(folder: Path, texts: Mapping[str, str]) -> dict[str, Profile]:
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)
    return {name: read_profile(folder / f"{name}.toml") for name in texts}


@pytest.fixture
def devices(
    connection: Connection, profiles: dict[str, Profile], monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Three devices of one home."""
    monkeypatch.setattr(registry, "load_profiles", lambda: profiles)
    estate_id = make_estate(connection)
    (unit_id,) = make_units(connection, 1)
    found = {
        "server-1": registry.register_device(
            connection, code="server-1", profile="gateway", estate_id=estate_id
        )
    }
    for code, profile, channel, gateway in (
        ("button-1", "button", EVENTS, "server-1"),
        ("air-1", "air", CO2, "server-1"),
        ("meter-1", "meter", GAS, None),
    ):
        found[code] = registry.register_device(
            connection,
            code=code,
            profile=profile,
            estate_id=estate_id,
            gateway=gateway,
            address=profile if gateway else None,
        )
        install_all(
            connection,
            [Installation(device_id=found[code], channel=channel, unit_id=unit_id, valid_from=INSTALLED)],
        )
    connection.commit()
    return found


@pytest.fixture
def replay(
    dsn: str, connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., dict[str, int]]:
    clock = tmp_path / "now"
    clock.write_text((NOW + timedelta(hours=3)).isoformat())
    for name, value in {
        "ANJU_DATABASE_URL": dsn,
        "ANJU_DATA_DIR": str(tmp_path),
        "ANJU_NOW_FILE": str(clock),
        "ANJU_MQTT_BOUND": ",".join(BOUND),
    }.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> dict[str, int]:
        connection.commit()
        found = CliRunner().invoke(
            cli.app,
            ["replay", "--since", "2026-11-24", "--json", *arguments],
            catch_exceptions=False,
        )
        assert found.exit_code == 0, found.output
        return json.loads(found.stdout)

    return run


@pytest.fixture
def rows(connection: Connection) -> Rows:
    return lambda query: connection.execute(query.encode()).fetchall()


EVENT_ROWS = "SELECT device_id, type, time, received_at FROM event ORDER BY time"
DIRTY = "SELECT channel, day::text FROM usage_dirty ORDER BY channel"


def test_an_event_whose_value_was_unknown_is_released(
    connection: Connection,
    devices: dict[str, int],
    fix: Callable[[], None],
    replay: Callable[..., dict[str, int]],
    rows: Rows,
) -> None:
    pipeline = make_pipeline(connection, bound=BOUND)
    pipeline.store(
        [
            sent('{"action":"hold","last_seen":"2026-11-24T08:00:00Z"}', topic=BUTTON),
            sent('{"action":"release","last_seen":"2026-11-24T08:00:01Z"}', topic=BUTTON),
            sent('{"action":"shake","last_seen":"2026-11-24T08:00:02Z"}', topic=BUTTON),
        ]
    )
    assert rows("SELECT reason FROM quarantine") == [("unknown_event",)] * 3
    assert replay("--quarantined")["released"] == 0
    connection.execute("DELETE FROM usage_dirty")
    fix()
    done = replay("--quarantined", "--reason", "unknown_event")
    assert (done["released"], done["written"], done["replaced"], done["quarantined"]) == (2, 1, 0, 0)
    at = NOW.replace(hour=8)
    assert rows(EVENT_ROWS) == [(devices["button-1"], EventType.emergency_button, at, NOW)]
    assert rows("SELECT reason, detail FROM quarantine") == [("unknown_event", "action: shake")]
    assert (done["marked"], rows(DIRTY)) == (1, [(EVENTS, "2026-11-24")])


def test_a_press_without_a_time_of_its_own_is_released_each_time_it_came(
    connection: Connection,
    devices: dict[str, int],
    fix: Callable[[], None],
    replay: Callable[..., dict[str, int]],
    rows: Rows,
) -> None:
    pipeline = make_pipeline(connection, bound=BOUND)
    pressed = sent('{"action":"hold"}', topic=BUTTON)
    times = [NOW + timedelta(minutes=minute) for minute in (0, 20, 40)]
    for at in times:
        pipeline.store([msgspec.structs.replace(pressed, received_us=us(at))])
    assert rows("SELECT reason, repeats FROM quarantine") == [("unknown_event", 2)]
    fix()
    done = replay("--quarantined", "--reason", "unknown_event")
    assert (done["released"], done["written"]) == (1, 3)
    assert rows(EVENT_ROWS) == [(devices["button-1"], EventType.emergency_button, at, at) for at in times]


def test_a_field_that_no_rule_named_is_released(
    connection: Connection,
    devices: dict[str, int],
    fix: Callable[[], None],
    replay: Callable[..., dict[str, int]],
    rows: Rows,
) -> None:
    make_pipeline(connection, bound=BOUND).store(
        [sent('{"co2":612,"last_seen":"2026-11-24T08:00:00Z"}', topic=AIR)]
    )
    assert rows("SELECT reason, detail FROM quarantine") == [("nothing_known", "co2")]
    fix()
    done = replay("--quarantined", "--reason", "nothing_known")
    assert (done["released"], done["written"]) == (1, 1)
    assert rows("SELECT device_id, channel, value FROM reading") == [(devices["air-1"], CO2, 612.0)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]


def test_a_channel_of_its_message_is_released_and_the_others_stay_as_they_are(
    connection: Connection,
    devices: dict[str, int],
    fix: Callable[[], None],
    replay: Callable[..., dict[str, int]],
    rows: Rows,
) -> None:
    make_pipeline(connection, bound=BOUND).store(
        [
            sent(
                '{"seq":1,"at":"2026-11-24T08:00:00Z","readings":[{"ch":"water_l","v":5},{"ch":"gas_m3","v":7.5}]}',
                topic=METER,
            )
        ]
    )
    assert rows("SELECT reason FROM quarantine") == [("unknown_channel",)]
    assert rows("SELECT value FROM reading") == [(5.0,)]
    connection.execute("DELETE FROM usage_dirty")
    fix()
    done = replay("--quarantined", "--reason", "unknown_channel")
    assert (done["released"], done["written"], done["replaced"]) == (1, 1, 0)
    assert rows(f"SELECT device_id, value FROM reading WHERE channel = {GAS}") == [(devices["meter-1"], 7.5)]
    assert rows("SELECT count(*) FROM quarantine") == [(0,)]
    assert (done["marked"], rows(DIRTY)) == (1, [(GAS, "2026-11-24")])
    assert replay()["written"] == 0
