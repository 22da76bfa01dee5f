"""Signs may wait for a later batch; none is lost, whoever is killed."""

from datetime import timedelta

import pytest

from ingest import deferred
from ingest.pipeline import Pipeline
from storage.pool import Connection
from tests.integration.ingest.conftest import NOW, Rows, Site, make_pipeline, reading

SIGN = "SELECT received_at, counter, missing::text FROM device_sign"


def numbered(*numbers: int):
    return [
        reading(n, at=f"{NOW - timedelta(hours=1) + timedelta(seconds=n):%Y-%m-%dT%H:%M:%SZ}", seq=n)
        for n in numbers
    ]


def test_while_more_waits_the_signs_wait_and_come_together(
    site: Site, pipeline: Pipeline, rows: Rows
) -> None:
    pipeline.store(numbered(1, 2), more=True)
    pipeline.store(numbered(3, 5), more=True)
    assert rows(SIGN) == []
    assert rows("SELECT count(*) FROM reading") == [(4,)]
    pipeline.store(numbered(6))
    assert rows(SIGN) == [(NOW, 6, "{[4,5)}")]


def test_they_do_not_wait_for_ever(
    site: Site, pipeline: Pipeline, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store(numbered(1), more=True)
    monkeypatch.setattr(deferred, "WITHIN_S", 0.0)
    pipeline.store(numbered(2), more=True)
    assert rows(SIGN) == [(NOW, 2, "{}")]


def test_what_a_killed_process_had_put_off_is_made_out_again(
    connection: Connection, site: Site, rows: Rows
) -> None:
    killed = make_pipeline(connection)
    killed.store(numbered(1))
    killed.store(numbered(2, 3, 5), more=True)
    assert rows(SIGN) == [(NOW, 1, "{}")]
    make_pipeline(connection).store(numbered(7))
    assert rows(SIGN) == [(NOW, 7, "{[4,5),[6,7)}")]


def test_a_batch_that_failed_says_nothing(site: Site, pipeline: Pipeline, rows: Rows, connection) -> None:
    pipeline.store(numbered(1))
    connection.execute("ALTER TABLE reading ADD CONSTRAINT no_two CHECK (value <> 2)")
    pipeline.store(numbered(2, 3), more=True)
    connection.execute("ALTER TABLE reading DROP CONSTRAINT no_two")
    pipeline.store(numbered(4))
    assert rows("SELECT count(*) FROM reading") == [(3,)]
    assert rows("SELECT reason FROM quarantine") == [("refused_by_database",)]
    # The one that the database refused was heard all the same, by its sender's name, not by its number.
    assert rows(SIGN) == [(NOW, 4, "{[2,3)}")]
