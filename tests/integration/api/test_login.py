from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api import accounts, auth
from api.deps import Deps
from api.passwords import Passwords
from storage.pool import Connection
from tests.integration.api.conftest import PASSWORD, RULES, Clock

Add = Callable[..., None]


def _token(client: TestClient, username: str = "li", password: str = PASSWORD):
    return client.post("/api/v1/token", data={"username": username, "password": password})


def _sql(connection: Connection, statement: str) -> list[tuple]:
    connection.rollback()
    return connection.execute(statement).fetchall()  # pyright: ignore[reportArgumentType]


def test_a_token_is_given_used_and_ended(client: TestClient, add_account: Add) -> None:
    add_account("li", "supervisor", all_estates=True)
    body = _token(client).json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == RULES.token.total_seconds()
    header = {"Authorization": f"Bearer {body['access_token']}"}
    me = client.get("/api/v1/me", headers=header).json()
    assert (me["username"], me["role"], me["all_estates"]) == ("li", "supervisor", True)
    assert client.delete("/api/v1/token", headers=header).status_code == 204
    assert client.get("/api/v1/me", headers=header).status_code == 401


def test_only_the_hash_of_a_token_is_stored(
    client: TestClient, add_account: Add, connection: Connection
) -> None:
    add_account("li", "supervisor")
    token = _token(client).json()["access_token"]
    stored = str(_sql(connection, "SELECT s::text FROM login_session s"))
    assert token not in stored
    everything = str(
        _sql(connection, "SELECT a::text FROM account a UNION ALL SELECT l::text FROM audit_log l")
    )
    assert PASSWORD not in everything
    assert token not in everything


def test_a_token_ends_at_its_time(client: TestClient, add_account: Add, clock: Clock) -> None:
    add_account("li", "supervisor")
    header = {"Authorization": f"Bearer {_token(client).json()['access_token']}"}
    clock.pass_(RULES.token - timedelta(seconds=1))
    assert client.get("/api/v1/me", headers=header).status_code == 200
    clock.pass_(timedelta(seconds=1))
    assert client.get("/api/v1/me", headers=header).status_code == 401


@pytest.mark.parametrize("username", ["li", "nobody", "n\x00body", "\ud800", "李"])
def test_a_wrong_password_and_an_unknown_name_are_answered_alike(
    client: TestClient, add_account: Add, username: str
) -> None:
    add_account("li", "supervisor")
    body = {"username": username.encode("utf-8", "surrogatepass"), "password": "wrong"}
    reply = client.post("/api/v1/token", data=body)
    assert reply.status_code == 401
    assert reply.json()["code"] == "login_refused"
    assert reply.headers["www-authenticate"] == "Bearer"


def test_an_unknown_name_costs_one_verification_like_a_known_one(
    deps: Deps, add_account: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_account("li", "supervisor")
    passwords = Passwords(RULES)
    verified: list[str] = []
    real = passwords._hasher.verify

    def counted(stored: str, password: str) -> bool:
        # algorithm, version and cost; not salt and hash
        verified.append(stored.rsplit("$", 2)[0])
        return real(stored, password)

    monkeypatch.setattr(passwords, "_hasher", _With(passwords._hasher, counted))
    for username in ("li", "nobody"):
        with pytest.raises(auth.Problem):
            auth.log_in(deps, passwords, username=username, password="wrong", kind="bearer")
    assert len(verified) == 2
    assert verified[0] == verified[1]


class _With:
    def __init__(self, hasher: object, verify: Callable[[str, str], bool]) -> None:
        self._hasher, self.verify = hasher, verify

    def __getattr__(self, name: str) -> object:
        return getattr(self._hasher, name)


@pytest.mark.parametrize("username", ["li", "nobody"])
def test_failures_lock_a_name_for_longer_each_time_whether_it_exists_or_not(
    client: TestClient, add_account: Add, clock: Clock, username: str
) -> None:
    add_account("li", "supervisor")
    for _ in range(RULES.failures_free):
        assert _token(client, username, "wrong").status_code == 401
    waits = []
    for _ in range(8):
        locked = _token(client, username, PASSWORD)
        assert locked.status_code == 429
        assert locked.json()["code"] == "login_locked"
        wait = int(locked.headers["retry-after"])
        assert locked.json()["retry_after"] == wait
        waits.append(wait)
        clock.pass_(timedelta(seconds=wait))
        assert _token(client, username, "wrong").status_code == 401
    first = int(RULES.wait_first.total_seconds())
    assert waits == [min(first * 2**n, int(RULES.wait_longest.total_seconds())) for n in range(8)]


def test_many_guesses_at_once_count_like_one_after_the_other(client: TestClient, add_account: Add) -> None:
    add_account("li", "supervisor")
    with ThreadPoolExecutor(12) as guessers:
        replies = list(guessers.map(lambda _: _token(client, "li", "wrong").status_code, range(12)))
    assert sorted(replies) == [401] * RULES.failures_free + [429] * (12 - RULES.failures_free)


def test_a_program_may_log_in_many_times_at_once(client: TestClient, add_account: Add) -> None:
    add_account("li", "supervisor")
    with ThreadPoolExecutor(12) as workers:
        assert set(workers.map(lambda _: _token(client).status_code, range(12))) == {200}


def test_under_a_flood_the_threads_are_kept_for_other_requests(deps: Deps, add_account: Add) -> None:
    add_account("li", "supervisor")
    passwords = Passwords(replace(RULES, wait_at_most=1))
    with passwords.attempt(b"another name"), pytest.raises(auth.Problem) as busy:
        auth.log_in(deps, passwords, username="li", password=PASSWORD, kind="bearer")
    assert (busy.value.code, busy.value.text.status) == ("busy", 503)
    assert auth.log_in(deps, passwords, username="li", password=PASSWORD, kind="bearer").token


def test_after_the_wait_the_right_password_opens_and_forgets_the_failures(
    client: TestClient, add_account: Add, clock: Clock, connection: Connection
) -> None:
    add_account("li", "supervisor")
    for _ in range(RULES.failures_free):
        _token(client, "li", "wrong")
    assert _token(client).status_code == 429
    clock.pass_(RULES.wait_first)
    assert _token(client).status_code == 200
    assert _sql(connection, "SELECT * FROM login_failure") == []


def test_failures_are_forgotten_after_a_while(client: TestClient, add_account: Add, clock: Clock) -> None:
    add_account("li", "supervisor")
    for _ in range(RULES.failures_free - 1):
        _token(client, "li", "wrong")
    clock.pass_(RULES.forget_after + timedelta(seconds=1))
    for _ in range(RULES.failures_free):
        assert _token(client, "li", "wrong").status_code == 401
    assert _token(client).status_code == 429


def test_a_disabled_account_is_out_at_once(
    client: TestClient, add_account: Add, connection: Connection, clock: Clock
) -> None:
    add_account("li", "supervisor")
    header = {"Authorization": f"Bearer {_token(client).json()['access_token']}"}
    accounts.disable(connection, username="li", by="system:test", now=clock())
    connection.commit()
    assert client.get("/api/v1/me", headers=header).status_code == 401
    assert _token(client).json()["code"] == "login_refused"
    accounts.enable(connection, username="li", by="system:test", now=clock())
    connection.commit()
    assert _token(client).status_code == 200


def test_another_password_ends_all_sessions(
    client: TestClient, add_account: Add, connection: Connection, clock: Clock
) -> None:
    add_account("li", "supervisor")
    header = {"Authorization": f"Bearer {_token(client).json()['access_token']}"}
    accounts.set_password(
        connection,
        username="li",
        password="another long one",
        passwords=Passwords(RULES),
        rules=RULES,
        by="system:test",
        now=clock(),
    )
    connection.commit()
    assert client.get("/api/v1/me", headers=header).status_code == 401
    assert _token(client).status_code == 401
    assert _token(client, password="another long one").status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic bGk6eA==", "Bearer \u00e9"])
def test_what_is_no_token_opens_nothing(client: TestClient, header: str) -> None:
    reply = client.get("/api/v1/me", headers={"Authorization": header.encode("latin-1")})
    assert reply.status_code == 401


def test_a_page_session_is_no_bearer_token_and_the_other_way_round(
    client: TestClient, deps: Deps, add_account: Add
) -> None:
    add_account("li", "supervisor")
    cookie = auth.log_in(deps, Passwords(RULES), username="li", password=PASSWORD, kind="cookie").token
    token = _token(client).json()["access_token"]
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {cookie}"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Cookie": f"{auth.COOKIE}={token}"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Cookie": f"{auth.COOKIE}={cookie}"}).status_code == 200


def test_a_page_that_changes_something_must_send_the_sessions_token(
    client: TestClient, deps: Deps, add_account: Add
) -> None:
    add_account("li", "supervisor")
    started = auth.log_in(deps, Passwords(RULES), username="li", password=PASSWORD, kind="cookie")
    other = auth.log_in(deps, Passwords(RULES), username="li", password=PASSWORD, kind="cookie")
    cookie = {"Cookie": f"{auth.COOKIE}={started.token}"}
    for wrong in ({}, {auth.CSRF_HEADER: ""}, {auth.CSRF_HEADER: other.csrf}):
        reply = client.delete("/api/v1/token", headers=cookie | wrong)
        assert (reply.status_code, reply.json()["code"]) == (403, "csrf")
    right = {auth.CSRF_HEADER: started.csrf}
    assert client.delete("/api/v1/token", headers=cookie | right).status_code == 204


def test_who_logs_in_out_or_in_vain_is_recorded(
    client: TestClient, add_account: Add, connection: Connection
) -> None:
    add_account("li", "supervisor")
    _token(client, "li", "wrong")
    # What was typed as a name may be a password: an unknown one is not written down.
    _token(client, "my-secret-by-mistake", "li")
    header = {"Authorization": f"Bearer {_token(client).json()['access_token']}"}
    client.delete("/api/v1/token", headers=header)
    entries = _sql(connection, "SELECT action, subject FROM audit_log ORDER BY id")
    assert entries == [
        ("account.add", "account:li"),
        ("session.refuse", "account:li"),
        ("session.start", "account:li"),
        ("session.end", "account:li"),
    ]


def test_a_hash_made_under_weaker_rules_is_made_anew_at_the_next_log_in(
    deps: Deps, add_account: Add, connection: Connection
) -> None:
    add_account("li", "supervisor")
    (before,) = _sql(connection, "SELECT password_hash FROM account")
    stronger = Passwords(replace(RULES, hash_time=2))
    auth.log_in(deps, stronger, username="li", password=PASSWORD, kind="bearer")
    (after,) = _sql(connection, "SELECT password_hash FROM account")
    assert before != after
    auth.log_in(deps, stronger, username="li", password=PASSWORD, kind="bearer")
