"""A device that falls silent, through real processes under a clock that the test turns."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import pytest

from alerts.listing import Show, list_alerts
from devices import registry
from devices.installations import Installation, install_all
from housing.scope import EVERYTHING
from storage.pool import connect
from tests.acceptance.live import LiveStack
from tests.homes import make_estate, make_units
from tests.waiting import wait_until
from wire.channels import BY_NAME
from wire.envelope import Kind, topic_of

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 24, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
METERS = ("meter-1", "meter-2")


@pytest.fixture
def estate(place: Path) -> Iterator["Estate"]:
    """A stack whose business time stands where the test puts it, and two meters in it."""
    data_dir = place / "silence"
    data_dir.mkdir()
    clock = data_dir / "now"
    clock.write_text(START.isoformat())
    with (
        LiveStack(data_dir, ANJU_NOW_FILE=str(clock)) as live,
        connect(live.ready["dsn"], name="test") as own,
    ):
        units = make_units(own, len(METERS))
        estate_id = make_estate(own)
        new = [registry.NewDevice(code=c, profile="energy-register", estate_id=estate_id) for c in METERS]
        ids = registry.register_devices(own, new)
        install_all(
            own,
            [
                Installation(
                    device_id=ids[code],
                    channel=BY_NAME["energy_kwh"].code,
                    unit_id=unit,
                    valid_from=START - 24 * HOUR,
                )
                for code, unit in zip(METERS, units, strict=True)
            ],
        )
        own.commit()
        yield Estate(live, clock)
        assert live.stop() == 0


class Estate:
    """The meters, and what becomes of their silence."""

    def __init__(self, live: LiveStack, clock: Path) -> None:
        self.live = live
        self._clock = clock
        self._now = START
        self._sent = dict.fromkeys(METERS, 0)

    def pass_(self, span: timedelta) -> None:
        """Turn the clock of every process."""
        self._now += span
        self._clock.write_text(self._now.isoformat())

    def send(self, *codes: str) -> None:
        """Have these meters send a reading of now."""
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        address = urlsplit(self.live.ready["mqtt"])
        client.connect(address.hostname or "", address.port or 0)
        client.loop_start()
        wait_until(client.is_connected, what="the meters are connected")
        for code in codes:
            self._sent[code] += 1
            payload = {
                "seq": self._sent[code],
                "at": self._now.isoformat(),
                "readings": [{"ch": "energy_kwh", "v": 100 + self._sent[code]}],
            }
            client.publish(topic_of(code, Kind.readings), json.dumps(payload), 1).wait_for_publish(10)
        client.disconnect()
        client.loop_stop()

    def alerts(self, show: Show = "current") -> list[tuple[str, str | None, bool]]:
        """Kind, device, and whether it is over; after everything is settled."""
        self.live.settle(within_s=30)
        with connect(self.live.ready["dsn"], name="test") as own:
            found = list_alerts(own, scope=EVERYTHING, show=show, limit=99)
        return [(one.kind, one.device, one.cleared_at is not None) for one in found]


def test_a_device_that_stops_is_one_alert_until_it_sends_again(estate: Estate) -> None:
    estate.send(*METERS)
    assert estate.alerts() == []
    for _ in range(3):
        estate.pass_(HOUR)
        estate.send("meter-2")
        assert estate.alerts() == []
    estate.pass_(HOUR)
    estate.send("meter-2")
    assert estate.alerts() == [("device_offline", "meter-1", False)]
    status = json.loads(estate.live.anju("status", "--json").stdout)
    assert (status["alerts"], status["units"]) == ({"open": 1, "standing": 1}, {"uncovered": 1})
    # The worker that looks is killed while an alert stands; the next one knows no more than the state.
    killed = estate.live.kill("worker")
    estate.send(*METERS)
    wait_until(estate.live.is_back("worker", killed), within_s=30, what="the worker is back")
    assert estate.alerts() == estate.alerts("over") == [("device_offline", "meter-1", True)]
    assert estate.live.counters()["units"] == {"uncovered": 0}
