import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anju import clock


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ANJU_NOW_FILE", str(tmp_path / "now"))
    monkeypatch.setattr(clock._Held, "last", None)
    monkeypatch.setattr(clock._Held, "announced", False)
    return tmp_path / "now"


def test_without_the_file_it_is_the_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANJU_NOW_FILE", raising=False)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC


def test_the_file_holds_the_clock_and_moves_it(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    file.write_text("2026-11-24T08:00:00Z\n")
    with caplog.at_level(logging.WARNING):
        assert clock.now() == datetime(2026, 11, 24, 8, tzinfo=UTC)
        file.write_text("2026-11-25T08:00:00+00:00")
        assert clock.now() == datetime(2026, 11, 25, 8, tzinfo=UTC)
    assert [record.message.split(":")[0] for record in caplog.records] == ["the test clock is on"]


def test_a_line_that_is_being_written_keeps_the_last_time(file: Path) -> None:
    file.write_text("2026-11-24T08:00:00Z")
    clock.now()
    file.write_text("2026-11-")
    assert clock.now() == datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "one line like"),
        ("soon", "one line like"),
        ("2026-11-24T08:00:00", "not in UTC"),
        ("2026-11-24T08:00:00+08:00", "not in UTC"),
    ],
)
def test_a_file_that_never_said_a_time_in_utc_is_refused(file: Path, line: str, complaint: str) -> None:
    file.write_text(line)
    with pytest.raises(ValueError, match=complaint):
        clock.now()
