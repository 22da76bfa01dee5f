"""A field's text becomes a value or a code that says what is wrong."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju.importer import columns
from anju.importer.columns import BadField


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("2026-11-24", date(2026, 11, 24)),
        # a Chinese spreadsheet writes slashes and no leading zeros
        ("2026/1/4", date(2026, 1, 4)),
    ],
)
def test_days_are_read_year_first(field: str, value: date) -> None:
    assert columns.day(field) == value


@pytest.mark.parametrize("field", ["24/11/2026", "2026-02-30", "2026-11", "20261124", "yesterday", "45985"])
def test_doubtful_days_are_refused(field: str) -> None:
    with pytest.raises(BadField, match="not_date"):
        columns.day(field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("2026-11-24T08:00:00Z", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        ("2026-11-24T08:00:00+08:00", datetime(2026, 11, 24, 0, tzinfo=UTC)),
        ("2026-11-24 08:00 -0530", datetime(2026, 11, 24, 13, 30, tzinfo=UTC)),
        ("2026-11-24T08:00:00.25Z", datetime(2026, 11, 24, 8, 0, 0, 250_000, tzinfo=UTC)),
        # without a zone: local time of the estate, made aware later
        ("2026-11-24 08:00", datetime(2026, 11, 24, 8)),  # noqa: DTZ001
        ("2026/11/24", datetime(2026, 11, 24)),  # noqa: DTZ001
    ],
)
def test_moments_keep_their_zone(field: str, value: datetime) -> None:
    assert columns.moment(field) == value


@pytest.mark.parametrize(
    "field",
    [
        "08:00",
        "2026-11-24T8",
        "2026-11-24T25:00Z",
        "2026-11-24T08:00+24:00",
        "2026-11-24Z",
        "0001-01-01 00:00+08:00",
    ],
)
def test_doubtful_moments_are_refused(field: str) -> None:
    with pytest.raises(BadField, match="not_time"):
        columns.moment(field)


def test_local_time_takes_the_zone_of_the_estate() -> None:
    local = columns.moment("2026-11-24 08:00")
    assert columns.localise(local, ZoneInfo("Asia/Shanghai")) == datetime(2026, 11, 24, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("2026-03-29 02:30", "time_skipped"),
        ("2026-10-25 02:30", "time_twice"),
    ],
)
def test_local_times_that_name_no_moment_or_two_are_refused(field: str, code: str) -> None:
    with pytest.raises(BadField, match=code):
        columns.localise(columns.moment(field), ZoneInfo("Europe/Madrid"))


@pytest.mark.parametrize("field", ["Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "UTC"])
def test_an_estate_lies_where_every_day_has_24_whole_hours(field: str) -> None:
    assert columns.zone_name(field) == field


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("Europe/Madrid", "zone_changes"),
        # no summer time of its own name, but another offset during Ramadan
        ("Africa/Casablanca", "zone_changes"),
        ("Asia/Kolkata", "zone_not_whole"),
        ("Asia/Kathmandu", "zone_not_whole"),
        ("Moon/Tycho", "not_a_zone"),
    ],
)
def test_zones_in_which_hours_of_consumption_do_not_fit_are_refused(field: str, code: str) -> None:
    with pytest.raises(BadField, match=code):
        columns.zone_name(field)


@pytest.mark.parametrize("field", ["1,234", "12 kWh", "0x10", "nan", "inf", "1_000", "一"])
def test_numbers_are_plain(field: str) -> None:
    with pytest.raises(BadField, match="not_number"):
        columns.number(0, 1e9)(field)


@pytest.mark.parametrize("field", ["1e999", "-0.5", "1001"])
def test_numbers_stay_in_their_range(field: str) -> None:
    with pytest.raises(BadField, match="out_of_range"):
        columns.number(0, 1_000)(field)


@given(st.floats(min_value=0, max_value=1_000))
def test_every_number_that_python_prints_is_read_back(value: float) -> None:
    assert columns.number(0, 1_000)(repr(value)) == value


@given(st.text(max_size=30))
def test_no_text_breaks_a_parser(field: str) -> None:
    for parse in (columns.day, columns.moment, columns.flag, columns.whole(0, 9), columns.number(0, 9)):
        try:
            parse(field)
        except BadField:
            continue


def test_yes_and_no_in_both_languages() -> None:
    assert columns.flag("是") is True
    assert columns.flag("FALSE") is False
    with pytest.raises(BadField, match="not_flag"):
        columns.flag("maybe")


def test_text_without_control_characters() -> None:
    with pytest.raises(BadField, match="control_character"):
        columns.text()("3-1\x000101")
    with pytest.raises(BadField, match="too_long"):
        columns.text(3)("abcd")
