"""Commands on the page of a device: one press, two persons, reasons of safety, and what is refused."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from api.auth import COOKIE, log_in
from api.deps import Deps
from api.passwords import Passwords
from devices import installations, registry
from storage.pool import Connection
from tests.estates import NOW, build_estates, estate_id
from tests.integration.api.conftest import PASSWORD, RULES, Clock


@pytest.fixture(autouse=True)
def unit(connection: Connection) -> int:
    """A home with a power meter."""
    units = build_estates(connection, "HA", "HB")
    device_id = registry.register_device(
        connection, code="power-a", profile="energy-register", estate_id=estate_id(connection, "HA")
    )
    installed = installations.Installation(
        device_id=device_id, channel=1, unit_id=units["HA"][0], valid_from=NOW - timedelta(days=100)
    )
    installations.install_all(connection, [installed])
    connection.commit()
    return units["HA"][0]


@pytest.fixture
def become(client: TestClient, deps: Deps, add_account: Callable[..., None]) -> Callable[[str, str], str]:
    """Log in as somebody of a role, who is made if need be; answers the session's token."""
    made: set[str] = set()

    def become(username: str, role: str) -> str:
        if username not in made:
            add_account(username, role, "HA")
            made.add(username)
        started = log_in(deps, Passwords(RULES), username=username, password=PASSWORD, kind="cookie")
        client.cookies.set(COOKIE, started.token)
        return started.csrf

    return become


Become = Callable[[str, str], str]


def statuses(connection: Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, status FROM command ORDER BY asked_at, name").fetchall()


def test_a_harmless_command_is_one_press_and_pressing_twice_asks_once(
    client: TestClient, become: Become, connection: Connection
) -> None:
    csrf = become("li", "operator")
    page = client.get("/devices/power-a?lang=zh").text
    assert "还没有下达过指令" in page
    form = re.search(r'action="(/devices/power-a/commands/restart)".*?name="id" value="([^"]+)"', page)
    assert form is not None
    for _ in range(2):
        reply = client.post(form[1], data={"csrf": csrf, "id": form[2]}, follow_redirects=False)
        assert reply.headers["location"] == "/devices/power-a?done=asked#commands"
    assert statuses(connection) == [("restart", "queued")]
    page = client.get("/devices/power-a?lang=zh").text
    assert "重启设备" in page
    assert "待发送" in page
    command = f"/devices/commands/{form[2]}"
    assert f"{command}/approve" not in page
    client.post(f"{command}/refuse", data={"csrf": csrf})
    assert statuses(connection) == [("restart", "refused")]
    assert "taken back by who asked" in client.get("/devices/power-a?lang=en").text


def test_a_number_is_asked_for_and_kept_in_its_limits(
    client: TestClient, become: Become, connection: Connection
) -> None:
    csrf = become("li", "operator")
    path = "/devices/power-a/commands/set_interval"
    assert "60 至 86400 秒" in client.get(f"{path}?lang=zh").text
    body = {"csrf": csrf, "id": str(uuid4())}
    low = client.post(path, data=body | {"seconds": "1"})
    assert (low.status_code, "指令参数不合要求" in low.text) == (422, True)
    wrong = client.post(path, data=body | {"seconds": "soon"})
    assert (wrong.status_code, "须为整数" in wrong.text) == (422, True)
    assert 'value="soon"' in wrong.text, "what was typed stays"
    assert statuses(connection) == []
    assert client.post(path, data=body | {"seconds": "900"}).status_code == 200
    assert "设置上报间隔 900秒" in client.get("/devices/power-a?lang=zh").text


@pytest.mark.parametrize(
    ("profile", "offered"),
    [
        ("water-register", ["gas_leak", "water_leak", "electrical_danger"]),
        ("gas-register", ["gas_leak", "fire", "water_leak", "electrical_danger"]),
    ],
)
def test_a_valve_is_offered_only_the_reasons_that_it_takes(
    client: TestClient, become: Become, connection: Connection, profile: str, offered: list[str]
) -> None:
    registry.register_device(
        connection, code="valve-a", profile=profile, estate_id=estate_id(connection, "HA")
    )
    connection.commit()
    csrf = become("li", "operator")
    path = "/devices/valve-a/commands/valve_close"
    assert re.findall(r'name="reason" value="([a-z_]+)"', client.get(path).text) == offered
    for reason in offered:
        body = {"csrf": csrf, "id": str(uuid4()), "reason": reason}
        assert client.post(path, data=body, follow_redirects=False).status_code == 303
        client.post(f"/devices/commands/{body['id']}/refuse", data={"csrf": csrf})
    assert statuses(connection) == [("valve_close", "refused")] * len(offered)


def test_what_is_dangerous_waits_for_another_person(
    client: TestClient, become: Become, connection: Connection
) -> None:
    csrf, asked = become("li", "operator"), str(uuid4())
    path = "/devices/power-a/commands/relay_open"
    page = client.get(f"{path}?lang=zh").text
    assert re.findall(r'name="reason" value="([a-z_]+)"', page) == [
        "gas_leak",
        "fire",
        "water_leak",
        "electrical_danger",
    ]
    assert "行政强制法第四十三条" in page
    none = client.post(path, data={"csrf": csrf, "id": asked})
    assert (none.status_code, "须填写与之相符的安全理由" in none.text) == (422, True)
    body = {"csrf": csrf, "id": asked, "reason": "electrical_danger", "note": "有焦味"}
    reply = client.post(path, data=body, follow_redirects=False)
    assert reply.headers["location"] == "/devices/power-a?done=proposed#commands"
    page = client.get("/devices/power-a?lang=zh&done=proposed").text
    assert "等另一人复核" in page
    assert f"/devices/commands/{asked}/approve" not in page, "who asked cannot approve"
    same = client.post(f"/devices/commands/{asked}/approve?lang=zh", data={"csrf": csrf})
    assert (same.status_code, "须由另一人复核" in same.text) == (409, True)

    csrf = become("wang", "supervisor")
    page = client.get("/devices/power-a?lang=zh").text
    for said in (
        "断电",
        "用电危险",
        "li提出",
        "有焦味",
        "待第二人复核",
        f"/devices/commands/{asked}/approve",
    ):
        assert said in page
    assert "/devices/power-a/commands/" not in page, "a supervisor approves and does not ask"
    assert client.get(path).status_code == 403
    assert client.post(f"/devices/commands/{asked}/approve", data={"csrf": csrf}).status_code == 200
    assert statuses(connection) == [("relay_open", "queued")]
    assert "wang复核" in client.get("/devices/power-a?lang=zh").text


@pytest.mark.parametrize("reason", ["arrears", "eviction"])
def test_a_means_of_pressure_is_refused_clearly_and_stays_on_record(
    client: TestClient, become: Become, connection: Connection, reason: str
) -> None:
    csrf = become("li", "operator")
    body = {"csrf": csrf, "id": str(uuid4()), "reason": reason}
    reply = client.post("/devices/power-a/commands/relay_open?lang=zh", data=body)
    assert reply.status_code == 403
    assert "不得以停水、停电、停气等方式迫使住户履行" in reply.text
    assert "行政强制法第四十三条" in reply.text
    assert statuses(connection) == [("relay_open", "refused")]
    assert connection.execute(
        "SELECT count(*) FROM audit_log WHERE action = 'command.pressure'"
    ).fetchone() == (1,)
    assert "迫使住户履行" in client.get("/devices/power-a?lang=zh").text


@pytest.mark.usefixtures("one_left")
def test_asking_takes_one_connection_and_so_the_pool_is_not_starved_by_itself(
    client: TestClient, become: Become, connection: Connection
) -> None:
    csrf = become("li", "operator")
    for name, reason, status in (
        ("restart", "", 303),
        ("relay_open", "arrears", 403),
        ("relay_open", "because", 422),
    ):
        body = {"csrf": csrf, "id": str(uuid4()), "reason": reason}
        reply = client.post(f"/devices/power-a/commands/{name}", data=body, follow_redirects=False)
        assert reply.status_code == status
    assert statuses(connection) == [("relay_open", "refused"), ("restart", "queued")]


def test_a_proposal_whose_time_is_over_can_no_longer_be_approved(
    client: TestClient, become: Become, clock: Clock
) -> None:
    csrf, asked = become("li", "operator"), str(uuid4())
    body = {"csrf": csrf, "id": asked, "reason": "fire"}
    client.post("/devices/power-a/commands/relay_open", data=body)
    clock.pass_(timedelta(hours=5))
    csrf = become("wang", "supervisor")
    page = client.get("/devices/power-a?lang=en").text
    assert "out of time, not done" in page
    assert "/approve" not in page
    assert client.post(f"/devices/commands/{asked}/approve", data={"csrf": csrf}).status_code == 409


def test_who_may_not_see_commands_sees_none(client: TestClient, become: Become) -> None:
    csrf = become("ina", "installer")
    page = client.get("/devices/power-a?lang=en")
    assert page.status_code == 200
    assert 'id="commands"' not in page.text
    body = {"csrf": csrf, "id": str(uuid4())}
    assert client.post("/devices/power-a/commands/restart", data=body).status_code == 403
    assert client.post(f"/devices/commands/{uuid4()}/approve", data={"csrf": csrf}).status_code == 403


@pytest.mark.parametrize("path", ["power-a/commands/unlock", "power-a/commands/x", "nobody/commands/restart"])
def test_what_a_device_does_not_understand_has_no_page(client: TestClient, become: Become, path: str) -> None:
    csrf = become("li", "operator")
    assert client.get(f"/devices/{path}").status_code == 404
    assert client.post(f"/devices/{path}", data={"csrf": csrf, "id": str(uuid4())}).status_code == 404


def test_what_a_device_answers_is_text(client: TestClient, become: Become, connection: Connection) -> None:
    csrf = become("li", "operator")
    client.post("/devices/power-a/commands/restart", data={"csrf": csrf, "id": str(uuid4())})
    connection.execute(
        "UPDATE command SET status = 'failed', attempts = 3, sent_at = %s, ended_at = %s,"
        """ answer = '{"ok": false, "detail": "<b>busy</b>"}'""",
        [NOW, NOW],
    )
    connection.commit()
    page = client.get("/devices/power-a?lang=en").text
    assert "<b>busy</b>" not in page
    assert "the device said: <b>busy</b>" in html.unescape(page)
    assert "sent 3 times" in page
    assert "the device could not do it" in page


def test_what_waits_is_shown_to_whoever_may_approve_it(
    client: TestClient, become: Become, clock: Clock
) -> None:
    csrf, asked = become("li", "operator"), str(uuid4())
    body = {"csrf": csrf, "id": asked, "reason": "electrical_danger", "note": "有焦味"}
    client.post("/devices/power-a/commands/relay_open", data=body)
    badge = '<span class="count"'
    assert "条指令待您复核" not in client.get("/devices?lang=zh").text, "not for who asked"
    own = client.get("/commands?lang=zh").text
    assert "power-a" in own
    assert "/approve" not in own

    become("ina", "installer")
    assert badge not in client.get("/devices?lang=zh").text
    assert client.get("/commands").status_code == 403

    csrf = become("wang", "supervisor")
    assert re.search(
        r'href="/devices"[^>]*>设备 <span class="count" title="待处理1条">1</span>',
        client.get("/?lang=zh").text,
    )
    assert 'href="/commands">1条指令待您复核' in client.get("/devices?lang=zh").text
    page = client.get("/commands?lang=zh").text
    for said in (
        "power-a",
        "1-1-0101",
        "断电",
        "用电危险",
        "li提出",
        "有焦味",
        "还剩15分钟",
        f"{asked}/approve",
    ):
        assert said in page, said
    assert "Approve" in client.get("/commands?lang=en").text
    clock.pass_(timedelta(minutes=15))
    assert badge not in client.get("/devices?lang=zh").text, "its time is up"
    assert "没有待复核的指令" in client.get("/commands?lang=zh").text


def test_a_second_proposal_of_the_same_leads_to_the_first(
    client: TestClient, become: Become, connection: Connection
) -> None:
    path = "/devices/power-a/commands/relay_open"
    csrf = become("li", "operator")
    client.post(path, data={"csrf": csrf, "id": str(uuid4()), "reason": "fire"})
    csrf = become("zhao", "operator")
    body = {"csrf": csrf, "id": str(uuid4()), "reason": "gas_leak", "note": "闻到气味"}
    second = client.post(f"{path}?lang=zh", data=body)
    assert second.status_code == 409
    assert "同样的指令已由li提出" in second.text
    assert 'href="/devices/power-a#commands"' in second.text
    assert "闻到气味" in second.text, "what was typed stays"
    assert re.search(r'value="gas_leak" required checked', second.text)
    assert statuses(connection) == [("relay_open", "proposed")]


@pytest.mark.parametrize(
    ("note", "zh", "en", "recorded"),
    [
        ("住户电话138 0013 8000", "说明里不能有电话号码", "must not hold a phone number", 0),
        ("已欠租两个月", "说明里写到欠租", "speaks of arrears", 1),
        ("x" * 2001, "不得超过2000个字", "must not be longer than 2000", 0),
    ],
)
def test_a_note_that_must_not_be_is_refused_at_its_field(
    client: TestClient,
    become: Become,
    connection: Connection,
    note: str,
    zh: str,
    en: str,
    recorded: int,
) -> None:
    csrf = become("li", "operator")
    for language, said in (("zh", zh), ("en", en)):
        body = {"csrf": csrf, "id": str(uuid4()), "reason": "fire", "note": note}
        reply = client.post(f"/devices/power-a/commands/relay_open?lang={language}", data=body)
        assert reply.status_code == 422
        assert re.search(rf'role="alert" id="fault-note">[^<]*{said}', reply.text)
        assert f"{note}</textarea>" in reply.text, "what was typed stays"
        assert 'value="fire" required checked' in reply.text
    assert statuses(connection) == []
    found = connection.execute(
        "SELECT detail ->> 'refusal', detail::text FROM audit_log WHERE action = 'command.pressure'"
    ).fetchall()
    assert [refusal for refusal, _ in found] == ["note"] * 2 * recorded
    assert all(note not in detail for _, detail in found)
