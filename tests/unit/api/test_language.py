import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.language import LANGUAGES, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("*", "zh"),
        ("en", "en"),
        ("en;q=0", "zh"),
        ("EN-us", "en"),
        ("zh-Hant-TW, en;q=0.9", "zh"),
        ("en;q=1.5, zh", "zh"),
    ],
)
def test_the_heavier_language_wins_and_chinese_when_nothing_decides(header: str, language: str) -> None:
    assert preferred(header) == language


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert preferred(header) in LANGUAGES
