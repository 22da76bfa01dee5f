"""What a note to a command must not hold, and what of a danger must pass."""

import pytest

from devices.notes import Unfit, unfit


@pytest.mark.parametrize(
    "note",
    [
        "13800138000",
        "请打138-0013-8000",
        "call +86 138 0013 8000",
        "008613800138000",
        "住户：１３８００１３８０００",  # as an input method for wide letters types it
        "010-62345678",
        "(0571) 8888 1234",
        "110101199003071234",
        "身份证11010119900307123X。",
        "110101 19900307 123x",
    ],
)
def test_who_somebody_is_must_not_be_in_it(note: str) -> None:
    assert unfit(note) is Unfit.personal


@pytest.mark.parametrize(
    "note",
    [
        "已欠租三个月",
        "欠 费",
        "催缴后仍不交",
        "请他尽快腾退",
        "The rent is unpaid",
        "two months of ARREARS",
        "eviction on Monday",
        "until they move out",
    ],
)
def test_what_would_be_pressure_must_not_be_in_it(note: str) -> None:
    assert unfit(note) is Unfit.pressure


@pytest.mark.parametrize(
    "note",
    [
        "",
        "租户报告厨房漏水，楼下已渗",
        "邻居投诉漏水",
        "有焦味，违规充电起火",
        "欠压报警，电流异常",
        "the tenant smells gas, current 13 A at 15:30 on 2026-11-24",
        "parent of the child called; it went fine",
        "表号 021234567801，示数 138001.5",  # 12 digits are an address of a meter
        "serial 8613800138000123",
        "两小时内用水 13800 L",
    ],
)
def test_what_is_written_of_a_danger_passes(note: str) -> None:
    assert unfit(note) is None
