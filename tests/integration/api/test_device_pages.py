"""What the pages of devices refuse and how they answer; what they look like is for the browser."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import zxingcpp
from fastapi.testclient import TestClient

from api.auth import COOKIE, log_in
from api.console import photo
from api.deps import Deps
from api.passwords import Passwords
from devices import installations, lifecycle, registry
from devices.acts import REASONS, Change, Commission
from devices.timelines import Place
from housing.leads import list_leads, raise_leads
from housing.scope import EVERYTHING
from housing.verdicts import record
from housing.withdrawals import Rebound, withdraw
from policy import load
from storage.pool import Connection
from tests.estates import NOW, SWEPT, add_signal, build_estates, estate_id
from tests.integration.api.conftest import PASSWORD, RULES
from wire.quality import Quality


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
    ("sent", "zh", "en"),
    [
        ({"act": "steal"}, "做什么</b> 须为其中之一", "What to do</b> must be one of"),
        (
            {"act": "swap", "old": "x" * 65},
            "旧设备</b> 不得超过64个字",
            "The old device</b> must not be longer than 64",
        ),
        ({}, "做什么</b> 必填", "What to do</b> is missing"),
    ],
)
def test_a_form_that_is_not_as_it_must_be_names_the_field(
    client: TestClient, csrf: str, units: list[int], sent: dict[str, str], zh: str, en: str
) -> None:
    for language, said in (("zh", zh), ("en", en)):
        path = f"/commissioning/devices/w-1/at/{units[0]}?lang={language}"
        reply = client.post(path, data={"csrf": csrf} | sent)
        assert reply.status_code == 422
        assert said in reply.text


def test_a_refused_installation_keeps_what_was_typed(
    client: TestClient, csrf: str, units: list[int], connection: Connection
) -> None:
    client.post(f"/commissioning/devices/w-1/at/{units[0]}", data={"csrf": csrf, "act": "commission"})
    path = f"/commissioning/devices/w-2/at/{units[0]}"
    body = {"csrf": csrf, "act": "swap", "old": "w-1", "channel": "water_l", "new_first": "0,5"}
    for language, said in (("zh", "须为数字"), ("en", "must be a number")):
        reply = client.post(f"{path}?lang={language}", data=body | {"old_final": "12,3 m"})
        assert reply.status_code == 422
        assert re.search(rf'id="fault-old_final">{said}', reply.text)
        assert 'name="old_final" value="12,3 m"' in reply.text
        assert 'name="new_first" value="0,5"' in reply.text
    # somebody installs another one meanwhile: what was to be installed would be a swap now
    reply = client.post(f"{path}?lang=zh", data={"csrf": csrf, "act": "commission", "multiplier": "x"})
    assert (reply.status_code, "倍率 须为数字" in reply.text) == (422, True)
    assert connection.execute("SELECT count(*) FROM installation_change").fetchone() == (1,)


def test_a_refused_registration_keeps_what_was_typed(client: TestClient, csrf: str) -> None:
    body = {"csrf": csrf, "scan": "SN:70010001", "code": "w-1", "serial": "70010001", "estate": "HA"}
    body["profile"] = "gas-register"
    taken = client.post("/commissioning?lang=zh", data=body)
    assert taken.status_code == 409
    assert re.search(r'role="alert" id="fault-code">这个编号已登记为另一台设备', taken.text)
    for kept in (
        'name="code" value="w-1"',
        'name="serial" value="70010001"',
        'value="gas-register" selected',
    ):
        assert kept in taken.text, kept
    assert "没有登记过“SN:70010001”" in taken.text
    assert taken.headers["permissions-policy"].startswith("camera=(self)")
    for change, field, said in (
        ({"code": "a b"}, "code", "A device code has"),
        ({"profile": "no-such"}, "profile", "There is no such profile"),
        ({"profile": ""}, "profile", "is missing"),
        ({"serial": "9" * 65}, "serial", "must not be longer than 64"),
    ):
        reply = client.post("/commissioning?lang=en", data=body | {"code": "w-new"} | change)
        assert (reply.status_code, f'id="fault-{field}">{said}' in reply.text) == (422, True), change
    done = client.post("/commissioning", data=body | {"code": "w-new"}, follow_redirects=False)
    assert done.headers["location"] == "/commissioning/devices/w-new"


def test_profiles_are_offered_by_name_and_by_what_they_measure(client: TestClient, csrf: str) -> None:
    page = client.get("/commissioning?scan=water%20meter&lang=en").text
    groups = re.findall(r'<optgroup label="([^"]+)">', page)
    assert groups[:3] == ["Electricity meter", "Water meter", "Hot water meter"]
    assert '<option value="water-register">water meter that reports its register in litres · water' in page
    assert 'name="serial" value=""' in page, "a word is no serial number"
    assert "水表，报累计示数 · water-register" in client.get("/commissioning?scan=x1&lang=zh").text


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


@pytest.fixture
def correcting(
    client: TestClient, deps: Deps, add_account: Callable[..., None], units: list[int], connection: Connection
) -> str:
    """An operator is logged in, and a meter hangs in the first home since ten days ago."""
    begun = NOW - timedelta(days=10)
    wanted = Commission(device="w-1", place=Place(unit_id=units[0]), since=begun)
    lifecycle.perform(connection, wanted, by="account:olga", now=NOW)
    add_account("olga", "operator", "HA")
    started = log_in(deps, Passwords(RULES), username="olga", password=PASSWORD, kind="cookie")
    client.cookies.set(COOKIE, started.token)
    return started.csrf


@pytest.mark.parametrize(
    "written", ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.000"]
)
def test_a_correction_takes_a_time_to_the_second(
    client: TestClient, correcting: str, units: list[int], connection: Connection, written: str
) -> None:
    since = (NOW - timedelta(days=5)).replace(second=0 if "%S" not in written else 37, microsecond=0)
    form = {
        "csrf": correcting,
        "what": "place",
        "flat": connection.execute("SELECT code FROM unit WHERE id = %s", [units[1]]).fetchone()[0],  # pyright: ignore[reportOptionalSubscript]
        "since": since.astimezone(ZoneInfo("Asia/Shanghai")).strftime(written),
        "reason": next(iter(REASONS)),
    }
    shown = client.post("/devices/w-1/correct", data=form | {"step": "preview"})
    assert shown.status_code == 200, shown.text
    assert f'value="{form["since"].replace(" ", "T")}"' in shown.text, "what was typed stays"
    seen = re.search(r'name="seen" value="([^"]+)"', shown.text)
    assert seen is not None
    done = client.post(
        "/devices/w-1/correct", data=form | {"step": "do", "seen": seen[1]}, follow_redirects=False
    )
    assert done.status_code == 303, done.text
    rows = connection.execute(
        "SELECT DISTINCT valid_from FROM installation WHERE unit_id = %s", [units[1]]
    ).fetchall()
    assert rows == [(since,)]


def test_a_time_that_is_none_is_named_with_its_field(client: TestClient, correcting: str) -> None:
    form = {"csrf": correcting, "what": "place", "step": "preview", "since": "yesterday"}
    assert "“从什么时候起”的时间不对" in client.post("/devices/w-1/correct", data=form).text
    form |= {"since": "", "until": "25:00"}
    assert "“Until when” is no time" in client.post("/devices/w-1/correct?lang=en", data=form).text


def test_what_to_switch_on_follows_the_kind_of_meter(
    client: TestClient, csrf: str, units: list[int], connection: Connection
) -> None:
    registry.register_device(
        connection, code="e-1", profile="energy-register", estate_id=estate_id(connection, "HA")
    )
    connection.commit()
    for code, zh, en in (("e-1", "电热水壶", "kettle"), ("w-1", "水龙头", "tap")):
        client.post(f"/commissioning/devices/{code}/at/{units[0]}", data={"csrf": csrf, "act": "commission"})
        page = client.get(f"/commissioning/devices/{code}/live?lang=zh").text
        assert zh in page
        assert ("水龙头" in page, "电热水壶" in page) == (code == "w-1", code == "e-1")
        assert en in client.get(f"/commissioning/devices/{code}/live?lang=en").text
        begun = client.post(f"/commissioning/devices/{code}/check", data={"csrf": csrf})
        assert en in begun.text


def test_a_refused_correction_keeps_what_was_typed(client: TestClient, correcting: str) -> None:
    body = {
        "csrf": correcting,
        "what": "place",
        "step": "preview",
        "flat": "1-1-0102",
        "reason": "wrong_unit",
    }
    body |= {"since": "2026-11-10T08:00", "note": "x" * 2001}
    reply = client.post("/devices/w-1/correct?lang=en", data=body)
    assert reply.status_code == 422
    assert 'id="fault-note">must not be longer than 2000' in reply.text
    for kept in (
        'value="1-1-0102"',
        'value="2026-11-10T08:00"',
        'value="wrong_unit" required checked',
        "x" * 2001,
    ):
        assert kept in reply.text, kept[:40]


def test_the_page_of_a_device_shows_its_last_values(
    client: TestClient, connection: Connection, csrf: str, add_account: Callable[..., None], deps: Deps
) -> None:
    assert "还没有收到读数" in client.get("/devices/w-1?lang=zh").text
    device = connection.execute("SELECT id FROM device WHERE code = 'w-1'").fetchone()
    assert device is not None
    flags = int(Quality.IDENTITY_UNPROVEN | Quality.ARRIVAL_TIME)
    for channel, value, quality, hours in (
        (2, 1234.5, 0, 2),
        (2, 1230, 0, 5),
        (13, 60, flags, 1),
        (30, 80, 0, -1),
    ):
        at = NOW - timedelta(hours=hours)
        connection.execute(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " VALUES (%s, %s, %s, %s, %s, %s, 101)",
            [at, at, value, device[0], channel, quality],
        )
    connection.execute(
        "INSERT INTO event (time, received_at, device_id, type, decoder, dedupe_key)"
        " VALUES (%s, %s, %s, 1, 101, %s)",
        [NOW, NOW, device[0], b"k" * 16],
    )
    connection.commit()
    page = client.get("/devices/w-1?lang=zh").text
    section = re.sub(r"<[^>]+>", " ", page[page.index('id="values"') :].partition("</section>")[0])
    assert re.search(r"用水示数 +1234.5 L +2小时前", section)
    assert "1230" not in section
    assert re.search(r"流量 +没有自带时间，按到达时间记|流量 +身份未证明，不计用量", section)
    assert "标的时间在1小时之后" in section
    assert "事件" not in section, "when somebody went through a door is not for this page"
    assert "<span>水表</span><span>water-register</span>" in page
    english = client.get("/devices/w-1?lang=en").text
    assert "nothing proves who sent it: not counted" in english


def test_what_a_box_for_a_home_is_follows_from_what_it_serves(
    client: TestClient, csrf: str, units: list[int], connection: Connection
) -> None:
    registry.register_device(
        connection, code="box", profile="home-native", estate_id=estate_id(connection, "HA")
    )
    connection.commit()
    page = client.get("/devices/box?lang=en").text
    assert "Meter of several kinds" in page
    assert "Lock or gate" not in page
    installations.install_all(
        connection,
        [
            installations.Installation(
                device_id=3, channel=1, unit_id=units[0], valid_from=NOW - timedelta(days=1)
            )
        ],
    )
    connection.commit()
    assert "<span>Electricity meter</span>" in client.get("/devices/box?lang=en").text
