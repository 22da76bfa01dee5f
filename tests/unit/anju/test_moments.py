from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from anju import moments
from anju.errors import AnjuError

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)


def test_people_are_told_local_time_and_programs_utc() -> None:
    assert moments.told(AT, SHANGHAI) == "2026-11-25 00:30 +08:00"
    assert moments.told(AT.replace(second=5, microsecond=999_999), UTC) == "2026-11-24 16:30:05 +00:00"
    assert moments.spelled(AT.astimezone(SHANGHAI)) == "2026-11-24T16:30:00Z"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-25", "2026-11-24T16:00:00Z"),
        ("2026-11-25T00:30", "2026-11-24T16:30:00Z"),
        ("2026-11-24T16:30Z", "2026-11-24T16:30:00Z"),
        ("2026-11-24 11:30:00-05:00", "2026-11-24T16:30:00Z"),
        # as people are told it
        ("2026-11-25 00:30+08:00", "2026-11-24T16:30:00Z"),
    ],
)
def test_a_time_without_a_zone_is_local(text: str, found: str) -> None:
    assert moments.spelled(moments.read("--since", text, SHANGHAI)) == found


def test_what_is_no_time_is_refused_with_its_option() -> None:
    with pytest.raises(AnjuError, match="--until soon: not a time like"):
        moments.read("--until", "soon", SHANGHAI)
