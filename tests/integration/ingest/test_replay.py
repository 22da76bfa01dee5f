"""Decoding the journal again: what changes, what stays, and what is left alone."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices import lifecycle, registry
from devices.acts import Retire
from devices.decoders import native
from devices.formats import FORMATS
from ingest import history
from ingest.bound import Bound
from ingest.errors import RegistryMoved, UnknownDecoder, UnknownDevice
from ingest.packs import pack
from ingest.pipeline import Pipeline
from ingest.replay import Outcome, Scope, replay
from storage.pool import Connection, connect
from tests.homes import make_estate
from tests.integration.ingest.conftest import (
    BOUND,
    NOW,
    RULES,
    WATER,
    Rows,
    Site,
    event,
    make_pipeline,
    reading,
    sent,
    us,
)

EVERYTHING = Scope(since=NOW - timedelta(days=400), until=NOW + timedelta(days=1))
READINGS = (
    "SELECT device_id, channel, time, received_at, value, quality, decoder FROM reading ORDER BY 1, 2, 3"
)

#: Whether blocks were put together before they are read again: it must make no difference.
PACKED = False


@pytest.fixture(autouse=True, params=[False, True], ids=["blocks", "packs"])
def _packed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PACKED", request.param)


def again(
    connection: Connection, scope: Scope = EVERYTHING, *, bound: Sequence[str] = BOUND, dry_run: bool = False
) -> Outcome:
    connection.commit()
    if PACKED:
        while pack(connection, before=EVERYTHING.until, whole_before=EVERYTHING.until):
            connection.commit()
        alone = connection.execute("SELECT count(*) FROM journal WHERE first_id IS NULL").fetchone()
        assert alone == (0,)
        connection.commit()
    return replay(
        connection,
        scope,
        bound=Bound(bound),
        rules=lambda _: RULES,
        now=NOW,
        by="system:test",
        dry_run=dry_run,
    )


def test_what_is_still_said_so_stays_untouched(
    pipeline: Pipeline, connection: Connection, site: Site
) -> None:
    pipeline.store([reading(5), reading(6, at="2026-11-24T08:30:00Z", seq=2), event(seq=3), sent("{")])
    connection.execute("DELETE FROM usage_dirty")
    outcome = again(connection)
    assert (outcome.blocks, outcome.messages) == (1, 4)
    assert (outcome.replaced, outcome.written, outcome.marked) == (0, 0, 0)
    assert (outcome.released, outcome.quarantined) == (0, 0)
    assert connection.execute("SELECT count(*) FROM usage_dirty").fetchone() == (0,)


def test_a_new_version_of_a_decoder_replaces_and_archives(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5), event(seq=2)])
    connection.execute("DELETE FROM usage_dirty")
    monkeypatch.setattr(native, "DECODER", 102)
    outcome = again(connection)
    assert (outcome.replaced, outcome.written, outcome.marked) == (2, 2, 2)
    assert rows("SELECT decoder FROM reading UNION ALL SELECT decoder FROM event") == [(102,), (102,)]
    assert rows("SELECT value, decoder, replay_id FROM reading_archive") == [(5.0, 101, 1)]
    assert rows("SELECT decoder, replay_id FROM event_archive") == [(101, 1)]
    assert rows("SELECT count(*) FROM usage_dirty") == [(2,)]
    assert rows("SELECT action, detail ->> 'replaced' FROM audit_log WHERE action = 'journal.replay'") == [
        ("journal.replay", "2")
    ]


def test_quarantined_messages_are_released_once_their_device_is_known(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site
) -> None:
    pipeline.store([reading(5, device="late-1", channel="water_l"), reading(1), sent("no json")])
    estate_id = make_estate(connection)
    late = registry.register_device(connection, code="late-1", profile="water-register", estate_id=estate_id)
    outcome = again(connection, dataclasses.replace(EVERYTHING, quarantined=True, reason="unknown_device"))
    assert (outcome.written, outcome.released) == (1, 1)
    assert rows(f"SELECT channel, value FROM reading WHERE device_id = {late}") == [(WATER, 5.0)]
    assert rows("SELECT reason FROM quarantine") == [("invalid_json",)]


def test_a_message_refused_for_another_reason_now_says_so(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site
) -> None:
    pipeline.store([reading(5, device="late-1", channel="gas_m3")])
    registry.register_device(
        connection, code="late-1", profile="water-register", estate_id=make_estate(connection)
    )
    outcome = again(connection)
    assert (outcome.released, outcome.quarantined) == (0, 0)
    assert rows("SELECT reason FROM quarantine") == [("unknown_channel",)]


def test_what_is_no_longer_said_goes_to_the_archive_and_marks_its_day(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site
) -> None:
    pipeline.store([reading(5), reading(9, channel="water_l", seq=2)])
    connection.execute("DELETE FROM usage_dirty")
    registry.register_device(
        connection, code="home-1", profile="water-register", estate_id=make_estate(connection)
    )
    connection.execute("DELETE FROM usage_dirty")
    outcome = again(connection)
    assert (outcome.replaced, outcome.written, outcome.quarantined, outcome.marked) == (1, 0, 1, 1)
    assert rows("SELECT value FROM reading") == [(9.0,)]
    assert rows("SELECT value FROM reading_archive") == [(5.0,)]


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5)])
    before = rows(READINGS)
    monkeypatch.setattr(native, "DECODER", 102)
    outcome = again(connection, dry_run=True)
    assert (outcome.replaced, outcome.written, outcome.done) == (1, 1, False)
    assert rows(READINGS) == before
    assert rows("SELECT count(*) FROM replay") == [(0,)]
    assert rows("SELECT count(*) FROM reading_archive") == [(0,)]


def test_only_the_devices_that_were_asked_for(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5), reading(6, device="home-2")])
    monkeypatch.setattr(native, "DECODER", 102)
    outcome = again(connection, dataclasses.replace(EVERYTHING, devices=frozenset({"home-2"})))
    assert outcome.replaced == 1
    assert rows("SELECT value, decoder FROM reading ORDER BY value") == [(5.0, 101), (6.0, 102)]


def test_a_device_that_does_not_exist_is_named(
    pipeline: Pipeline, connection: Connection, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5)])
    monkeypatch.setattr(native, "DECODER", 102)
    with pytest.raises(UnknownDevice, match="nobody"):
        again(connection, dataclasses.replace(EVERYTHING, devices=frozenset({"nobody"})))


def test_only_the_decoder_that_was_asked_for(
    pipeline: Pipeline, connection: Connection, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5)])
    monkeypatch.setattr(native, "DECODER", 102)
    other = next(iter(FORMATS))
    assert again(connection, dataclasses.replace(EVERYTHING, decoder=other)).replaced == 0
    assert again(connection, dataclasses.replace(EVERYTHING, decoder="native-v1")).replaced == 1
    with pytest.raises(UnknownDecoder):
        again(connection, dataclasses.replace(EVERYTHING, decoder="morse"))


def test_a_redelivery_inside_the_range_has_its_first_delivery_read_as_well(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5)])
    pipeline.store([msgspec.structs.replace(reading(5), received_us=us(NOW + timedelta(hours=2)))])
    monkeypatch.setattr(native, "DECODER", 102)
    outcome = again(connection, Scope(since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=3)))
    assert (outcome.blocks, outcome.replaced) == (2, 1)
    assert rows("SELECT value, quality, decoder, received_at FROM reading") == [(5.0, 0, 102, NOW)]


def test_imported_history_stays_a_rival(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.store([reading(5)])
    history.store_readings(
        connection,
        device_id=site.devices["home-1"],
        channel=1,
        time_us=[us(datetime(2026, 11, 24, 8, tzinfo=UTC))],
        received_us=[us(NOW)],
        value=[7.0],
    )
    before = rows("SELECT value, quality FROM reading")
    monkeypatch.setattr(native, "DECODER", 102)
    again(connection)
    assert rows("SELECT value, quality FROM reading") == before == [(5.0, 2)]


def test_devices_that_change_meanwhile_stop_the_swap(
    pipeline: Pipeline,
    connection: Connection,
    dsn: str,
    rows: Rows,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pipeline.store([reading(5)])
    connection.commit()
    monkeypatch.setattr(native, "DECODER", 102)

    def change(*_: int) -> None:
        with connect(dsn, name="test") as other:
            registry.retire(other, "bare-1")

    with pytest.raises(RegistryMoved):
        replay(
            connection,
            EVERYTHING,
            bound=Bound(BOUND),
            rules=lambda _: RULES,
            now=NOW,
            by="system:test",
            progress=change,
        )
    assert rows("SELECT decoder FROM reading") == [(101,)]


def test_ingest_goes_on_after_a_replay_on_its_connection(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site
) -> None:
    """The staging tables stand in for the real ones only until the swap."""
    pipeline.store([reading(5)])
    for _ in range(7):  # more often than it takes to prepare a statement
        again(connection)
    pipeline.store([reading(6, at="2026-11-24T08:30:00Z", seq=2), reading(5)])
    assert rows("SELECT value FROM public.reading ORDER BY time") == [(5.0,), (6.0,)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from(["home-1", "home-2", "nobody"])),
            min_size=1,
            max_size=5,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_replay_gives_what_ingest_gave(
    connection: Connection, site: Site, batches: list[list[tuple[int, int, str]]]
) -> None:
    """Rows thrown away by hand come back as they were, whatever conflicts and repeats there were."""
    connection.execute("TRUNCATE reading, event, quarantine, journal")
    pipeline = make_pipeline(connection)
    for batch in batches:
        pipeline.store(
            [
                reading(value, at=f"2026-11-24T08:0{minute}:00Z", device=device)
                for minute, value, device in batch
            ]
        )
    before = connection.execute(READINGS).fetchall()
    refused = connection.execute("SELECT message_hash, reason FROM quarantine ORDER BY 1").fetchall()
    connection.execute("DELETE FROM reading WHERE ctid IN (SELECT ctid FROM reading ORDER BY time LIMIT 2)")
    again(connection)
    assert connection.execute(READINGS).fetchall() == before
    assert connection.execute("SELECT message_hash, reason FROM quarantine ORDER BY 1").fetchall() == refused
    assert again(connection).replaced == 0


def test_a_device_retired_meanwhile_keeps_its_history(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site
) -> None:
    pipeline.store([reading(5), reading(6, device="home-2")])
    connection.commit()
    lifecycle.perform(
        connection,
        Retire(device="home-1", at=NOW + timedelta(hours=1)),
        by="test",
        now=NOW + timedelta(hours=1),
    )
    registry.retire(connection, "home-2")  # by no act: nothing says when
    outcome = again(connection)
    assert (outcome.replaced, rows("SELECT value FROM reading ORDER BY value")) == (0, [(5.0,), (6.0,)])
    assert rows("SELECT topic, reason FROM quarantine") == [("hm/v1/home-2/up/m", "retired_device")]
    make_pipeline(connection).store(
        [msgspec.structs.replace(reading(7, seq=3), received_us=us(NOW + timedelta(hours=2)))]
    )
    assert rows("SELECT reason FROM quarantine WHERE topic = 'hm/v1/home-1/up/m'") == [("retired_device",)]


DOOR = "gw/server-1/zigbee2mqtt/door"


def register_door(connection: Connection, *, gateway: str) -> None:
    estate_id = make_estate(connection)
    for code in ("server-1", "server-2"):
        registry.register_device(connection, code=code, profile="z2m-gateway", estate_id=estate_id)
    registry.register_device(
        connection, code="door-1", profile="z2m-contact", estate_id=estate_id, gateway=gateway, address="door"
    )
    connection.commit()


def test_a_child_that_went_to_another_gateway_keeps_its_history(
    connection: Connection, rows: Rows, site: Site
) -> None:
    register_door(connection, gateway="server-1")
    make_pipeline(connection, bound=("gw/+/#",)).store([sent(b'{"contact":false}', topic=DOOR)])
    before = rows("SELECT device_id, type, time, quality FROM event")
    assert len(before) == 1
    connection.execute("UPDATE device SET gateway_id = NULL WHERE code = 'door-1'")
    register_door(connection, gateway="server-2")
    outcome = again(connection, bound=("gw/+/#",))
    assert (outcome.replaced, rows("SELECT device_id, type, time, quality FROM event")) == (0, before)


def test_every_time_that_a_quarantined_message_came_is_released(
    pipeline: Pipeline, connection: Connection, rows: Rows, site: Site
) -> None:
    """Without a time of its own the same bytes are another event each time they come."""
    door = sent(b'{"contact":false}', topic=DOOR)
    for minute in range(3):
        received = us(NOW + timedelta(minutes=30 * minute))
        pipeline.store([msgspec.structs.replace(door, received_us=received), reading(minute, seq=minute)])
    assert rows("SELECT repeats FROM quarantine WHERE topic LIKE 'gw/%'") == [(2,)]
    register_door(connection, gateway="server-1")
    outcome = again(connection, dataclasses.replace(EVERYTHING, quarantined=True, reason="unknown_device"))
    assert (outcome.written, outcome.released) == (3, 1)
