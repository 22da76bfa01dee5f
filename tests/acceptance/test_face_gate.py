"""A face gate, and ingest killed after its record was committed and before the gate was told."""

from urllib.parse import urlsplit

import pytest

from devices import registry
from tests.acceptance.live import LiveStack
from tests.acceptance.replay import wait_for
from tests.acceptance.test_kill9 import commits_held
from tests.gates import FaceGate
from tests.homes import make_estate

pytestmark = pytest.mark.slow

GATE, NUMBER = "killed-gate", "1026709"


def test_the_gate_sends_again_until_it_is_told_and_one_event_stands(live: LiveStack) -> None:
    with live.connect() as connection:
        estate_id = make_estate(connection, code=GATE)
        device_id = registry.register_device(
            connection, code=GATE, profile="face-gate", estate_id=estate_id, address=NUMBER
        )

    def events() -> int:
        with live.connect() as connection:
            row = connection.execute(
                "SELECT count(*) FROM event WHERE device_id = %s", [device_id]
            ).fetchone()
        return row[0] if row else 0

    with FaceGate(urlsplit(live.ready["mqtt311"]).port or 0, NUMBER, prefix=f"gw/{GATE}/") as gate:
        with commits_held(live, "journal") as one_stands:
            gate.record(1)
            wait_for(one_stands, "ingest waits for its commit")
            killed = live.kill("ingest")
        wait_for(lambda: events() == 1, "the commit happened, unheard")
        assert gate.heard == []
        assert gate.open
        wait_for(live.is_back("ingest", killed), "ingest is back")
        wait_for(lambda: not gate.open, "the gate was told")
        assert gate.sent[1] > 1
    live.settle()
    assert events() == 1
