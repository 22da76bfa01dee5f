from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from storage.pool import Connection
from tests.estates import NOW, build_estates
from tests.quarantine import put

Bearer = Callable[..., dict[str, str]]
QUARANTINE = "/api/v1/quarantine"


@pytest.fixture
def operator(bearer: Bearer, connection: Connection) -> dict[str, str]:
    build_estates(connection, "HA", "HB")
    for n in range(3):
        put(connection, f"tele/{n}/SENSOR", b'{"a": 1}', at=NOW - timedelta(days=n), reason="unknown_topic")
    put(connection, "gw/g-1/x", b"\x68\x10", at=NOW)
    connection.commit()
    return bearer("olga", "operator", all_estates=True)


def test_it_is_listed_by_pages(client: TestClient, operator: dict[str, str]) -> None:
    first = client.get(QUARANTINE, params={"limit": 3}, headers=operator).json()
    assert [one["topic"] for one in first["items"]] == ["gw/g-1/x", "tele/2/SENSOR", "tele/1/SENSOR"]
    rest = client.get(QUARANTINE, params={"limit": 3, "cursor": first["next"]}, headers=operator).json()
    assert ([one["topic"] for one in rest["items"]], rest["next"]) == (["tele/0/SENSOR"], None)
    asked = {"reason": "unknown_topic", "topic": "SENSOR", "since": (NOW - timedelta(days=1)).isoformat()}
    found = client.get(QUARANTINE, params=asked, headers=operator).json()
    assert [one["topic"] for one in found["items"]] == ["tele/1/SENSOR", "tele/0/SENSOR"]


def test_reasons_and_topics_are_counted(client: TestClient, operator: dict[str, str]) -> None:
    found = client.get(f"{QUARANTINE}/counts", headers=operator).json()
    assert [(one["name"], one["messages"]) for one in found["by_reason"]] == [
        ("unknown_topic", 3),
        ("invalid_json", 1),
    ]
    assert len(found["by_topic"]) == 4
    assert found["again"][0].startswith("anju replay --quarantined --reason unknown_topic --since ")


def test_one_is_read_whole_and_that_is_recorded(
    client: TestClient, operator: dict[str, str], connection: Connection
) -> None:
    newest = client.get(QUARANTINE, headers=operator).json()["items"][0]
    found = client.get(f"{QUARANTINE}/{newest['id']}", headers=operator).json()
    assert (found["text"], found["hex"]) == (None, "6810")
    audited = connection.execute(
        "SELECT actor FROM audit_log WHERE action = 'quarantine.read' AND subject = %s",
        [f"quarantine:{newest['id']}"],
    ).fetchall()
    assert audited == [("account:olga",)]
    gone = client.get(f"{QUARANTINE}/{newest['id'] + 1}", headers=operator)
    assert (gone.status_code, gone.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.usefixtures("one_left")
def test_reading_one_takes_one_connection_and_so_the_pool_is_not_starved_by_itself(
    client: TestClient, operator: dict[str, str], connection: Connection
) -> None:
    newest = client.get(QUARANTINE, headers=operator).json()["items"][0]
    assert client.get(f"{QUARANTINE}/{newest['id']}", headers=operator).status_code == 200
    recorded = "SELECT count(*) FROM audit_log WHERE action = 'quarantine.read'"
    assert connection.execute(recorded).fetchone() == (1,)


@pytest.mark.parametrize("path", ["", "/counts", "/1"])
def test_who_sees_some_estates_sees_none_of_it(
    client: TestClient, operator: dict[str, str], bearer: Bearer, path: str
) -> None:
    for header in (bearer("otto", "operator", "HA", "HB"), bearer("sue", "supervisor", all_estates=True)):
        reply = client.get(f"{QUARANTINE}{path}", headers=header)
        assert (reply.status_code, reply.json()["action"]) == (403, "quarantine.read")


@pytest.mark.parametrize("asked", [{"reason": "bad_luck"}, {"since": "2026-11-24T08:00"}, {"cursor": "x"}])
def test_what_cannot_be_asked(client: TestClient, operator: dict[str, str], asked: dict[str, str]) -> None:
    reply = client.get(QUARANTINE, params=asked, headers=operator)
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
