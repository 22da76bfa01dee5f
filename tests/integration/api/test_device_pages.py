"""What the pages of devices refuse and how they answer; what they look like is for the browser."""

import html
from collections.abc import Callable

import numpy as np
import pytest
import zxingcpp
from fastapi.testclient import TestClient

from api.auth import COOKIE, log_in
from api.console import photo
from api.deps import Deps
from api.passwords import Passwords
from devices import lifecycle, registry
from devices.acts import Change
from housing.leads import list_leads, raise_leads
from housing.scope import EVERYTHING
from housing.verdicts import record
from housing.withdrawals import Rebound, withdraw
from policy import load
from storage.pool import Connection
from tests.estates import NOW, SWEPT, add_signal, build_estates, estate_id
from tests.integration.api.conftest import PASSWORD, RULES


@pytest.fixture
def units(connection: Connection) -> list[int]:
    found = build_estates(connection, "HA", "HB")
    for code in ("w-1", "w-2"):
        registry.register_device(
            connection, code=code, profile="water-register", estate_id=estate_id(connection, "HA")
        )
    connection.commit()
    return found["HA"]


@pytest.fixture
def csrf(client: TestClient, deps: Deps, add_account: Callable[..., None], units: list[int]) -> str:
    """An installer is logged in."""
    add_account("ina", "installer", "HA")
    started = log_in(deps, Passwords(RULES), username="ina", password=PASSWORD, kind="cookie")
    client.cookies.set(COOKIE, started.token)
    return started.csrf


def test_the_first_page_of_an_installer(client: TestClient, csrf: str) -> None:
    reply = client.get("/", follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, "/commissioning")
    page = client.get("/commissioning")
    assert page.status_code == 200, page.text
    assert page.headers["permissions-policy"].startswith("camera=(self)")
    assert page.headers["content-security-policy"].endswith("connect-src 'self'")
    assert "unsafe" not in page.headers["content-security-policy"]


def test_a_form_without_the_sessions_token_changes_nothing(
    client: TestClient, csrf: str, units: list[int], connection: Connection
) -> None:
    path = f"/commissioning/devices/w-1/at/{units[0]}"
    for token, status in (("", 403), ("x", 403), (csrf, 303)):
        reply = client.post(path, data={"csrf": token, "act": "commission"}, follow_redirects=False)
        assert reply.status_code == status, reply.text
    assert connection.execute("SELECT count(*) FROM installation_change").fetchone() == (1,)


def test_a_refusal_is_a_page_that_says_why(client: TestClient, csrf: str, units: list[int]) -> None:
    client.post(f"/commissioning/devices/w-1/at/{units[0]}", data={"csrf": csrf, "act": "commission"})
    reply = client.post(
        f"/commissioning/devices/w-2/at/{units[0]}?lang=en", data={"csrf": csrf, "act": "commission"}
    )
    assert reply.status_code == 409
    assert "Another device serves this there" in reply.text
    assert client.get("/commissioning/devices/w-9").status_code == 404
    assert client.get("/devices/w-1/correct").status_code == 403
    assert client.get("/units").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/devices/%00",
        "/commissioning/devices/%00",
        "/commissioning/devices/%00/live",
        "/devices/a%00/correct",
    ],
)
def test_a_path_that_no_text_can_hold_is_not_found(client: TestClient, csrf: str, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.get(f"/api/v1{path}").status_code == 404


def test_a_photo_is_read_and_a_wrong_one_refused(client: TestClient, csrf: str) -> None:
    code = zxingcpp.create_barcode("w-1", zxingcpp.BarcodeFormat.QRCode)
    pixels = np.pad(np.array(code.to_image(scale=5)), 30, constant_values=255).astype(np.uint8)

    def send(body: bytes, width: int, token: str = csrf) -> tuple[int, object]:
        reply = client.post(
            f"{photo.PATH}?width={width}",
            content=body,
            headers={"x-csrf-token": token, "content-type": "application/octet-stream"},
        )
        return reply.status_code, reply.json() if reply.status_code == 200 else None

    height, width = pixels.shape
    assert send(pixels.tobytes(), width) == (200, {"texts": ["w-1"]})
    assert send(bytes(height * width), width) == (200, {"texts": []})
    assert send(pixels.tobytes(), width, token="x")[0] == 403
    assert send(pixels.tobytes()[:-1], width)[0] == 400
    assert send(b"", width)[0] == 400
    assert send(bytes(photo.MAX_BYTES + 1), 1000)[0] == 413


@pytest.mark.parametrize(
    ("decided", "zh", "en"),
    [
        (False, "已撤回：依据的数据不属于这户。", "Withdrawn: the data behind it was not this home’s."),
        (True, "请再看一次", "Please look again"),
    ],
)
def test_a_lead_on_anothers_data_says_so(
    client: TestClient,
    deps: Deps,
    add_account: Callable[..., None],
    units: list[int],
    connection: Connection,
    decided: bool,
    zh: str,
    en: str,
) -> None:
    add_signal(connection, units[0])
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    (lead,) = list_leads(connection, scope=EVERYTHING)
    if decided:
        record(
            connection,
            lead_id=lead.id,
            version=1,
            outcome="confirmed",
            code="seen",
            source="visit",
            by="li",
            now=NOW,
            scope=EVERYTHING,
        )
    connection.execute("DELETE FROM signal")
    rebound = Rebound(
        unit_id=units[0],
        channels=frozenset({"energy_kwh"}),
        first=SWEPT,
        last=SWEPT,
        change_id=1,
        by="account:olga",
        reason="crossed",
    )
    withdraw(connection, [rebound], now=NOW)
    connection.commit()
    add_account("li", "supervisor", "HA")
    started = log_in(deps, Passwords(RULES), username="li", password=PASSWORD, kind="cookie")
    client.cookies.set(COOKIE, started.token)
    for language, words in (("zh", zh), ("en", en)):
        page = client.get(f"/leads/{lead.id}?lang={language}").text
        assert words in page
        assert ("另一户" if language == "zh" else "another home's") in html.unescape(page)
        assert "olga" in page
    assert client.get("/leads?status=decided").status_code == 200
    assert client.get(f"/units/{units[0]}").status_code == 200


def test_a_changed_device_says_so_and_is_changed_back(
    client: TestClient, csrf: str, connection: Connection
) -> None:
    for act in (Change(device="w-1", address="0012"), Change(device="w-2", profile="water-register-100m3")):
        lifecycle.perform(connection, act, by="account:olga", now=NOW)
    connection.commit()
    page = client.get("/devices/w-1?lang=en").text
    assert "Profile, gateway or address changed" in page
    assert "/devices/changes/1/undo" in page
    assert "/devices/changes/2/undo" not in client.get("/devices/w-2").text, "for who may correct"
    reply = client.post("/devices/changes/1/undo", data={"csrf": csrf}, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, "/devices/w-1?done=undone")
    assert client.post("/devices/changes/2/undo", data={"csrf": csrf}).status_code == 403
