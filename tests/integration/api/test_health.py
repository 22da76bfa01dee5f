from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.deps import Deps
from storage.pool import Connection
from tests.estates import NOW, build_estates


@pytest.mark.parametrize(
    ("alive", "broker", "status"), [(True, "ok", "ok"), (False, "away", "degraded"), (None, "unknown", "ok")]
)
def test_health_says_whether_the_parts_answer(
    deps: Deps, alive: bool | None, broker: str, status: str
) -> None:
    client = TestClient(create_app(replace(deps, broker_alive=lambda: alive)))
    reply = client.get("/api/v1/health")
    body = reply.json()
    assert (reply.status_code, body["status"], body["database"], body["broker"]) == (
        200,
        status,
        "ok",
        broker,
    )
    assert body["version"] == "0.0-test"


def test_totals_are_the_sums_of_all_days_and_sources(client: TestClient, connection: Connection) -> None:
    build_estates(connection, "HA", units=2)
    for day, source in (("2026-11-23", "i1"), ("2026-11-23", "import")):
        connection.execute(
            "INSERT INTO ingest_tally (day, source, messages, readings, events, duplicates,"
            " event_duplicates, quarantined) VALUES (%s, %s, 10, 20, 3, 4, 6, 5)",
            [day, source],
        )
    connection.execute(
        "INSERT INTO ingest_state (client_id, committed_at, lag_s) VALUES ('c1', %s, 0.1)", [NOW]
    )
    connection.commit()
    body = client.get("/api/v1/health").json()
    assert body["totals"] == {
        "messages": 20,
        "readings": 40,
        "duplicates": 8,
        "events": 6,
        "event_duplicates": 12,
        "quarantined": 10,
        "open_leads": 0,
        "units": 2,
    }
    assert body["ingest_committed_at"] == "2026-11-24T08:00:00Z"


def test_without_its_database_the_service_says_so_with_503(client: TestClient, deps: Deps) -> None:
    deps.pool.close()
    reply = client.get("/api/v1/health")
    assert reply.status_code == 503
    assert (reply.json()["status"], reply.json()["database"], reply.json()["totals"]) == (
        "down",
        "away",
        None,
    )
