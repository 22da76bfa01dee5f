import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from devices.installations import end, install
from storage.pool import Connection, connect
from tests.integration.usage.meters import (
    ENERGY,
    EPOCH,
    FIRST,
    WATER,
    assert_as_from_scratch,
    at,
    hourly,
    hours_of,
    make_meter,
    make_unit,
    tell,
    usage_rows,
    work_off,
    work_off_all,
)
from tests.unit.usage import meter
from tests.unit.usage.meter import NEW, OLD, Told, told_by_a_meter
from tests.unit.usage.oracle import CONFLICT, Row
from tests.waiting import wait_until
from usage import recompute
from wire.channels import BY_NAME, EVENTS


def test_a_register_becomes_hours(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly([100, 103, 103, 110, 110]))
    touched = work_off(connection)
    assert list(touched) == [(unit, WATER, at(0).date())]
    assert touched.marked == 1
    hours = hours_of(connection, unit)
    np.testing.assert_array_equal(hours.amount[0, :5], [3, 0, 7, 0, np.nan])
    np.testing.assert_array_equal(hours.covered_min[0, :5], [60, 60, 60, 60, 0])
    assert hours.lag_h[0, 0] == 1
    assert_as_from_scratch(connection, unit)


def test_intervals_of_a_midnight_touch_the_day_they_belong_to(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "energy-interval-30min", channel=ENERGY)
    tell(connection, device, hourly([0.5] * 50, day=0.5, hours=0.5), channel=ENERGY)
    assert [day for _, _, day in work_off(connection)] == [at(0).date(), at(1).date()]
    assert usage_rows(connection) == {(unit, ENERGY, 0): 12.0, (unit, ENERGY, 1): 13.0}
    assert_as_from_scratch(connection, unit, channel=ENERGY)


def test_a_late_reading_splits_the_gap_that_was_spread(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, [*hourly([0], day=0), *hourly([2400], day=10)])
    work_off(connection)
    assert usage_rows(connection)[unit, WATER, 7] == pytest.approx(240)
    tell(connection, device, hourly([0], day=5))
    assert len(work_off(connection)) == 10
    assert usage_rows(connection)[unit, WATER, 2] == 0
    assert usage_rows(connection)[unit, WATER, 7] == pytest.approx(480)
    assert_as_from_scratch(connection, unit)


def test_rows_that_stay_the_same_wake_nobody(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(60)))
    work_off(connection)
    connection.execute(
        "INSERT INTO usage_dirty SELECT unit_id, channel, day FROM usage, generate_series(1, 3)"
    )
    touched = work_off(connection)
    assert (len(touched), touched.marked) == (0, 3)


def test_days_of_which_nothing_is_known_any_more_are_removed(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly([*range(30), 0, *range(30, 60)]))
    work_off(connection)
    assert connection.execute("SELECT count(*) FROM usage_fault").fetchone() == (1,)
    connection.execute("DELETE FROM reading")
    connection.execute("INSERT INTO usage_dirty SELECT unit_id, channel, day FROM usage")
    assert [day for _, _, day in work_off(connection)] == [at(n).date() for n in range(3)]
    assert usage_rows(connection) == {}
    assert connection.execute("SELECT count(*) FROM usage_fault").fetchone() == (0,)


def test_a_day_with_nothing_but_a_conflict_says_so(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    start = hourly([5])[0]
    tell(
        connection,
        device,
        [Row(device=0, time=start.time, received=start.time, value=5, quality=CONFLICT)],
    )
    work_off(connection)
    assert connection.execute("SELECT quality FROM usage").fetchall() == [(CONFLICT,)]
    assert_as_from_scratch(connection, unit)


def test_marks_of_events_and_of_gauges_pass_as_one(connection: Connection) -> None:
    unit = make_unit(connection)
    gauge = BY_NAME["power_w"].code
    connection.execute(
        "INSERT INTO usage_dirty VALUES (%(u)s, %(e)s, %(d)s), (%(u)s, %(g)s, %(d)s), (%(u)s, %(g)s, %(f)s)",
        {"u": unit, "e": EVENTS, "g": gauge, "d": at(3).date(), "f": at(5).date()},
    )
    touched = work_off(connection)
    assert list(touched) == [(unit, EVENTS, at(3).date()), (unit, EVENTS, at(5).date())]
    assert connection.execute("SELECT count(*) FROM usage_dirty").fetchone() == (0,)


def test_a_batch_takes_no_more_days_than_it_may(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(24 * 7)))
    assert [work_off(connection, limit=3).marked for _ in range(4)] == [3, 3, 1, 0]
    assert_as_from_scratch(connection, unit)


def test_what_is_rolled_back_leaves_marks_and_hours_as_they_were(connection: Connection) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(5)))
    connection.commit()
    work_off(connection, commit=False)
    connection.rollback()
    assert usage_rows(connection) == {}
    assert work_off(connection).marked == 1
    assert_as_from_scratch(connection, unit)


def test_a_mark_that_comes_meanwhile_stays_and_the_next_worker_waits(
    connection: Connection, dsn: str
) -> None:
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    tell(connection, device, hourly(range(5)))
    connection.commit()
    work_off(connection, commit=False)

    with connect(dsn, name="late") as late, connect(dsn, name="second") as second:
        tell(late, device, hourly([9], day=0.5))
        late.commit()
        done: list[int] = []
        thread = threading.Thread(target=lambda: done.append(work_off(second).marked))
        thread.start()
        wait_until(
            lambda: (
                late.execute(
                    "SELECT FROM pg_stat_activity WHERE application_name = 'anju second'"
                    " AND wait_event_type = 'Lock'"
                ).rowcount
            ),
            what="the second worker waits",
        )
        assert not done
        connection.commit()
        thread.join(10)
        assert done == [1]
    assert_as_from_scratch(connection, unit)


def test_an_older_result_never_overwrites_a_newer_one(
    connection: Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late change of the day before reaches into a day that is just being recomputed."""
    unit = make_unit(connection)
    device = make_meter(connection, unit, "water-register")
    half_past = 1 / 48
    tell(connection, device, hourly(range(24, 48), day=1 + half_past))
    connection.commit()
    loaded, may_write = threading.Event(), threading.Event()
    write = recompute._write

    def slow_write(*given: object) -> object:
        if not loaded.is_set():
            loaded.set()
            assert may_write.wait(10)
        return write(*given)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(recompute, "_write", slow_write)
    with ThreadPoolExecutor() as pool, connect(dsn, name="first") as one, connect(dsn, name="second") as two:
        first = pool.submit(work_off, one)
        assert loaded.wait(10)
        tell(connection, device, hourly(range(24), day=half_past))
        connection.commit()
        second = pool.submit(work_off, two, limit=1)
        waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: second.done() or connection.execute(waits).rowcount, what="it is done or waits")
        may_write.set()
        assert first.result(10).marked == 1
        assert second.result(10).marked == 1
    connection.rollback()
    assert_as_from_scratch(connection, unit)


def test_a_new_meter_in_the_same_home_is_a_new_register(connection: Connection) -> None:
    unit = make_unit(connection)
    noon = at(1.5)
    old = make_meter(connection, unit, "water-register", code="old", until=noon)
    new = make_meter(connection, unit, "water-register", code="new", since=noon, multiplier=10)
    tell(connection, old, hourly(range(1000, 1050)))
    tell(connection, new, hourly(range(50), day=1.5))
    work_off(connection)
    rows = usage_rows(connection)
    assert rows[unit, WATER, 0] == 24
    assert rows[unit, WATER, 1] == 11 + 120
    assert_as_from_scratch(connection, unit)


def test_a_corrected_installation_withdraws_what_it_caused(connection: Connection) -> None:
    wrong, right = make_unit(connection), make_unit(connection, code="E2")
    device = make_meter(connection, wrong, "water-register")
    tell(connection, device, [*hourly(range(30)), *hourly(range(1000, 1030), day=20)])
    work_off_all(connection)
    assert usage_rows(connection)[wrong, WATER, 12] > 0
    install(connection, device_id=device, channel=WATER, unit_id=right, valid_from=EPOCH)
    connection.commit()
    work_off_all(connection)
    assert {unit for unit, _, _ in usage_rows(connection)} == {right}
    end(connection, device_id=device, channel=WATER, valid_to=at(10))
    connection.commit()
    work_off_all(connection)
    assert max(day for _, _, day in usage_rows(connection)) == 1
    assert_as_from_scratch(connection, right)


def test_many_units_in_one_go(connection: Connection) -> None:
    units = [make_unit(connection, code=f"E{n}") for n in range(6)]
    for n, unit in enumerate(units):
        water = make_meter(connection, unit, "water-register")
        energy = make_meter(connection, unit, "energy-interval-30min", channel=ENERGY)
        tell(connection, water, hourly(range(n, 100 * n + 60, n + 1)))
        tell(connection, energy, hourly([n / 8] * 90, hours=0.5), channel=ENERGY)
    work_off_all(connection, limit=7)
    for unit in units:
        assert_as_from_scratch(connection, unit)
        assert_as_from_scratch(connection, unit, channel=ENERGY)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(told_by_a_meter(), st.lists(st.integers(1, 40), max_size=4))
def test_a_faulty_meter_in_any_portions(connection: Connection, told: Told, portions: list[int]) -> None:
    """Through the real database, under its rule of one row a key."""
    for table in ("usage", "usage_fault", "usage_dirty", "reading", "installation", "device"):
        connection.execute(f"DELETE FROM {table}")  # pyright: ignore[reportArgumentType]
    known = connection.execute("SELECT id FROM unit").fetchone()
    unit = known[0] if known else make_unit(connection)
    places = {place.device: place for place in told.places}
    devices: dict[int, int] = {}
    for name in (OLD, NEW):
        place = places.get(name)
        moved = timedelta(microseconds=place.start if place else 2**51)
        until = EPOCH + timedelta(microseconds=place.end) if place and place.end < 2**55 else None
        if place or name == OLD:
            devices[name] = make_meter(
                connection, unit, "water-register", code=f"m-{name}", since=EPOCH + moved, until=until
            )
    rows: dict[tuple[int, int], Row] = {}
    for row in told.rows:
        rows.setdefault((row.device, row.time), row)
    waiting = list(rows.values())
    for portion in (*portions, len(waiting)):
        for row in waiting[:portion]:
            tell(connection, devices[row.device], [row])
        waiting = waiting[portion:]
        work_off(connection, limit=2)
    work_off_all(connection)
    assert_as_from_scratch(connection, unit)
    assert meter.START // 86_400_000_000 < FIRST


def test_a_withdrawn_interval_leaves_nothing_on_the_day_it_reached_into(connection: Connection) -> None:
    wrong, right = make_unit(connection), make_unit(connection, code="E2")
    device = make_meter(connection, wrong, "energy-interval-30min", channel=ENERGY)
    tell(connection, device, hourly([0.5], day=23.9 / 24), channel=ENERGY)
    work_off_all(connection)
    assert usage_rows(connection) == {(wrong, ENERGY, 1): 0.5}
    install(connection, device_id=device, channel=ENERGY, unit_id=right, valid_from=EPOCH)
    connection.commit()
    work_off_all(connection)
    assert usage_rows(connection) == {(right, ENERGY, 1): 0.5}
