"""A demo whose load or look back was broken off goes on as if it had not been."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from anju.demo import bulk, command, evenings, load
from anju.demo.estate import ESTATE
from anju.demo.simulator import Outgoing
from anju.processes import policy_books
from anju.settings import Settings
from anju.settings import load as load_settings
from anju.work import Work
from housing.leads import raise_leads
from storage.pool import Connection, connect
from wire.quality import Quality

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LATER = NOW + timedelta(days=1, hours=5)


class Killed(Exception):
    """The process ended here."""


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Outgoing]:
    """What a demo publishes; nobody takes it."""
    sent: list[Outgoing] = []

    def publish(_address: object, messages: list[Outgoing], **_: object) -> int:
        sent.extend(messages)
        return len(messages)

    monkeypatch.setattr(command.simulator, "publish", publish)
    return sent


@pytest.fixture
def settings(dsn: str, tmp_path: Path, published: list[Outgoing]) -> Settings:
    return load_settings({}, data_dir=tmp_path, database_url=dsn, mqtt_url="mqtt://127.0.0.1:1")


def _bring_up(dsn: str, settings: Settings, folder: Path, now: datetime) -> load.Demo:
    with connect(dsn, name="test") as connection:
        demo = load.find(connection, folder, now=now)
        assert demo is not None
        command.bring_up(connection, settings, demo, now, Console(quiet=True))
    return demo


def _killed_at(monkeypatch: pytest.MonkeyPatch, home: int) -> None:
    """Let the process end before the so many-th home is stored."""
    store, calls = bulk.store, iter(range(1_000))

    def until_killed(*arguments: object) -> int:
        if next(calls) == home:
            raise Killed
        return store(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(command.bulk, "store", until_killed)


@pytest.mark.parametrize("home", [0, 1])
def test_a_first_load_that_was_broken_off_keeps_its_plan_the_next_day(
    dsn: str, settings: Settings, few: Path, home: int
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        _killed_at(patched, home)
        with pytest.raises(Killed):
            _bring_up(dsn, settings, few, NOW)
    demo = _bring_up(dsn, settings, few, LATER)
    assert demo.anchor == (date(2026, 11, 24) - date(1970, 1, 1)).days
    _, middle = load.split(demo, LATER)
    meant = sum(
        register.time_us.size
        for data in load.measured(demo, None, middle)
        for register in data.registers.values()
    )
    with connect(dsn, name="test") as connection:
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (meant,)
        conflicts = "SELECT count(*) FROM reading WHERE quality & %s <> 0"
        assert connection.execute(conflicts, [int(Quality.CONFLICT)]).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM lease").fetchone() == (48,)
        loads = "SELECT count(*) FROM audit_log WHERE action = 'demo.load' AND subject = %s"
        assert connection.execute(loads, [f"estate:{ESTATE}"]).fetchone() == (1,)


def _elements(messages: list[Outgoing]) -> Counter[tuple[str, str]]:
    """What devices told, whether alone or in arrays."""
    found: Counter[tuple[str, str]] = Counter()
    for message in messages:
        told = json.loads(message.payload)
        found.update((message.topic, json.dumps(one)) for one in (told if isinstance(told, list) else [told]))
    return found


def test_a_replay_that_was_broken_off_is_published_again_as_it_was(
    dsn: str, settings: Settings, few: Path, published: list[Outgoing]
) -> None:
    with pytest.MonkeyPatch.context() as patched:

        def publish(_address: object, messages: list[Outgoing], **_: object) -> int:
            published.extend(messages)
            raise Killed

        patched.setattr(command.simulator, "publish", publish)
        with pytest.raises(Killed):
            _bring_up(dsn, settings, few, NOW)
    first = _elements(published)
    published.clear()
    with connect(dsn, name="test") as connection:
        before = connection.execute("SELECT count(*) FROM event").fetchone()
    _bring_up(dsn, settings, few, LATER)
    assert first <= _elements(published)
    with connect(dsn, name="test") as connection:
        # in bulk they would have no `seq` and stand beside those that were published
        assert connection.execute("SELECT count(*) FROM event").fetchone() == before
    published.clear()
    _bring_up(dsn, settings, few, LATER + timedelta(days=4))
    with connect(dsn, name="test") as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() > before
    assert max(_elements(published).values()) == 1


def _compute(connection: Connection) -> None:
    """What the worker does until nothing is left."""
    work = Work(books=policy_books(), now=lambda: NOW)
    while work.recompute(connection):
        pass
    work.sweep(connection)


def test_past_evenings_are_looked_back_at_once_and_their_leads_are_there(
    dsn: str, settings: Settings, few: Path
) -> None:
    _bring_up(dsn, settings, few, NOW)
    books = policy_books()
    with connect(dsn, name="test") as connection:
        _compute(connection)
        assert evenings.missing(connection, now=NOW) == (date(2025, 11, 25), date(2026, 11, 23))
        with connection.transaction(force_rollback=True):
            evenings.look_back(connection, books=books, now=NOW)
        # broken off: all of it is still to be done
        assert evenings.missing(connection, now=NOW) is not None
        evenings.look_back(connection, books=books, now=NOW)
        assert evenings.missing(connection, now=NOW) is None
        assert raise_leads(connection, books=books, now=NOW) == 0
        signals = connection.execute("SELECT count(DISTINCT as_of) FROM signal").fetchone()
        assert signals is not None
        assert signals[0] > 30
        assert evenings.missing(connection, now=LATER) == (date(2026, 11, 24), date(2026, 11, 24))
