from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.instants import EPOCH, from_us, to_us


@given(st.datetimes(timezones=st.just(UTC)))
def test_no_moment_is_lost_on_the_way(moment: datetime) -> None:
    assert from_us(to_us(moment)) == moment


def test_a_moment_is_the_same_in_every_zone() -> None:
    there = datetime(2026, 11, 24, 8, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    assert to_us(there) == to_us(datetime(2026, 11, 24, 0, 0, 0, 1, tzinfo=UTC))
    assert (to_us(EPOCH), to_us(EPOCH - timedelta(microseconds=1))) == (0, -1)


def test_what_no_calendar_has_is_refused() -> None:
    with pytest.raises(OverflowError):
        from_us(2**63)
