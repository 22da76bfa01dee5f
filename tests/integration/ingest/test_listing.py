from datetime import UTC, datetime, timedelta

import pytest

from ingest import listing
from ingest.errors import NotInQuarantine
from storage.pool import Connection
from tests.quarantine import put

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
EVERY = listing.Filter()


def test_rows_come_newest_first_and_page_on(connection: Connection) -> None:
    for n in range(5):
        put(connection, f"hm/v1/m-{n}/up/readings", b"{", at=NOW + timedelta(minutes=n))
    first = listing.rows(connection, EVERY, limit=3)
    rest = listing.rows(connection, EVERY, before=first[-1].id, limit=3)
    assert [row.topic[6:9] for row in (*first, *rest)] == ["m-4", "m-3", "m-2", "m-1", "m-0"]


def test_what_is_asked_for(connection: Connection) -> None:
    put(connection, "hm/v1/m_1/up/readings", b"{", at=NOW)
    put(connection, "hm/v1/mx1/up/readings", b"{", at=NOW - timedelta(days=9))
    put(connection, "tele/plug/SENSOR", b"{}", at=NOW, reason="unknown_topic")
    for which, topics in (
        (listing.Filter(reason="unknown_topic"), ["tele/plug/SENSOR"]),
        (listing.Filter(topic="m_1"), ["hm/v1/m_1/up/readings"]),
        (listing.Filter(topic="HM/", since=NOW - timedelta(days=1)), ["hm/v1/m_1/up/readings"]),
        (listing.Filter(topic="none"), []),
    ):
        assert [row.topic for row in listing.rows(connection, which, limit=9)] == topics, which
        assert [one.name for one in listing.by_topic(connection, which)] == topics, which


def test_reasons_are_counted_and_say_how_they_are_taken_in(connection: Connection) -> None:
    for n in range(3):
        put(connection, f"tele/{n}", b"{}", at=NOW - timedelta(days=n), reason="unknown_topic")
    put(connection, "tele/0", b"{}", at=NOW, reason="unknown_topic")
    put(connection, "hm/v1/m-1/up/readings", b"{", at=NOW)
    found = listing.by_reason(connection, EVERY)
    assert [(one.name, one.messages, one.repeats) for one in found] == [
        ("unknown_topic", 3, 1),
        ("invalid_json", 1, 0),
    ]
    assert listing.again(found) == [
        "anju replay --quarantined --reason unknown_topic --since 2026-11-22T00:00Z --dry-run",
        "anju replay --quarantined --reason invalid_json --since 2026-11-24T00:00Z --dry-run",
    ]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ('{"名": 1}\n'.encode(), '{"名": 1}\n'),
        (bytes.fromhex("6810437632"), None),
        (b"\xff", None),
        (b"\x1b[2J", None),
        (b"", ""),
    ],
)
def test_one_is_shown_whole_and_the_reading_recorded(
    connection: Connection, payload: bytes, text: str | None
) -> None:
    put(connection, "gw/g-1/x", payload, at=NOW)
    (row,) = listing.rows(connection, EVERY, limit=1)
    found = listing.whole(connection, row.id, by="account:olga", now=NOW)
    assert (found.payload, found.text, found.size) == (payload, text, len(payload))
    audited = connection.execute("SELECT actor, action, subject FROM audit_log").fetchall()
    assert audited == [("account:olga", "quarantine.read", f"quarantine:{row.id}")]
    with pytest.raises(NotInQuarantine):
        listing.whole(connection, row.id + 1, by="account:olga", now=NOW)


def test_the_same_again_is_one_row(connection: Connection) -> None:
    for _ in range(2):
        put(connection, "gw/g-1/x", b"?", at=NOW)
    assert [row.repeats for row in listing.rows(connection, EVERY, limit=9)] == [1]
