"""Commands: who may ask for what, why, and what can become of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import policy
from devices import commands, orders, registry
from devices.commands import Asker, Wanted
from devices.errors import (
    ArgumentsInvalid,
    CommandConflict,
    CommandMoved,
    NotUnderstood,
    ReasonUnfit,
    RetiredDevice,
    SamePerson,
    UnknownCommand,
    UnknownDevice,
)
from devices.installations import install
from storage.pool import Connection
from tests.homes import make_estate, make_units
from wire.channels import BY_NAME, EVENTS
from wire.commands import COMMANDS, PRESSURES, REASONS
from wire.events import EventType
from wire.quality import Quality

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RULES = policy.load("anhe").on(NOW.date()).command
LI, WANG = Asker(by="account:li", everything=True), Asker(by="account:wang", everything=True)
INSTALLED = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def unit(connection: Connection) -> int:
    """A home with a power meter, a water meter with a valve, a lock and a detector; a retired lock."""
    unit_id = make_units(connection, 1)[0]
    estate = make_estate(connection)
    profiles = {
        "power": "energy-register", "water": "water-register", "gas": "gas-register", "lock": "lock-native",
        "hazard": "hazard-native", "old": "lock-native",
    }  # fmt: skip
    for code, profile in profiles.items():
        device_id = registry.register_device(connection, code=code, profile=profile, estate_id=estate)
        channel = {"power": "energy_kwh", "water": "water_l", "gas": "gas_m3"}.get(code)
        if code != "old":
            install(
                connection,
                device_id=device_id,
                channel=BY_NAME[channel].code if channel else EVENTS,
                unit_id=unit_id,
                valid_from=INSTALLED,
            )
    registry.retire(connection, "old")
    connection.commit()
    return unit_id


def _wanted(device: str = "lock", name: str = "restart", reason: str = "", **more: object) -> Wanted:
    found = Wanted(id=uuid4(), device=device, name=name, arguments={}, reason=reason)
    return replace(found, **more)  # pyright: ignore[reportArgumentType]


def _ask(
    connection: Connection, wanted: Wanted, *, asker: Asker = LI, now: datetime = NOW
) -> commands.Command:
    return commands.ask(connection, wanted, asker=asker, rules=RULES, now=now)


def _claim(connection: Connection, now: datetime = NOW, *busy: UUID) -> list[orders.Order]:
    return orders.claim(connection, busy=busy, again_after=timedelta(seconds=15), now=now, limit=100)


def _answer(
    connection: Connection, command_id: UUID, *, ok: bool = True, device: str = "lock", at: datetime = NOW
) -> bool:
    row = connection.execute("SELECT id FROM device WHERE code = %s", [device]).fetchone()
    assert row is not None
    return bool(orders.answered(connection, [orders.Word(command_id, row[0], ok, "", at)]))


def _status(connection: Connection, command_id: UUID) -> str:
    return commands.one(connection, command_id, asker=LI).status


def test_what_is_harmless_is_queued_sent_and_acknowledged(connection: Connection) -> None:
    asked = _ask(connection, _wanted())
    assert (asked.status, asked.expires_at) == ("queued", NOW + RULES.valid)
    assert [order.id for order in _claim(connection)] == [asked.id]
    assert _status(connection, asked.id) == "sent"
    orders.taken(connection, asked.id, NOW)
    assert _answer(connection, asked.id)
    found = commands.one(connection, asked.id, asker=LI)
    assert (found.status, found.ended_at) == ("acknowledged", NOW)
    assert found.answer is not None
    assert found.answer["ok"] is True


def test_what_is_dangerous_waits_for_a_second_person(connection: Connection) -> None:
    asked = _ask(connection, _wanted("power", "relay_open", "electrical_danger"))
    assert (asked.status, _claim(connection)) == ("proposed", [])
    with pytest.raises(SamePerson):
        commands.approve(connection, asked.id, asker=LI, now=NOW)
    later = NOW + timedelta(minutes=3)
    approved = commands.approve(connection, asked.id, asker=WANG, now=later)
    # Its time runs from the approval.
    assert (approved.status, approved.expires_at) == ("queued", later + RULES.safety_valid)
    assert (approved.asked_by, approved.approved_by) == ("account:li", "account:wang")
    assert [order.id for order in _claim(connection, later)] == [asked.id]


@pytest.mark.parametrize("name", [c.name for c in COMMANDS.values() if c.needs_two])
def test_relays_valves_and_doors_need_a_reason_of_safety(connection: Connection, name: str) -> None:
    device = {"relay": "power", "valve": "gas", "unloc": "lock"}[name[:5]]
    for reason in ("", "because", *(set(REASONS) - COMMANDS[name].reasons)):
        with pytest.raises(ReasonUnfit):
            _ask(connection, _wanted(device, name, reason))
    for reason in COMMANDS[name].reasons:
        asked = _ask(connection, _wanted(device, name, reason))
        assert asked.status == "proposed"
        commands.refuse(connection, asked.id, asker=WANG, now=NOW)


def test_water_is_not_shut_off_in_a_fire(connection: Connection) -> None:
    with pytest.raises(ReasonUnfit, match="fire"):
        _ask(connection, _wanted("water", "valve_close", "fire"))
    assert _ask(connection, _wanted("gas", "valve_close", "fire")).status == "proposed"


@pytest.mark.parametrize("reason", PRESSURES)
@pytest.mark.parametrize(
    ("device", "name"), [("power", "relay_open"), ("water", "valve_close"), ("lock", "restart")]
)
def test_a_means_of_pressure_is_refused_and_written_down(
    connection: Connection, device: str, name: str, reason: str
) -> None:
    asked = _ask(connection, _wanted(device, name, reason))
    assert (asked.status, asked.refusal) == ("refused", "pressure")
    with pytest.raises(CommandMoved):
        commands.approve(connection, asked.id, asker=WANG, now=NOW)
    assert _claim(connection) == []
    entries = connection.execute("SELECT actor, action, subject, reason FROM audit_log").fetchall()
    assert entries == [("account:li", "command.pressure", f"device:{device}", reason)]


def test_how_often_somebody_tried_is_in_the_audit(connection: Connection) -> None:
    for day in (0, 1, 2, 40):
        _ask(connection, _wanted("power", "relay_open", "arrears"), now=NOW + timedelta(days=day))
    rows = connection.execute("SELECT detail->>'times_in_30_days' FROM audit_log ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["1", "2", "3", "1"]


def _lease(connection: Connection, unit_id: int, starts: date, ends: date) -> None:
    connection.execute("INSERT INTO household (code, size) VALUES ('H1', 1) ON CONFLICT DO NOTHING")
    connection.execute(
        "INSERT INTO lease (code, unit_id, household_id, starts_on, ends_on)"
        " SELECT %s, %s, id, %s, %s FROM household WHERE code = 'H1'",
        [f"L-{starts}", unit_id, starts, ends],
    )


def _happened(
    connection: Connection, type_: EventType, *, at: datetime, quality: int = 0, value: float | None = None
) -> None:
    connection.execute(
        "INSERT INTO event (device_id, time, received_at, type, method, result, value, quality, decoder,"
        " dedupe_key) SELECT id, %s, %s, %s, 0, 0, %s, %s, 101, %s FROM device WHERE code = 'hazard'",
        [at, at, int(type_), value, quality, str(uuid4())],
    )


def test_a_cut_after_the_tenancy_needs_a_danger_that_a_device_saw(connection: Connection, unit: int) -> None:
    _lease(connection, unit, date(2020, 1, 1), date(2026, 11, 20))
    cut = ("power", "relay_open", "fire")
    assert _ask(connection, _wanted(*cut)).refusal == "pressure_suspected"
    # Another danger, one long ago, one that is over, one that nobody can prove.
    _happened(connection, EventType.gas, at=NOW)
    _happened(connection, EventType.smoke, at=NOW - RULES.hazard_window)
    _happened(connection, EventType.smoke, at=NOW, value=0)
    _happened(connection, EventType.smoke, at=NOW, quality=int(Quality.IDENTITY_UNPROVEN))
    assert _ask(connection, _wanted(*cut)).refusal == "pressure_suspected"
    _happened(connection, EventType.smoke, at=NOW - timedelta(hours=1))
    assert _ask(connection, _wanted(*cut)).status == "proposed"


def test_during_a_tenancy_two_persons_and_a_reason_are_enough(connection: Connection, unit: int) -> None:
    _lease(connection, unit, date(2020, 1, 1), date(2024, 12, 31))
    _lease(connection, unit, date(2025, 1, 1), date(2026, 11, 24))
    assert _ask(connection, _wanted("power", "relay_open", "fire")).status == "proposed"
    # Giving back is no pressure, whatever the lease says.
    next_day = NOW + timedelta(days=1)
    assert _ask(connection, _wanted("power", "relay_close", "hazard_over"), now=next_day).status == "proposed"
    assert _ask(connection, _wanted("lock", "unlock", "person_in_danger"), now=next_day).status == "proposed"


def test_the_same_id_is_the_same_command(connection: Connection) -> None:
    wanted = _wanted()
    first = _ask(connection, wanted)
    assert _ask(connection, wanted, now=NOW + timedelta(minutes=1)) == first
    _claim(connection)
    assert _ask(connection, wanted).status == "sent"
    assert connection.execute("SELECT count(*) FROM command").fetchone() == (1,)
    for other in (replace(wanted, name="read_now"), replace(wanted, device="power")):
        with pytest.raises(CommandConflict):
            _ask(connection, other)
    with pytest.raises(CommandConflict):
        _ask(connection, wanted, asker=WANG)


def test_what_a_device_does_not_understand_is_refused(connection: Connection) -> None:
    for device, name in (("lock", "relay_open"), ("lock", "explode"), ("hazard", "unlock")):
        with pytest.raises(NotUnderstood):
            _ask(connection, _wanted(device, name))
    with pytest.raises(UnknownDevice):
        _ask(connection, _wanted("nobody"))
    with pytest.raises(RetiredDevice):
        _ask(connection, _wanted("old"))
    for arguments in ({}, {"seconds": 59}, {"seconds": 86_401}, {"seconds": 60, "more": 1}):
        with pytest.raises(ArgumentsInvalid):
            _ask(connection, _wanted("lock", "set_interval", arguments=arguments))
    assert _ask(connection, _wanted("lock", "set_interval", arguments={"seconds": 60})).arguments == {
        "seconds": 60
    }


def test_other_estates_do_not_exist(connection: Connection) -> None:
    asked = _ask(connection, _wanted("power", "relay_open", "fire"))
    stranger = Asker(by="account:zhao", estate_ids=(make_estate(connection, code="E2"),))
    with pytest.raises(UnknownDevice):
        _ask(connection, _wanted(), asker=stranger)
    for act in (commands.approve, commands.refuse):
        with pytest.raises(UnknownCommand):
            act(connection, asked.id, asker=stranger, now=NOW)
    with pytest.raises(UnknownCommand):
        commands.one(connection, asked.id, asker=stranger)
    assert commands.several(connection, asker=stranger, limit=10) == []


def test_time_runs_out_before_approval_before_sending_and_before_an_answer(connection: Connection) -> None:
    proposed = _ask(connection, _wanted("power", "relay_open", "fire"))
    queued = _ask(connection, _wanted())
    sent = _ask(connection, _wanted("power", "restart", valid_for=timedelta(minutes=20)))
    assert len(_claim(connection, NOW, queued.id)) == 1
    end = NOW + RULES.approve_within
    with pytest.raises(CommandMoved):
        commands.approve(connection, proposed.id, asker=WANG, now=end)
    # Nothing that has expired is sent, whether somebody has written that down or not.
    assert queued.id not in {order.id for order in _claim(connection, end, sent.id)}
    assert orders.expire(connection, NOW + timedelta(minutes=20)) == 3
    assert {_status(connection, c.id) for c in (proposed, queued, sent)} == {"expired"}


def test_a_late_answer_is_recorded_and_changes_nothing_else(connection: Connection) -> None:
    asked = _ask(connection, _wanted())
    _claim(connection)
    orders.expire(connection, NOW + timedelta(days=1))
    assert _answer(connection, asked.id, at=NOW + timedelta(days=1))
    found = commands.one(connection, asked.id, asker=LI)
    assert found.status == "expired"
    assert found.answer is not None


def test_only_the_device_itself_answers_and_its_first_word_counts(connection: Connection) -> None:
    asked = _ask(connection, _wanted())
    assert not _answer(connection, asked.id)  # before it was sent: whoever says so made it up
    _claim(connection)
    assert not _answer(connection, asked.id, device="power")
    assert _answer(connection, asked.id, ok=False)
    assert _answer(connection, asked.id, ok=True)
    assert _status(connection, asked.id) == "failed"
    assert not _answer(connection, uuid4())


def test_what_reached_nobody_is_sent_again_under_its_id_and_never_after_the_answer(
    connection: Connection,
) -> None:
    asked = _ask(connection, _wanted())
    _claim(connection)
    orders.not_taken(connection, asked.id)
    assert [order.id for order in _claim(connection)] == [asked.id]
    assert commands.one(connection, asked.id, asker=LI).attempts == 2
    orders.not_taken(connection, asked.id)
    assert _answer(connection, asked.id)  # it had it after all
    orders.not_taken(connection, asked.id)
    assert _claim(connection, NOW + timedelta(minutes=5)) == []
    assert _status(connection, asked.id) == "acknowledged"


def test_what_is_not_answered_is_sent_again_and_again_more_and_more_seldom(connection: Connection) -> None:
    asked = _ask(connection, _wanted())
    _claim(connection)
    # Whether the broker said that it had it, or the process died before it could.
    orders.taken(connection, asked.id, NOW)
    at = NOW
    for pause in (15, 30, 60, 120):
        at += timedelta(seconds=pause)
        assert _claim(connection, at - timedelta(seconds=1)) == []
        assert [order.id for order in _claim(connection, at)] == [asked.id]
    assert _claim(connection, NOW + RULES.valid) == []
    assert _answer(connection, asked.id)
    assert _claim(connection, NOW + timedelta(minutes=9)) == []


def test_a_proposal_can_be_declined_and_a_wish_taken_back(connection: Connection) -> None:
    first = _ask(connection, _wanted("power", "relay_open", "fire"))
    assert commands.refuse(connection, first.id, asker=WANG, now=NOW).refusal == "declined"
    second = _ask(connection, _wanted("power", "relay_open", "fire"))
    assert commands.refuse(connection, second.id, asker=LI, now=NOW).refusal == "withdrawn"
    queued = _ask(connection, _wanted())
    assert commands.refuse(connection, queued.id, asker=LI, now=NOW).status == "refused"
    sent = _ask(connection, _wanted())
    _claim(connection)
    with pytest.raises(CommandMoved):
        commands.refuse(connection, sent.id, asker=LI, now=NOW)


def test_a_cut_stands_until_a_command_gives_back(connection: Connection) -> None:
    def cuts() -> list[tuple]:
        return connection.execute("SELECT name, reason FROM v_cut").fetchall()

    for name, reason, left in (
        ("relay_open", "fire", [("relay_open", "fire")]),
        ("relay_close", "hazard_over", []),
    ):
        asked = _ask(connection, _wanted("power", name, reason))
        commands.approve(connection, asked.id, asker=WANG, now=NOW)
        _claim(connection)
        _answer(connection, asked.id, device="power", at=NOW + timedelta(seconds=len(name)))
        assert cuts() == left


def test_every_step_is_audited(connection: Connection) -> None:
    asked = _ask(connection, _wanted("power", "relay_open", "fire"))
    commands.approve(connection, asked.id, asker=WANG, now=NOW)
    commands.refuse(connection, asked.id, asker=LI, now=NOW)
    found = connection.execute("SELECT actor, action, subject, reason FROM audit_log ORDER BY id").fetchall()
    assert found == [
        ("account:li", "command.ask", "device:power", "fire"),
        ("account:wang", "command.approve", "device:power", "fire"),
        ("account:li", "command.refuse", "device:power", "fire"),
    ]


#: From each status, where it may go.
MOVES = {
    "proposed": {"queued", "refused", "expired"},
    "queued": {"sent", "refused", "expired", "acknowledged", "failed"},
    "sent": {"queued", "sent", "acknowledged", "failed", "expired"},
}
ACTIONS = ("approve", "refuse", "claim", "taken", "not_taken", "done", "failed", "expire", "wait")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.booleans(), st.lists(st.sampled_from(ACTIONS), max_size=12))
def test_whatever_happens_in_whatever_order(connection: Connection, two: bool, actions: list[str]) -> None:
    now, device = NOW, "power"
    wanted = _wanted("power", "relay_open", "fire") if two else _wanted("power")
    asked = _ask(connection, wanted)
    status, sends_after_the_end, approved = asked.status, 0, not two
    for action in actions:
        match action:
            case "approve" | "refuse":
                act = commands.approve if action == "approve" else commands.refuse
                try:
                    act(connection, asked.id, asker=WANG, now=now)
                    approved |= action == "approve"
                except CommandMoved:
                    pass
            case "claim":
                sent = [order.id for order in _claim(connection, now) if order.id == asked.id]
                sends_after_the_end += bool(sent) and status not in ("queued", "sent")
                assert not sent or (
                    approved and now < commands.one(connection, asked.id, asker=LI).expires_at
                )
            case "taken":
                orders.taken(connection, asked.id, now)
            case "not_taken":
                orders.not_taken(connection, asked.id)
            case "done" | "failed":
                _answer(connection, asked.id, ok=action == "done", device=device, at=now)
            case "expire":
                orders.expire(connection, now)
            case _:
                now += timedelta(minutes=4)
        after = _status(connection, asked.id)
        assert after == status or after in MOVES[status], (action, status, after)
        status = after
    assert sends_after_the_end == 0
    connection.rollback()
