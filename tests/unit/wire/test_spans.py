"""How long something lasts, as people say it."""

from datetime import timedelta

import pytest

from wire.spans import spoken


@pytest.mark.parametrize(
    ("span", "zh", "en"),
    [
        (timedelta(seconds=-5), "0秒", "0 s"),
        (timedelta(seconds=8.9), "8秒", "8 s"),
        (timedelta(seconds=60), "1分钟", "1 min"),
        (timedelta(seconds=95), "1分35秒", "1 min 35 s"),
        (timedelta(seconds=120), "2分钟", "2 min"),
        (timedelta(minutes=12, seconds=7), "12分钟", "12 min"),
        (timedelta(seconds=26_520), "7小时22分", "7 h 22 min"),
        (timedelta(hours=7), "7小时", "7 h"),
        (timedelta(hours=26), "1天2小时", "1 d 2 h"),
        (timedelta(days=3, minutes=59), "3天", "3 d"),
        (timedelta(days=12, hours=9), "12天", "12 d"),
    ],
)
def test_a_span_is_said_in_its_largest_units(span: timedelta, zh: str, en: str) -> None:
    assert spoken(span) == (zh, en)
