import logging

from anju.logs import Sentence


def test_a_line_is_a_sentence_and_then_keys() -> None:
    record = logging.makeLogRecord(
        {"created": 1795507200.0, "levelname": "INFO", "msg": "stored %d rows", "args": (5,)}
    )
    record.__dict__.update(action="batch_stored", rows=5)
    assert Sentence("ingest").format(record) == (
        "2026-11-24T08:00:00Z INFO ingest: stored 5 rows action=batch_stored rows=5"
    )
