"""A wrong binding corrected backwards: as if it had been right from the beginning."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import LiteralString

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import policy
from anju.work import Work
from anomaly.sweep import sweep
from devices import lifecycle, registry
from devices.acts import Correct, Exchange, Undo
from devices.installations import install
from devices.timelines import Place
from housing import leads, verdicts, withdrawals
from housing.scope import EVERYTHING
from storage.pool import Connection, connect
from tests.homes import make_estate, make_units
from tests.integration.anomaly.homes import MIDNIGHT, local
from tests.unit.anomaly.homes import FIRST, Home, lived_in
from tests.waiting import wait_until
from tests.workers import working
from wire.channels import BY_NAME, EVENTS

ENERGY, WATER = BY_NAME["energy_kwh"].code, BY_NAME["water_l"].code
BOOKS = {"anhe": policy.load("anhe")}
DAYS = 110
#: In the last night of the homes.
NOW = local(DAYS, 1)
BEGAN = MIDNIGHT - timedelta(days=1)


def work_at(now: datetime) -> Work:
    return Work(books=BOOKS, now=lambda: now)


def make_device(connection: Connection, code: str, home: Home) -> int:
    """A device for everything, with its readings and doors in the database."""
    device_id = registry.register_device(
        connection, code=code, profile="home-native", estate_id=make_estate(connection)
    )
    for channel, amounts in ((ENERGY, home.kwh), (WATER, home.litres)):
        known = np.isfinite(amounts)
        register = np.concatenate(([0.0], np.cumsum(np.where(known, amounts, 0))))
        told = np.concatenate(([True], known))
        rows = [
            (MIDNIGHT + timedelta(hours=n), value, device_id, channel)
            for n, value in enumerate(register.tolist())
            if told[n]
        ]
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY reading (time, received_at, value, device_id, channel, decoder) FROM STDIN"
            ) as copy,
        ):
            for time, value, device, code_ in rows:
                copy.write_row((time, time + timedelta(minutes=5), round(value, 3), device, code_, 101))
    for day, passed in enumerate(() if home.doors is None else home.doors.tolist()):
        for n in range(passed):
            at = local(day, 8 + n)
            connection.execute(
                "INSERT INTO event (time, received_at, device_id, type, decoder, dedupe_key)"
                " VALUES (%s, %s, %s, 2, 101, %s)",
                [at, at, device_id, at.isoformat()],
            )
    return device_id


def bind(
    connection: Connection, device_id: int, unit_id: int, since: datetime, until: datetime | None = None
) -> None:
    for channel in (ENERGY, WATER, EVENTS):
        install(
            connection,
            device_id=device_id,
            channel=channel,
            unit_id=unit_id,
            valid_from=since,
            valid_to=until,
        )


def settle(connection: Connection, now: datetime = NOW) -> None:
    """What the worker does, until nothing is left."""
    work = work_at(now)
    while work.recompute(connection):
        pass
    work.renew(connection)
    work.sweep(connection)


def derived(connection: Connection, unit_id: int) -> dict[str, list[tuple[object, ...]]]:
    """All that is derived of a home, without when it was computed; a row that knows nothing is no row."""
    statements: dict[str, LiteralString] = {
        "usage": "SELECT day, channel, quality, amount::text, covered_min, lag_h"
        " FROM usage WHERE unit_id = %s ORDER BY day, channel",
        "unit_day": "SELECT day, energy_kwh, energy_seen_h, energy_active_h, standby_kw, water_l,"
        " water_seen_h, water_active_h, water_zero_h, water_night_l, entries, entries_unknown, doors,"
        " energy_alive, water_alive, door_alive, absent FROM unit_day WHERE unit_id = %s"
        " AND (energy_seen_h, water_seen_h) <> (0, 0) ORDER BY day",
        "signal": "SELECT kind, as_of, at, since, since_pm_days, score, evidence::text, quality::text,"
        " detector, policy FROM signal WHERE unit_id = %s ORDER BY kind, as_of",
    }
    return {name: connection.execute(text, [unit_id]).fetchall() for name, text in statements.items()}


def leaking(home: Home, first: int) -> Home:
    litres = home.litres.copy()
    litres[24 * first :] += 6.0
    return replace(home, litres=litres)


def left(home: Home, first: int) -> Home:
    return home.empty(first, home.days)


@st.composite
def truths(draw: st.DrawFn) -> tuple[list[Home], int, int | None]:
    """Two homes, and the days on which their devices really were crossed."""
    homes = [lived_in(DAYS, seed=draw(st.integers(0, 99)), lock=True) for _ in range(2)]
    homes[0] = leaking(homes[0], draw(st.integers(90, 105)))
    homes[1] = left(homes[1], draw(st.integers(20, 60)))
    silent = draw(st.integers(5, DAYS - 12))
    homes[draw(st.integers(0, 1))] = homes[0].without(silent, silent + draw(st.integers(1, 9)), "litres")
    first = draw(st.integers(0, DAYS - 3))
    end = draw(st.none() | st.integers(first + 1, DAYS - 1))
    return homes, first, end


@settings(
    max_examples=4,
    deadline=None,
    # an example takes a second: shrinking would take minutes
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(truths(), st.integers(0, 23))
def test_a_corrected_pair_is_as_if_it_had_been_right_from_the_beginning(
    connection: Connection, truth: tuple[list[Home], int, int | None], hour: int
) -> None:
    homes, first, end = truth
    since, until = local(first, hour + 0.3), None if end is None else local(end, hour + 0.3)
    with connection.transaction(force_rollback=True):
        wrong, other, right, fellow = make_units(connection, 4)
        # believed: each at its own home all the time; true: crossed from `since` to `until`
        for name, units in (("wrong", (wrong, other)), ("right", (right, fellow))):
            devices = [make_device(connection, f"{name}-{n}", home) for n, home in enumerate(homes)]
            for n, device_id in enumerate(devices):
                if name == "wrong":
                    bind(connection, device_id, units[n], BEGAN)
                    continue
                bind(connection, device_id, units[n], BEGAN, since)
                bind(connection, device_id, units[1 - n], since, until)
                if until is not None:
                    bind(connection, device_id, units[n], until)
        settle(connection)
        sweep(connection, books=BOOKS, first=FIRST, last=FIRST + timedelta(days=DAYS), now=NOW)
        wanted = Exchange(one="wrong-0", other="wrong-1", since=since, until=until)
        done = lifecycle.perform(connection, wanted, by="account:olga", now=NOW)
        assert done.effects
        settle(connection)
        assert derived(connection, wrong) == derived(connection, right)
        assert derived(connection, other) == derived(connection, fellow)
        signals = [row for unit in (right, fellow) for row in derived(connection, unit)["signal"]]
        assert signals, "a truth without signals shows little"


@pytest.fixture
def crossed(connection: Connection) -> tuple[int, int]:
    """Two homes whose devices are crossed; one leaks, the other is left. Swept, with leads."""
    one, other = make_units(connection, 2)
    leak = make_device(connection, "dev-0", leaking(lived_in(DAYS, seed=1, lock=True), 100))
    idle = make_device(connection, "dev-1", left(lived_in(DAYS, seed=2, lock=True), 40))
    bind(connection, leak, other, BEGAN)
    bind(connection, idle, one, BEGAN)
    settle(connection)
    sweep(connection, books=BOOKS, first=FIRST, last=FIRST + timedelta(days=DAYS), now=NOW)
    leads.raise_leads(connection, books=BOOKS, now=NOW)
    connection.commit()
    return one, other


def found(connection: Connection) -> dict[tuple[int, str], str]:
    """Status of the newest lead of each home and kind."""
    listed = leads.list_leads(connection, scope=EVERYTHING)
    return {(lead.unit_id, lead.kind): lead.status for lead in reversed(listed)}


def exchange(connection: Connection) -> int:
    done = lifecycle.perform(connection, Exchange(one="dev-0", other="dev-1"), by="account:olga", now=NOW)
    assert done.change_id is not None
    return done.change_id


def test_leads_on_anothers_data_are_withdrawn_and_the_right_home_gets_its_own(
    connection: Connection, crossed: tuple[int, int]
) -> None:
    one, other = crossed
    assert found(connection) == {(other, "leak"): "open", (one, "vacancy"): "open"}
    change_id = exchange(connection)
    settle(connection)
    assert found(connection) == {
        (other, "leak"): "withdrawn",
        (one, "vacancy"): "withdrawn",
        (one, "leak"): "open",
        (other, "vacancy"): "open",
    }
    (lead,) = leads.list_leads(connection, scope=EVERYTHING, unit_id=other, kind="leak")
    assert (lead.version, lead.closed_at) == (2, NOW)
    (told,) = withdrawals.of_lead(connection, lead.id, scope=EVERYTHING)
    assert (told.effect, told.status, told.by) == ("withdrawn", "open", "account:olga")
    assert (told.reason, told.change_id) == ("another_home", change_id)
    assert connection.execute(
        "SELECT subject, reason FROM audit_log WHERE action = 'lead.withdraw' ORDER BY id"
    ).fetchall() == [(f"lead:{n}", "another_home") for n in sorted(told_of(connection))]


def told_of(connection: Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT lead_id FROM v_withdrawal ORDER BY lead_id")]


def test_what_a_person_decided_is_flagged_and_stays(connection: Connection, crossed: tuple[int, int]) -> None:
    _, other = crossed
    (lead,) = leads.list_leads(connection, scope=EVERYTHING, unit_id=other, kind="leak")
    verdicts.record(
        connection,
        lead_id=lead.id,
        version=1,
        outcome="confirmed",
        code="seen",
        source="visit",
        by="olga",
        note="",
        now=NOW,
        scope=EVERYTHING,
    )
    change_id = exchange(connection)
    settle(connection)
    after = leads.detail(connection, lead.id, scope=EVERYTHING)
    assert (after.status, after.version) == ("confirmed", 2)
    assert [one.effect for one in withdrawals.of_lead(connection, lead.id, scope=EVERYTHING)] == ["flagged"]
    lifecycle.perform(connection, Undo(change_id=change_id, within=timedelta(0)), by="account:olga", now=NOW)
    settle(connection)
    effects = [one.effect for one in withdrawals.of_lead(connection, lead.id, scope=EVERYTHING)]
    assert effects == ["flagged", "cleared"]


def test_a_correction_taken_back_brings_everything_back(
    connection: Connection, crossed: tuple[int, int]
) -> None:
    _, other = crossed
    before = [derived(connection, unit) for unit in crossed]
    change_id = exchange(connection)
    settle(connection)
    assert [derived(connection, unit) for unit in crossed] != before
    lifecycle.perform(connection, Undo(change_id=change_id, within=timedelta(0)), by="account:olga", now=NOW)
    settle(connection)
    assert [derived(connection, unit) for unit in crossed] == before
    # a withdrawn lead stays withdrawn: it is asked anew
    statuses = [lead.status for lead in leads.list_leads(connection, scope=EVERYTHING, unit_id=other)]
    assert sorted(statuses) == ["open", "withdrawn", "withdrawn"]


def test_a_lead_that_is_found_with_the_right_data_too_stays(
    connection: Connection, crossed: tuple[int, int]
) -> None:
    """The correction ends before what the lead is about."""
    _, other = crossed
    (lead,) = leads.list_leads(connection, scope=EVERYTHING, unit_id=other, kind="leak")
    wanted = Exchange(one="dev-0", other="dev-1", since=local(2), until=local(5))
    lifecycle.perform(connection, wanted, by="account:olga", now=NOW)
    settle(connection)
    assert leads.detail(connection, lead.id, scope=EVERYTHING).status == "open"
    assert withdrawals.of_lead(connection, lead.id, scope=EVERYTHING) == []


def test_the_worker_does_it_all_by_itself(
    connection: Connection, crossed: tuple[int, int], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = crossed
    monkeypatch.setattr("tests.workers.NOW", NOW)
    with connect(dsn, name="eye", autocommit=True) as eye, working(dsn):
        exchange(connection)
        connection.commit()
        wait_until(
            lambda: found(eye).get((one, "leak")) == found(eye).get((other, "vacancy")) == "open",
            what="the right homes have their leads",
        )
        assert (found(eye)[other, "leak"], found(eye)[one, "vacancy"]) == ("withdrawn", "withdrawn")


def test_no_mark_is_lost_while_readings_come(
    connection: Connection, crossed: tuple[int, int], dsn: str
) -> None:
    """Readings of the newest day come in a transaction that began before the correction."""
    one, other = crossed
    held, waits = threading.Event(), threading.Event()
    late = local(DAYS, 0.5)

    def ingest() -> None:
        with connect(dsn, name="ingest") as batch:
            registry.hold(batch)
            known = registry.load(batch)
            held.set()
            waits.wait(10)
            device = known.device("dev-0")
            assert device is not None
            at = (device.id, WATER, round(late.timestamp() * 1e6))
            unit_id = int(known.units_at(*(np.array([number], np.int64) for number in at))[0])
            batch.execute(
                "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
                " VALUES (%s, %s, 99999, %s, %s, 101)",
                [late, late, device.id, WATER],
            )
            batch.execute("INSERT INTO usage_dirty VALUES (%s, %s, %s)", [unit_id, WATER, late.date()])

    thread = threading.Thread(target=ingest)
    thread.start()
    assert held.wait(10)

    def correct() -> None:
        with connect(dsn, name="api") as other_connection:
            exchange(other_connection)

    changing = threading.Thread(target=correct)
    changing.start()
    wait_until(
        lambda: (
            connection.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").rowcount
        ),
        what="the correction waits for the batch",
    )
    connection.rollback()
    waits.set()
    thread.join(10)
    changing.join(10)
    marks = connection.execute(
        "SELECT DISTINCT unit_id FROM usage_dirty WHERE channel = %s AND day = %s", [WATER, late.date()]
    ).fetchall()
    assert sorted(row[0] for row in marks) == sorted((one, other))


def test_one_device_alone_can_be_corrected_to_a_home_that_is_free(connection: Connection) -> None:
    believed, real = make_units(connection, 2)
    device_id = make_device(connection, "dev-0", lived_in(12, seed=3))
    bind(connection, device_id, believed, BEGAN)
    now = local(12, 1)
    settle(connection, now)
    wanted = Correct(device="dev-0", place=Place(unit_id=real), since=local(4), channels=["water_l"])
    shown = lifecycle.preview(connection, wanted, now=now)
    assert shown.units == (believed, real)
    assert shown.changes_anything
    done = lifecycle.perform(connection, wanted, by="account:olga", now=now, seen=shown.seen)
    assert sum(effect.days for effect in done.effects) == shown.days
    settle(connection, now)
    days = connection.execute(
        "SELECT unit_id, channel, min(day), max(day) FROM usage GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    assert [row[:2] for row in days] == [(believed, ENERGY), (believed, WATER), (real, WATER)]
    assert days[1][3] == days[2][2] == (local(4)).date()


def test_what_was_spread_over_a_gap_goes_with_the_reading_that_ended_it(connection: Connection) -> None:
    """The period begins where nothing was read, and the home gets no other meter."""
    believed, real, right, fellow = make_units(connection, 4)
    home = lived_in(30, seed=4).without(10, 20, "litres", "kwh")
    wrong, other = (make_device(connection, code, home) for code in ("dev-0", "dev-1"))
    since, now = local(15), local(30, 1)
    bind(connection, wrong, believed, BEGAN)
    bind(connection, other, right, BEGAN, since)
    bind(connection, other, fellow, since)
    settle(connection, now)
    sweep(connection, books=BOOKS, first=FIRST, last=FIRST + timedelta(days=30), now=now)
    wanted = Correct(device="dev-0", place=Place(unit_id=real), since=since)
    lifecycle.perform(connection, wanted, by="account:olga", now=now)
    settle(connection, now)
    assert derived(connection, believed) == derived(connection, right)
    assert derived(connection, real) == derived(connection, fellow)
