from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.auth import COOKIE, account_of, log_in
from api.deps import Deps
from api.passwords import Passwords
from api.permissions import OWN, PUBLIC, RECEIVING, Needs
from housing.estates import EstateRow, upsert_estates
from housing.leads import raise_leads
from housing.leases import OccupantRow, upsert_occupants
from housing.residents import ResidentRow, upsert_residents
from policy import load
from storage.personal import PersonalKey
from storage.pool import Connection
from tests.estates import NOW, add_signal, build_estates, estate_id
from tests.integration.api.conftest import PASSWORD, RULES

Bearer = Callable[..., dict[str, str]]
READS = ("/units", "/signals", "/leads", "/estates")


def _routes(app: FastAPI) -> Iterator[tuple[str, str, Dependant | None]]:
    for route in iter_route_contexts(app.routes):
        for method in sorted(route.methods or ()):
            if method != "HEAD":
                yield method, route.path or "", getattr(route, "dependant", None)


def _calls(dependant: Dependant | None) -> Iterator[object]:
    if dependant is not None:
        yield dependant.call
        for below in dependant.dependencies:
            yield from _calls(below)


def test_every_route_names_its_action_or_is_listed_as_open(app: FastAPI) -> None:
    bare, listed = [], set()
    for method, path, dependant in _routes(app):
        calls = list(_calls(dependant))
        if (method, path) in PUBLIC | OWN | RECEIVING:
            listed.add((method, path))
            assert (method, path) not in OWN or account_of in calls, path
        elif not any(isinstance(call, Needs) for call in calls):
            bare.append((method, path))
    assert bare == []
    # A line that no route answers to any more is a hole for the next one.
    assert listed == PUBLIC | OWN | RECEIVING


def test_every_action_that_a_route_names_is_given_to_some_role(app: FastAPI, connection: Connection) -> None:
    named = {
        call.action
        for _, _, dependant in _routes(app)
        for call in _calls(dependant)
        if isinstance(call, Needs)
    }
    given = {row[0] for row in connection.execute("SELECT action FROM role_permission")}
    assert named <= given


def test_without_a_log_in_nothing_is_readable(client: TestClient, app: FastAPI) -> None:
    for method, path, _ in _routes(app):
        if (method, path) in PUBLIC or not path.startswith("/api/"):
            continue
        filled = path.replace("{code}", "R1").replace("{unit_id}", "1").replace("{lead_id}", "1")
        filled = filled.replace("{change_id}", "1")
        reply = client.request(method, filled.replace("{estate_id}", "1"), json={})
        assert (reply.status_code, reply.json()["code"]) == (401, "login_required"), path


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        ("supervisor", set()),
        ("enforcement", set()),
        ("operator", {"/leads"}),
        ("reviewer", set()),
        ("city_officer", set()),
        ("auditor", {"/units", "/signals", "/leads", "/estates"}),
        ("resident", {"/units", "/signals", "/leads", "/estates"}),
    ],
)
def test_a_role_reads_what_the_table_gives_it_and_nothing_else(
    client: TestClient, bearer: Bearer, role: str, refused: set[str]
) -> None:
    header = bearer("li", role, all_estates=True)
    found = {path: client.get(f"/api/v1{path}", headers=header) for path in READS}
    assert {path for path, reply in found.items() if reply.status_code == 403} == refused
    assert {reply.status_code for reply in found.values()} <= {200, 403}
    assert all(found[path].json()["code"] == "not_permitted" for path in refused)


def test_a_permission_taken_away_counts_at_once(
    client: TestClient, bearer: Bearer, connection: Connection
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    assert client.get("/api/v1/leads", headers=header).status_code == 200
    connection.execute("DELETE FROM role_permission WHERE role = 'supervisor' AND action = 'lead.read'")
    connection.commit()
    assert client.get("/api/v1/leads", headers=header).status_code == 403


# --- scope ------------------------------------------------------------------------------------------


@pytest.fixture
def hidden(connection: Connection) -> dict[str, int | str]:
    """An estate full of things to find, and one that the reader may see."""
    units = build_estates(connection, "HIDDEN", "HB")
    connection.execute("UPDATE unit SET code = 'HIDDEN-' || code WHERE id = ANY(%s)", [units["HIDDEN"]])
    upsert_estates(connection, [EstateRow(code="HIDDEN", name="HIDDEN", name_en="HIDDEN", city="anhe")])
    resident = ResidentRow(code="R-HIDDEN", subject="p-HIDDEN", name="HIDDEN", phone="13800002121")
    upsert_residents(connection, [resident], key=PersonalKey(b"k" * 32))
    unit_id = units["HIDDEN"][0]
    occupant = OccupantRow(
        estate="HIDDEN", unit="HIDDEN-1-1-0101", resident="R-HIDDEN", starts_at=NOW.replace(year=2025)
    )
    upsert_occupants(connection, [occupant])
    device = connection.execute(
        "INSERT INTO device (code, profile, estate_id)"
        " VALUES ('HIDDEN-d1', 'energy-register', %s) RETURNING id",
        [estate_id(connection, "HIDDEN")],
    ).fetchone()
    assert device is not None
    connection.execute(
        "INSERT INTO installation (device_id, channel, unit_id, valid_from)"
        " VALUES (%s, 1, %s, '2025-01-01Z')",
        [device[0], unit_id],
    )
    connection.execute(
        "INSERT INTO reading (time, received_at, value, device_id, channel, decoder)"
        " VALUES (%s, %s, 1, %s, 1, 101)",
        [NOW, NOW, device[0]],
    )
    add_signal(connection, unit_id, score=0.9)
    add_signal(connection, units["HB"][0])
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    lead = connection.execute("SELECT id FROM lead WHERE unit_id = %s", [unit_id]).fetchone()
    assert lead is not None
    connection.commit()
    return {
        "estate_id": estate_id(connection, "HIDDEN"),
        "unit_id": unit_id,
        "lead_id": lead[0],
        "device": "HIDDEN-d1",
    }


#: What POST routes need to get past their own checks.
BODIES: dict[str, dict[str, object]] = {
    "/api/v1/leads/{lead_id}/verdict": {"outcome": "refuted", "code": "not_seen", "version": 1},
    "/api/v1/leads/{lead_id}/reopen": {"version": 1},
    "/api/v1/residents/{code}/opening": {"reason": "核对身份"},
}


def test_another_estate_does_not_exist_for_a_reader_whatever_the_endpoint(
    client: TestClient, app: FastAPI, bearer: Bearer, hidden: dict[str, int | str]
) -> None:
    near = {role: bearer(f"li-{role}", role, "HB") for role in ("enforcement", "operator")}
    far = {role: bearer(f"wang-{role}", role, all_estates=True) for role in near}
    tried = 0
    for method, path, _ in _routes(app):
        if (method, path) in PUBLIC or not path.startswith("/api/") or path.endswith(("/me", "/token")):
            continue
        of_devices = path.startswith(("/api/v1/devices", "/api/v1/device-changes"))
        if path.startswith(("/api/v1/alerts", "/api/v1/uncovered")):
            continue  # test_alerts.py
        if of_devices and method != "GET":
            continue  # test_devices.py
        if path.startswith("/api/v1/commands"):
            continue  # test_commands.py
        if path.startswith("/api/v1/quarantine"):
            continue  # test_quarantine.py
        role = "operator" if of_devices else "enforcement"
        header, all_seeing = near[role], far[role]
        filled = path.replace("{code}", "R-HIDDEN")
        for name, value in hidden.items():
            filled = filled.replace(f"{{{name}}}", str(value))
        query = {"channel": "energy_kwh"} if filled.endswith(("usage", "readings")) else None
        reply = client.request(method, filled, params=query, json=BODIES.get(path), headers=header)
        assert reply.status_code == (404 if "{" in path else 200), (path, reply.text)
        assert "HIDDEN" not in reply.text, path
        # The same request of somebody who may: the test looks at the right thing.
        allowed = client.request(method, filled, params=query, json=BODIES.get(path), headers=all_seeing)
        if allowed.status_code == 409 and path.endswith("reopen"):
            continue
        assert allowed.status_code == 200, (path, allowed.text)
        if not filled.endswith(("usage", "episodes")):
            assert "HIDDEN" in allowed.text, path
        tried += 1
    assert tried >= 12


@pytest.mark.parametrize("role", ["supervisor", "operator"])
def test_pages_show_nothing_of_another_estate_either(
    client: TestClient,
    app: FastAPI,
    deps: Deps,
    add_account: Callable[..., None],
    hidden: dict[str, int | str],
    role: str,
) -> None:
    add_account("li", role, "HB")
    started = log_in(deps, Passwords(RULES), username="li", password=PASSWORD, kind="cookie")
    client.cookies.set(COOKIE, started.token)
    tried = 0
    for method, path, _ in _routes(app):
        if (method, path) in PUBLIC or path.startswith("/api/") or method != "GET":
            continue
        filled = path.replace("{action}", "refute").replace("{check_id}", "1").replace("{alert_id}", "1")
        for name, value in hidden.items():
            filled = filled.replace(f"{{{name}}}", str(value))
        for query in ("", f"?estate={hidden['estate_id']}"):
            reply = client.get(filled + query, follow_redirects=False)
            # the address itself stands in the links for theme and language
            assert "HIDDEN" not in reply.text.replace(filled, ""), path
            if reply.status_code == 403:
                break
            assert reply.status_code in ({404} if "{" in path else {200, 404}), path
        else:
            tried += 1
    assert tried >= 5


@pytest.mark.parametrize("path", ["/units", "/signals", "/leads"])
@pytest.mark.parametrize(
    "query", [{"estate": "HIDDEN"}, {"code": "HIDDEN-1-1-0101"}, {"unit_id": "{unit_id}"}]
)
def test_filters_do_not_reach_beyond_the_scope(
    client: TestClient, bearer: Bearer, hidden: dict[str, int | str], path: str, query: dict[str, str]
) -> None:
    header = bearer("li", "supervisor", "HB")
    filled = {name: value.format(**hidden) for name, value in query.items()}
    reply = client.get(f"/api/v1{path}", params=filled, headers=header)
    assert reply.status_code == 200
    assert "HIDDEN" not in reply.text


def test_a_cursor_of_somebody_else_carries_no_right(
    client: TestClient, bearer: Bearer, hidden: dict[str, int | str]
) -> None:
    cursor = client.get(
        "/api/v1/units", params={"limit": 1}, headers=bearer("wang", "supervisor", all_estates=True)
    ).json()["next"]
    reply = client.get("/api/v1/units", params={"cursor": cursor}, headers=bearer("li", "supervisor", "HB"))
    assert reply.status_code == 200
    assert "HIDDEN" not in reply.text


def test_an_account_without_estates_sees_none(
    client: TestClient, bearer: Bearer, hidden: dict[str, int | str]
) -> None:
    header = bearer("li", "supervisor")
    for path in READS:
        assert client.get(f"/api/v1{path}", headers=header).json()["items"] == []


def test_nothing_was_decided_or_opened_on_the_way(
    client: TestClient, bearer: Bearer, hidden: dict[str, int | str], connection: Connection
) -> None:
    header = bearer("li", "enforcement", "HB")
    body = BODIES["/api/v1/leads/{lead_id}/verdict"]
    client.post(f"/api/v1/leads/{hidden['lead_id']}/verdict", json=body, headers=header)
    client.post("/api/v1/residents/R-HIDDEN/opening", json={"reason": "核对身份"}, headers=header)
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM verdict").fetchone() == (0,)
    entries = connection.execute("SELECT count(*) FROM audit_log WHERE action = 'resident.read'").fetchone()
    assert entries == (0,)
