"""`anju demo`: the demo estate into a running stack, or once through everything with a report."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from anju import clock, database, stack, status, terminal
from anju.demo import accounts, bulk, evenings, load, replay, simulator
from anju.demo.load import Demo
from anju.embedded.tether import tied
from anju.errors import AnjuError
from anju.importer import known
from anju.processes import policy_books
from anju.settings import Settings
from anju.settle import settle
from ingest.address import BrokerAddress
from storage.pool import Connection

#: The sample that comes with Anju.
SAMPLE = Path(__file__).parent / "data"
_SETTLE_S = 600.0
_STOP_S = 60.0


class NotSettled(AnjuError):
    """The demo is loaded, but what follows from it was not computed in time."""


class StackFailed(AnjuError):
    """The stack of the demo did not come up."""


def run(settings: Settings, *, data: Path | None) -> int:
    """Load what is missing, replay the last days, wait for the leads; answers the messages published.

    Raises
    ------
    StackDown, DataUnusable, DemoRefused, PublishFailed, NotSettled
    """
    console = Console(stderr=True)
    now = clock.now()
    published = 0
    with database.connected(settings, name="demo") as connection:
        demo = load.find(connection, data or settings.demo_data or SAMPLE, now=now)
        if demo is not None:
            published = bring_up(connection, settings, demo, now, console)
        password = accounts.ensure(connection, settings, now=now)
        connection.commit()
    with console.status("计算用量、信号与线索 · computing usage, signals and leads"):
        settled = settle(settings, timeout_s=_SETTLE_S)
    if not settled.settled:
        raise NotSettled(f"{NotSettled.__doc__} {settled.in_words()}")
    _look_back(settings, console)
    names = ", ".join(accounts.ACCOUNTS)
    shown = password if settings.demo_password is None else "ANJU_DEMO_PASSWORD"
    console.print(f"演示账户 · demo accounts: {names}\n密码 · password: {shown}", highlight=False)
    return published


def run_once(settings: Settings, *, data: Path | None, report: Path | None) -> dict[str, object]:
    """Start what is needed, load, replay, settle, report, stop.

    Returns
    -------
    dict
        The counters of `anju status --json` and ``published``.
    """
    with _own_stack(settings):
        published = run(settings, data=data)
        with database.connected(settings, name="demo") as connection:
            counted = {**status.counters(connection), "published": published}
    text = json.dumps(counted, indent=2, ensure_ascii=False)
    if report is None:
        print(text)
    else:
        report.write_text(text + "\n", encoding="utf-8")
    return counted


def bring_up(connection: Connection, settings: Settings, demo: Demo, now: datetime, console: Console) -> int:
    """Bring a planned demo up to now; answers the messages published. Broken off, it goes on later."""
    start, middle = load.split(demo, now)
    if not demo.registered:
        load.registry(connection, demo, city=settings.city, key=settings.key, now=now)
        connection.commit()
    with terminal.bars(console) as progress:
        if middle > start:
            _load_history(connection, demo, middle, progress)
        load.mark(connection, demo, middle, replaying=True)
        connection.commit()
        published = _replay(settings, demo, middle, now, progress)
    load.mark(connection, demo, now)
    connection.commit()
    return published


def _load_history(connection: Connection, demo: Demo, middle: datetime, progress: Progress) -> None:
    task = progress.add_task("装载历史 · loading history", total=demo.covered)
    ids = {code: device.id for code, device in known.read(connection).devices.items()}
    for data in load.measured(demo, demo.stored, middle):
        bulk.store(connection, data, ids.__getitem__)
        connection.commit()
        progress.advance(task)


def _replay(settings: Settings, demo: Demo, middle: datetime, now: datetime, progress: Progress) -> int:
    """The rest, as the devices themselves would have sent it."""
    messages = replay.messages(list(load.measured(demo, middle, now)))
    if not messages:
        return 0
    task = progress.add_task("经 MQTT 回放最近几天 · replaying the last days over MQTT", total=len(messages))
    address = BrokerAddress.parse(stack.mqtt_url(settings))
    return simulator.publish(address, messages, told=lambda sent: progress.advance(task, sent))


def _look_back(settings: Settings, console: Console) -> None:
    """Signals as of each past evening, so that a home's year shows what would have been said when."""
    now = clock.now()  # later than what the worker did meanwhile
    with database.connected(settings, name="demo") as connection:
        if evenings.missing(connection, now=now) is None:
            return
        with terminal.told("逐日回看信号 · signals of past evenings", console) as told:
            evenings.look_back(connection, books=policy_books(), now=now, progress=told)


@contextmanager
def _own_stack(settings: Settings) -> Iterator[None]:
    """A stack for as long as the block: the one that runs already, else one of our own."""
    running = stack.read(settings.data_dir)
    if running is not None and all(stack.alive(pid) for pid in running.pids.values() if pid is not None):
        yield
        return
    command = [sys.executable, "-P", "-m", "anju", "up", "--json", "--http-port", "0"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(settings.data_dir)],
        stdout=subprocess.PIPE,
        env=dict(os.environ),
        preexec_fn=tied(signal.SIGTERM),  # noqa: PLW1509 - calls prctl only
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise StackFailed(f"{StackFailed.__doc__} Its logs are in {settings.data_dir / 'logs'}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_S)
