"""Pages show exactly what the interface for programs shows to the same role."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from psycopg_pool import PoolTimeout

from api.app import create_app
from api.auth import COOKIE, log_in
from api.deps import Deps
from api.passwords import Passwords
from housing.kinds import BY_CODE, PEOPLE
from housing.leads import raise_leads
from policy import load
from storage.pool import Connection
from tests.estates import NOW, TODAY, add_signal, build_estates, estate_id
from tests.integration.api.conftest import PASSWORD, RULES
from wire.channels import BY_NAME

Bearer = Callable[..., dict[str, str]]
ROLES = ["supervisor", "enforcement", "operator", "reviewer", "city_officer", "auditor", "resident"]
#: Only a picture of use has bars, and only a queue with use has sparklines.
BARS, SPARK, WHY = "p-elec", "p-spark", "您的角色不查看用量明细"


@pytest.fixture
def home(connection: Connection) -> dict[str, int]:
    """A home with use, entries and two open leads."""
    units = build_estates(connection)["HA"]
    for back in range(1, 40):
        connection.execute(
            "INSERT INTO unit_day (computed_at, day, unit_id, energy_kwh, water_l, entries, entries_unknown,"
            " energy_seen_h, water_seen_h, absent)"
            " VALUES (%s, %s::date - %s, %s, 2.5, 55, 3, 1, 24, 24, false)",
            [NOW, TODAY, back, units[0]],
        )
    add_signal(connection, units[0])
    add_signal(connection, units[1], kind="leak")
    connection.execute("UPDATE signal SET evidence = jsonb_set(evidence, '{0,numbers}', '{\"days\": 54}')")
    raise_leads(connection, books={"anhe": load("anhe")}, now=NOW)
    found = dict(connection.execute("SELECT kind, id FROM lead").fetchall())
    connection.commit()
    return {"unit_id": units[0], "estate_id": estate_id(connection, "HA"), **found}


@pytest.mark.parametrize("role", ROLES)
def test_a_page_shows_a_role_what_the_interface_shows_it_and_no_more(
    client: TestClient, bearer: Bearer, deps: Deps, home: dict[str, int], role: str
) -> None:
    header = bearer("li", role, all_estates=True)

    def api(path: str) -> int:
        return client.get(f"/api/v1{path.format(**home)}", headers=header).status_code

    may_use = api("/units/{unit_id}/usage?channel=energy_kwh") == 200
    may_unit, may_lead = api("/units/{unit_id}") == 200, api("/leads") == 200
    tiles = (
        client.get(f"/api/v1/estates/{home['estate_id']}/board", headers=header).json()["tiles"]
        if may_unit
        else []
    )
    client.cookies.set(
        COOKIE, log_in(deps, Passwords(RULES), username="li", password=PASSWORD, kind="cookie").token
    )

    def page(path: str, *, allowed: bool) -> str:
        reply = client.get(path.format(**home), follow_redirects=False)
        assert reply.status_code == (200 if allowed else 403), path
        return reply.text if allowed else ""

    unit = page("/units/{unit_id}", allowed=may_unit)
    assert (BARS in unit) == (may_use and may_unit)
    assert (WHY in unit) == (may_unit and not may_use)
    assert (f"/leads/{home['vacancy']}" in unit) == may_lead

    for kind in ("vacancy", "leak"):
        lead = page(f"/leads/{{{kind}}}", allowed=may_lead)
        assert ('class="plot"' in lead) == (may_use and may_lead), kind
        assert (WHY in lead) == (may_lead and not may_use), kind
    queue = page("/leads", allowed=may_lead)
    assert (SPARK in queue) == (may_use and may_lead)
    assert (WHY in queue) == (may_lead and not may_use)

    board = page("/", allowed=may_unit) + page("/units", allowed=may_unit)
    named = {(tile["lead_id"], tile["lead_kind"]) for tile in tiles if tile["state"] in ("hazard", "mid")}
    assert ("/leads/" in board) == may_lead
    if may_unit:
        expected = {(home["leak"], "leak"), (home["vacancy"], "vacancy")} if may_lead else {(None, None)}
        assert named == expected


def test_an_error_page_waits_for_the_database_as_long_as_any_page(deps: Deps) -> None:
    asked = []

    class Counting:
        @contextmanager
        def connection(self, timeout: float | None = None):
            asked.append(timeout)
            raise PoolTimeout
            yield

    app = create_app(replace(deps, pool=Counting()))  # pyright: ignore[reportArgumentType]
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/nowhere").status_code >= 500
    assert set(asked) == {5.0}


def test_a_city_without_a_policy_is_said_in_the_log_and_nothing_of_it_on_the_page(
    deps: Deps, bearer: Bearer, home: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    header = bearer("li", "supervisor", all_estates=True)
    with TestClient(create_app(replace(deps, books={})), raise_server_exceptions=False) as client:
        replies = [
            client.get(path, headers=header)
            for path in (f"/api/v1/units/{home['unit_id']}", f"/units/{home['unit_id']}", "/leads")
        ]
    assert [reply.status_code for reply in replies] == [500] * 3
    assert replies[0].json()["code"] == "internal"
    assert [record.getMessage() for record in caplog.records].count("no policy for the city 'anhe'") == 3


def test_behind_tls_every_cookie_is_for_tls_only(deps: Deps, home: dict[str, int], bearer: Bearer) -> None:
    bearer("li", "supervisor", all_estates=True)
    form = {"username": "li", "password": PASSWORD}
    for https in (False, True):
        with TestClient(create_app(replace(deps, https=https))) as client:
            reply = client.post("/login?lang=en", data=form, follow_redirects=False)
            cookies = [
                *reply.headers.get_list("set-cookie"),
                *client.get("/login?lang=en").headers.get_list("set-cookie"),
            ]
        assert cookies
        assert {"; secure" in cookie.lower() for cookie in cookies} == {https}
        assert ("strict-transport-security" in reply.headers) == https


@pytest.mark.parametrize("kind", list(BY_CODE))
def test_the_page_of_every_kind_of_lead_shows_what_it_rests_on(
    client: TestClient, bearer: Bearer, connection: Connection, home: dict[str, int], kind: str
) -> None:
    connection.execute("DELETE FROM lead")
    connection.execute(
        "INSERT INTO lead (unit_id, kind, opened_at, last_signal_at, last_as_of, since, score, evidence,"
        " quality, detector, policy)"
        " SELECT unit_id, %s, %s, at, as_of, %s, score, evidence, quality, detector, policy"
        " FROM signal WHERE unit_id = %s",
        [kind, NOW, NOW - timedelta(days=9), home["unit_id"]],
    )
    hours = [0.2 + 0.1 * (hour % 24 > 9) for hour in range(24)]
    for back in range(90):
        for channel in ("energy_kwh", "water_l"):
            connection.execute(
                "INSERT INTO usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
                " VALUES (%s, %s::date - %s, %s, %s, %s, %s, %s)",
                [NOW, TODAY, back, home["unit_id"], BY_NAME[channel].code, hours, [60] * 24, [0] * 24],
            )
    row = connection.execute("SELECT id FROM lead").fetchone()
    assert row is not None
    connection.commit()
    header = bearer("li", "enforcement", all_estates=True)
    for language in ("zh", "en"):
        page = client.get(f"/leads/{row[0]}?lang={language}", headers=header)
        assert page.status_code == 200
        assert "<svg" in page.text
        if BY_CODE[kind].family == PEOPLE:
            assert "p-before" in page.text
            assert "p-after" in page.text
            assert "p-foreign" in page.text
    assert client.get("/leads", headers=header).status_code == 200


def test_a_home_is_known_for_what_somebody_found(
    client: TestClient, bearer: Bearer, connection: Connection, home: dict[str, int]
) -> None:
    header = bearer("li", "enforcement", all_estates=True) | {"Accept-Language": "en"}
    said = {"outcome": "dismissed", "code": "home_office", "source": "visit", "version": 1}
    done = client.post(f"/api/v1/leads/{home['vacancy']}/verdict", headers=header, json=said)
    assert done.status_code in {200, 201}
    page = client.get(f"/units/{home['unit_id']}?lang=en", headers=header)
    assert "On record: somebody works at home" in page.text
    operator = bearer("op", "operator", all_estates=True) | {"Accept-Language": "en"}
    assert "On record" not in client.get(f"/units/{home['unit_id']}?lang=en", headers=operator).text
