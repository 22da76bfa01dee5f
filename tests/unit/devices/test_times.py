from datetime import datetime

import pytest

from devices.decoders import times
from devices.decoders.reports import DecodeError
from devices.decoders.times import Moment

EIGHT = 1_795_507_200_000_000  # 2026-11-24T08:00:00Z


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T08:00:00Z", "2026-11-24T16:00:00+08:00", "20261124T080000Z", "2026-11-24 08:00:00.000Z"],
)
def test_a_time_with_a_zone_is_a_moment(text: str) -> None:
    assert times.iso(text) == Moment(EIGHT, None)


def test_a_time_without_a_zone_stays_local() -> None:
    assert times.iso("2026-11-24 08:00:00") == Moment(None, datetime(2026, 11, 24, 8))  # noqa: DTZ001


@pytest.mark.parametrize(("count", "per_second"), [(1_795_507_200, 1), ("1795507200000", 1000)])
def test_a_count_since_1970_is_a_moment(count: float | str, per_second: int) -> None:
    assert times.epoch(count, per_second=per_second) == Moment(EIGHT, None)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-24", "2026-13-01T00:00:00Z", "0"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        times.iso(text)


@pytest.mark.parametrize("number", ["", "soon", -1, 1e30, "nan", "inf", 1e308])
def test_what_counts_no_time_is_refused(number: float | str) -> None:
    with pytest.raises(DecodeError):
        times.epoch(number, per_second=1000)
