"""Pages as a client without a screen sees them: headers, ways in and out, what they cost."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import psycopg
import pytest

from api.console import leads
from tests.browser import estate
from tests.browser.conftest import Site

#: Queries of a page, whatever it shows: who reads, the frame's counter, one a section.
MOST_QUERIES = 16


@pytest.fixture
def client(site: Site) -> Iterator[httpx2.Client]:
    """Somebody with every estate, logged in."""
    with httpx2.Client(base_url=site.url) as opened:
        form = {"username": "enforcement", "password": estate.PASSWORD}
        assert opened.post("/login", data=form).status_code == 303
        yield opened


@pytest.fixture
def stranger(site: Site) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=site.url) as opened:
        yield opened


def _paths(site: Site) -> list[str]:
    unit, lead = site.unit(estate.VACANT), site.lead_of(estate.VACANT)
    leak = site.lead_of(estate.LEAK)
    return [
        "/",
        "/units",
        "/leads",
        "/leads?status=decided",
        f"/units/{unit}",
        f"/units/{site.unit(estate.UNCOVERED[0])}",
        f"/leads/{lead}",
        f"/leads/{leak}",
        f"/leads/{lead}/confirm",
    ]


def test_every_page_asks_a_stranger_to_log_in_and_comes_back(site: Site, stranger: httpx2.Client) -> None:
    for path in _paths(site):
        reply = stranger.get(path)
        assert reply.status_code == 303, path
        assert reply.headers["location"].startswith("/login")
        if path != "/":
            assert httpx2.URL(reply.headers["location"]).params["next"] == path


def test_every_page_forbids_what_is_not_ours(site: Site, client: httpx2.Client) -> None:
    for path in (*_paths(site), "/login", "/nowhere"):
        policy = client.get(path, follow_redirects=True).headers["content-security-policy"]
        assert "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';" in policy
        assert "unsafe" not in policy


def test_no_page_shows_a_name_or_a_share_of_certainty(site: Site, client: httpx2.Client) -> None:
    for path in _paths(site):
        text = client.get(path).text
        assert estate.NAME not in text, path
        # scores are not calibrated: words only; the band of peers is a range, not a chance
        assert "概率" not in text, path


def test_every_plot_has_a_name_and_numbers_behind_it(site: Site, client: httpx2.Client) -> None:
    for path in _paths(site):
        text = client.get(path).text
        for plot in re.findall(r"<svg class=\"plot\"[^>]*>", text):
            assert 'aria-label="' in plot or 'aria-hidden="true"' in plot
        if "/units/" in path or path.endswith(("leads/1", "leads/2")):
            assert "<details" in text, path


def test_static_files_are_kept_by_their_content(stranger: httpx2.Client) -> None:
    page = stranger.get("/login").text
    for address in re.findall(r'"(/static/[^"]+)"', page):
        reply = stranger.get(address)
        assert reply.status_code == 200
        assert "immutable" in reply.headers["cache-control"]
    assert stranger.get("/static/..%2fpages.py").status_code == 404


@pytest.mark.parametrize(
    "elsewhere", ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)", "/a\nb"]
)
def test_a_login_never_leads_elsewhere(stranger: httpx2.Client, elsewhere: str) -> None:
    form = {"username": "operator", "password": estate.PASSWORD, "next": elsewhere}
    assert stranger.post("/login", data=form).headers["location"] == "/"


def test_a_form_of_another_site_is_refused(
    site: Site, client: httpx2.Client, stranger: httpx2.Client
) -> None:
    form = {"username": "operator", "password": estate.PASSWORD}
    reply = stranger.post("/login", data=form, headers={"Origin": "https://example.org"})
    assert reply.status_code == 403
    lead = site.lead_of(estate.IDLE)
    verdict = {"version": "1", "source": "visit", "note": "x"}
    for path in (f"/leads/{lead}/confirm", f"/leads/{lead}/reopen", "/logout"):
        reply = client.post(path, data=verdict)
        assert reply.status_code == 403, path
        assert "什么都没有记录" in reply.text
    assert "待处理" in client.get("/leads").text


def test_a_wrong_password_is_an_error_to_programs_too(stranger: httpx2.Client) -> None:
    reply = stranger.post("/login", data={"username": "operator", "password": "guess"})
    assert reply.status_code == 401
    assert "guess" not in reply.text


def test_a_missing_field_is_asked_for_and_nothing_recorded(site: Site, client: httpx2.Client) -> None:
    lead = site.lead_of(estate.IDLE)
    page = client.get(f"/leads/{lead}/refute").text
    form: dict[str, str] = dict(re.findall(r'name="(csrf|version)" value="([^"]*)"', page))
    for given, answer in (
        ({}, "请选怎么知道的。"),
        ({"source": "visit"}, "请写下看到的情况。"),
        ({"source": "visit", "note": "  "}, "请写下看到的情况。"),
        ({"source": "rumour", "note": "x"}, "请选一个原因。"),
    ):
        reply = client.post(f"/leads/{lead}/refute", data=form | given)
        assert reply.status_code == 422
        assert answer in reply.text
    assert "处理记录" not in client.get(f"/leads/{lead}").text


def test_what_somebody_writes_is_text(site: Site, client: httpx2.Client) -> None:
    lead = site.lead_of(estate.ONCE_EMPTY)
    page = client.get(f"/leads/{lead}/dismiss").text
    form: dict[str, str] = dict(re.findall(r'name="(csrf|version)" value="([^"]*)"', page))
    note = {"code": "other", "note": "<script>alert(1)</script>"}
    reply = client.post(f"/leads/{lead}/dismiss", data=form | note)
    assert reply.headers["location"] == f"/leads/{lead}?done=dismissed"
    page = client.get(reply.headers["location"]).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    undo: dict[str, str] = dict(re.findall(r'name="(csrf|version)" value="([^"]*)"', page))
    assert client.post(f"/leads/{lead}/reopen", data=undo).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/units/0",
        "/units/99999999999999999999",
        "/units/abc",
        "/leads/2147483648",
        "/?estate=%00",
        "/leads/1/nod",
    ],
)
def test_an_address_that_nothing_has_is_a_page_that_says_so(client: httpx2.Client, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 404, path
    assert "没有这一页" in reply.text
    # the way back is there for who is logged in
    assert 'href="/leads"' in reply.text


def test_an_odd_form_is_refused_and_nothing_recorded(site: Site, client: httpx2.Client) -> None:
    lead = site.lead_of(estate.IDLE)
    page = client.get(f"/leads/{lead}/refute").text
    form: dict[str, str] = dict(re.findall(r'name="(csrf|version)" value="([^"]*)"', page))
    for odd in ({"version": "x"}, {"version": "99999999999"}, {"note": "a\x00b"}, {"note": "x" * 5000}):
        reply = client.post(f"/leads/{lead}/refute", data=form | {"source": "visit", "note": "x"} | odd)
        assert reply.status_code == 422
        assert "未保存" in reply.text


def test_who_has_no_estate_yet_is_told(stranger: httpx2.Client) -> None:
    stranger.post("/login", data={"username": "newcomer", "password": estate.PASSWORD})
    for path in ("/", "/units"):
        reply = stranger.get(path)
        assert reply.status_code == 200
        assert "还没有分配小区" in reply.text
    assert "没有待处理的线索" in stranger.get("/leads").text


def test_the_queue_is_paged_without_losing_or_repeating(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "_PAGE", 2)
    found: list[str] = []
    address: str | None = "/leads"
    while address:
        page = client.get(address).text
        found += re.findall(r'class="q" href="/leads/(\d+)"', page)
        more = re.search(r'class="q more" href="([^"]+)"', page)
        address = more and more[1].replace("&amp;", "&")
    assert len(found) == len(set(found)) == 5


def test_a_page_costs_a_few_queries_whatever_it_shows(
    site: Site, client: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    execute = psycopg.Cursor.execute

    def counted(self: psycopg.Cursor[Any], query: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(query)
        return execute(self, query, *args, **kwargs)

    def cost(path: str) -> int:
        asked.clear()
        assert client.get(path).status_code == 200
        return len(asked)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    for path in _paths(site):
        assert 0 < cost(path) <= MOST_QUERIES, path
    # 20 homes without data, or 50 with leads among them: only the hours of water come on top, once to see
    # whether they still flow and once to draw them
    assert cost(f"/?estate={estate.ESTATE}") - cost(f"/?estate={estate.SMALL_ESTATE}") <= 3
    assert cost(f"/leads?estate={estate.ESTATE}") - cost(f"/leads?estate={estate.SMALL_ESTATE}") <= 1
