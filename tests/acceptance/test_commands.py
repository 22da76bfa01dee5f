"""kill -9 of ingest between a command and its answer: the answer counts, and nothing is done twice."""

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

import policy
from devices import commands, registry
from devices.commands import Asker, Wanted
from storage.pool import connect
from tests.acceptance.live import LiveStack
from tests.homes import make_estate
from tests.told import ToldDevice
from tests.waiting import wait_until

LI = Asker(by="account:li", everything=True)


def test_an_answer_that_comes_while_ingest_is_dead_ends_its_command(live: LiveStack) -> None:
    code, now = "told-lock-1", datetime.now(UTC)
    with connect(live.ready["dsn"], name="test") as connection:
        estate = make_estate(connection, code="TOLD")
        registry.register_device(connection, code=code, profile="lock-native", estate_id=estate)
    device = ToldDevice(urlsplit(live.ready["mqtt"]).port or 0, code, silent=True)
    with connect(live.ready["dsn"], name="test") as connection:
        wanted = Wanted(id=uuid4(), device=code, name="restart", arguments={})
        rules = policy.load("anhe").on(now.date()).command
        commands.ask(connection, wanted, asker=LI, rules=rules, now=now)

    def status() -> str:
        with connect(live.ready["dsn"], name="test") as connection:
            return commands.one(connection, wanted.id, asker=LI).status

    wait_until(lambda: device.told, what="the device was told")
    assert status() == "sent"
    killed = live.kill("ingest")
    device.say(str(wanted.id))
    wait_until(live.is_back("ingest", killed), within_s=30, what="ingest is back")
    wait_until(lambda: status() == "acknowledged", within_s=30, what="the answer was recorded")
    # Whatever is asked next comes; the one that was answered does not come again.
    with connect(live.ready["dsn"], name="test") as connection:
        following = Wanted(id=uuid4(), device=code, name="read_now", arguments={})
        commands.ask(connection, following, asker=LI, rules=rules, now=datetime.now(UTC))
    wait_until(lambda: str(following.id) in device.done, what="the next command has come")
    assert device.done == [str(wanted.id), str(following.id)]
    assert len(device.told) == 2
    device.close()
