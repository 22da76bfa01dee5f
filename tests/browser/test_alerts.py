"""The pages of alerts in a real browser: on a desk and on a phone, in both languages, with a step back."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from alerts.plant import Trouble
from alerts.raising import raise_alerts
from policy import load
from storage import watermark
from storage.pool import Connection, connect
from tests.browser import estate
from tests.browser.conftest import Opener, Site
from tests.browser.test_phone import check_fits

pytestmark = pytest.mark.browser

RULES = load("anhe").on(estate.NOW.date()).alerts


@pytest.fixture
def faults(site: Site) -> Iterator[Connection]:
    """A device of a home that is not heard, and a full disk; gone afterwards."""
    full = Trouble(origin="disk", kind="disk_full", since=estate.NOW, detail={"percent": 3.2})
    with connect(site.dsn, name="watch") as connection:
        connection.execute(
            "INSERT INTO device_condition (device_id, kind, since, seen_at)"
            " SELECT s.device_id, 'offline', %s::timestamptz - interval '5 hours', %s FROM v_source s"
            " WHERE s.unit_id = %s ORDER BY s.device_id LIMIT 1",
            [estate.NOW, estate.NOW, site.unit(estate.VACANT)],
        )
        raise_alerts(connection, troubles=[full], rules=RULES, now=estate.NOW)
        watermark.advance(connection, "watch", estate.NOW)
        connection.commit()
        yield connection
        connection.rollback()
        connection.execute("DELETE FROM device_condition")
        connection.execute("ALTER TABLE alert_step DISABLE TRIGGER USER")
        connection.execute("DELETE FROM alert_step")
        connection.execute("DELETE FROM alert")


def test_an_alert_is_taken_and_given_back(site: Site, open_page: Opener, faults: Connection) -> None:
    page = open_page()
    page.goto(f"{site.url}/")
    link = page.locator("nav").first.get_by_role("link", name="告警")
    expect(link.locator(".count")).to_have_text("1")
    link.click()
    row = page.locator("a.q")
    # The disk is none of this reader's estates.
    expect(row).to_have_count(1)
    expect(row).to_contain_text(estate.VACANT)
    expect(row).to_contain_text("设备未上报")
    row.click()
    page.get_by_label("说明（可不填）").fill("下午去看")
    page.get_by_role("button", name="我来处理").click()
    expect(page.locator(".flash")).to_contain_text("已确认，由您处理。")
    expect(page.locator(".tl")).to_contain_text("下午去看")
    expect(page.locator("nav").first.get_by_role("link", name="告警").locator(".count")).to_have_count(0)
    page.locator(".flash").get_by_role("button", name="撤回").click()
    expect(page.locator(".flash")).to_contain_text("已撤回。")
    expect(page.get_by_role("button", name="我来处理")).to_be_visible()


def test_what_is_over_stays_until_somebody_looks(site: Site, open_page: Opener, faults: Connection) -> None:
    faults.execute("DELETE FROM device_condition")
    raise_alerts(faults, troubles=[], rules=RULES, now=estate.NOW)
    faults.commit()
    page = open_page("operator")
    page.goto(f"{site.url}/alerts?show=over&lang=en")
    expect(page.locator("a.q")).to_have_count(2)
    expect(page.locator("a.q").first).to_contain_text("Only 3.2 % of the data disk is free")
    page.locator("a.q").first.click()
    expect(page.locator(".note").first).to_contain_text("New data cleared its cause")
    page.get_by_role("button", name="I’ll take it").click()
    page.get_by_role("link", name="← Alerts").click()
    expect(page.locator("a.q")).to_have_count(1)


def test_a_home_s_page_says_what_is_wrong_with_its_device(
    site: Site, open_page: Opener, faults: Connection
) -> None:
    page = open_page()
    page.goto(f"{site.url}/units/{site.unit(estate.VACANT)}?lang=en")
    expect(page.locator(".chip.device", has_text="not heard").first).to_be_visible()


def test_who_may_not_handle_alerts_sees_none(site: Site, open_page: Opener, faults: Connection) -> None:
    page = open_page("auditor")
    page.goto(f"{site.url}/alerts")
    expect(page.locator("body")).not_to_contain_text("设备未上报")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_fit_a_phone(site: Site, open_page: Opener, faults: Connection, language: str) -> None:
    page = open_page("operator", phone=True, dark=language == "en")
    page.goto(f"{site.url}/alerts?lang={language}")
    check_fits(page, "alerts")
    page.locator("a.q").first.tap()
    expect(page.locator("dl.facts")).to_be_visible()
    check_fits(page, "alert")
    page.get_by_role("button", name={"zh": "我来处理", "en": "I’ll take it"}[language]).tap()
    expect(page.locator(".flash")).to_be_visible()
    check_fits(page, "acknowledged")
    _uncovered(page, site)


def _uncovered(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/uncovered")
    expect(page.locator("table.units")).to_contain_text(estate.VACANT)
    check_fits(page, "uncovered")


def test_a_chip_holds_no_dot_and_buttons_do_not_touch(
    site: Site, open_page: Opener, faults: Connection
) -> None:
    page = open_page("operator", phone=True)
    page.goto(f"{site.url}/alerts")
    page.locator("a.q").last.click()
    page.get_by_role("button", name="我来处理").click()
    chip = page.locator(".chip").first  # waits for the page that answers the button
    assert chip.evaluate("one => getComputedStyle(one, '::after').content") == "none"
    boxes = [button.bounding_box() for button in page.locator("form .row button").all()]
    assert len(boxes) > 1
    for one, other in pairwise(box for box in boxes if box):
        apart = other["x"] - one["x"] - one["width"], other["y"] - one["y"] - one["height"]
        assert max(apart) >= 8
    assert page.locator(".back").inner_text().startswith("← ")
