import pytest

from anomaly.durations import how_long


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (28, ("四周", "four weeks")),
        (90, ("三个月", "three months")),
        (7, ("一周", "one week")),
        (60, ("两个月", "two months")),
        (45, ("45天", "45 days")),
        (1, ("1天", "1 day")),
        (365, ("365天", "365 days")),
    ],
)
def test_days_are_said_in_months_weeks_or_days(days: int, said: tuple[str, str]) -> None:
    assert how_long(days) == said
