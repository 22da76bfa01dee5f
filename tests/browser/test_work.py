"""What a supervisor does on a day, in a real browser: look, read, decide, take it back."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import estate
from tests.browser.conftest import Opener, Site, log_in

pytestmark = pytest.mark.browser


def test_from_login_over_board_unit_and_lead_to_a_verdict_and_back(site: Site, open_page: Opener) -> None:
    page = open_page(None)
    log_in(page, site, "supervisor")
    expect(page.locator("h1")).to_have_text("和安苑")
    expect(page.locator(".todo li").first).to_contain_text(estate.LEAK)

    page.locator(f".tile[title^='{estate.VACANT} ']").click()
    expect(page.locator("h1")).to_have_text(estate.VACANT)
    page.get_by_role("link", name="查看全部依据").click()
    expect(page.locator("h1")).to_contain_text("96天没有生活迹象")
    expect(page.locator("body")).not_to_contain_text("%")

    page.get_by_role("button", name="不属实").click()
    sheet = page.locator("dialog[open]")
    sheet.get_by_text("上门查看").click()
    sheet.locator("textarea").fill("敲门有人应，刚搬来。")
    sheet.get_by_role("button", name="记录不属实").click()

    expect(page.locator(".flash")).to_contain_text("已记录：不属实")
    expect(page.locator(".tl")).to_contain_text("敲门有人应，刚搬来。")
    page.locator(".flash").get_by_role("button", name="撤销").click()
    expect(page.locator(".flash")).to_contain_text("线索重新打开")
    expect(page.get_by_role("button", name="排除…")).to_be_visible()
    expect(page.locator(".tl li")).to_have_count(3)


def test_the_sheet_says_what_is_missing_and_keeps_what_was_typed(site: Site, open_page: Opener) -> None:
    page = open_page(script=False)
    page.goto(f"{site.url}/leads/{site.lead_of(estate.IDLE)}/dismiss")
    page.get_by_text("其他（须写明）").click()
    page.get_by_role("button", name="记录并排除").click()
    expect(page.locator("[role=alert]")).to_have_text("选“其他”时请写明。")
    expect(page.get_by_role("radio", name="其他（须写明）")).to_be_checked()


def test_everything_works_without_script(site: Site, open_page: Opener) -> None:
    page = open_page(script=False)
    page.goto(f"{site.url}/?show=hazard")
    expect(page.locator(".tile.on")).to_have_count(1)
    page.locator(".todo a").first.click()
    page.get_by_role("link", name="属实", exact=True).click()
    expect(page.locator("h1")).to_have_text("属实")
    page.get_by_text("电话联系").click()
    page.locator("textarea").fill("住户说马桶在漏水，已请人修。")
    page.get_by_role("button", name="记录属实").click()
    expect(page.locator(".flash")).to_contain_text("已记录：属实")
    page.locator(".flash").get_by_role("button", name="撤销").click()
    expect(page.locator(".flash")).to_contain_text("线索重新打开")
    page.get_by_role("link", name="明暗").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_of_two_people_the_second_learns_who_decided(site: Site, open_page: Opener) -> None:
    lead = f"{site.url}/leads/{site.lead_of(estate.GONE)}"
    first, second = open_page("supervisor"), open_page("enforcement")
    for page in (first, second):
        page.goto(f"{lead}/dismiss")
        page.get_by_text("亲属探访或照护").click()
    first.get_by_role("button", name="记录并排除").click()
    expect(first.locator(".flash")).to_contain_text("已记录：排除")
    second.get_by_role("button", name="记录并排除").click()
    expect(second.locator("[role=alert]")).to_contain_text("李*已在15:42把这条线索记为“排除”")
    expect(second.get_by_role("button", name="记录并排除")).to_have_count(0)
    first.locator(".flash").get_by_role("button", name="撤销").click()
    expect(first.locator(".flash")).to_contain_text("线索重新打开")


def test_a_wrong_password_is_said_and_the_name_kept(site: Site, open_page: Opener) -> None:
    page = open_page(None)
    log_in(page, site, "supervisor", "not the password")
    expect(page.locator("[role=alert]")).to_have_text("用户名或密码不对。请再试一次。")
    expect(page.locator("#username")).to_have_value("supervisor")
    page.fill("#password", estate.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("和安苑")


def test_an_expired_session_leads_back_to_the_same_page(site: Site, open_page: Opener) -> None:
    page = open_page(None)
    log_in(page, site, "supervisor")
    expect(page.locator("h1")).to_have_text("和安苑")
    site.expire_session(page.context)
    page.goto(f"{site.url}/units/{site.unit(estate.VACANT)}")
    expect(page.locator("[role=status]")).to_contain_text("登录已过期")
    page.fill("#username", "supervisor")
    page.fill("#password", estate.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(estate.VACANT)


def test_logging_out_ends_the_session(site: Site, open_page: Opener) -> None:
    page = open_page(None)
    log_in(page, site, "enforcement")
    page.get_by_role("button", name="退出").click()
    expect(page.locator("[role=status]")).to_have_text("已退出。")
    page.goto(f"{site.url}/leads")
    expect(page.locator("h2")).to_have_text("登录")


def test_the_language_stays_as_switched(site: Site, open_page: Opener) -> None:
    page = open_page()
    page.goto(f"{site.url}/leads")
    page.get_by_role("link", name="English").click()
    expect(page.locator("h1")).to_have_text("Leads")
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("link", name="Estate", exact=True).first.click()
    expect(page.locator("h1")).to_have_text("He’an Estate")
    expect(page.locator(".todo")).to_contain_text("Water has run for 26 hours")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1")).to_have_text("和安苑")


def test_the_theme_follows_the_device_until_it_is_chosen(site: Site, open_page: Opener) -> None:
    page = open_page(dark=True)
    page.goto(site.url)
    assert _brightness(page) < 60
    page.get_by_role("link", name="明暗").click()
    assert _brightness(page) > 200
    page.reload()
    assert _brightness(page) > 200


def test_counters_pick_out_tiles(site: Site, open_page: Opener) -> None:
    page = open_page()
    page.goto(site.url)
    counter = page.locator("[data-filter=silent]")
    counter.click()
    expect(counter).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".board.filtered .tile.on")).to_have_count(len(estate.SILENT))
    counter.click()
    expect(page.locator(".board.filtered")).to_have_count(0)


def test_who_has_several_estates_chooses_one(site: Site, open_page: Opener) -> None:
    page = open_page("enforcement")
    page.goto(site.url)
    page.get_by_role("link", name="悦溪里").click()
    expect(page.locator("h1")).to_have_text("悦溪里")
    expect(page.locator(".tile")).to_have_count(20)
    expect(page.locator(".todo")).to_have_count(0)


def test_the_first_page_of_a_demo_says_what_is_real(site: Site, open_page: Opener) -> None:
    page = open_page("enforcement")
    page.goto(site.url)
    expect(page.locator(".demo")).to_contain_text("没有真实住户")
    expect(page.locator("#demo")).to_contain_text("全部数据由程序生成。")
    page.goto(f"{site.url}/?estate={estate.SMALL_ESTATE}")
    expect(page.locator(".demo")).to_have_count(0)


def test_what_is_not_mine_does_not_exist(site: Site, open_page: Opener) -> None:
    page = open_page("supervisor")
    response = page.goto(f"{site.url}/units/{site.unit('A-101')}")
    assert response is not None
    assert response.status == 404
    expect(page.locator("h1")).to_have_text("没有这一页")
    response = page.goto(f"{site.url}/?estate={estate.SMALL_ESTATE}")
    assert response is not None
    assert response.status == 404


def test_a_role_without_leads_has_no_way_to_them(site: Site, open_page: Opener) -> None:
    page = open_page("operator")
    page.goto(site.url)
    expect(page.locator(".top nav a")).to_have_text(["总览", "告警", "住房", "设备"])
    expect(page.locator(".todo")).to_have_count(0)
    response = page.goto(f"{site.url}/leads")
    assert response is not None
    assert response.status == 403
    expect(page.locator("h1")).to_have_text("没有权限")


def test_who_may_see_signals_but_no_leads_sees_what_detectors_said(site: Site, open_page: Opener) -> None:
    page = open_page("operator")
    page.goto(f"{site.url}/units/{site.unit(estate.VACANT)}")
    expect(page.get_by_role("heading", name="未结事项")).to_have_count(0)
    expect(page.get_by_role("heading", name="一年内的信号")).to_be_visible()
    expect(page.locator("body")).to_contain_text("96天没有生活迹象")


def test_a_flat_is_found_by_its_code(site: Site, open_page: Opener) -> None:
    page = open_page()
    page.goto(f"{site.url}/units")
    page.fill("#code", "9-9-9999")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_contain_text("9-9-9999")
    page.fill("#code", estate.LEAK)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(estate.LEAK)


def test_the_keyboard_reaches_the_verdict_and_leaves_the_sheet(site: Site, open_page: Opener) -> None:
    page = open_page()
    page.goto(f"{site.url}/leads/{site.lead_of(estate.IDLE)}")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    confirm = page.get_by_role("button", name="属实", exact=True)
    for _ in range(40):
        page.keyboard.press("Tab")
        if confirm.evaluate("element => element === document.activeElement"):
            break
    expect(confirm).to_be_focused()
    assert confirm.evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        expect(page.locator("dialog[open] h2")).to_have_text("属实")
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    expect(confirm).to_be_focused()


def _brightness(page: Page) -> int:
    """Red of the page's background, 0 to 255."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return int(colour.removeprefix("rgb(").split(",")[0])
