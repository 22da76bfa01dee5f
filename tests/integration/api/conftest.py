"""The application over a fresh database, a clock that tests turn, and accounts of several roles."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import accounts
from api.app import create_app
from api.deps import Deps
from api.passwords import Passwords
from api.rules import load_login_rules
from policy import load
from storage.personal import PersonalKey
from storage.pool import Connection, open_pool
from tests.estates import NOW

PASSWORD = "correct horse battery"
_CONNECTIONS = 4
#: The rules of the deployment with a hash that costs nothing.
RULES = replace(load_login_rules(), hash_time=1, hash_memory_kib=8, hash_lanes=1)


@dataclass
class Clock:
    """Business time in the test's hand."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, span: timedelta) -> None:
        self.at += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def deps(dsn: str, clock: Clock) -> Iterator[Deps]:
    pool = open_pool(dsn, name="test", size=_CONNECTIONS)
    yield Deps(
        pool=pool,
        now=clock,
        books={"anhe": load("anhe")},
        city="anhe",
        key=PersonalKey(b"k" * 32),
        version="0.0-test",
        rules=RULES,
    )
    pool.close()


@pytest.fixture
def app(deps: Deps) -> FastAPI:
    return create_app(deps)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://testserver", raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def add_account(connection: Connection) -> Callable[..., None]:
    """Make an account; commits."""

    def add(username: str, role: str, *estates: str, all_estates: bool = False) -> None:
        accounts.add(
            connection,
            username=username,
            password=PASSWORD,
            role=role,
            estates=estates,
            all_estates=all_estates,
            passwords=Passwords(RULES),
            rules=RULES,
            by="system:test",
            now=NOW,
        )
        connection.commit()

    return add


@pytest.fixture
def bearer(client: TestClient, add_account: Callable[..., None]) -> Callable[..., dict[str, str]]:
    """Make an account, log it in, and give the header that it sends."""

    def log_in(username: str, role: str, *estates: str, all_estates: bool = False) -> dict[str, str]:
        add_account(username, role, *estates, all_estates=all_estates)
        reply = client.post("/api/v1/token", data={"username": username, "password": PASSWORD})
        assert reply.status_code == 200, reply.text
        return {"Authorization": f"Bearer {reply.json()['access_token']}"}

    return log_in


@pytest.fixture
def one_left(deps: Deps) -> Iterator[None]:
    """As if as many requests as the pool has connections came at once and each has one: none is left over."""
    with ExitStack() as others:
        for _ in range(_CONNECTIONS - 1):
            others.enter_context(deps.connection())
        yield
