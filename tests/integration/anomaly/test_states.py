"""A contact or detector that reports its state again and again is no sign of life; a change of it is."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from anomaly.loading import blocks, load
from storage.pool import Connection
from tests.homes import make_units
from tests.integration.anomaly.homes import add_event, add_lock, local
from tests.unit.anomaly.homes import FIRST
from wire.events import EventType
from wire.quality import Quality

OPENED, CLOSED, MOTION, FORCED = (
    EventType.door_opened,
    EventType.door_closed,
    EventType.motion,
    EventType.door_forced,
)
STATE = int(Quality.STATE)


def stirred(connection: Connection, unit_id: int, *, first: int, last: int) -> dict[int, int]:
    """Openings and stirs by day of the homes, where there are any."""
    (block,) = blocks(connection, [unit_id])
    doors = load(
        connection,
        block,
        first=FIRST + timedelta(days=first),
        last=FIRST + timedelta(days=last),
        now=local(last, 24),
        covered_min=30,
    ).doors
    found: dict[int, int] = {}
    for day, openings, stirs in zip(doors.day, doors.openings, doors.stirs, strict=True):
        if openings + stirs:
            found[first + int(day)] = found.get(first + int(day), 0) + int(openings + stirs)
    return found


@pytest.fixture
def home(connection: Connection) -> int:
    return make_units(connection, 1)[0]


@pytest.fixture
def contact(connection: Connection, home: int) -> int:
    """A device at the door of an otherwise unknown home."""
    return add_lock(connection, home)


@pytest.fixture
def closed(connection: Connection, contact: int) -> int:
    """The same, after it said on the first day that the door is closed."""
    report(connection, contact, {1: CLOSED})
    return contact


def report(
    connection: Connection, device: int, states: Mapping[float, EventType], *, value: float | None = None
) -> None:
    """Report states at hours counted from the first day's midnight."""
    for hour, kind in states.items():
        add_event(connection, device, local(0, hour), kind=kind, value=value, quality=STATE)


def test_a_door_that_is_reported_open_every_hour_was_opened_once(
    connection: Connection, home: int, closed: int
) -> None:
    report(connection, closed, dict.fromkeys(range(20, 30), CLOSED))
    report(connection, closed, dict.fromkeys(range(30, 100), OPENED))
    assert stirred(connection, home, first=1, last=5) == {1: 1}


def test_each_change_of_a_reported_state_counts(connection: Connection, home: int, closed: int) -> None:
    report(connection, closed, {25: CLOSED, 26: OPENED, 27: OPENED, 28: CLOSED, 29: OPENED, 50: OPENED})
    assert stirred(connection, home, first=1, last=5) == {1: 3}


def test_an_opening_that_was_seen_counts_and_the_report_of_it_does_not(
    connection: Connection, home: int, closed: int
) -> None:
    add_event(connection, closed, local(1, 9), kind=OPENED)
    report(connection, closed, dict.fromkeys(range(34, 96), OPENED))
    add_event(connection, closed, local(4, 9), kind=OPENED)
    assert stirred(connection, home, first=1, last=5) == {1: 1, 4: 1}


@pytest.mark.parametrize(("before", "counts"), [(CLOSED, {40: 1}), (OPENED, {})])
def test_after_a_gap_a_report_counts_if_it_differs_from_the_last_before_it(
    connection: Connection, home: int, contact: int, before: EventType, counts: dict[int, int]
) -> None:
    # The last report lies far before what is looked at.
    report(connection, contact, {1: before, 40 * 24: OPENED, 40 * 24 + 1: OPENED})
    assert stirred(connection, home, first=30, last=45) == counts


def test_a_first_report_ever_counts(connection: Connection, home: int, contact: int) -> None:
    report(connection, contact, {30: OPENED, 31: OPENED})
    assert stirred(connection, home, first=0, last=5) == {1: 1}


def test_what_was_reported_elsewhere_before_says_nothing_of_this_door(
    connection: Connection, home: int, contact: int
) -> None:
    add_event(connection, contact, local(-5), kind=OPENED, quality=STATE)  # before it was installed here
    report(connection, contact, {30: OPENED})
    assert stirred(connection, home, first=0, last=5) == {1: 1}


def test_motion_that_is_over_and_motion_that_goes_on_are_no_stir(
    connection: Connection, home: int, contact: int
) -> None:
    report(connection, contact, {1: MOTION, 2: MOTION}, value=1.0)
    report(connection, contact, {3: MOTION, 30: MOTION}, value=0.0)
    report(connection, contact, {50: MOTION}, value=1.0)
    assert stirred(connection, home, first=0, last=5) == {0: 1, 2: 1}


def test_one_kind_of_state_does_not_change_another(connection: Connection, home: int, closed: int) -> None:
    report(connection, closed, {26: OPENED, 28: OPENED, 30: OPENED})
    report(connection, closed, {27: FORCED, 29: FORCED}, value=0.0)
    assert stirred(connection, home, first=1, last=5) == {1: 1}


def test_what_is_no_evidence_is_no_last_state_either(connection: Connection, home: int, closed: int) -> None:
    unproven = STATE | int(Quality.IDENTITY_UNPROVEN)
    add_event(connection, closed, local(0, 2), kind=OPENED, quality=unproven)
    add_event(connection, closed, local(1, 2), kind=OPENED, quality=unproven)
    report(connection, closed, {27: OPENED})
    assert stirred(connection, home, first=1, last=5) == {1: 1}


def test_a_door_that_reports_itself_closed_is_heard(connection: Connection, home: int, closed: int) -> None:
    report(connection, closed, dict.fromkeys(range(6, 96, 6), CLOSED))
    (block,) = blocks(connection, [home])
    day = FIRST + timedelta(days=2)
    window = load(connection, block, first=day, last=day, now=local(3), covered_min=30)
    assert window.lock_heard.start.tolist() == [0]
    assert stirred(connection, home, first=1, last=3) == {}
