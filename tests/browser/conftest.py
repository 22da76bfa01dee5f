"""The console over the seeded estate, and a real Chromium that fails a test on any complaint of a page."""

import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from psycopg import sql

from api.app import create_app
from api.auth import COOKIE
from api.deps import Deps
from api.rules import load_login_rules
from policy import load
from storage.personal import PersonalKey
from storage.pool import connect, open_pool
from tests.browser import estate
from tests.waiting import wait_until

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
#: The rules of the deployment with a hash that costs nothing.
RULES = replace(load_login_rules(), hash_time=1, hash_memory_kib=8, hash_lanes=1)


@dataclass
class Clock:
    """Business time; who turns it turns it back."""

    at: datetime = estate.NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True, kw_only=True)
class Site:
    """The console at work."""

    url: str
    dsn: str
    clock: Clock

    def lead_of(self, unit: str) -> int:
        """Id of the lead of a home."""
        return self._id("SELECT l.id FROM lead l JOIN unit u ON u.id = l.unit_id WHERE u.code = %s", unit)

    def unit(self, code: str) -> int:
        """Id of a home."""
        return self._id("SELECT id FROM unit WHERE code = %s", code)

    def expire_session(self, context: BrowserContext) -> None:
        """Let the time of the session in this browser run out."""
        token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == COOKIE)  # pyright: ignore[reportTypedDictNotRequiredAccess]
        hashed = hashlib.sha256(token.encode()).digest()
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                "UPDATE login_session SET expires_at = %s WHERE token_hash = %s", [estate.NOW, hashed]
            )

    def _id(self, query: str, code: str) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute(query, [code]).fetchone()  # pyright: ignore[reportArgumentType]
        assert row is not None, code
        return row[0]


@pytest.fixture(scope="session")
def site(server_dsn: str, template: str) -> Iterator[Site]:
    """The seeded estate behind a server of its own, on any free port of loopback."""
    name = f"anju_browser_{uuid4().hex[:12]}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    dsn = psycopg.conninfo.make_conninfo(server_dsn, dbname=name)
    books, key = {"anhe": load("anhe")}, PersonalKey(b"k" * 32)
    with connect(dsn, name="seed") as connection:
        estate.seed(connection, books=books, key=key, rules=RULES)
    pool, clock = open_pool(dsn, name="browser"), Clock()
    app = create_app(
        Deps(
            pool=pool,
            now=clock,
            books=books,
            city="anhe",
            key=key,
            version="0.0-test",
            rules=RULES,
        )
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="site")
    thread.start()
    wait_until(lambda: server.started, what="the site answers")
    yield Site(url=f"http://127.0.0.1:{listener.getsockname()[1]}", dsn=dsn, clock=clock)
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()
    pool.close()
    with psycopg.connect(server_dsn, autocommit=True) as opened:
        opened.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def browser(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium with a home of its own."""
    home = tmp_path_factory.mktemp("chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium, args=list(FLAGS), env={**os.environ, "HOME": str(home)}
        )
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def sessions(site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The cookies of a logged-in account; each account logs in once a run."""
    folder = tmp_path_factory.mktemp("sessions")
    made: dict[str, Path] = {}

    def session(username: str) -> Path:
        if username not in made:
            context = browser.new_context()
            log_in(context.new_page(), site, username)
            made[username] = folder / f"{username}.json"
            context.storage_state(path=made[username])
            context.close()
        return made[username]

    return session


@dataclass(frozen=True, kw_only=True)
class Opener:
    """Opens pages, and remembers what they complained about."""

    browser: Browser
    session: Callable[[str], Path]
    complaints: list[str]
    contexts: list[BrowserContext]

    def __call__(
        self,
        username: str | None = "supervisor",
        *,
        phone: bool = False,
        dark: bool = False,
        script: bool = True,
    ) -> Page:
        """A fresh page, logged in unless `username` is None."""
        context = self.browser.new_context(
            storage_state=None if username is None else self.session(username),
            viewport=PHONE if phone else DESK,  # pyright: ignore[reportArgumentType]
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self._note_failure(request))  # noqa: PLW0108 - it marks what it is given
        return page

    def _note_failure(self, request: Request) -> None:
        # what was still loading when the page was left is no fault
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}")

    def _note(self, kind: str, text: str) -> None:
        # an answer 401 or 409 is what some tests ask for; the page says so itself
        if kind in {"error", "warning"} and "the server responded with a status of 4" not in text:
            self.complaints.append(text)


@pytest.fixture
def open_page(browser: Browser, sessions: Callable[[str], Path]) -> Iterator[Opener]:
    """Open pages; afterwards none may have complained (script errors, blocked by the CSP, missing files)."""
    opener = Opener(browser=browser, session=sessions, complaints=[], contexts=[])
    yield opener
    for context in opener.contexts:
        context.close()
    assert opener.complaints == []


def log_in(page: Page, site: Site, username: str, password: str = estate.PASSWORD) -> None:
    """Fill in the form and send it."""
    page.goto(f"{site.url}/login")
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("main button[type=submit]")
