import logging

from anju.logs import Sentence
from anju.processes import without_query


def test_a_line_is_a_sentence_and_then_keys() -> None:
    record = logging.makeLogRecord(
        {"created": 1795507200.0, "levelname": "INFO", "msg": "stored %d rows", "args": (5,)}
    )
    record.__dict__.update(action="batch_stored", rows=5)
    assert Sentence("ingest").format(record) == (
        "2026-11-24T08:00:00Z INFO ingest: stored 5 rows action=batch_stored rows=5"
    )


def test_an_access_line_says_nothing_of_a_query() -> None:
    record = logging.makeLogRecord(
        {
            "msg": '%s - "%s %s HTTP/%s" %d',
            "args": ("127.0.0.1:9", "GET", "/units?name=zhang&t=1", "1.1", 200),
        }
    )
    assert without_query(record)
    assert record.getMessage() == '127.0.0.1:9 - "GET /units HTTP/1.1" 200'
