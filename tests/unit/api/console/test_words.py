"""Times and figures as people read them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.console import words
from api.console.texts import catalogue

ZH, EN = catalogue("zh"), catalogue("en")
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "zh", "en"),
    [
        (timedelta(hours=1), "14:42", "14:42"),
        (timedelta(hours=16), "昨23:42", "23:42 yest."),
        (timedelta(days=3), "11-21 15:42", "21 Nov 15:42"),
        (timedelta(days=330), "2025-12-29 15:42", "2025-12-29 15:42"),
    ],
)
def test_a_moment_says_only_what_is_needed(before: timedelta, zh: str, en: str) -> None:
    assert words.stamp(ZH, NOW - before, ZONE, now=NOW) == zh
    assert words.stamp(EN, NOW - before, ZONE, now=NOW) == en


def test_a_day_long_ago_has_its_year() -> None:
    assert words.near_day(ZH, date(2026, 5, 3), today=date(2026, 11, 24)) == "05-03"
    assert words.near_day(ZH, date(2025, 5, 3), today=date(2026, 11, 24)) == "2025-05-03"


@pytest.mark.parametrize(
    ("value", "text"), [(263.4, "263"), (26.44, "26.4"), (1.26, "1.26"), (0.5, "0.5"), (0.0, "0"), (8.0, "8")]
)
def test_a_figure_has_the_places_it_deserves(value: float, text: str) -> None:
    assert words.figure(value) == text


def test_one_is_not_many() -> None:
    assert EN("board.buildings", n=1) == "1 building"
    assert EN("board.buildings", n=3) == "3 buildings"
