"""Hazards on a real database: within the hour of the reading, not in the evening."""

import dataclasses
from datetime import datetime, timedelta

import numpy as np

from anju.work import Work
from anomaly.sweep import sweep
from housing.kinds import HAZARDS
from storage.pool import Connection
from tests.homes import make_units
from tests.integration.anomaly.homes import MIDNIGHT, add_event, add_lock, local, write_usage
from tests.integration.usage.meters import at, hourly, make_meter, make_unit, tell
from tests.unit.anomaly.homes import Told
from tests.unit.anomaly.test_burst import START, with_draw
from tests.unit.anomaly.test_overload import with_load
from tests.unit.anomaly.test_silence import DAY, DAYS, elder, silent
from tests.workers import BOOKS
from wire.events import EventType


def worked(connection: Connection, now: datetime) -> None:
    """What the worker does when readings came."""
    work = Work(books=BOOKS, now=lambda: now)
    while work.recompute(connection):
        pass
    work.sweep(connection)


def signals(connection: Connection, kind: str) -> list[tuple[int, datetime, datetime]]:
    return connection.execute(
        "SELECT unit_id, at, since FROM signal WHERE kind = %s ORDER BY as_of, unit_id", [kind]
    ).fetchall()


def test_a_burst_is_a_lead_within_the_hour_of_its_reading(connection: Connection) -> None:
    unit = make_unit(connection)
    meter = make_meter(connection, unit, "water-register")
    used = np.where(np.arange(24 * 20 + 12) % 24 < 20, 12, 0).cumsum()
    tell(connection, meter, hourly(used.tolist()))
    last = at(20, minutes=60 * 11)  # of the last reading
    worked(connection, last + timedelta(minutes=20))
    assert signals(connection, "burst") == []
    reading = last + timedelta(hours=1)
    tell(connection, meter, hourly([used[-1] + 800.0], day=20.5))
    now = reading + timedelta(minutes=12)
    worked(connection, now)
    ((found, told_at, since),) = signals(connection, "burst")
    assert (found, since) == (unit, last)
    assert reading <= told_at <= now
    (lead,) = connection.execute("SELECT unit_id FROM lead WHERE kind = 'burst'").fetchall()
    assert lead == (unit,)
    worked(connection, now + timedelta(hours=3))
    ((_, hour, same),) = signals(connection, "burst")
    assert same == since
    assert hour == reading.replace(minute=0) + timedelta(hours=1)  # arrivals are kept by the whole hour


def test_each_hazard_is_found_from_what_the_database_holds(connection: Connection) -> None:
    quiet, loud, loaded, smoking = make_units(connection, 4)
    connection.execute("UPDATE unit SET contract_kw = 8 WHERE id = %s", [loaded])
    let_to_an_older_person(connection, quiet)
    home = silent(elder(), DAY, DAY + 2)
    write_usage(connection, quiet, home)
    lock = add_lock(connection, quiet)
    for told in home.told:
        tell_of(connection, lock, told)
    write_usage(connection, loud, with_draw(elder(lock=False), 900))
    write_usage(connection, loaded, with_load(elder(lock=False), 9.3, start=24 * DAY + 19))
    device = add_lock(connection, smoking, profile="hazard-native")
    tell_of(connection, device, Told(hour=24 * DAY + 3.25, type=EventType.smoke))
    last = MIDNIGHT.date() + timedelta(days=DAY + 1)
    sweep(connection, books=BOOKS, first=last, last=last, now=local(DAYS))
    rows = connection.execute("SELECT kind, unit_id FROM signal WHERE kind = ANY(%s)", [list(HAZARDS)])
    found = dict(rows.fetchall())
    assert found == {
        "elder_silence": quiet,
        "burst": loud,
        "overload": loaded,
        "alarm": smoking,
    }
    (said,) = signals(connection, "elder_silence")
    assert local(DAY, 12) <= said[1] <= local(DAY, 18)
    ((_, told_at, since),) = signals(connection, "burst")
    assert (told_at, since) == (local(0, START + 1), local(0, START))


def test_a_door_that_told_of_leaving_keeps_it_silent(connection: Connection) -> None:
    (unit,) = make_units(connection, 1)
    let_to_an_older_person(connection, unit)
    home = silent(elder(), DAY, DAY + 2)
    left = Told(hour=24 * DAY - 0.7, type=EventType.door_opened)
    home = dataclasses.replace(home, told=[*home.told, left])
    write_usage(connection, unit, home)
    lock = add_lock(connection, unit)
    for told in home.told:
        tell_of(connection, lock, told)
    last = MIDNIGHT.date() + timedelta(days=DAY + 1)
    sweep(connection, books=BOOKS, first=last, last=last, now=local(DAYS))
    assert signals(connection, "elder_silence") == []


def tell_of(connection: Connection, device_id: int, told: Told) -> None:
    add_event(connection, device_id, local(0, told.hour), kind=told.type, subject="p-1")


def let_to_an_older_person(connection: Connection, unit_id: int) -> None:
    connection.execute(
        "WITH h AS (INSERT INTO household (code, size, elder_alone) VALUES ('h', 1, true) RETURNING id)"
        " INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
        " SELECT 'l', %s, id, '2020-01-01', '2030-01-01' FROM h",
        [unit_id],
    )
