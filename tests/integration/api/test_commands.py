"""Commands over the API: two persons, reasons, estates, and what is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from devices import registry
from devices.commands import Asker, Wanted
from devices.commands import ask as ask_command
from devices.errors import CommandWaits
from policy import load
from storage.pool import Connection, connect
from tests.estates import NOW, build_estates, estate_id
from tests.integration.api.conftest import Clock
from tests.waiting import wait_until

Bearer = Callable[..., dict[str, str]]


@pytest.fixture(autouse=True)
def devices(connection: Connection) -> None:
    """A power meter in each of two estates."""
    build_estates(connection)
    for code, estate in (("power-a", "HA"), ("power-b", "HB")):
        registry.register_device(
            connection, code=code, profile="energy-register", estate_id=estate_id(connection, estate)
        )
    connection.commit()


@pytest.fixture
def li(bearer: Bearer) -> dict[str, str]:
    return bearer("li", "operator", "HA")


@pytest.fixture
def wang(bearer: Bearer) -> dict[str, str]:
    return bearer("wang", "supervisor", "HA")


def _body(name: str = "restart", reason: str = "", **more: object) -> dict[str, object]:
    return {"id": str(uuid4()), "device": "power-a", "name": name, "reason": reason} | more


def test_one_asks_and_another_approves(client: TestClient, li: dict[str, str], wang: dict[str, str]) -> None:
    body = _body("relay_open", "electrical_danger", note="smell of burning")
    asked = client.post("/api/v1/commands", json=body, headers=li)
    assert (asked.status_code, asked.json()["status"]) == (201, "proposed")
    at = f"/api/v1/commands/{body['id']}"
    same = client.post(f"{at}/approve", headers=li)
    assert (same.status_code, same.json()["code"], same.json()["zh"]) == (
        409,
        "same_person",
        "须由另一人复核",
    )
    approved = client.post(f"{at}/approve", headers=wang)
    assert (approved.status_code, approved.json()["status"]) == (200, "queued")
    assert (approved.json()["asked_by"], approved.json()["approved_by"]) == ("account:li", "account:wang")
    assert client.get(at, headers=wang).json() == approved.json()
    assert client.post(f"{at}/approve", headers=wang).status_code == 409


@pytest.mark.parametrize("reason", ["arrears", "lease_ended", "eviction"])
def test_a_means_of_pressure_is_refused_with_the_article_and_stays_on_record(
    client: TestClient, li: dict[str, str], connection: Connection, reason: str
) -> None:
    body = _body("relay_open", reason)
    for _ in range(2):  # the same again is refused again, and written down once
        reply = client.post("/api/v1/commands", json=body, headers=li)
        assert (reply.status_code, reply.headers["content-type"]) == (403, "application/problem+json")
        assert reply.json()["code"] == "command_pressure"
        assert reply.json()["article"] == "行政强制法第四十三条"
    assert connection.execute("SELECT status, refusal FROM command").fetchall() == [("refused", "pressure")]
    audited = connection.execute(
        "SELECT actor, subject, reason FROM audit_log WHERE action = 'command.pressure'"
    ).fetchall()
    assert audited == [("account:li", "device:power-a", reason)]
    assert client.get(f"/api/v1/commands/{body['id']}", headers=li).json()["status"] == "refused"


@pytest.mark.usefixtures("one_left")
def test_asking_takes_one_connection_and_so_the_pool_is_not_starved_by_itself(
    client: TestClient, li: dict[str, str], connection: Connection
) -> None:
    assert client.post("/api/v1/commands", json=_body(), headers=li).status_code == 201
    refused = client.post("/api/v1/commands", json=_body("relay_open", "arrears"), headers=li)
    assert (refused.status_code, refused.json()["code"]) == (403, "command_pressure")
    assert connection.execute("SELECT count(*) FROM command").fetchone() == (2,)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "relay_open", "reason": ""}, 422, "command_reason"),
        ({"name": "relay_open", "reason": "because"}, 422, "command_reason"),
        ({"name": "unlock", "reason": "fire"}, 422, "command_not_understood"),
        ({"name": "set_interval"}, 422, "command_arguments"),
        ({"name": "set_interval", "arguments": {"seconds": 1}}, 422, "command_arguments"),
        ({"name": "set_interval", "arguments": {"seconds": "x"}}, 422, "invalid_request"),
        ({"id": "17"}, 422, "invalid_request"),
        ({"device": "power-b"}, 404, "not_found"),
        ({"device": "nobody"}, 404, "not_found"),
        ({"valid_s": 5}, 422, "invalid_request"),
        ({"more": 1}, 422, "invalid_request"),
        ({"note": "call 13800138000"}, 422, "command_note_personal"),
        ({"note": "欠费未交"}, 422, "command_note_pressure"),
    ],
)
def test_what_cannot_be_is_said(
    client: TestClient, li: dict[str, str], change: dict[str, object], status: int, code: str
) -> None:
    reply = client.post("/api/v1/commands", json=_body(**change), headers=li)  # pyright: ignore[reportArgumentType]
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_an_id_is_one_command(client: TestClient, li: dict[str, str]) -> None:
    body = _body()
    assert client.post("/api/v1/commands", json=body, headers=li).status_code == 201
    again = client.post("/api/v1/commands", json=body, headers=li)
    assert (again.status_code, again.json()["id"]) == (201, body["id"])
    other = client.post("/api/v1/commands", json=body | {"name": "read_now"}, headers=li)
    assert (other.status_code, other.json()["code"]) == (409, "command_conflict")


def test_roles_and_estates(
    client: TestClient, bearer: Bearer, li: dict[str, str], wang: dict[str, str]
) -> None:
    body = _body("relay_open", "fire")
    client.post("/api/v1/commands", json=body, headers=li)
    at = f"/api/v1/commands/{body['id']}"
    # A supervisor may approve and not ask, enforcement staff neither.
    assert client.post("/api/v1/commands", json=_body(), headers=wang).status_code == 403
    staff = bearer("zhao", "enforcement", all_estates=True)
    assert client.get("/api/v1/commands", headers=staff).status_code == 403
    assert client.post(f"{at}/approve", headers=staff).status_code == 403
    elsewhere = bearer("qian", "supervisor", "HB")
    for reply in (
        client.get(at, headers=elsewhere),
        client.post(f"{at}/approve", headers=elsewhere),
        client.post(f"{at}/refuse", headers=elsewhere),
    ):
        assert reply.status_code == 404
    assert client.get("/api/v1/commands", headers=elsewhere).json()["items"] == []
    declined = client.post(f"{at}/refuse", headers=wang)
    assert (declined.json()["status"], declined.json()["refusal"]) == ("refused", "declined")


def test_a_proposal_lapses(
    client: TestClient, li: dict[str, str], wang: dict[str, str], clock: Clock
) -> None:
    body = _body("relay_open", "fire")
    client.post("/api/v1/commands", json=body, headers=li)
    clock.pass_(timedelta(minutes=15))
    late = client.post(f"/api/v1/commands/{body['id']}/approve", headers=wang)
    assert (late.status_code, late.json()["code"]) == (409, "invalid_transition")


def test_the_list_comes_in_pages(client: TestClient, li: dict[str, str], clock: Clock) -> None:
    made = []
    for _ in range(5):
        body = _body()
        client.post("/api/v1/commands", json=body, headers=li)
        made.append(body["id"])
        clock.pass_(timedelta(seconds=1))
    seen: list[str] = []
    query: dict[str, object] = {"limit": 2, "device": "power-a", "status": "queued"}
    while True:
        page = client.get("/api/v1/commands", params=query, headers=li).json()  # pyright: ignore[reportArgumentType]
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == made[::-1]
    for cursor in ("x", "WyJjb21tYW5kcyIsIjIwMjYiLCJ4Il0"):
        reply = client.get("/api/v1/commands", params={"cursor": cursor}, headers=li)
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_cursor")


def test_the_closed_lists_can_be_read(client: TestClient, li: dict[str, str]) -> None:
    kinds = client.get("/api/v1/commands/kinds", headers=li).json()
    assert {kind["name"] for kind in kinds["commands"] if kind["needs_two"]} == {
        "relay_open", "relay_close", "valve_open", "valve_close", "unlock",
    }  # fmt: skip
    assert "arrears" in {reason["code"] for reason in kinds["refused"]}


def test_a_note_is_refused_with_its_field_named(
    client: TestClient, li: dict[str, str], connection: Connection
) -> None:
    body = _body("relay_open", "fire", note="ID 110101199003071234")
    reply = client.post("/api/v1/commands", json=body, headers=li)
    (fault,) = reply.json()["errors"]
    assert (reply.status_code, fault["where"]) == (422, ["body", "note"])
    assert ("身份证号" in fault["zh"], "identity card" in fault["en"]) == (True, True)
    assert "1101011990" not in reply.text
    client.post("/api/v1/commands", json=body | {"note": "the rent is unpaid"}, headers=li)
    assert connection.execute("SELECT count(*) FROM command").fetchone() == (0,)
    audited = "SELECT actor, subject, reason FROM audit_log WHERE action = 'command.pressure'"
    assert connection.execute(audited).fetchall() == [("account:li", "device:power-a", "fire")]


def test_the_same_proposal_again_names_the_one_that_waits(
    client: TestClient, bearer: Bearer, li: dict[str, str], clock: Clock
) -> None:
    zhao = bearer("zhao", "operator", "HA")
    first = _body("relay_open", "fire")
    assert client.post("/api/v1/commands", json=first, headers=li).status_code == 201
    clock.pass_(timedelta(minutes=1))
    second = _body("relay_open", "electrical_danger")
    reply = client.post("/api/v1/commands", json=second, headers=zhao)
    assert (reply.status_code, reply.json()["code"]) == (409, "command_waits")
    assert (reply.json()["command"], reply.json()["asked_by"]) == (first["id"], "li")
    assert reply.json()["zh"].startswith("同样的指令已由li提出")
    assert client.post("/api/v1/commands", json=first, headers=li).status_code == 201, "the same id again"
    other = client.post("/api/v1/commands", json=_body("relay_close", "hazard_over"), headers=zhao)
    assert other.status_code == 201, "another command"
    client.post(f"/api/v1/commands/{first['id']}/approve", headers=zhao)
    assert client.post("/api/v1/commands", json=second, headers=zhao).status_code == 201, "it waits no more"
    assert client.post("/api/v1/commands", json=first, headers=li).status_code == 201, "on record already"


def test_two_who_ask_at_once_leave_one_proposal(dsn: str, connection: Connection) -> None:
    rules = load("anhe").on(NOW.date()).command

    def ask(opened: Connection, by: str) -> None:
        wanted = Wanted(id=uuid4(), device="power-a", name="relay_open", arguments={}, reason="fire")
        ask_command(opened, wanted, asker=Asker(by=by, everything=True), rules=rules, now=NOW)

    with connect(dsn, name="test") as other, ThreadPoolExecutor(1) as thread:
        ask(connection, "account:li")
        late = thread.submit(ask, other, "account:zhao")
        waits = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        with connect(dsn, name="test") as watcher:
            watcher.autocommit = True
            wait_until(lambda: watcher.execute(waits).fetchone() == (1,), what="the second waits")
        connection.commit()
        with pytest.raises(CommandWaits) as refused:
            late.result(timeout=10)
    assert refused.value.asked_by == "account:li"
