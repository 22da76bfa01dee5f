from collections.abc import Callable

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import MAX_BODY_BYTES
from api.deps import Deps
from api.guards import CONTENT_SECURITY_POLICY
from api.problems import MEDIA_TYPE, TEXTS
from storage.pool import Connection

Bearer = Callable[..., dict[str, str]]


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9", "en"),
        ("de, en;q=0.5, zh;q=0.4", "en"),
        # neither, equal, or nonsense: Chinese
        ("fr", "zh"),
        ("en;q=0.5,zh;q=0.5", "zh"),
        ("en;q=x", "zh"),
        (";;,=,q", "zh"),
    ],
)
def test_a_problem_speaks_the_readers_language_and_carries_both(
    client: TestClient, accept: str | None, language: str
) -> None:
    headers = {"Accept-Language": accept} if accept else {"Accept-Language": ""}
    reply = client.get("/api/v1/units", headers=headers)
    body = reply.json()
    assert reply.status_code == body["status"] == 401
    assert reply.headers["content-type"] == MEDIA_TYPE
    assert reply.headers["content-language"] == language
    assert body["type"] == "urn:anju:problem:login_required"
    assert (body["zh"], body["en"]) == ("请先登录", "Please log in")
    assert body["title"] == body[language]


def test_what_is_wrong_with_a_request_is_said_field_by_field_and_never_repeated(
    client: TestClient, bearer: Bearer
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    query = {"limit": "0", "unit_id": "secret-value"}
    body = client.get("/api/v1/leads", params=query, headers=header).json()
    assert (body["status"], body["code"]) == (422, "invalid_request")
    assert sorted((tuple(one["where"]), one["zh"], one["en"]) for one in body["errors"]) == [
        (("query", "limit"), "不得小于1", "must not be below 1"),
        (("query", "unit_id"), "须为整数", "must be a whole number"),
    ]
    assert "secret-value" not in str(body)


@pytest.mark.parametrize(
    ("body", "zh"),
    [
        (b"{", "不是有效的JSON"),
        (
            b'{"outcome": "guilty", "code": "seen", "version": 1}',
            "须为其中之一：'confirmed', 'refuted' or 'dismissed'",
        ),
        (b'{"outcome": "refuted", "version": 1}', "必填"),
        (b'{"outcome": "refuted", "code": "seen", "version": 1, "evict": true}', "不认识此项"),
        (b'{"outcome": "refuted", "code": "seen", "version": 1, "note": "\\u0000"}', "含有不能保存的字符"),
        (b'{"outcome": "refuted", "code": "seen", "version": 9e99}', "不合要求"),
    ],
)
def test_a_bad_verdict_is_refused_before_it_reaches_anything(
    client: TestClient, bearer: Bearer, body: bytes, zh: str
) -> None:
    header = bearer("li", "supervisor", all_estates=True) | {"Content-Type": "application/json"}
    reply = client.post("/api/v1/leads/1/verdict", content=body, headers=header)
    assert reply.status_code == 422
    assert zh in [one["zh"] for one in reply.json()["errors"]]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v1/leads/999999", 404, "not_found"),
        ("PUT", "/api/v1/leads", 405, "method_not_allowed"),
        ("GET", "/api/v1/leads/0", 422, "invalid_request"),
        ("GET", "/api/v1/leads/99999999999999999999", 422, "invalid_request"),
        ("GET", "/api/v1/leads?cursor=x", 422, "invalid_cursor"),
        ("GET", "/api/v1/units?cursor=WyJsZWFkcyIsMV0", 422, "invalid_cursor"),
        ("GET", "/api/v1/leads?cursor=WyJsZWFkcyIsLTFd", 422, "invalid_cursor"),
        ("GET", "/api/v1/units?code=%00", 422, "invalid_request"),
    ],
)
def test_every_error_is_a_problem(
    client: TestClient, bearer: Bearer, method: str, path: str, status: int, code: str
) -> None:
    reply = client.request(method, path, headers=bearer("li", "supervisor", all_estates=True))
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == MEDIA_TYPE


def test_a_large_body_is_refused_whether_its_size_is_said_or_not(client: TestClient) -> None:
    large = b"username=" + b"x" * MAX_BODY_BYTES
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (large, iter([large[:100], large[100:]])):
        reply = client.post("/api/v1/token", content=content, headers=kind)
        assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


def test_a_fault_of_ours_shows_nothing_of_the_inside(
    client: TestClient, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = bearer("li", "supervisor", all_estates=True)

    def broken(*_args: object, **_named: object) -> None:
        raise psycopg.errors.UndefinedColumn('column "secret" does not exist')

    monkeypatch.setattr("housing.leads.list_leads", broken)
    reply = client.get("/api/v1/leads", headers=header)
    assert (reply.status_code, reply.json()["code"]) == (500, "internal")
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text


def test_while_the_database_is_away_programs_are_told_so(
    client: TestClient, bearer: Bearer, deps: Deps
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    deps.pool.close()
    reply = client.get("/api/v1/leads", headers=header)
    assert (reply.status_code, reply.json()["code"]) == (503, "database_away")


def test_a_database_that_was_restarted_costs_nobody_an_error(
    client: TestClient, bearer: Bearer, connection: Connection
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    assert client.get("/api/v1/leads", headers=header).status_code == 200
    ended = connection.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchone()
    assert ended != (0,)
    assert client.get("/api/v1/leads", headers=header).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/units", "/api/v1/openapi.json", "/login"])
def test_replies_carry_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in headers
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    if path.startswith("/api/"):
        assert headers["cache-control"] == "no-store"


def test_no_other_site_may_read_replies(client: TestClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    reply = client.options("/api/v1/units", headers=asked)
    assert reply.status_code == 405
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/docs", "/docs/oauth2-redirect"])
def test_no_page_loads_anything_from_elsewhere(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_problem_has_both_texts(app: FastAPI) -> None:
    for code, text in TEXTS.items():
        assert text.zh, code
        assert text.en, code
        assert 400 <= text.status < 600
