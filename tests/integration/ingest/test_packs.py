"""Blocks of past days are put together, and nothing of them is lost or changed."""

from datetime import timedelta

import msgspec
import psycopg
import pytest

from ingest import packs
from ingest.errors import BlockDamaged
from ingest.journal import Journaled
from ingest.packs import Packed, hold, pack, read_row
from ingest.pipeline import Pipeline
from storage.pool import Connection, connect
from tests.integration.ingest.conftest import NOW, reading, us

pytestmark = pytest.mark.usefixtures("site")


def send(pipeline: Pipeline, *, days: int, a_day: int = 3, size: int = 1) -> None:
    """Some batches on each of so many days up to NOW."""
    for n in range(days * a_day):
        at = NOW - timedelta(days=days) + timedelta(days=1) * n / a_day
        pipeline.store(
            [
                msgspec.structs.replace(reading(n + k, at=at.isoformat(), seq=n), received_us=us(at) + k)
                for k in range(size)
            ]
        )


def whole(connection: Connection) -> list[tuple[int, list[Journaled]]]:
    """All blocks, as the journal gives them."""
    rows = connection.execute("SELECT id, block, first_id IS NOT NULL FROM journal ORDER BY id").fetchall()
    return [
        (number, list(block))
        for key, content, is_pack in rows
        for number, block in read_row(key, content, is_pack=is_pack)
    ]


def work(connection: Connection, *, days: float = 1, patience: float = 7) -> list[Packed]:
    """What the worker does."""
    done: list[Packed] = []
    while one := pack(
        connection, before=NOW - timedelta(days=days), whole_before=NOW - timedelta(days=patience)
    ):
        connection.commit()
        done.append(one)
    connection.commit()
    return done


def test_what_came_long_ago_lies_in_one_row_and_says_the_same(
    pipeline: Pipeline, connection: Connection
) -> None:
    send(pipeline, days=6, size=2)
    before = whole(connection)
    sums = connection.execute("SELECT sum(messages), sum(raw_bytes) FROM journal").fetchall()
    (packed,) = work(connection, patience=5)
    assert (packed.blocks, packed.messages) == (15, 30)
    assert packed.bytes_after < packed.bytes_before / 2
    assert whole(connection) == before
    assert connection.execute("SELECT sum(messages), sum(raw_bytes) FROM journal").fetchall() == sums
    rows = connection.execute(
        "SELECT first_id, id, first_at, received_at FROM journal WHERE first_id IS NOT NULL"
    ).fetchall()
    assert rows == [(before[0][0], before[14][0], NOW - timedelta(days=6), NOW - timedelta(days=4 / 3))]
    assert work(connection, patience=5) == []


def test_a_pack_that_is_not_full_waits_for_its_week(pipeline: Pipeline, connection: Connection) -> None:
    send(pipeline, days=6)
    assert work(connection) == []
    assert [one.blocks for one in work(connection, patience=6 - 1 / 86_400)] == [15]


@pytest.mark.parametrize(
    ("limit", "value", "sizes"),
    [("_MESSAGES", 10, [5, 5]), ("_BYTES", 600, None), ("SPAN", timedelta(days=2), [7, 7])],
)
def test_a_full_pack_is_made_at_once(
    pipeline: Pipeline,
    connection: Connection,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: object,
    sizes: list[int] | None,
) -> None:
    send(pipeline, days=6, size=2)
    before = whole(connection)
    monkeypatch.setattr(packs, limit, value)
    made = [one.blocks for one in work(connection)]
    assert len(made) > 1 if sizes is None else made == sizes
    assert whole(connection) == before


def test_a_block_too_large_for_any_pack_is_one_by_itself(
    pipeline: Pipeline, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(pipeline, days=3, a_day=1, size=4)
    before = whole(connection)
    monkeypatch.setattr(packs, "_MESSAGES", 3)
    assert [one.blocks for one in work(connection, patience=0)] == [1, 1]
    assert whole(connection) == before


def test_whoever_reads_block_by_block_is_not_disturbed(
    pipeline: Pipeline, connection: Connection, dsn: str
) -> None:
    send(pipeline, days=6)
    with connect(dsn, name="test") as reader:
        hold(reader)
        assert work(connection, patience=0) == []
        reader.rollback()
        assert len(work(connection, patience=0)) == 1


def test_a_damaged_block_stops_it_and_nothing_is_lost(pipeline: Pipeline, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO journal (received_at, messages, raw_bytes, block) VALUES (%s, 1, 1, 'damaged')",
        [NOW - timedelta(days=7)],
    )
    send(pipeline, days=6)
    before = connection.execute("SELECT count(*) FROM journal").fetchone()
    connection.commit()
    with pytest.raises(BlockDamaged), connection.transaction():
        pack(connection, before=NOW - timedelta(days=1), whole_before=NOW)
    assert connection.execute("SELECT count(*) FROM journal").fetchone() == before


def test_a_pack_cannot_be_changed_either(pipeline: Pipeline, connection: Connection) -> None:
    send(pipeline, days=6)
    assert work(connection, patience=0)
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute("UPDATE journal SET messages = 1 WHERE first_id IS NOT NULL")
