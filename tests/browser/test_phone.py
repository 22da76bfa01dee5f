"""At 360 px: nothing sticks out, everything can be touched, in both languages and themes."""

import pytest
from playwright.sync_api import Page

from tests.browser import estate
from tests.browser.conftest import Opener, Site

pytestmark = pytest.mark.browser

#: What sticks out of the screen to the right, outside a box that scrolls by itself.
_STICKS_OUT = """() => [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right > innerWidth + 0.5 && !e.closest('.scroll, .sprite, .skip, svg');
}).map(e => `${e.tagName}.${e.className}`)"""
#: What can be touched but is smaller than 44 px; words inside a sentence are let through (WCAG 2.5.8).
_TOO_SMALL = """() => [...document.querySelectorAll('a, button, summary, textarea, .opt, input[type=text]')]
    .filter(e => {
        const box = e.getBoundingClientRect();
        return box.width && !e.closest('.skip') && (box.height < 43.5 || box.width < 43.5);
    }).map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)}`)"""


def _paths(site: Site) -> list[str]:
    unit, lead = site.unit(estate.VACANT), site.lead_of(estate.VACANT)
    leak = site.lead_of(estate.LEAK)
    return [
        "/",
        "/units",
        f"/units/{unit}",
        f"/units/{site.unit(estate.LEAK)}",
        "/leads",
        "/leads?status=decided",
        f"/leads/{lead}",
        f"/leads/{leak}",
        f"/leads/{site.lead_of(estate.DECIDED)}",
        f"/leads/{lead}/dismiss",
        f"/leads/{leak}/confirm",
        "/nowhere",
    ]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_sticks_out_and_everything_can_be_touched(
    site: Site, open_page: Opener, language: str
) -> None:
    page = open_page(phone=True, dark=language == "en")
    for path in _paths(site):
        page.goto(f"{site.url}{path}{'&' if '?' in path else '?'}lang={language}")
        check_fits(page, path)
    page.context.clear_cookies()
    page.goto(f"{site.url}/login?lang={language}")
    check_fits(page, "/login")


def test_a_building_with_many_doors_scrolls_inside_its_own_box(site: Site, open_page: Opener) -> None:
    page = open_page("enforcement", phone=True)
    page.goto(f"{site.url}/?estate={estate.SMALL_ESTATE}")
    check_fits(page, "small estate")


def test_an_open_sheet_fits_the_phone(site: Site, open_page: Opener) -> None:
    page = open_page(phone=True)
    page.goto(f"{site.url}/leads/{site.lead_of(estate.VACANT)}")
    for name in ("属实", "不属实", "排除…"):
        page.get_by_role("button", name=name, exact=True).tap()
        check_fits(page, name)
        page.locator("dialog[open]").get_by_role("link", name="返回").tap()


def test_the_list_comes_before_the_tiles(site: Site, open_page: Opener) -> None:
    page = open_page(phone=True)
    page.goto(site.url)
    places = [page.locator(css).first.bounding_box() for css in (".todo", ".key", ".board")]
    tops = [place["y"] for place in places if place]
    assert len(tops) == 3
    assert tops == sorted(tops)


def check_fits(page: Page, where: str) -> None:
    """Nothing sticks out, and everything can be touched."""
    assert page.evaluate(_STICKS_OUT) == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
    assert page.evaluate(_TOO_SMALL) == [], where
