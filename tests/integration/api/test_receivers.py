"""What devices and clouds post: who is let in, what is stored, and when they are told so."""

import base64
import hashlib
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest
from fastapi.testclient import TestClient

from anju.processes import without_query
from api.deps import Deps
from api.receivers import Doorman
from devices import credentials, registry
from ingest.journal import read_block
from ingest.receivers import Reception
from storage.pool import Connection
from tests.estates import NOW
from tests.homes import make_estate
from tests.integration.api.conftest import Clock
from tests.unit.devices.samples import sample
from wire.events import EventType, Method, Result

DOOR, ACCOUNT, LOCK, GATE = "door-1", "account-1", "lock-1", "gate-1"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def secrets(connection: Connection) -> dict[str, str]:
    """Senders with their secrets; the account speaks for one lock."""
    estate_id = make_estate(connection)
    for code, profile, gateway, address in (
        (DOOR, "hikvision-access", None, None),
        (ACCOUNT, "ttlock-account", None, None),
        (LOCK, "ttlock-lock", ACCOUNT, "163377"),
        (GATE, "face-gate", None, "123555"),
    ):
        registry.register_device(
            connection, code=code, profile=profile, estate_id=estate_id, gateway=gateway, address=address
        )
    issued = {
        code: credentials.issue(connection, code=code, kind="http", by="test", now=NOW)
        for code in (DOOR, ACCOUNT, GATE)
    }
    connection.commit()
    return issued


@pytest.fixture
def post(client: TestClient, secrets: dict[str, str]) -> Callable[..., Any]:
    def send(
        receiver: str,
        sender: str,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        key: str | None = None,
    ) -> Any:
        secret = secrets.get(sender, "") if key is None else key
        return client.post(
            f"/in/{receiver}/{sender}", content=body, headers=headers or JSON, params={"key": secret}
        )

    return send


Post = Callable[..., Any]


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()} | JSON


def rows(connection: Connection, query: LiteralString) -> list[tuple[Any, ...]]:
    found = connection.execute(query).fetchall()
    connection.commit()
    return found


EVENTS = (
    "SELECT d.code, e.type, e.method, e.result, e.subject, e.quality"
    " FROM event e JOIN device d ON d.id = e.device_id ORDER BY e.time"
)
FACE = sample("hikvision/face-passed-ds-k1t673dx.json").replace(b"T16:13", b"T15:13")


def test_an_event_of_hikvision_is_stored_as_proven(post: Post, connection: Connection) -> None:
    reply = post("hikvision", DOOR, FACE)
    assert (reply.status_code, reply.text) == (200, "OK")
    assert rows(connection, EVENTS) == [(DOOR, EventType.entry, Method.face, Result.granted, "1017", 0)]


def test_an_event_in_parts_leaves_no_picture(post: Post, connection: Connection) -> None:
    picture = b"\xff\xd8 a face \xff\xd9"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="event_log"\r\n\r\n' + FACE + b"\r\n"
        b"--b\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n--b--\r\n"
    )
    assert post("hikvision", DOOR, body, {"content-type": "multipart/form-data; boundary=b"}).is_success
    ((redacted, block),) = rows(connection, "SELECT redacted, block FROM journal")
    (kept,) = read_block(block)
    assert set(redacted) == {"picture", "name"}
    assert b"a face" not in kept.payload
    assert b"Wang" not in kept.payload
    assert kept.properties is not None
    assert kept.properties["pictures"] == [f"sha256:{hashlib.sha256(picture).hexdigest()}"]
    assert len(rows(connection, EVENTS)) == 1


def test_a_card_in_xml_is_known_by_its_hash(post: Post, connection: Connection, deps: Deps) -> None:
    body = sample("hikvision/card-ds-k1t343efwx.xml")
    assert post("hikvision", DOOR, body, {"content-type": "application/xml"}).is_success
    ((*_, subject, _),) = rows(connection, EVENTS)
    assert subject == f"hmac:{deps.key.hash('00481234')[:16].hex()}"
    ((block,),) = rows(connection, "SELECT block FROM journal")
    assert b"00481234" not in read_block(block)[0].payload


def test_a_callback_of_ttlock_is_told_success(post: Post, connection: Connection, deps: Deps) -> None:
    reply = post("ttlock", ACCOUNT, sample("ttlock/lock-records.form"), FORM)
    assert (reply.status_code, reply.text) == (200, "success")
    hashed = f"hmac:{deps.key.hash('710577')[:16].hex()}"
    assert [row[:5] for row in rows(connection, EVENTS)] == [
        (LOCK, EventType.entry, Method.key, Result.granted, None),
        (LOCK, EventType.entry, Method.code, Result.denied, hashed),
    ]
    assert rows(connection, "SELECT value FROM reading ORDER BY time") == [(85.0,), (84.0,)]
    ((redacted, block),) = rows(connection, "SELECT redacted, block FROM journal")
    assert set(redacted) == {"username", "keyboardpwd"}
    assert b"710577" not in read_block(block)[0].payload


def test_a_callback_that_comes_again_is_told_success_again(post: Post, connection: Connection) -> None:
    for _ in range(2):
        assert post("ttlock", ACCOUNT, sample("ttlock/lock-records.form"), FORM).text == "success"
    assert len(rows(connection, EVENTS)) == 2
    assert rows(connection, "SELECT count(*) FROM journal") == [(2,)]


def test_a_lock_of_another_account_is_quarantined(post: Post, connection: Connection) -> None:
    body = sample("ttlock/lock-records.form").replace(b"163377", b"999")
    assert post("ttlock", ACCOUNT, body, FORM).text == "success"
    assert rows(connection, "SELECT reason FROM quarantine") == [("unlisted_child",)] * 2


def test_a_face_gate_over_http_is_told_ok(post: Post, connection: Connection) -> None:
    reply = post("face-gate", GATE, sample("face_gate/verify-push-http-v1.13.json"))
    assert reply.json() == {"code": 200, "desc": "OK"}
    assert [row[:5] for row in rows(connection, EVENTS)] == [
        (GATE, EventType.entry, Method.face, Result.granted, "123")
    ]


@pytest.mark.parametrize("body", [b"", b"\xff", b"<a", b'{"x":1}', b"{" * 1000])
def test_what_is_none_is_quarantined_and_confirmed(post: Post, connection: Connection, body: bytes) -> None:
    assert post("hikvision", DOOR, body).is_success
    assert rows(connection, "SELECT count(*) FROM quarantine") == [(1,)]


def test_a_sender_of_another_format_is_quarantined(post: Post, connection: Connection) -> None:
    assert post("ttlock", DOOR, sample("ttlock/lock-records.form"), FORM).is_success
    assert rows(connection, "SELECT reason FROM quarantine") == [("wrong_format",)]


def test_basic_authentication_serves_as_well(client: TestClient, secrets: dict[str, str]) -> None:
    def posted(headers: dict[str, str]) -> int:
        return client.post(f"/in/hikvision/{DOOR}", content=FACE, headers=headers).status_code

    assert posted(basic(DOOR, secrets[DOOR])) == 200
    assert posted(basic(ACCOUNT, secrets[ACCOUNT])) == 401
    assert posted(basic(DOOR, "wrong")) == 401
    assert posted({"Authorization": "Basic ???"} | JSON) == 401
    assert posted({"Authorization": f"Bearer {secrets[DOOR]}"} | JSON) == 401


def test_who_is_unknown_learns_nothing(post: Post, connection: Connection, secrets: dict[str, str]) -> None:
    refused = [
        post("hikvision", DOOR, FACE, key="wrong"),
        post("hikvision", DOOR, FACE, key=""),
        post("hikvision", "nobody", FACE, key="wrong"),
        post("hikvision", "a b%", FACE, key="wrong"),
        # The secret of another.
        post("hikvision", DOOR, FACE, key=secrets[ACCOUNT]),
    ]
    assert {reply.status_code for reply in refused} == {401}
    assert len({reply.text for reply in refused}) == 1
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert refused[0].json()["code"] == "sender_refused"
    assert rows(connection, "SELECT count(*) FROM journal") == [(0,)]


def test_a_secret_that_was_revoked_lets_nobody_in(post: Post, connection: Connection) -> None:
    assert post("hikvision", DOOR, FACE).is_success
    credentials.revoke(connection, code=DOOR, kind="http", by="test", now=NOW)
    connection.commit()
    assert post("hikvision", DOOR, FACE).status_code == 401


def test_many_wrong_secrets_from_one_address_have_to_wait(post: Post, deps: Deps) -> None:
    assert post("hikvision", DOOR, FACE).is_success
    wrong = [post("hikvision", DOOR, FACE, key=f"wrong {n}") for n in range(deps.rules.receiver_failures + 1)]
    assert [reply.status_code for reply in wrong] == [401] * deps.rules.receiver_failures + [429]
    assert wrong[-1].headers["retry-after"] == "60"
    # Whoever was let in lately is not held up by others at his address.
    assert post("hikvision", DOOR, FACE).is_success
    assert post("ttlock", ACCOUNT, b"", FORM).status_code == 429


def grant(client: TestClient, deps: Deps) -> None:
    """Let each sender post two messages at once, from a bucket that is full."""
    rules = replace(deps.books[deps.city].on(NOW.date()).ingest, rate_per_minute=20, rate_burst=1)
    client.app.state.reception = Reception(rules=lambda _: rules, now=deps.now, keyed=deps.key.hash)  # pyright: ignore[reportAttributeAccessIssue, reportFunctionMemberAccess]


@pytest.mark.parametrize(
    ("receiver", "sender", "headers", "said"),
    [
        ("hikvision", DOOR, JSON, "Too Many Requests"),
        ("ttlock", ACCOUNT, FORM, "too many requests"),
        ("face-gate", GATE, JSON, '{"code":429,"desc":"Too Many Requests"}'),
        ("aliyun-iot", DOOR, JSON, '{"code":429}'),
        ("gateway-json", DOOR, JSON, '{"code":429}'),
    ],
)
def test_a_sender_above_its_rate_is_told_to_come_later_and_nothing_is_lost(
    client: TestClient,
    post: Post,
    connection: Connection,
    deps: Deps,
    receiver: str,
    sender: str,
    headers: dict[str, str],
    said: str,
) -> None:
    grant(client, deps)
    assert post(receiver, sender, b"{}", headers).status_code == 200
    # An account has the rate of all that it speaks for.
    replies = [post(receiver, sender, b'{"n":%d}' % n, headers) for n in range(3)]
    late = replies[-1]
    assert (late.status_code, late.text, late.headers["retry-after"]) == (429, said, "3")
    assert rows(connection, "SELECT count(*) FROM journal") == [(4,)]
    told = sum(reply.status_code == 429 for reply in replies)
    assert rows(connection, "SELECT repeats + 1 FROM quarantine WHERE reason = 'rate_limited'") == [(told,)]


def test_what_is_sent_again_later_is_stored(
    client: TestClient, post: Post, connection: Connection, deps: Deps
) -> None:
    grant(client, deps)
    assert {post("hikvision", DOOR, b'{"n":%d}' % n).status_code for n in range(2)} == {200}
    assert post("hikvision", DOOR, FACE).status_code == 429
    assert rows(connection, EVENTS) == []
    grant(client, deps)  # a minute later its bucket is full
    assert post("hikvision", DOOR, FACE).text == "OK"
    assert len(rows(connection, EVENTS)) == 1


def test_what_is_stored_after_the_clock_was_put_back_is_not_called_above_the_rate(
    client: TestClient, post: Post, connection: Connection, deps: Deps, clock: Clock
) -> None:
    grant(client, deps)
    assert [post("hikvision", DOOR, b'{"n":%d}' % n).status_code for n in range(3)] == [200, 200, 429]
    clock.pass_(timedelta(minutes=-2))
    assert post("hikvision", DOOR, FACE).text == "OK"
    assert len(rows(connection, EVENTS)) == 1


def test_a_cloud_that_would_give_up_is_told_nothing_of_its_rate(
    client: TestClient, post: Post, connection: Connection, deps: Deps
) -> None:
    grant(client, deps)
    replies = [post("huawei-iot", DOOR, b'{"n":%d}' % n) for n in range(4)]
    assert {(reply.status_code, reply.text) for reply in replies} == {(200, '{"code":200}')}
    assert rows(connection, "SELECT repeats + 1 FROM quarantine WHERE reason = 'rate_limited'") == [(2,)]
    assert rows(connection, "SELECT count(*) FROM journal") == [(4,)]


def test_a_limit_is_the_policy_s(client: TestClient, post: Post, deps: Deps) -> None:
    most = deps.books[deps.city].on(NOW.date()).receivers.ttlock_kib * 1024
    assert post("ttlock", ACCOUNT, b"x" * most, FORM).status_code == 200
    assert post("ttlock", ACCOUNT, b"x" * (most + 1), FORM).status_code == 413


def test_the_wait_ends(deps: Deps) -> None:
    now = [1000.0]
    doorman = Doorman(deps.rules, clock=lambda: now[0])
    for _ in range(deps.rules.receiver_failures):
        doorman.note("10.0.0.1", b"x", proven=False)
    assert not doorman.admits("10.0.0.1", b"y")
    assert doorman.admits("10.0.0.2", b"y")
    now[0] += deps.rules.receiver_window.total_seconds() + 1
    assert doorman.admits("10.0.0.1", b"y")


def test_a_picture_of_two_megabytes_passes_and_more_than_the_limit_does_not(
    post: Post, connection: Connection
) -> None:
    record = json.loads(sample("face_gate/verify-push-http-v1.13.json"))
    record["SanpPic"] = "A" * (2 * 1024 * 1024)
    assert post("face-gate", GATE, json.dumps(record).encode()).is_success
    assert len(rows(connection, EVENTS)) == 1
    reply = post("face-gate", GATE, b"x" * (5 * 1024 * 1024))
    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_a_body_that_cannot_be_taken_apart_is_the_senders_fault(post: Post) -> None:
    reply = post("hikvision", DOOR, b"x", {"content-type": "multipart/form-data"})
    assert (reply.status_code, reply.json()["code"]) == (400, "malformed")


def test_without_the_database_nobody_is_told_that_it_is_stored(
    client: TestClient, secrets: dict[str, str], deps: Deps
) -> None:
    class Away:
        def connection(self, **_: object) -> Any:
            raise psycopg.OperationalError("away")

    object.__setattr__(deps, "pool", Away())
    reply = client.post(f"/in/ttlock/{ACCOUNT}", params={"key": secrets[ACCOUNT]}, content=b"x", headers=FORM)
    assert (reply.status_code, reply.json()["code"]) == (503, "database_away")
    assert "success" not in reply.text


def test_a_commit_that_fails_is_not_confirmed(post: Post, connection: Connection) -> None:
    connection.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$"
    )
    connection.execute(
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    connection.commit()
    reply = post("ttlock", ACCOUNT, sample("ttlock/lock-records.form"), FORM)
    assert (reply.status_code, reply.json()["code"]) == (503, "database_away")
    assert rows(connection, EVENTS) == []


def test_no_log_line_shows_a_secret(
    post: Post, secrets: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="api"), caplog.at_level(logging.DEBUG, logger="ingest"):
        post("hikvision", DOOR, FACE)
        post("hikvision", DOOR, FACE, key="wrong-secret")
    assert secrets[DOOR] not in caplog.text
    line = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "", None, None)
    line.args = ("10.0.0.1", "POST", f"/in/hikvision/{DOOR}?key={secrets[DOOR]}", "1.1", 200)
    assert without_query(line)
    assert secrets[DOOR] not in str(line.args)


def test_many_at_once_are_all_stored(post: Post, connection: Connection) -> None:
    def posted(number: int) -> int:
        body = FACE.replace(b'"serialNo": 25523', b'"serialNo": %d' % number)
        return post("hikvision", DOOR, body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(posted, range(60))) == {200}
    assert rows(connection, "SELECT count(*) FROM event") == [(60,)]
    assert rows(connection, "SELECT sum(messages)::int, sum(events)::int FROM ingest_tally") == [(60, 60)]
