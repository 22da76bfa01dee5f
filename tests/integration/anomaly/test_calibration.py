"""What visits teach is kept by version, holds from its evening on, and is taken back in one act."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from anomaly import calibration
from anomaly.errors import NothingToTakeBack
from policy import load
from storage.pool import Connection
from tests.estates import NOW, TODAY, build_estates

DAY = timedelta(days=1)
RULES = replace(load("anhe").on(TODAY).learning, unit_years=20, fresh_unit_years=5)
ABOUT = {"city": "anhe", "family": "people"}


def judge(
    connection: Connection,
    unit_id: int,
    *,
    score: float,
    confirmed: bool,
    kind: str = "sublet",
    code: str | None = None,
    source: str = "visit",
    days: float = 0,
    detector: str = "people/1",
) -> None:
    """Write a lead that a person closed."""
    outcome = "confirmed" if confirmed else "refuted"
    connection.execute(
        "WITH l AS (INSERT INTO lead (unit_id, kind, status, opened_at, last_signal_at, last_as_of, since,"
        " score, evidence, quality, detector, policy, closed_at)"
        " VALUES (%(u)s, %(k)s, %(o)s, %(t)s, %(t)s, %(t)s::date, %(t)s, %(s)s, '[]', '{}', %(d)s, 'p',"
        " %(t)s)"
        " RETURNING id)"
        " INSERT INTO verdict (lead_id, outcome, code, source, by, at)"
        " SELECT id, %(o)s, %(c)s, %(v)s, 'wang', %(t)s FROM l",
        {
            "u": unit_id,
            "k": kind,
            "o": outcome,
            "t": NOW + days * DAY,
            "s": score,
            "d": detector,
            "c": code or ("seen" if confirmed else "not_seen"),
            "v": source,
        },
    )


def learn(connection: Connection, *, days: float = 1) -> calibration.Calibration | None:
    return calibration.learn(
        connection, **ABOUT, detector="people/1", rules=RULES, policy="p", now=NOW + days * DAY
    )


def test_nothing_is_learned_before_there_is_enough_and_a_home_counts_once_a_year(
    connection: Connection,
) -> None:
    units = build_estates(connection, "HA", units=20)["HA"]
    for unit_id in units[:19]:
        for days in (0, 1, 2):
            judge(connection, unit_id, score=0.8, confirmed=False, days=days)
    assert learn(connection, days=3) is None
    judge(connection, units[19], score=0.8, confirmed=True)
    made = learn(connection, days=3)
    assert made is not None
    assert (made.unit_years, made.confirmed, made.lots) == (20, 1, 0)
    assert made.curve(0.8) < 0.6
    assert made.error_after < made.error_before


@pytest.mark.parametrize(
    "what",
    [
        {"source": "call"},
        {"code": "device_or_data"},
        {"code": "duplicate"},
        {"kind": "leak"},
        {"detector": "people/0"},
        {"days": 30},
    ],
)
def test_only_visits_that_say_something_of_these_kinds_teach(
    connection: Connection, what: dict[str, object]
) -> None:
    for unit_id in build_estates(connection, "HA", units=25)["HA"]:
        judge(connection, unit_id, score=0.8, confirmed=False, **what)  # pyright: ignore[reportArgumentType]
    assert learn(connection) is None


def test_it_holds_from_its_evening_on_and_is_learned_anew_only_from_new_homes(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=30)["HA"]
    for unit_id in units[:22]:
        judge(connection, unit_id, score=0.8, confirmed=False)
    first = learn(connection)
    assert first is not None
    detectors = {"sublet": "people/1", "business": "people/2"}
    found = calibration.curves(connection, city="anhe", detectors=detectors, at=[NOW, NOW + DAY])
    assert found == {NOW: {}, NOW + DAY: {"sublet": first.curve}}
    assert learn(connection, days=2) is None
    for unit_id in units[22:27]:
        judge(connection, unit_id, score=0.8, confirmed=True, days=2)
    second = learn(connection, days=3)
    assert second is not None
    assert (second.unit_years, second.confirmed) == (27, 5)
    assert [one.id for one in calibration.versions(connection)] == [first.id, second.id]


def test_one_act_takes_it_back_and_the_one_before_holds_again(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=30)["HA"]
    for unit_id in units[:22]:
        judge(connection, unit_id, score=0.8, confirmed=False)
    first = learn(connection)
    for unit_id in units[22:]:
        judge(connection, unit_id, score=0.8, confirmed=True, days=2)
    second = learn(connection, days=3)
    assert first is not None
    assert second is not None
    act = {"by": "account:li", "reason": "an estate was visited by people in training", "now": NOW + 4 * DAY}
    assert calibration.take_back(connection, **ABOUT, **act).id == second.id
    assert calibration.in_force(connection, city="anhe", at=NOW + 5 * DAY)["people"].id == first.id
    # What was said meanwhile was said by it.
    assert calibration.in_force(connection, city="anhe", at=NOW + 3.5 * DAY)["people"].id == second.id
    assert calibration.take_back(connection, **ABOUT, **act).id == first.id
    with pytest.raises(NothingToTakeBack):
        calibration.take_back(connection, **ABOUT, **act)
    audited = connection.execute("SELECT action, subject, reason FROM audit_log ORDER BY id").fetchall()
    assert audited[0] == ("calibration.take_back", f"calibration:{second.id}", act["reason"])


def test_a_calibration_cannot_be_changed_afterwards(connection: Connection) -> None:
    for unit_id in build_estates(connection, "HA", units=22)["HA"]:
        judge(connection, unit_id, score=0.8, confirmed=False)
    learn(connection)
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute("UPDATE calibration SET slope = 2")


def test_drift_tells_what_was_said_and_found_and_what_lots_found(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=40)["HA"]
    for n, unit_id in enumerate(units[:30]):
        judge(connection, unit_id, score=0.2 + 0.02 * n, confirmed=n % 2 == 0)
    for n, unit_id in enumerate(units[30:]):
        judge(connection, unit_id, score=0, confirmed=n == 0, kind="lot", detector="lot/1")
    found = calibration.drift(connection, **ABOUT, detector="people/1", now=NOW + DAY)
    assert [band.homes for band in found.bands] == [10, 10, 10]
    assert all(band.found == pytest.approx(0.5) for band in found.bands)
    assert found.bands[0].said == pytest.approx(0.29)
    assert found.error > 0.1
    assert (found.lots, found.lots_confirmed) == (10, 1)
    assert found.lots_interval[0] < 0.1 < found.lots_interval[1]
