"""Rooms that know nothing of each other must not wait for each other either."""

import re
from collections import Counter
from pathlib import Path

ROOMS = ("anju", "api", "ingest", "anomaly", "housing", "alerts", "devices", "usage", "storage")

ROOT = Path(__file__).parents[2]
_LOCK = re.compile(r"^_?LOCK\s*=\s*([\d_]+)", re.MULTILINE)


def test_no_two_advisory_locks_have_one_number() -> None:
    numbers = Counter(
        int(number)
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        for number in _LOCK.findall(file.read_text(encoding="utf-8"))
    )
    assert len(numbers) > 5
    assert [number for number, uses in numbers.items() if uses > 1] == []
