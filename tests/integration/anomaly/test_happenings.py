"""What doors and readers told, one by one, as detectors get it."""

from datetime import timedelta

import numpy as np

from anomaly import loading
from anomaly.window import Happenings
from storage.pool import Connection
from tests.homes import make_units
from tests.integration.anomaly.homes import add_event, add_lock, local
from tests.unit.anomaly.homes import FIRST
from wire.events import EventType
from wire.quality import Quality


def happenings(connection: Connection, unit_ids: list[int], *, since: int | None = 0) -> Happenings:
    (block,) = loading.blocks(connection, unit_ids)
    return loading.load(
        connection,
        block,
        first=FIRST,
        last=FIRST + timedelta(days=30),
        now=local(400),
        covered_min=30,
        told_since=None if since is None else FIRST + timedelta(days=since),
    ).happenings


def register(connection: Connection, unit_id: int, subject: str, *, until: int | None = None) -> None:
    connection.execute(
        "WITH r AS (INSERT INTO resident (code, subject) VALUES (%(s)s, %(s)s) RETURNING id)"
        " INSERT INTO occupant (unit_id, resident_id, starts_at, ends_at)"
        " SELECT %(u)s, id, '2020-01-01Z', %(e)s FROM r",
        {"s": subject, "u": unit_id, "e": None if until is None else local(until)},
    )


def test_each_is_told_with_who_it_was_and_when_it_was_known(connection: Connection) -> None:
    one, other = make_units(connection, 2)
    locks = {unit: add_lock(connection, unit) for unit in (one, other)}
    register(connection, one, "mo", until=10)
    entry = {"kind": EventType.entry}
    add_event(connection, locks[one], local(2, 8.5), subject="mo", **entry)
    add_event(connection, locks[one], local(3, 8), subject="mo", **entry, received_at=local(5, 1.5))
    add_event(connection, locks[one], local(12, 8), subject="mo", **entry)  # no longer registered
    add_event(connection, locks[one], local(4, 9), subject=None, **entry)
    add_event(connection, locks[one], local(4, 10), kind=EventType.door_left_open, value=45)
    add_event(connection, locks[one], local(6), subject="x", **entry, quality=int(Quality.IDENTITY_UNPROVEN))
    add_event(connection, locks[other], local(1), subject="mo", **entry)
    found = happenings(connection, [one, other])
    assert found.unit.tolist() == [0, 0, 0, 0, 0, 1]
    np.testing.assert_allclose(found.hour[:5], [56.5, 80, 105, 106, 296])
    assert found.arrived.tolist()[:5] == [57, 122, 105, 106, 296]
    assert found.type.tolist()[:5] == [1, 1, 1, 4, 1]
    assert found.registered.tolist() == [True, True, False, False, False, False]
    assert found.fresh.tolist() == [True, False, False, False, False, True]
    first, again, nobody, door, later, elsewhere = found.subject.tolist()
    assert first == again == later == elsewhere >= 0
    assert nobody == door == -1
    assert found.value[3] == 45


def test_from_a_day_on_only_what_is_after_it_is_told(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    lock = add_lock(connection, unit)
    for day in (1, 20):
        add_event(connection, lock, local(day), kind=EventType.entry, subject="mo")
    late = happenings(connection, [unit], since=10)
    assert late.hour.tolist() == [480]
    assert late.fresh.tolist() == [False]
    assert happenings(connection, [unit], since=None).unit.size == 0
