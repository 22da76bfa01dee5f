"""The installer's phone: scan, choose the flat, see the first reading, find crossed meters."""

import struct
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
import zxingcpp
from playwright.sync_api import Page, expect

from devices import lifecycle, listing, registry
from devices.acts import Commission
from devices.timelines import Place
from storage.pool import connect
from tests.browser import estate
from tests.browser.conftest import Opener, Site
from tests.browser.test_phone import check_fits
from wire.channels import BY_NAME
from wire.quality import Quality

pytestmark = pytest.mark.browser

MINUTE = timedelta(minutes=1)
FLOW, WATER = BY_NAME["flow_l_h"].code, BY_NAME["water_l"].code


@pytest.fixture
def phone(open_page: Opener) -> Page:
    return open_page("installer", phone=True)


@pytest.fixture(autouse=True)
def _time_goes_back(site: Site) -> Iterator[None]:
    yield
    site.clock.at = estate.NOW


def add_device(site: Site, code: str, *, flat: str | None = None, days: float = 0) -> None:
    """A water meter of the small estate, installed at a flat or not."""
    with connect(site.dsn, name="test") as connection:
        row = connection.execute("SELECT id FROM estate WHERE code = %s", [estate.SMALL_ESTATE]).fetchone()
        assert row is not None
        registry.register_device(
            connection, code=code, profile="water-register", estate_id=row[0], serial=f"S{code}"
        )
        if flat is not None:
            place = Place(unit_id=site.unit(flat))
            wanted = Commission(device=code, place=place, since=estate.NOW - timedelta(days=days))
            lifecycle.perform(connection, wanted, by="account:installer", now=estate.NOW)


def tell(
    site: Site, code: str, value: float, *, minutes: float, quality: int = 0, channel: int = FLOW
) -> None:
    """One reading, so long after the start of the test."""
    at = estate.NOW + minutes * MINUTE
    with connect(site.dsn, name="test") as connection:
        connection.execute(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " VALUES (%s, %s, %s, %s, %s, %s, 101)",
            [at, at, value, listing.device(connection, code).id, channel, quality],
        )


def flat_of(site: Site, code: str) -> set[str | None]:
    with connect(site.dsn, name="test") as connection:
        device = listing.device(connection, code)
        return {row.unit for row in listing.installations_of(connection, device.id) if row.valid_to is None}


def test_a_new_meter_from_its_label_to_its_first_reading(site: Site, phone: Page) -> None:
    phone.goto(site.url)
    expect(phone).to_have_url(f"{site.url}/commissioning")
    check_fits(phone, "scan")
    phone.fill("#scan", "SN:70010001")
    phone.get_by_role("button", name="查找").tap()
    expect(phone.get_by_role("heading", name="没有登记过“SN:70010001”")).to_be_visible()
    check_fits(phone, "unknown")
    assert phone.input_value("#serial") == "70010001"
    assert phone.input_value("#code").startswith("d-")
    phone.fill("#code", "wm-new")
    phone.select_option("#profile", "water-register")
    phone.select_option("#estate", estate.SMALL_ESTATE)
    phone.get_by_role("button", name="登记这台设备").tap()
    phone.fill("#flat", "103")
    phone.get_by_role("button", name="查找").tap()
    expect(phone.get_by_role("link", name="A-103")).to_be_visible()
    check_fits(phone, "flat")
    phone.get_by_role("link", name="A-103").tap()
    expect(phone.get_by_role("heading", name="装到 A-103")).to_be_visible()
    check_fits(phone, "confirm")
    phone.get_by_role("button", name="装在这里").tap()
    expect(phone.locator("#live")).to_contain_text("还没有收到")
    expect(phone.get_by_role("status")).to_contain_text("已安装")
    check_fits(phone, "live")
    # nobody touches the page: it asks by itself
    tell(site, "wm-new", 0.7, minutes=1, channel=WATER)
    site.clock.at += 2 * MINUTE
    expect(phone.locator("#live")).to_contain_text("已收到", timeout=15_000)
    expect(phone.locator("#live")).to_contain_text("用水示数")
    expect(phone.locator("#live")).to_contain_text("0.7 L")
    assert flat_of(site, "wm-new") == {"A-103"}
    phone.get_by_role("button", name="撤销").tap()
    expect(phone.get_by_role("status")).to_contain_text("已撤回")
    assert flat_of(site, "wm-new") == set()


def test_a_reading_that_nothing_proves_is_told_apart(site: Site, phone: Page) -> None:
    add_device(site, "wm-far", flat="A-104")
    tell(site, "wm-far", 3, minutes=1, quality=int(Quality.IDENTITY_UNPROVEN), channel=WATER)
    site.clock.at += 2 * MINUTE
    phone.goto(f"{site.url}/commissioning/devices/wm-far/live?lang=en")
    with connect(site.dsn, name="test") as connection:
        connection.execute("SELECT 1")
    expect(phone.locator("#live")).to_contain_text("nothing proves who sent it")
    check_fits(phone, "unproven")


def test_what_hangs_there_is_swapped_with_both_registers(site: Site, phone: Page) -> None:
    add_device(site, "wm-old", flat="A-105", days=30)
    add_device(site, "wm-next")
    tell(site, "wm-old", 8120.6, minutes=-5, channel=WATER)
    phone.goto(f"{site.url}/commissioning/devices/wm-next?flat=105")
    expect(phone.locator(".todo")).to_contain_text("用水示数：已有 Swm-old")
    phone.get_by_role("link", name="A-105").tap()
    expect(phone.locator("#old_final")).to_be_visible()
    check_fits(phone, "swap")
    expect(phone.locator("#old_last")).to_contain_text("它最后上报 8120.6 L")
    phone.fill("#old_final", "812,3")
    phone.get_by_role("button", name="换成这台").tap()
    expect(phone.locator("main")).to_contain_text("旧表止码低于它最后上报的读数")
    assert flat_of(site, "wm-old") == {"A-105"}
    check_fits(phone, "swap refused")
    assert phone.input_value("#old_final") == "812,3"
    phone.fill("#old_final", "8123,4")
    phone.fill("#new_first", "0")
    phone.get_by_role("button", name="换成这台").tap()
    expect(phone.get_by_role("status")).to_contain_text("已换表")
    assert (flat_of(site, "wm-old"), flat_of(site, "wm-next")) == (set(), {"A-105"})
    with psycopg.connect(site.dsn) as connection:
        assert connection.execute("SELECT old_final, new_first FROM meter_swap").fetchall() == [(8123.4, 0)]


def test_crossed_meters_are_found_and_exchanged(site: Site, phone: Page) -> None:
    add_device(site, "wm-a", flat="A-201")
    add_device(site, "wm-b", flat="A-202")
    for code in ("wm-a", "wm-b"):
        tell(site, code, 0, minutes=-5)
    phone.goto(f"{site.url}/commissioning/devices/wm-a/live")
    phone.get_by_role("button", name="开始核对").tap()
    expect(phone.locator("#live")).to_contain_text("还没有动静")
    expect(phone.locator("main")).to_contain_text("现在请在 A-201 打开一个水龙头")
    check_fits(phone, "check")
    tell(site, "wm-a", 0, minutes=1)
    tell(site, "wm-b", 480, minutes=1)
    site.clock.at += 2 * MINUTE
    phone.get_by_role("link", name="刷新").tap()
    expect(phone.locator("#live")).to_contain_text("A-201 没有动，A-202 在动")
    check_fits(phone, "crossed")
    phone.get_by_role("button", name="与 A-202 对调").tap()
    expect(phone.locator("#live")).to_contain_text("已记下，周*")
    assert (flat_of(site, "wm-a"), flat_of(site, "wm-b")) == ({"A-202"}, {"A-201"})
    live = phone.locator("#live")
    expect(live).to_contain_text("核对时 A-201 没有动，A-202 在动")
    expect(live.locator(".facts")).to_have_text("wm-a现在登记在 A-202wm-b现在登记在 A-201")
    expect(live).to_contain_text("请让系统运维在设备页撤回")
    assert live.locator(".chip.hazard").count() == 0
    check_fits(phone, "exchanged")


def test_meters_that_hang_there_for_long_are_for_the_operator(site: Site, phone: Page) -> None:
    add_device(site, "wm-c", flat="A-203", days=40)
    add_device(site, "wm-d", flat="A-204", days=40)
    for code in ("wm-c", "wm-d"):
        tell(site, code, 0, minutes=-5)
    phone.goto(f"{site.url}/commissioning/devices/wm-c/live")
    phone.get_by_role("button", name="开始核对").tap()
    expect(phone.locator("#live")).to_contain_text("还没有动静")
    tell(site, "wm-d", 480, minutes=1)
    site.clock.at += 2 * MINUTE
    phone.get_by_role("link", name="刷新").tap()
    expect(phone.locator("#live")).to_contain_text("请让系统运维更正")
    assert phone.get_by_role("button", name="对调").count() == 0
    phone.get_by_role("button", name="记下结果").tap()
    expect(phone.locator("#live")).to_contain_text("已记下")


def test_a_photo_of_a_label_is_read_by_the_server(site: Site, phone: Page, tmp_path: Path) -> None:
    add_device(site, "wm-qr")
    code = zxingcpp.create_barcode("https://maker.example/?sn=Swm-qr", zxingcpp.BarcodeFormat.QRCode)
    pixels = np.pad(np.array(code.to_image(scale=6)), 40, constant_values=255)
    photo = tmp_path / "label.png"
    photo.write_bytes(png(pixels))
    phone.goto(f"{site.url}/commissioning")
    phone.set_input_files("#photo", photo)
    expect(phone).to_have_url(f"{site.url}/commissioning/devices/wm-qr")
    phone.goto(f"{site.url}/commissioning")
    empty = tmp_path / "empty.png"
    empty.write_bytes(png(np.full((60, 80), 200, dtype=np.uint8)))
    phone.set_input_files("#photo", empty)
    expect(phone.get_by_role("alert")).to_contain_text("没有认出码")


def test_the_camera_reads_where_the_browser_can(site: Site, phone: Page) -> None:
    add_device(site, "wm-cam")
    phone.add_init_script(
        """window.BarcodeDetector = class { detect() { return Promise.resolve([{rawValue: "wm-cam"}]); } };
        navigator.mediaDevices.getUserMedia = () => {
            const canvas = document.createElement("canvas");
            canvas.getContext("2d").fillRect(0, 0, 9, 9);
            return Promise.resolve(canvas.captureStream(10));
        };"""
    )
    phone.goto(f"{site.url}/commissioning")
    phone.get_by_role("button", name="用相机扫码").tap()
    expect(phone).to_have_url(f"{site.url}/commissioning/devices/wm-cam")


def test_without_script_the_essentials_work(site: Site, open_page: Opener) -> None:
    add_device(site, "wm-plain")
    page = open_page("installer", phone=True, script=False)
    page.goto(f"{site.url}/commissioning")
    page.fill("#scan", "Swm-plain")
    page.get_by_role("button", name="查找").tap()
    page.fill("#flat", "A-106")
    page.get_by_role("button", name="查找").tap()
    page.get_by_role("link", name="A-106").tap()
    page.get_by_role("button", name="装在这里").tap()
    expect(page.locator("#live")).to_be_visible()  # it hangs there, before the clock goes on
    tell(site, "wm-plain", 5, minutes=1, channel=WATER)
    site.clock.at += 2 * MINUTE
    page.get_by_role("link", name="刷新").tap()
    expect(page.locator("#live")).to_contain_text("已收到")
    assert flat_of(site, "wm-plain") == {"A-106"}


def test_a_correction_is_shown_then_done_then_taken_back(site: Site, open_page: Opener) -> None:
    add_device(site, "wm-wrong", flat="A-107", days=20)
    page = open_page("operator", phone=True, dark=True)
    page.goto(f"{site.url}/devices/wm-wrong?lang=zh")
    check_fits(page, "device")
    page.get_by_role("link", name="更正装在哪里").tap()
    page.fill("#flat", "A-108")
    page.fill("#since", "2026-11-10T08:00:30")
    page.get_by_text("登记到了别的房屋").tap()
    page.get_by_role("button", name="先看影响").tap()
    expect(page.locator("#preview")).to_be_visible()
    check_fits(page, "correct")
    assert flat_of(site, "wm-wrong") == {"A-107"}
    # what was typed since is shown first
    page.fill("#flat", "A-109")
    page.get_by_role("button", name="确认更正").tap()
    expect(page.locator("#preview")).to_contain_text("没有用量要重算")
    page.get_by_role("button", name="确认更正").tap()
    expect(page.get_by_role("status")).to_contain_text("已更正")
    assert flat_of(site, "wm-wrong") == {"A-109"}
    expect(page.locator("main")).to_contain_text("A-107")
    check_fits(page, "corrected")
    page.get_by_role("button", name="撤销").tap()
    expect(page.get_by_role("status")).to_contain_text("已撤回")
    assert flat_of(site, "wm-wrong") == {"A-107"}


def test_no_page_of_devices_shows_who_lives_there(site: Site, phone: Page) -> None:
    for path in (
        "/devices",
        "/commissioning",
        "/commissioning/devices/w-1-1-0101?flat=0101",
        f"/commissioning/devices/w-1-1-0101/at/{site.unit('1-1-0101')}",
        "/commissioning/devices/w-1-1-0101/live",
        "/devices/w-1-1-0101",
    ):
        for language in ("zh", "en"):
            phone.goto(f"{site.url}{path}{'&' if '?' in path else '?'}lang={language}")
            assert estate.NAME not in phone.content(), path
            check_fits(phone, path)


def test_commands_are_given_on_a_phone_by_two_persons(site: Site, open_page: Opener) -> None:
    operator, supervisor = open_page("operator", phone=True), open_page("supervisor", phone=True)
    path = f"{site.url}/devices/e-1-1-0101"
    operator.goto(path)
    operator.get_by_role("button", name="立即抄读").tap()
    expect(operator.get_by_role("status")).to_contain_text("指令已排队")
    operator.get_by_role("link", name="断电…").tap()
    expect(operator.get_by_role("heading", name="断电")).to_be_visible()
    check_fits(operator, "command")
    operator.get_by_text("用电危险").tap()
    operator.get_by_role("button", name="提出，待复核").tap()
    expect(operator.get_by_role("status")).to_contain_text("等另一人复核")
    expect(operator.get_by_role("button", name="复核同意")).to_have_count(0)
    check_fits(operator, "commands")
    # whoever may approve is told on every page, and led there
    supervisor.goto(f"{site.url}/?lang=en")
    supervisor.get_by_role("navigation", name="Sections").get_by_role("link", name="Devices 1").tap()
    supervisor.get_by_role("link", name="1 command waits for your approval").tap()
    expect(supervisor.locator("main")).to_contain_text("an electrical danger")
    check_fits(supervisor, "waiting")
    approve = supervisor.get_by_role("button", name="Approve").bounding_box()
    assert approve is not None
    assert approve["width"] > approve["height"], "its word stands on one line"
    supervisor.get_by_role("link", name="e-1-1-0101").tap()
    expect(supervisor.get_by_role("heading", name="e-1-1-0101")).to_be_visible()
    check_fits(supervisor, "to approve")
    supervisor.get_by_role("button", name="Approve").tap()
    expect(supervisor.locator("#commands")).to_contain_text("approved by supervisor")


def png(pixels: np.ndarray) -> bytes:
    """A grey picture as a file."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
