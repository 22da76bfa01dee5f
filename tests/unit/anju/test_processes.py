from datetime import date
from pathlib import Path

import pytest

import policy
from anju.processes import policy_books, warn_of_unconfirmed
from policy.book import FOLDER

DAY = date(2026, 11, 24)


def test_rules_that_nobody_confirmed_are_named_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_unconfirmed(policy_books(), DAY)
    (record,) = caplog.records
    assert "mark M" in record.getMessage()
    assert "anhe: lease_renewal_notice" in record.getMessage()


def test_confirmed_rules_need_no_word(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    for file in FOLDER.glob("*.toml"):
        text = file.read_text(encoding="utf-8").replace('mark = "M"', 'mark = "S"')
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    warn_of_unconfirmed({"anhe": policy.load("anhe", tmp_path)}, DAY)
    assert not caplog.records
