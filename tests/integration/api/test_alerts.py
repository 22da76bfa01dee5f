"""`/alerts` and its pages: who sees what, what may be done, and the homes that nothing is heard of."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from alerts.plant import Trouble
from alerts.raising import raise_alerts
from api.auth import COOKIE, log_in
from api.deps import Deps
from api.passwords import Passwords
from storage.pool import Connection
from tests.integration.api.conftest import PASSWORD, RULES
from tests.integration.devices.watched import HOUR, NOW, POLICIES, Estate, make_watched

Bearer = Callable[..., dict[str, str]]
LATER = NOW + 4 * HOUR


@pytest.fixture
def silent(connection: Connection, clock: object) -> Estate:
    """`box-1` and the gateway with five meters are silent; the disk is nearly full."""
    estate = make_watched(connection)
    estate.listens(LATER)
    estate.hears("lock-1", at=LATER)
    estate.watched(LATER)
    full = Trouble(origin="disk", kind="disk_full", since=LATER, detail={"percent": 3.1})
    raise_alerts(connection, troubles=[full], rules=POLICIES["anhe"].alerts, now=LATER)
    connection.commit()
    clock.at = LATER  # pyright: ignore[reportAttributeAccessIssue]
    return estate


def kinds(client: TestClient, headers: dict[str, str], **query: object) -> list[str]:
    reply = client.get("/api/v1/alerts", headers=headers, params=query)  # pyright: ignore[reportArgumentType]
    assert reply.status_code == 200, reply.text
    return [one["kind"] for one in reply.json()["items"]]


def test_alerts_are_listed_the_most_pressing_first_and_in_scope(
    client: TestClient, silent: Estate, bearer: Bearer
) -> None:
    everywhere = bearer("op", "operator", all_estates=True)
    assert kinds(client, everywhere) == ["disk_full", "gateway_offline", "device_offline"]
    assert kinds(client, everywhere, kind="device_offline") == ["device_offline"]
    assert kinds(client, everywhere, status="over") == []
    here, elsewhere = bearer("wang", "supervisor", "E1"), bearer("li", "supervisor")
    assert kinds(client, here) == ["gateway_offline", "device_offline"]
    assert kinds(client, here, estate="E1") == ["gateway_offline", "device_offline"]
    assert kinds(client, elsewhere) == []
    assert client.get("/api/v1/alerts", headers=bearer("zhao", "auditor")).status_code == 403


def test_pages_follow_each_other(client: TestClient, silent: Estate, bearer: Bearer) -> None:
    headers = bearer("op", "operator", all_estates=True)
    found, cursor = [], None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        body = client.get("/api/v1/alerts", headers=headers, params=query).json()
        found += [one["kind"] for one in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert found == ["disk_full", "gateway_offline", "device_offline"]


def test_an_alert_is_moved_on_with_its_version_and_taken_back(
    client: TestClient, silent: Estate, bearer: Bearer
) -> None:
    headers = bearer("wang", "supervisor", "E1")
    one = client.get("/api/v1/alerts", headers=headers).json()["items"][0]
    path = f"/api/v1/alerts/{one['id']}"
    body = {"version": one["version"], "note": "on my way"}
    reply = client.post(f"{path}/acknowledge", headers=headers, json=body)
    assert reply.status_code == 200, reply.text
    moved = reply.json()
    assert (moved["status"], moved["permitted"]) == ("acknowledged", ["progress", "resolve", "undo"])
    again = client.post(f"{path}/acknowledge", headers=headers, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "version_conflict")
    assert again.json()["current"] == moved["version"]
    wrong = client.post(f"{path}/close", headers=headers, json={"version": moved["version"]})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "invalid_transition")
    back = client.post(f"{path}/undo", headers=headers, json={"version": moved["version"]}).json()
    assert back["status"] == "open"
    assert [step["action"] for step in back["steps"]] == ["acknowledge", "undo"]
    elsewhere = client.post(f"{path}/acknowledge", headers=bearer("li", "supervisor"), json=body)
    assert elsewhere.status_code == 404


def test_homes_that_nothing_is_heard_of_are_listed_with_since_when(
    client: TestClient, silent: Estate, bearer: Bearer
) -> None:
    headers = bearer("wang", "supervisor", "E1")
    body = client.get("/api/v1/uncovered", headers=headers, params={"limit": 4}).json()
    found = [(one["unit"], one["devices"], one["since"]) for one in body["items"]]
    body = client.get("/api/v1/uncovered", headers=headers, params={"cursor": body["next"]}).json()
    found += [(one["unit"], one["devices"], one["since"]) for one in body["items"]]
    heard = NOW.isoformat().replace("+00:00", "Z")
    # Only the home with the lock is covered.
    assert found == [(f"1-1-{n}", 1, heard) for n in (1, 3, 4, 5, 6, 7)]
    assert client.get("/api/v1/uncovered", headers=bearer("li", "supervisor")).json()["items"] == []


def test_a_home_without_devices_and_one_whose_device_was_never_heard_are_not_covered(
    connection: Connection, client: TestClient, bearer: Bearer, clock: object
) -> None:
    estate = make_watched(connection)
    connection.execute("DELETE FROM device_sign WHERE device_id = %s", [estate.ids["lock-1"]])
    connection.execute(
        "UPDATE installation SET valid_to = %s WHERE device_id = %s",
        [NOW - timedelta(days=1), estate.ids["meter-1"]],
    )
    connection.commit()
    clock.at = NOW  # pyright: ignore[reportAttributeAccessIssue]
    body = client.get("/api/v1/uncovered", headers=bearer("wang", "supervisor", "E1")).json()
    ended = (NOW - timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert [(one["unit"], one["devices"], one["since"]) for one in body["items"]] == [
        ("1-1-2", 1, None),
        ("1-1-3", 0, ended),
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_pages_show_what_is_there_and_take_what_is_done(
    client: TestClient, silent: Estate, add_account: Callable[..., None], deps: Deps, lang: str
) -> None:
    add_account("wang", "supervisor", "E1")
    session = log_in(deps, Passwords(RULES), username="wang", password=PASSWORD, kind="cookie")
    client.cookies.set(COOKIE, session.token)
    page = client.get("/alerts", params={"lang": lang}).text
    words = {"zh": ("网关未上报", "6 户未覆盖"), "en": ("Gateway not heard", "6 flats not covered")}[lang]
    assert all(word in page for word in words), page
    assert "disk" not in page
    href = _links(page)[0]
    one = client.get(href).text
    version, csrf = _value(one, "version"), _value(one, "csrf")
    done = client.post(f"{href}/acknowledge", data={"csrf": csrf, "version": version, "note": "去看"})
    assert done.status_code == 200
    assert {"zh": "已确认，由您处理。", "en": "it is yours"}[lang] in done.text
    stale = client.post(f"{href}/resolve", data={"csrf": csrf, "version": version})
    assert stale.status_code == 409
    assert {"zh": "未作记录", "en": "nothing was recorded"}[lang] in stale.text
    homes = client.get("/uncovered").text
    assert "1-1-7" in homes
    assert "1-1-2<" not in homes


def _links(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('href="') if part.startswith("/alerts/")]


def _value(page: str, name: str) -> str:
    return page.split(f'name="{name}" value="')[1].split('"', maxsplit=1)[0]
