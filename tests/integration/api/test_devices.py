from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from storage.pool import Connection
from tests.estates import NOW, build_estates

Bearer = Callable[..., dict[str, str]]
HOURS_AGO = (NOW - timedelta(hours=20)).isoformat()
WEEK_AGO = (NOW - timedelta(days=7)).isoformat()
DEVICES = "/api/v1/devices"


@pytest.fixture
def units(connection: Connection) -> dict[str, list[int]]:
    found = build_estates(connection, "HA", "HB")
    connection.commit()
    return found


@pytest.fixture
def installer(bearer: Bearer, units: dict[str, list[int]]) -> dict[str, str]:
    return bearer("ina", "installer", "HA")


@pytest.fixture
def operator(bearer: Bearer, units: dict[str, list[int]]) -> dict[str, str]:
    return bearer("olga", "operator", all_estates=True)


@pytest.fixture
def register(client: TestClient, operator: dict[str, str]) -> Callable[..., None]:
    def add(code: str, *, estate: str = "HA", profile: str = "water-register", **more: str) -> None:
        body = {"code": code, "profile": profile, "estate": estate, **more}
        reply = client.post(DEVICES, json=body, headers=operator)
        assert reply.status_code == 200, reply.text

    return add


def test_a_device_from_registration_to_its_end(
    client: TestClient,
    installer: dict[str, str],
    register: Callable[..., None],
    units: dict[str, list[int]],
    connection: Connection,
) -> None:
    register("w-1", serial="8801")
    register("w-2")
    home = units["HA"][0]
    done = client.post(
        f"{DEVICES}/w-1/commission", json={"unit_id": home, "since": HOURS_AGO}, headers=installer
    )
    assert (done.status_code, done.json()["changed"]) == (200, True), done.text
    read = client.get(f"{DEVICES}/w-1", headers=installer).json()
    assert read["serial"] == "8801"
    assert {(row["unit_id"], row["valid_to"]) for row in read["installations"]} == {(home, None)}
    assert [(one["act"], one["by"]) for one in read["changes"]] == [("commission", "account:ina")]
    swapped = client.post(
        f"{DEVICES}/w-1/swap",
        json={"new": "w-2", "registers": {"water_l": {"old_final": 8123, "new_first": 0}}},
        headers=installer,
    ).json()
    assert swapped["changed"]
    assert not client.get(f"{DEVICES}/w-1", headers=installer).json()["active"]
    back = client.post(f"/api/v1/device-changes/{swapped['change_id']}/undo", json={}, headers=installer)
    assert back.status_code == 200, back.text
    moved = client.post(f"{DEVICES}/w-1/move", json={"unit_id": units["HA"][1]}, headers=installer)
    assert moved.status_code == 200, moved.text
    gone = client.post(f"{DEVICES}/w-1/retire", json={}, headers=installer)
    assert gone.status_code == 200, gone.text
    actions = connection.execute(
        "SELECT action FROM audit_log WHERE subject = 'device:w-1' ORDER BY id"
    ).fetchall()
    assert [row[0] for row in actions] == ["device.register", *["device.install"] * 5]


def test_a_gateway_is_replaced(
    client: TestClient, installer: dict[str, str], operator: dict[str, str], register: Callable[..., None]
) -> None:
    for code in ("cs1", "cs2"):
        register(code, profile="chirpstack-server")
    register("lw1", profile="lorawan-water-meter", gateway="cs1", address="a8")
    register("far", profile="chirpstack-server", estate="HB")
    path = f"{DEVICES}/cs1/replace-gateway"
    swapped = client.post(f"{DEVICES}/cs1/swap", json={"new": "cs2"}, headers=installer)
    assert (swapped.status_code, swapped.json()["code"]) == (409, "is_gateway")
    retired = client.post(f"{DEVICES}/cs1/retire", json={}, headers=installer)
    said = retired.json()
    assert (retired.status_code, said["code"], said["children"]) == (409, "has_children", 1)
    assert "1台设备" in said["zh"]
    assert "(1): replace it" in said["en"]
    outside = client.post(path, json={"new": "far"}, headers=installer)
    assert (outside.status_code, outside.json()["code"]) == (404, "not_found")
    shown = client.post(path, json={"new": "cs2", "dry_run": True}, headers=installer).json()
    assert [(one["device"], one["gateway"], one["new_gateway"]) for one in shown["links"]] == [
        ("lw1", "cs1", "cs2")
    ]
    done = client.post(path, json={"new": "cs2", "seen": shown["seen"]}, headers=installer).json()
    assert done["changed"]
    assert client.get(f"{DEVICES}/lw1", headers=installer).json()["gateway"] == "cs2"
    assert not client.post(path, json={"new": "cs2"}, headers=installer).json()["changed"]
    page = client.get(f"{DEVICES}/cs2", headers=installer).json()
    assert [one["act"] for one in page["changes"]] == ["replace_gateway"]
    undone = client.post(f"/api/v1/device-changes/{done['change_id']}/undo", json={}, headers=installer)
    assert undone.status_code == 200, undone.text
    assert client.get(f"{DEVICES}/lw1", headers=installer).json()["gateway"] == "cs1"


def test_what_a_device_is_changes_only_who_may_correct(
    client: TestClient, installer: dict[str, str], operator: dict[str, str], register: Callable[..., None]
) -> None:
    register("w-1")
    path, body = f"{DEVICES}/w-1/change", {"profile": "water-register-100m3"}
    refused = client.post(path, json=body, headers=installer)
    assert (refused.status_code, refused.json()["action"]) == (403, "device.correct")
    assert client.post(path, json={}, headers=installer).json()["code"] == "change_needed"
    assert client.post(path, json={"address": "0012"}, headers=installer).json()["changed"]
    done = client.post(path, json=body, headers=operator).json()
    assert client.get(f"{DEVICES}/w-1", headers=installer).json()["profile"] == "water-register-100m3"
    back = client.post(f"/api/v1/device-changes/{done['change_id']}/undo", json={}, headers=installer)
    assert (back.status_code, back.json()["action"]) == (403, "device.correct")


def test_a_correction_is_shown_before_it_is_done(
    client: TestClient,
    operator: dict[str, str],
    installer: dict[str, str],
    register: Callable[..., None],
    units: dict[str, list[int]],
) -> None:
    register("w-1")
    home, real = units["HA"][:2]
    client.post(f"{DEVICES}/w-1/commission", json={"unit_id": home, "since": WEEK_AGO}, headers=operator)
    body = {"unit_id": real, "since": WEEK_AGO, "reason": "wrong_unit", "note": "表号抄错"}
    path = f"{DEVICES}/w-1/correct"
    assert client.post(path, json=body, headers=installer).status_code == 403
    shown = client.post(path, json=body | {"dry_run": True}, headers=operator).json()
    assert (shown["changed"], shown["dry_run"], shown["change_id"]) == (True, True, None)
    assert client.get(f"{DEVICES}/w-1", headers=operator).json()["installations"][0]["unit_id"] == home
    done = client.post(path, json=body | {"seen": shown["seen"]}, headers=operator).json()
    assert done["changed"]
    assert client.get(f"{DEVICES}/w-1", headers=operator).json()["installations"][0]["unit_id"] == real
    again = client.post(path, json=body | {"seen": shown["seen"]}, headers=operator).json()
    assert not again["changed"], "the same again is no conflict"
    stale = client.post(
        path, json=body | {"unit_id": units["HA"][2], "seen": shown["seen"]}, headers=operator
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "changed_meanwhile")


def test_what_cannot_be_is_a_problem_in_both_languages(
    client: TestClient,
    installer: dict[str, str],
    register: Callable[..., None],
    units: dict[str, list[int]],
) -> None:
    register("w-1")
    register("w-2")
    register("w-9", estate="HB")
    home = units["HA"][0]

    def code(path: str, body: dict[str, object]) -> tuple[int, str]:
        reply = client.post(f"{DEVICES}/{path}", json=body, headers=installer)
        assert reply.json()["zh"]
        assert reply.json()["en"]
        return reply.status_code, reply.json()["code"]

    client.post(f"{DEVICES}/w-1/commission", json={"unit_id": home}, headers=installer)
    taken = client.post(f"{DEVICES}/w-2/commission", json={"unit_id": home}, headers=installer)
    assert (taken.status_code, taken.json()["device"]) == (409, "w-1")
    assert code("w-2/commission", {}) == (422, "place_needed")
    assert code("w-2/commission", {"unit_id": units["HB"][0]}) == (404, "not_found")
    assert code("w-9/commission", {"unit_id": home}) == (404, "not_found")
    assert code("w-2/move", {"unit_id": home}) == (409, "not_installed")
    assert code("w-1/commission", {"unit_id": units["HA"][1]}) == (409, "already_installed")
    assert client.get(f"{DEVICES}/w-9", headers=installer).status_code == 404
    assert [one["code"] for one in client.get(DEVICES, headers=installer).json()["items"]] == ["w-1", "w-2"]


def test_an_installer_does_not_change_the_past_by_a_date(
    client: TestClient,
    installer: dict[str, str],
    operator: dict[str, str],
    register: Callable[..., None],
    units: dict[str, list[int]],
) -> None:
    for code in ("w-1", "w-2", "w-3"):
        register(code)
    home, other = units["HA"][:2]
    month_ago = (NOW - timedelta(days=30)).isoformat()
    client.post(f"{DEVICES}/w-1/commission", json={"unit_id": home, "since": month_ago}, headers=operator)
    acts = {
        "w-3/commission": {"unit_id": other, "since": WEEK_AGO},
        "w-1/move": {"unit_id": other, "at": WEEK_AGO},
        "w-1/swap": {"new": "w-2", "at": WEEK_AGO},
        "w-1/retire": {"at": WEEK_AGO},
    }
    for path, body in acts.items():
        for dry_run in (True, False):
            reply = client.post(f"{DEVICES}/{path}", json=body | {"dry_run": dry_run}, headers=installer)
            said = reply.json()
            assert (reply.status_code, said["code"]) == (403, "not_permitted"), path
            assert said["action"] == "device.correct"
        recent = {name: HOURS_AGO if value == WEEK_AGO else value for name, value in body.items()}
        for given, who in ((recent, installer), (body, operator)):
            reply = client.post(f"{DEVICES}/{path}", json=given | {"dry_run": True}, headers=who)
            assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("commission", {"unit_id": 1, "since": "2026-11-24T08:00"}),
        ("retire", {"at": "2026-11-24T08:00"}),
        ("correct", {"unit_id": 1, "since": "2026-11-24T08:00"}),
        ("exchange", {"other": "w-1", "until": "2026-11-24T08:00"}),
    ],
)
def test_a_time_without_its_zone_is_the_request_s_fault(
    client: TestClient, operator: dict[str, str], act: str, body: dict[str, object]
) -> None:
    reply = client.post(f"{DEVICES}/w-1/{act}", json=body, headers=operator)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_a_move_before_another_one_is_refused_in_words(
    client: TestClient,
    installer: dict[str, str],
    register: Callable[..., None],
    units: dict[str, list[int]],
) -> None:
    register("w-1")
    home, other = units["HA"][:2]
    client.post(f"{DEVICES}/w-1/commission", json={"unit_id": home, "since": HOURS_AGO}, headers=installer)
    client.post(f"{DEVICES}/w-1/move", json={"unit_id": other}, headers=installer)
    earlier = {"unit_id": other, "at": (NOW - timedelta(hours=5)).isoformat()}
    reply = client.post(f"{DEVICES}/w-1/move", json=earlier, headers=installer)
    assert (reply.status_code, reply.json()["code"]) == (409, "recorded_later")
    assert "更正" in reply.json()["zh"]
    assert "correct" in reply.json()["en"]


def test_a_device_called_like_a_service_of_ours_is_refused_in_words(
    client: TestClient, installer: dict[str, str], units: dict[str, list[int]]
) -> None:
    assert units
    body = {"code": "ingest", "profile": "water-register", "estate": "HA"}
    reply = client.post(DEVICES, json=body, headers=installer)
    assert (reply.status_code, reply.json()["code"]) == (422, "reserved_device_code")
    assert "另取编号" in reply.json()["zh"]
    assert "something else" in reply.json()["en"]


def test_nobody_takes_over_a_device_by_its_code(
    client: TestClient, installer: dict[str, str], register: Callable[..., None]
) -> None:
    register("w-9", estate="HB")
    body = {"code": "w-9", "profile": "water-register", "estate": "HA"}
    reply = client.post(DEVICES, json=body, headers=installer)
    assert (reply.status_code, reply.json()["code"]) == (409, "device_exists")
    for gateway, status in (("w-9", 404), ("gw-1", 404)):
        child = body | {"code": "c-1", "gateway": gateway}
        assert client.post(DEVICES, json=child, headers=installer).status_code == status
    assert client.post(DEVICES, json=body | {"estate": "HB"}, headers=installer).status_code == 404


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("commission", {"unit_id": 1}),
        ("swap", {"new": "w-1"}),
        ("move", {"unit_id": 1}),
        ("retire", {}),
        ("correct", {"unit_id": 1, "since": WEEK_AGO}),
        ("exchange", {"other": "w-1"}),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_device_of_another_estate_does_not_exist_for_any_act(
    client: TestClient,
    bearer: Bearer,
    register: Callable[..., None],
    units: dict[str, list[int]],
    act: str,
    body: dict[str, object],
    dry_run: bool,
) -> None:
    register("w-1")
    register("w-9", estate="HB")
    near = bearer("otto", "operator", "HA")
    reply = client.post(f"{DEVICES}/w-9/{act}", json=body | {"dry_run": dry_run}, headers=near)
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


def test_an_act_of_another_estate_cannot_be_taken_back(
    client: TestClient,
    operator: dict[str, str],
    bearer: Bearer,
    register: Callable[..., None],
    units: dict[str, list[int]],
) -> None:
    register("w-9", estate="HB")
    done = client.post(f"{DEVICES}/w-9/commission", json={"unit_id": units["HB"][0]}, headers=operator)
    near = bearer("otto", "operator", "HA")
    undo = f"/api/v1/device-changes/{done.json()['change_id']}/undo"
    assert client.post(undo, json={}, headers=near).status_code == 409
    assert client.post(undo, json={}, headers=operator).status_code == 200
