"""Alerts agree with what is there: raised, updated, cleared, and the same when they come again."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerts.errors import InvalidTransition, NotFound, VersionConflict
from alerts.handling import handle, permitted, steps
from alerts.listing import Show, counts, detail, list_alerts
from alerts.plant import Trouble
from alerts.raising import Raised, raise_alerts
from housing.scope import EVERYTHING, Scope
from ingest.bound import Bound
from ingest.message import Message
from ingest.pipeline import Pipeline
from storage.pool import Connection, connect
from tests.integration.devices.watched import HOUR, MINUTE, NOW, POLICIES, Estate, make_watched
from wire.envelope import Kind, topic_of
from wire.instants import to_us

RULES = POLICIES["anhe"].alerts
METERS = [f"meter-{n}" for n in range(1, 6)]
LATER = NOW + 4 * HOUR


@pytest.fixture
def estate(connection: Connection) -> Estate:
    """Everything is well."""
    made = make_watched(connection)
    connection.commit()
    return made


def passes(estate: Estate, at: datetime, *troubles: Trouble) -> Raised:
    """One pass over devices and alerts."""
    estate.listens(at)
    estate.watched(at)
    return raise_alerts(estate.connection, troubles=troubles, rules=RULES, now=at)


def silent(estate: Estate, *codes: str, at: datetime = LATER) -> None:
    """All but these are heard."""
    every = {"box-1", "lock-1", "gate", *METERS}
    estate.hears(*sorted(every - set(codes)), at=at)


def shown(estate: Estate, show: Show = "current") -> list[tuple[str, str | None, str]]:
    found = list_alerts(estate.connection, scope=EVERYTHING, show=show, limit=100)
    return [(one.kind, one.device, one.status) for one in found]


def do(estate: Estate, action: str, at: datetime = LATER, *, by: str = "wang", note: str = "") -> str:
    """Act on the newest alert as it stands."""
    one = list_alerts(estate.connection, scope=EVERYTHING, show="all", limit=1)[0]
    return handle(
        estate.connection,
        alert_id=one.id,
        version=one.version,
        action=action,
        by=by,
        note=note,
        scope=EVERYTHING,
        now=at,
    )


def test_a_silent_device_is_one_alert_until_it_is_heard(estate: Estate) -> None:
    silent(estate, "box-1")
    assert passes(estate, LATER) == Raised(raised=1, again=0, cleared=0)
    assert passes(estate, LATER + MINUTE) == Raised(raised=0, again=0, cleared=0)
    (one,) = list_alerts(estate.connection, scope=EVERYTHING, limit=9)
    assert (one.kind, one.severity, one.device, one.unit, one.since, one.seen_at, one.cleared_at) == (
        "device_offline",
        "warning",
        "box-1",
        "1-1-1",
        NOW,
        LATER + MINUTE,
        None,
    )
    estate.hears("box-1", at=LATER + MINUTE)
    assert passes(estate, LATER + 2 * MINUTE) == Raised(raised=0, again=0, cleared=1)
    # Nobody has looked at it: it stays, as over.
    assert shown(estate, "over") == shown(estate) == [("device_offline", "box-1", "open")]
    do(estate, "acknowledge")
    assert shown(estate) == []
    assert shown(estate, "all") == [("device_offline", "box-1", "acknowledged")]


def test_a_cut_stands_until_the_supply_is_given_back(estate: Estate) -> None:
    def answered(name: str, reason: str, at: datetime) -> None:
        estate.connection.execute(
            "INSERT INTO command (id, device_id, name, reason, status, asked_by, asked_at, valid_for,"
            " expires_at, ended_at)"
            " SELECT gen_random_uuid(), id, %(name)s, %(reason)s, 'acknowledged', 'account:li', %(at)s,"
            " '10 min', %(at)s, %(at)s FROM device WHERE code = 'box-1'",
            {"name": name, "reason": reason, "at": at},
        )

    answered("relay_open", "fire", LATER - HOUR)
    silent(estate, at=LATER)
    assert passes(estate, LATER) == Raised(raised=1, again=0, cleared=0)
    (one,) = list_alerts(estate.connection, scope=EVERYTHING, limit=9)
    assert (one.kind, one.device, one.unit, one.since) == ("supply_cut", "box-1", "1-1-1", LATER - HOUR)
    assert one.detail == {"command": "relay_open", "reason": "fire"}
    answered("relay_close", "hazard_over", LATER)
    assert passes(estate, LATER + MINUTE) == Raised(raised=0, again=0, cleared=1)


def test_a_silent_gateway_is_one_alert_and_replaces_those_of_its_children(estate: Estate) -> None:
    silent(estate, "gate", *METERS)
    assert passes(estate, LATER).raised == 1
    (one,) = list_alerts(estate.connection, scope=EVERYTHING, limit=9)
    assert (one.kind, one.severity, one.detail["children"]) == ("gateway_offline", "critical", 5)
    back = LATER + HOUR
    estate.hears("gate", *METERS[1:], "box-1", "lock-1", at=back)
    assert passes(estate, back) == Raised(raised=0, again=0, cleared=1)
    late = back + 3 * HOUR
    silent(estate, "meter-1", at=late)
    assert passes(estate, late) == Raised(raised=1, again=0, cleared=0)
    assert ("device_offline", "meter-1", "open") in shown(estate)


def test_what_comes_again_soon_is_the_same_alert_and_is_counted(estate: Estate) -> None:
    at = LATER
    silent(estate, "box-1", at=at)
    passes(estate, at)
    do(estate, "acknowledge")
    do(estate, "resolve")
    for times in (2, 3):
        estate.hears("box-1", at=at)
        assert passes(estate, at).cleared == 1
        at += 4 * HOUR
        silent(estate, "box-1", at=at)
        assert passes(estate, at) == Raised(raised=0, again=1, cleared=0)
        (one,) = list_alerts(estate.connection, scope=EVERYTHING, limit=9)
        # A person thought it was done: it is open again.
        assert (one.times, one.status, one.cleared_at) == (times, "open", None)
    assert [step.action for step in steps(estate.connection, one.id)] == [
        "acknowledge",
        "resolve",
        "raise",
        "raise",
    ]


def test_what_comes_again_late_is_another_alert_once_somebody_has_looked(estate: Estate) -> None:
    silent(estate, "box-1")
    passes(estate, LATER)
    do(estate, "acknowledge")
    silent(estate, at=LATER + HOUR)
    assert passes(estate, LATER + HOUR).cleared == 1
    again = LATER + HOUR + RULES.flap_within + MINUTE
    silent(estate, "box-1", at=again)
    assert passes(estate, again) == Raised(raised=1, again=0, cleared=0)


def test_what_was_closed_while_its_cause_goes_on_comes_back_after_a_time(estate: Estate) -> None:
    silent(estate, "box-1")
    passes(estate, LATER)
    for action in ("acknowledge", "progress", "resolve", "close"):
        do(estate, action)
    assert shown(estate) == []
    soon, due = LATER + timedelta(days=1), LATER + RULES.repeat_after
    silent(estate, "box-1", at=soon)
    assert passes(estate, soon) == Raised(raised=0, again=0, cleared=0)
    silent(estate, "box-1", at=due)
    assert passes(estate, due) == Raised(raised=0, again=1, cleared=0)
    assert shown(estate) == [("device_offline", "box-1", "open")]


def test_persons_move_an_alert_on_and_take_a_step_back(estate: Estate) -> None:
    silent(estate, "box-1")
    passes(estate, LATER)
    (one,) = list_alerts(estate.connection, scope=EVERYTHING, limit=9)
    assert do(estate, "acknowledge", note="on my way") == "acknowledged"
    assert do(estate, "undo") == "open"
    with pytest.raises(InvalidTransition):
        do(estate, "undo")
    with pytest.raises(InvalidTransition):
        do(estate, "close")
    with pytest.raises(VersionConflict) as conflict:
        handle(
            estate.connection,
            alert_id=one.id,
            version=one.version,
            action="acknowledge",
            by="li",
            scope=EVERYTHING,
            now=LATER,
        )
    assert conflict.value.current == one.version + 2
    done = estate.connection.execute("SELECT actor, action, subject, reason FROM audit_log ORDER BY id")
    assert done.fetchall() == [
        ("account:wang", "alert.acknowledge", f"alert:{one.id}", "on my way"),
        ("account:wang", "alert.undo", f"alert:{one.id}", None),
    ]
    assert permitted("acknowledged") == ("progress", "resolve")


def test_nobody_sees_or_moves_what_lies_elsewhere(estate: Estate) -> None:
    silent(estate, "box-1")
    passes(estate, LATER, Trouble(origin="disk", kind="disk_full", since=LATER, detail={"percent": 3}))
    elsewhere = Scope(estate_ids=(10**6,))
    here = estate.connection.execute("SELECT id FROM estate").fetchone()
    assert here is not None
    assert [a.kind for a in list_alerts(estate.connection, scope=Scope(estate_ids=here), limit=9)] == [
        "device_offline"
    ]
    assert [a.kind for a in list_alerts(estate.connection, scope=EVERYTHING, limit=9)] == [
        "disk_full",
        "device_offline",
    ]
    assert list_alerts(estate.connection, scope=elsewhere, limit=9) == []
    assert counts(estate.connection, scope=elsewhere) == {"open": 0, "current": 0, "over": 0}
    (one,) = list_alerts(estate.connection, scope=Scope(estate_ids=here), limit=9)
    with pytest.raises(NotFound):
        detail(estate.connection, one.id, scope=elsewhere)
    with pytest.raises(NotFound):
        handle(
            estate.connection,
            alert_id=one.id,
            version=1,
            action="acknowledge",
            by="wang",
            scope=elsewhere,
            now=LATER,
        )


def test_pages_follow_each_other_without_a_gap(estate: Estate) -> None:
    troubles = [Trouble(origin="disk", kind="disk_full", since=NOW, detail={})]
    silent(estate, "box-1", "lock-1", "meter-1", at=NOW + timedelta(days=4))
    passes(estate, NOW + timedelta(days=4), *troubles)
    whole = [one.id for one in list_alerts(estate.connection, scope=EVERYTHING, limit=9)]
    after, paged = None, []
    while page := list_alerts(estate.connection, scope=EVERYTHING, after=after, limit=1):
        paged += [one.id for one in page]
        after = page[-1].rank, page[-1].id
    assert paged == whole
    assert len(whole) == 4


def test_passes_and_persons_at_once_leave_one_alert(dsn: str, estate: Estate) -> None:
    silent(estate, "box-1")
    estate.connection.commit()
    failed: list[BaseException] = []

    def again(number: int) -> None:
        try:
            with connect(dsn, name="worker") as own:
                mine = Estate(connection=own, units=[], ids=estate.ids)
                for _ in range(8):
                    passes(mine, LATER + number * MINUTE)
                    own.commit()
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=again, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert shown(estate, "all") == [("device_offline", "box-1", "open")]


def test_a_sender_above_its_rate_is_one_alert_and_not_one_a_message(estate: Estate) -> None:
    rules = replace(POLICIES["anhe"].ingest, rate_per_minute=60, rate_burst=2)
    pipeline = Pipeline(
        estate.connection, bound=Bound(("hm/#",)), rules=lambda _: rules, now=lambda: LATER, source="ingest-0"
    )

    def floods(at: datetime) -> int:
        """It sends twenty at once, and the others one each; says how many of its own were too many."""
        silent(estate, "box-1", at=at)
        limited = [
            pipeline.store_one(
                Message(topic=topic_of("box-1", Kind.readings), payload=b"{}", received_us=to_us(at) + n)
            )
            for n in range(20)
        ]
        return sum(limited)

    assert floods(LATER) == 17
    assert passes(estate, LATER + MINUTE) == Raised(raised=1, again=0, cleared=0)
    assert floods(LATER + 2 * MINUTE) == 17
    assert passes(estate, LATER + 3 * MINUTE) == Raised(raised=0, again=0, cleared=0)
    found = estate.connection.execute("SELECT kind, times FROM alert").fetchall()
    assert found == [("rate_limited", 1)]
    over = LATER + 2 * MINUTE + POLICIES["anhe"].silence.limited_for + MINUTE
    estate.hears("box-1", at=over)
    silent(estate, at=over)
    assert passes(estate, over) == Raised(raised=0, again=0, cleared=1)
