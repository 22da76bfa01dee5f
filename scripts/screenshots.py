"""Photograph the console in a real Chromium: board, leads, one lead of each kind, one home.

Runs against a stack that is already up:

    ANJU_DEMO_PASSWORD=… .venv/bin/python scripts/screenshots.py --url http://127.0.0.1:8080

Each page is taken at 1440 and 360 px, light and dark, in Chinese, and the board once in English.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
WIDTHS = {1440: 900, 360: 740}
THEMES = ("light", "dark")
LARGEST_BYTES = 300_000


def main() -> int:
    """Take the pictures; 1 when a page is missing or a picture too large."""
    options = _arguments()
    password = os.environ.get("ANJU_DEMO_PASSWORD", "")
    if not password:
        sys.exit("screenshots: set ANJU_DEMO_PASSWORD to the password of the account")
    if not CHROMIUM.exists():
        sys.exit(f"screenshots: needs Debian's Chromium at {CHROMIUM}")
    options.out.mkdir(parents=True, exist_ok=True)
    too_large = []
    with _browser() as new_page:
        pages: dict[str, str] = {}
        for width, height in WIDTHS.items():
            for theme in THEMES:
                page = new_page(width, height, theme)
                _log_in(page, options.url, options.username, password)
                pages = pages or _pages(page, options.url)
                for name, path in pages.items():
                    too_large += _take(page, options.url + path, options.out / f"{name}-{width}-{theme}.png")
                page.context.close()
        page = new_page(1440, 900, "light")
        _log_in(page, options.url, options.username, password)
        too_large += _take(page, options.url + "/?lang=en", options.out / "board-1440-light-en.png")
    for file, size in too_large:
        print(f"{file}: {size:,} bytes, more than {LARGEST_BYTES:,}")
    return 1 if too_large else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="where the console answers")
    parser.add_argument(
        "--username", default="supervisor", help="the account; its password is in ANJU_DEMO_PASSWORD"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"), help="folder for the PNG files")
    return parser.parse_args()


@contextmanager
def _browser() -> Iterator[object]:
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), env={**os.environ, "HOME": home}
        )

        def new_page(width: int, height: int, theme: str) -> Page:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
                locale="zh-CN",
                timezone_id="Asia/Shanghai",
            )
            return context.new_page()

        yield new_page
        browser.close()


def _log_in(page: Page, url: str, username: str, password: str) -> None:
    page.goto(f"{url}/login")
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{url}/")


def _pages(page: Page, url: str) -> dict[str, str]:
    """Name → path; leads are told apart by what their page shows."""
    found = {"board": "/", "leads": "/leads"}
    page.goto(f"{url}/leads")
    paths = [str(link.get_attribute("href")) for link in page.locator("a.q[href^='/leads/']").all()]
    for path in paths:
        page.goto(url + path)
        name = "lead-water" if page.locator(".bandtext.hazard").count() else "lead-idle"
        if name not in found:
            found[name] = path
            unit = page.locator("a[href^='/units/']").first.get_attribute("href")
            found["unit" if name == "lead-idle" else "unit-water"] = str(unit)
        if {"lead-water", "lead-idle"} <= set(found):
            break
    found.pop("unit-water", None)
    missing = {"lead-water", "lead-idle", "unit"} - set(found)
    if missing:
        sys.exit(f"screenshots: no lead to photograph for {', '.join(sorted(missing))}")
    return found


def _take(page: Page, address: str, file: Path) -> list[tuple[Path, int]]:
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    response = page.goto(address)
    if response is None or not response.ok:
        sys.exit(f"screenshots: {address} answers {response and response.status}")
    # As tall as the page: what is fixed to the edge of the screen then covers nothing.
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=file, full_page=True, animations="disabled")
    size = file.stat().st_size
    return [(file, size)] if size > LARGEST_BYTES else []


if __name__ == "__main__":
    sys.exit(main())
