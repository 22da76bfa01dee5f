"""What could not be decoded or breaks a hard limit: kept whole, with its reason, for replay."""

from collections.abc import Mapping

from ingest.content import Quarantined
from storage.pool import Connection
from storage.queries import load
from wire.instants import from_us

_SQL = load("ingest", "quarantine.sql")


def put(connection: Connection, rows: Mapping[bytes, Quarantined], *, journal_id: int) -> int:
    """Write the quarantined messages of a batch by their hash; returns how many are new."""
    if not rows:
        return 0
    # In one order everywhere: two processes that meet the same messages cannot lock each other out.
    ordered = sorted(rows.items())
    found = connection.execute(
        _SQL["put"],
        {
            "hashes": [digest for digest, _ in ordered],
            "topics": [row.topic for _, row in ordered],
            "payloads": [row.payload for _, row in ordered],
            "reasons": [row.refusal.reason.value for _, row in ordered],
            "details": [row.refusal.detail for _, row in ordered],
            "decoders": [row.decoder for _, row in ordered],
            "journals": [journal_id] * len(ordered),
            "firsts": [from_us(row.first_us) for _, row in ordered],
            "lasts": [from_us(row.last_us) for _, row in ordered],
            "repeats": [row.times - 1 for _, row in ordered],
        },
    ).fetchone()
    assert found is not None
    return found[0]
