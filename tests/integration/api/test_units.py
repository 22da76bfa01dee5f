from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import nan

import pytest
from fastapi.testclient import TestClient

from housing.leads import raise_leads
from housing.leases import OccupantRow, upsert_occupants
from housing.residents import ResidentRow, upsert_residents
from policy import load
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.estates import NOW, TODAY, add_signal, build_estates, estate_id

Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def units(connection: Connection) -> list[int]:
    found = build_estates(connection, "HA", units=3)["HA"]
    connection.commit()
    return found


def _device(connection: Connection, unit_id: int, code: str, valid_from: str, valid_to: str | None) -> int:
    found = connection.execute(
        "INSERT INTO device (code, profile, estate_id) VALUES (%s, 'energy-register', %s) RETURNING id",
        [code, estate_id(connection, "HA")],
    ).fetchone()
    assert found is not None
    connection.execute(
        "INSERT INTO installation (device_id, channel, unit_id, valid_from, valid_to)"
        " VALUES (%s, 1, %s, %s, %s)",
        [found[0], unit_id, valid_from, valid_to],
    )
    return found[0]


def _read(connection: Connection, device_id: int, at: datetime, value: float, quality: int = 0) -> None:
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
        " VALUES (%s, %s, %s, %s, 1, %s, 101)",
        [at, at, value, device_id, quality],
    )


def test_a_home_shows_its_sources_and_open_leads_to_those_who_may_read_leads(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int]
) -> None:
    device_id = _device(connection, units[0], "d1", "2026-01-01Z", None)
    _read(connection, device_id, NOW - timedelta(hours=1), 5.0)
    add_signal(connection, units[0])
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    connection.commit()
    header = bearer("li", "supervisor", all_estates=True)
    body = client.get(f"/api/v1/units/{units[0]}", headers=header).json()
    assert (body["code"], body["floor"], body["household_size"]) == ("1-1-0101", 1, None)
    assert [(one["device"], one["channel"], one["silent"]) for one in body["sources"]] == [
        ("d1", "energy_kwh", False)
    ]
    assert [lead["kind"] for lead in body["open_leads"]] == ["vacancy"]
    operator = bearer("op", "operator", all_estates=True)
    assert client.get(f"/api/v1/units/{units[0]}", headers=operator).json()["open_leads"] == []


def test_homes_are_found_by_their_codes(client: TestClient, bearer: Bearer, units: list[int]) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    found = client.get("/api/v1/units", params={"estate": "HA", "code": "1-1-0102"}, headers=header).json()
    assert [item["id"] for item in found["items"]] == [units[1]]
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/units", params=query, headers=header).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == units


def test_readings_are_those_of_the_devices_while_they_hung_there(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int]
) -> None:
    old = _device(connection, units[0], "old", "2026-01-01Z", "2026-11-20Z")
    new = _device(connection, units[0], "new", "2026-11-20Z", None)
    connection.execute("UPDATE device SET status = 'retired' WHERE id = %s", [old])
    for day in range(18, 24):
        _read(connection, old, datetime(2026, 11, day, tzinfo=UTC), day)
        _read(connection, new, datetime(2026, 11, day, tzinfo=UTC), 100 + day, quality=2)
    connection.commit()
    header = bearer("li", "supervisor", all_estates=True)
    path = f"/api/v1/units/{units[0]}/readings"
    seen, cursor = [], None
    while True:
        query = {"channel": "energy_kwh", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(path, params=query, headers=header).json()
        seen += [(item["device"], item["value"], item["quality"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [("old", 18, []), ("old", 19, [])] + [
        ("new", 100 + day, ["conflict"]) for day in range(20, 24)
    ]
    every = client.get(path, headers=header).json()["items"]
    assert [(item["device"], item["value"], item["quality"]) for item in every] == seen
    part = {"channel": "energy_kwh", "from": "2026-11-21T00:00:00Z", "to": "2026-11-22T08:00:00+08:00"}
    body = client.get(path, params=part, headers=header).json()
    assert [item["value"] for item in body["items"]] == [121]
    part["from"] = "2026-11-21T00:00:00"
    assert client.get(path, params=part, headers=header).json()["errors"][0]["zh"] == "时间须带时区"


def test_usage_says_null_where_nothing_is_known_by_hour_and_by_local_day(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int]
) -> None:
    # UTC hours 16 to 23 of the 21st are the first eight of 22 November in Shanghai.
    _use(connection, units[0], date(2026, 11, 21), [nan] * 16 + [0.1] * 8, [0] * 16 + [60] * 8)
    _use(connection, units[0], date(2026, 11, 22), [0.5] * 12 + [0.25] * 4 + [nan] * 8, [60] * 12 + [0] * 12)
    connection.commit()
    header = bearer("li", "supervisor", all_estates=True)
    path = f"/api/v1/units/{units[0]}/usage"
    query = {"from": "2026-11-22", "to": "2026-11-23", "channel": "energy_kwh"}
    hours = client.get(path, params=query, headers=header).json()
    assert (hours["start"], hours["unit"], hours["days"]) == ("2026-11-21T16:00:00Z", "kWh", None)
    assert hours["amount"] == [0.1] * 8 + [0.5] * 12 + [0.25] * 4 + [None] * 24
    assert hours["covered_min"] == [60] * 20 + [0] * 28
    days = client.get(path, params=query | {"step": "day"}, headers=header).json()
    assert days["days"] == ["2026-11-22", "2026-11-23"]
    assert days["amount"] == [pytest.approx(7.8), None]
    assert days["covered_min"] == [1200, 0]
    assert days["known_hours"] == [24, 0]


def test_usage_of_a_zone_with_summer_time_keeps_its_long_and_short_days(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int]
) -> None:
    connection.execute("UPDATE estate SET time_zone = 'Europe/Berlin'")
    for day in range(23, 28):
        _use(connection, units[0], date(2026, 10, day), [1.0] * 24, [60] * 24)
    connection.commit()
    body = client.get(
        f"/api/v1/units/{units[0]}/usage",
        params={"from": "2026-10-24", "to": "2026-10-26", "step": "day"},
        headers=bearer("li", "supervisor", all_estates=True),
    ).json()
    assert body["amount"] == [24, 25, 24]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "2020-01-01", "to": "2026-11-01"},
        {"to": "9999-12-31"},
        {"to": "0001-01-01"},
        {"channel": "power_w"},
    ],
)
def test_usage_over_too_long_or_impossible_times_is_refused(
    client: TestClient, bearer: Bearer, units: list[int], query: dict[str, str]
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    reply = client.get(f"/api/v1/units/{units[0]}/usage", params=query, headers=header)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_usage_is_of_the_last_thirty_local_days_unless_told(
    client: TestClient, bearer: Bearer, units: list[int]
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    body = client.get(f"/api/v1/units/{units[0]}/usage", params={"step": "day"}, headers=header).json()
    assert (body["days"][0], body["days"][-1], len(body["days"])) == ("2026-10-26", str(TODAY), 30)
    assert set(body["amount"]) == {None}


def test_signals_come_by_day_and_can_be_narrowed(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int]
) -> None:
    for back in range(5):
        add_signal(connection, units[0], as_of=TODAY - timedelta(days=1 + back))
    add_signal(connection, units[1], kind="leak")
    connection.commit()
    header = bearer("li", "operator", all_estates=True)
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/api/v1/signals", params=query, headers=header).json()
        seen += [(item["as_of"], item["kind"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6
    assert [day for day, _ in seen] == sorted((day for day, _ in seen), reverse=True)
    narrowed = {"kind": "vacancy", "from": "2026-11-20", "to": "2026-11-21"}
    found = client.get("/api/v1/signals", params=narrowed, headers=header).json()["items"]
    assert [item["as_of"] for item in found] == ["2026-11-21", "2026-11-20"]


def test_the_days_of_one_claimed_start_are_one_episode(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int]
) -> None:
    first, second = NOW - timedelta(days=80), NOW - timedelta(days=9)
    for back in (40, 39, 38):
        add_signal(
            connection, units[0], as_of=TODAY - timedelta(days=back), since=first, score=0.1 * (back - 30)
        )
    add_signal(connection, units[0], as_of=TODAY - timedelta(days=1), since=second, numbers=[8])
    add_signal(connection, units[0], as_of=TODAY - timedelta(days=400), since=NOW - timedelta(days=500))
    connection.commit()
    header = bearer("li", "supervisor", all_estates=True)
    old, new = client.get(f"/api/v1/units/{units[0]}/episodes", headers=header).json()["items"]
    assert (old["first_as_of"], old["last_as_of"]) == ("2026-10-15", "2026-10-17")
    assert old["score"] == pytest.approx(1.0)
    assert new["evidence"][0]["numbers"] == {"days": [8]}


def test_the_board_counts_every_home(
    client: TestClient, bearer: Bearer, connection: Connection, units
) -> None:
    header = bearer("li", "supervisor", "HA")
    (estate,) = client.get("/api/v1/estates", headers=header).json()["items"]
    body = client.get(f"/api/v1/estates/{estate['id']}/board", headers=header).json()
    assert sum(body["counts"].values()) == len(body["tiles"]) == estate["units"] == 3
    assert {tile["state"] for tile in body["tiles"]} == {"none"}


# --- personal data -----------------------------------------------------------------------------------


@pytest.fixture
def resident(connection: Connection, units: list[int]) -> str:
    row = ResidentRow(code="R1", subject="p1", name="张伟", phone="13800002121", id_no="11010519491231002X")
    upsert_residents(connection, [row], key=PersonalKey(b"k" * 32))
    occupant = OccupantRow(
        estate="HA", unit="1-1-0101", resident="R1", starts_at=datetime(2025, 1, 1, tzinfo=UTC)
    )
    upsert_occupants(connection, [occupant])
    connection.commit()
    return "R1"


def test_people_are_masked_until_opened_and_the_opening_is_recorded(
    client: TestClient, bearer: Bearer, connection: Connection, units: list[int], resident: str
) -> None:
    header = bearer("qian", "enforcement", all_estates=True)
    masked = client.get(f"/api/v1/units/{units[0]}/residents", headers=header)
    assert [(one["name"], one["phone"], one["id_no"]) for one in masked.json()["items"]] == [
        ("张*", "138****21", "****002X")
    ]
    assert "张伟" not in masked.text
    path = f"/api/v1/residents/{resident}/opening"
    assert client.post(path, json={"reason": " "}, headers=header).status_code == 422
    opened = client.post(path, json={"reason": "上门前核对"}, headers=header).json()
    assert (opened["name"], opened["phone"]) == ("张伟", "13800002121")
    entries = connection.execute(
        "SELECT actor, subject, reason FROM audit_log WHERE action = 'resident.read'"
    ).fetchall()
    assert entries == [("account:qian", "resident:R1", "上门前核对")]


def test_people_are_nobodys_business_but_of_those_who_may(
    client: TestClient, bearer: Bearer, units: list[int], resident: str
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    assert client.get(f"/api/v1/units/{units[0]}/residents", headers=header).status_code == 403
    path = f"/api/v1/residents/{resident}/opening"
    assert client.post(path, json={"reason": "好奇"}, headers=header).status_code == 403
    assert "张" not in client.get(f"/api/v1/units/{units[0]}", headers=header).text


def test_an_audit_that_cannot_be_written_stops_the_read(
    client: TestClient, bearer: Bearer, connection: Connection, resident: str
) -> None:
    header = bearer("qian", "enforcement", all_estates=True)
    connection.execute("ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    connection.commit()
    reply = client.post(f"/api/v1/residents/{resident}/opening", json={"reason": "核对"}, headers=header)
    assert reply.status_code == 500
    assert "张伟" not in reply.text


def _use(connection: Connection, unit_id: int, day: date, amount: list[float], covered: list[int]) -> None:
    connection.execute(
        "INSERT INTO usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
        " VALUES (%s, %s, %s, 1, %s, %s, %s)",
        [NOW, day, unit_id, amount, covered, [0] * 24],
    )
