"""The words in names and values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.wording import truth, words


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("batV", ("bat", "v")),
        ("BAT_V", ("bat", "v")),
        ("TempC1", ("temp", "c", "1")),
        ("TotalVolume", ("total", "volume")),
        ("acCurrent_mA", ("ac", "current", "ma")),
        ("energy_kWh", ("energy", "kwh")),
        ("Total_CO2(ppm)", ("total", "co2", "ppm")),
        ("activeEnergyImportL123T1", ("active", "energy", "import", "l123", "t1")),
        ("waterleakstatus", ("waterleak", "status")),
        ("DOOR_OPEN_STATUS", ("door", "open", "status")),
        # Units only where they stand alone.
        ("alarmActive", ("alarm", "active")),
        ("", ()),
        ("___", ()),
    ],
)
def test_a_name_is_split_into_words(name: str, plain: tuple[str, ...]) -> None:
    assert words(name).plain == plain


def test_a_word_is_known_in_other_languages_and_written_short() -> None:
    assert words("humi").known == {"humi", "humidity"}
    assert words("Feuchte").has("humidity")
    assert words("漏水状态").has("leak", "status")


@pytest.mark.parametrize(
    ("text", "so"),
    [
        ("Leak", True),
        ("NoLeak", False),
        ("no leak", False),
        ("not detected", False),
        ("unoccupied", False),
        ("Motion detected", True),
        ("1", True),
        ("0", False),
        ("N", False),
        ("正常", False),
        ("报警", True),
        ("NoSensor", None),
        ("unavailable", None),
        ("sensor fault", None),
        ("3.4V", None),
        ("", None),
        ("???", None),
    ],
)
def test_a_value_is_read_as_a_state(text: str, so: bool | None) -> None:
    assert truth(text) is so


@given(st.text(max_size=400))
def test_any_text_is_some_words(text: str) -> None:
    assert all(words(text).plain)
    assert truth(text) in (True, False, None)
