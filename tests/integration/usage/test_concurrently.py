"""Ingest and workers at the same time: at the end everything is as if derived from scratch."""

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random

import pytest

import policy
from anju import work, worker
from devices import registry
from devices.installations import Installation, install_all
from ingest.bound import Bound
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection, connect
from tests.homes import make_estate, make_units
from tests.integration.usage.meters import EPOCH, WATER, assert_as_from_scratch, us, work_off
from tests.unit.usage import meter
from tests.unit.usage.oracle import UNPROVEN, Row
from tests.workers import NOW, wait_settled, working
from wire.envelope import Kind, topic_of

HOMES = 5
#: The life of a simulated meter, moved so that it ends a few days ago.
MOVED_US = us(NOW) - meter.START - 14 * 86_400_000_000
RULES = policy.load("anhe").on(NOW.date()).ingest
#: Only these topics are bound to a credential: the others prove no device.
BOUND = Bound([f"hm/v1/home-{n}/#" for n in range(HOMES)])


def install(connection: Connection) -> list[int]:
    units = make_units(connection, HOMES)
    estate_id = make_estate(connection)
    codes = [f"home-{n}" for n in range(HOMES)] + ["stranger"]
    devices = registry.register_devices(
        connection,
        [registry.NewDevice(code=code, profile="water-register", estate_id=estate_id) for code in codes],
    )
    install_all(
        connection,
        [
            Installation(device_id=devices[f"home-{n}"], channel=WATER, unit_id=unit, valid_from=EPOCH)
            for n, unit in enumerate(units)
        ],
    )
    connection.commit()
    return units


def message(home: int, row: Row, seq: int) -> Message:
    moment = EPOCH.fromtimestamp((row.time + MOVED_US) // 1_000_000, tz=EPOCH.tzinfo)
    code = "stranger" if row.quality & UNPROVEN else f"home-{home}"
    payload = {"seq": seq, "at": moment.isoformat(), "readings": [{"ch": "water_l", "v": row.value}]}
    return Message(
        topic=topic_of(code, Kind.readings),
        payload=json.dumps(payload).encode(),
        received_us=row.received + MOVED_US,
    )


def batches(rng: Random, messages: Sequence[Message]) -> list[list[Message]]:
    cut, waiting = [], list(messages)
    while waiting:
        size = rng.choice((1, 2, 5, 40))
        cut.append(waiting[:size])
        waiting = waiting[size:]
    return cut


@contextmanager
def ingesting(dsn: str, seed: int) -> Iterator[None]:
    """Three ingest processes' pipelines store the lives of all meters while the body runs; waits for them."""
    rng = Random(seed)
    faults = tuple(kind for kind in meter.FAULTS if kind != "install")
    messages = [
        message(home, row, n)
        for home in range(HOMES)
        for life in range(2)
        for n, row in enumerate(meter.live(Random(100 * seed + 10 * home + life), faults).rows)
    ]
    rng.shuffle(messages)

    def ingest(name: str, part: Sequence[Message]) -> None:
        with connect(dsn, name=name) as own:
            pipeline = Pipeline(own, bound=BOUND, rules=lambda _: RULES, now=lambda: NOW, source=name)
            for batch in batches(Random(name), part):
                pipeline.store(batch)

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(ingest, f"ingest-{n}-{seed}", messages[n::3]) for n in range(3)]
        yield
        for one in running:
            one.result(60)


@pytest.mark.parametrize("seed", range(2))
def test_with_workers_everything_is_as_from_scratch_at_the_end(
    connection: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(worker, "_LOOK_EVERY_S", 0.3)
    monkeypatch.setattr(worker, "_FETCH_EVERY_S", 0.05)
    monkeypatch.setattr(work.Work.recompute, "__kwdefaults__", {"limit": 4})
    units = install(connection)
    with working(dsn, count=2), connect(dsn, name="eye", autocommit=True) as eye:
        with ingesting(dsn, seed):
            pass
        wait_settled(eye, within_s=60)
    assert connection.execute("SELECT count(*) FROM usage").fetchone() != (0,)
    for unit in units:
        assert_as_from_scratch(connection, unit)


@pytest.mark.parametrize("seed", range(2, 5))
def test_however_recomputes_meet_everything_is_as_from_scratch_at_the_end(
    connection: Connection, dsn: str, seed: int
) -> None:
    """Without the queue, which lets one recompute run at a time: the lock alone must do."""
    units, stop = install(connection), threading.Event()

    def recompute_on(name: str) -> None:
        with connect(dsn, name=name) as own:
            while not stop.is_set() or work_off(own, limit=3).marked:
                work_off(own, limit=2)

    with ThreadPoolExecutor() as pool:
        running = [pool.submit(recompute_on, f"recompute-{n}") for n in range(3)]
        try:
            with ingesting(dsn, seed):
                pass
        finally:
            stop.set()
        for one in running:
            one.result(60)
    for unit in units:
        assert_as_from_scratch(connection, unit)
