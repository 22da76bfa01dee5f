"""When the installation itself needs somebody."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import policy
from alerts.kinds import KINDS, OF_FAULT, sentence
from alerts.plant import Plant, troubles
from devices.conditions import Kind

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
RULES = policy.load("anhe").on(NOW.date()).alerts
WELL = Plant(
    listened_at=NOW, waited_s=0.1, waited_at=NOW, messages=1000, quarantined=3, dirty_since=NOW, free=0.5
)
MINUTE = timedelta(minutes=1)


def kinds(plant: Plant) -> list[str]:
    return [one.kind for one in troubles(plant, RULES, remembered=10 * MINUTE, now=NOW)]


def test_nothing_is_wrong_with_an_installation_that_works() -> None:
    assert kinds(WELL) == []
    assert kinds(Plant(listened_at=None, waited_s=0, waited_at=None, messages=0, quarantined=0)) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"listened_at": NOW - 6 * MINUTE, "was_stale": True}, "ingest_silent"),
        ({"waited_s": 61.0, "waited_at": NOW - 9 * MINUTE}, "ingest_behind"),
        ({"dirty_since": NOW - 31 * MINUTE}, "worker_behind"),
        ({"free": 0.09}, "disk_full"),
        ({"quarantined": 100}, "quarantine_growth"),
        ({"quarantined": 200, "messages": 0}, "quarantine_growth"),
    ],
)
def test_each_trouble_is_told(change: dict[str, object], kind: str) -> None:
    assert kinds(replace(WELL, **change)) == [kind]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "change",
    [
        # Seen once only: after a jump of the clock the next sign is seconds away.
        {"listened_at": NOW - 6 * MINUTE},
        {"waited_s": 61.0, "waited_at": NOW - 11 * MINUTE},
        {"quarantined": 99, "messages": 99},
        {"quarantined": 100, "messages": 100_000},
    ],
)
def test_what_is_little_or_long_past_is_not(change: dict[str, object]) -> None:
    assert kinds(replace(WELL, **change)) == []  # pyright: ignore[reportArgumentType]


def test_every_fault_of_a_device_has_an_alert() -> None:
    assert OF_FAULT.keys() == set(Kind)
    assert set(OF_FAULT.values()) <= KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_alert_has_a_sentence_in_both_languages_that_accuses_nobody(kind: str) -> None:
    zh, en = sentence(kind, {})
    assert zh != en
    assert not any(word in zh for word in ("住户", "租户", "居民", "违规"))
    assert not any(word in en.lower() for word in ("tenant", "resident", "household"))


@pytest.mark.parametrize("kind", ["data_late", "clock_drift", "ingest_behind"])
def test_an_age_is_said_and_not_counted_in_seconds(kind: str) -> None:
    zh, en = sentence(kind, {"seconds": 26_520})
    assert "7小时22分" in zh
    assert "7 h 22 min" in en
