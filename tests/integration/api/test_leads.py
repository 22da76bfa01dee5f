import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from housing.leads import raise_leads
from policy import load
from storage.pool import Connection
from tests.estates import NOW, add_signal, build_estates

Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def raised(connection: Connection) -> list[int]:
    """Leads of seven homes, oldest first."""
    for unit_id in build_estates(connection, "HA", units=7)["HA"]:
        add_signal(connection, unit_id)
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    connection.commit()
    return [row[0] for row in connection.execute("SELECT id FROM lead ORDER BY id")]


def test_leads_come_in_pages_that_end(client: TestClient, bearer: Bearer, raised: list[int]) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    seen: list[int] = []
    cursor = None
    for _ in range(4):
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        body = client.get("/api/v1/leads", params=query, headers=header).json()
        seen += [item["id"] for item in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert seen == raised[::-1]
    assert cursor is None


def test_a_lead_says_what_may_be_done_and_with_which_reasons(
    client: TestClient, bearer: Bearer, raised: list[int]
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    body = client.get(f"/api/v1/leads/{raised[0]}", headers=header).json()
    assert body["permitted"] == ["confirm", "refute", "dismiss"]
    assert {code["code"] for code in body["codes"]} == {
        "seen",
        "not_seen",
        "relatives_or_care",
        "home_office",
        "member_to_register",
        "device_or_data",
        "duplicate",
        "other",
    }
    assert body["evidence"][0]["zh"] == "60天中有54天没有生活迹象"
    assert (body["status"], body["version"], body["found_now"], body["verdicts"]) == ("open", 1, True, [])
    reviewer = bearer("wang", "reviewer", all_estates=True)
    read_only = client.get(f"/api/v1/leads/{raised[0]}", headers=reviewer).json()
    assert (read_only["permitted"], read_only["codes"]) == ([], [])


def test_a_verdict_and_its_undoing_over_http(client: TestClient, bearer: Bearer, raised: list[int]) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    lead = f"/api/v1/leads/{raised[0]}"
    body = {"outcome": "dismissed", "code": "other", "source": "call", "version": 1}
    needed = client.post(f"{lead}/verdict", json=body, headers=header)
    assert (needed.status_code, needed.json()["code"]) == (422, "note_required")
    done = client.post(f"{lead}/verdict", json=body | {"note": "邻居说出差"}, headers=header).json()
    assert (done["status"], done["version"], done["permitted"]) == ("dismissed", 2, ["reopen"])
    verdict = done["verdicts"][0]
    assert (verdict["outcome"], verdict["source"], verdict["by"], verdict["note"]) == (
        "dismissed",
        "call",
        "li",
        "邻居说出差",
    )
    stale = client.post(f"{lead}/verdict", json=body | {"note": "x"}, headers=header)
    assert (stale.status_code, stale.json()["code"], stale.json()["current"]) == (409, "version_conflict", 2)
    twice = client.post(f"{lead}/verdict", json=body | {"note": "x", "version": 2}, headers=header)
    assert (twice.status_code, twice.json()["code"]) == (409, "invalid_transition")
    undone = client.post(f"{lead}/reopen", json={"version": 2}, headers=header).json()
    assert (undone["status"], undone["version"], len(undone["verdicts"])) == ("open", 3, 2)


def test_a_reason_of_another_outcome_is_refused(
    client: TestClient, bearer: Bearer, raised: list[int]
) -> None:
    body = {"outcome": "confirmed", "code": "not_seen", "version": 1}
    reply = client.post(
        f"/api/v1/leads/{raised[0]}/verdict", json=body, headers=bearer("li", "supervisor", all_estates=True)
    )
    assert (reply.status_code, reply.json()["code"]) == (422, "unknown_code")


@pytest.mark.parametrize("outcome", ["confirmed", "refuted", "dismissed"])
def test_who_may_only_read_decides_nothing(
    client: TestClient, bearer: Bearer, raised: list[int], outcome: str, connection: Connection
) -> None:
    header = bearer("wang", "reviewer", all_estates=True)
    body = {"outcome": outcome, "code": "seen", "version": 1}
    for path, sent in (("verdict", body), ("reopen", {"version": 1})):
        reply = client.post(f"/api/v1/leads/{raised[0]}/{path}", json=sent, headers=header)
        assert (reply.status_code, reply.json()["code"]) == (403, "not_permitted")
    assert connection.execute("SELECT count(*) FROM verdict").fetchone() == (0,)


def test_a_verdict_that_cannot_be_audited_is_not_recorded(
    client: TestClient, bearer: Bearer, raised: list[int], connection: Connection
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    connection.execute("ALTER TABLE audit_log ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    connection.commit()
    body = {"outcome": "refuted", "code": "not_seen", "version": 1}
    reply = client.post(f"/api/v1/leads/{raised[0]}/verdict", json=body, headers=header)
    assert (reply.status_code, reply.json()["code"]) == (500, "internal")
    assert client.get(f"/api/v1/leads/{raised[0]}", headers=header).json()["status"] == "open"


def test_a_verdict_changes_the_lead_and_nothing_else(
    client: TestClient, bearer: Bearer, raised: list[int], connection: Connection
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    before = _counts(connection)
    body = {"outcome": "confirmed", "code": "seen", "source": "visit", "version": 1}
    client.post(f"/api/v1/leads/{raised[0]}/verdict", json=body, headers=header)
    changed = {name: rows for name, rows in _counts(connection).items() if before[name] != rows}
    assert set(changed) == {"lead", "verdict", "audit_log"}


def _counts(connection: Connection) -> dict[str, str]:
    connection.rollback()
    tables = [
        row[0]
        for row in connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        )
    ]
    return {
        name: str(
            connection.execute(
                f"SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {name} t"  # pyright: ignore[reportArgumentType]
            ).fetchone()
        )
        for name in tables
    }


def test_a_lead_about_water_says_when_it_stopped(
    client: TestClient, bearer: Bearer, connection: Connection
) -> None:
    stopped, runs = build_estates(connection, "HA", units=2)["HA"]
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    for unit_id, last_hour in ((stopped, 4), (runs, 8)):
        add_signal(connection, unit_id, kind="leak", score=0.9, since=midnight)
        amounts = [72.0 if hour < last_hour else 0.0 if hour < NOW.hour else None for hour in range(24)]
        connection.execute(
            "INSERT INTO usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
            " VALUES (%s, %s, %s, 2, %s, %s, %s)",
            [
                NOW,
                NOW.date(),
                unit_id,
                [math.nan if amount is None else amount for amount in amounts],
                [0 if amount is None else 60 for amount in amounts],
                [1] * 24,
            ],
        )
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    connection.commit()
    headers = bearer("wang", "supervisor", "HA")
    items = client.get("/api/v1/leads", headers=headers).json()["items"]
    end = (midnight + timedelta(hours=4)).isoformat().replace("+00:00", "Z")
    assert {one["unit_id"]: one["stopped_at"] for one in items} == {stopped: end, runs: None}
    for one in items:
        alone = client.get(f"/api/v1/leads/{one['id']}", headers=headers).json()
        assert alone["stopped_at"] == one["stopped_at"]
