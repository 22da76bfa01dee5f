import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from housing import flows
from housing.absences import AbsenceRow, upsert_absences
from housing.board import STATES, board, sources_of_unit
from housing.errors import NotFound
from housing.leads import list_leads, raise_leads
from housing.scope import EVERYTHING, Scope
from policy import load
from storage.pool import Connection
from tests.estates import NOW, SWEPT, TODAY, add_signal, build_estates, estate_id
from wire.channels import BY_NAME, EVENTS
from wire.quality import Quality

BOOKS = {"anhe": load("anhe")}
POLICY = BOOKS["anhe"].on(TODAY)
INSTALLED = datetime(2025, 11, 1, tzinfo=UTC)
ENERGY, WATER = 1, 2
HOUR = timedelta(hours=1)


def _look(connection: Connection, scope: Scope = EVERYTHING):
    return board(
        connection,
        estate_id(connection, "HA"),
        scope=scope,
        silence=POLICY.silence,
        bands=POLICY.bands,
        leak=POLICY.leak,
        with_leads=True,
        now=NOW,
    )


def _install(
    connection: Connection, unit_id: int, channel: int, *, heard: datetime | None, **row: object
) -> int:
    estate = estate_id(connection, "HA")
    found = connection.execute(
        "INSERT INTO device (code, profile, estate_id) VALUES (%s, 'energy-register', %s) RETURNING id",
        [f"d{unit_id}-{channel}", estate],
    ).fetchone()
    assert found is not None
    connection.execute(
        "INSERT INTO installation (device_id, channel, unit_id, valid_from, valid_to)"
        " VALUES (%s, %s, %s, %s, %s)",
        [found[0], channel, unit_id, INSTALLED, row.get("valid_to")],
    )
    if heard is not None:
        _hear(connection, found[0], channel, heard)
    return found[0]


def _hear(connection: Connection, device_id: int, channel: int, at: datetime, quality: int = 0) -> None:
    if channel == EVENTS:
        connection.execute(
            "INSERT INTO event (time, received_at, device_id, type, quality, decoder, dedupe_key)"
            " VALUES (%s, %s, %s, 2, %s, 101, %s)",
            [at, at, device_id, quality, at.isoformat()],
        )
    else:
        connection.execute(
            "INSERT INTO reading (time, received_at, value, device_id, channel, quality, decoder)"
            " VALUES (%s, %s, 1, %s, %s, %s, 101)",
            [at, at, device_id, channel, quality],
        )


def test_every_home_shows_its_worst_state_and_the_counters_add_up(connection: Connection) -> None:
    units = build_estates(connection, "HA", units=8)["HA"]
    hazard, high, mid, device, silent, bare, away, calm = units
    long_ago = NOW - POLICY.silence.meter_after - HOUR
    for unit_id in (hazard, high, mid, away, calm):
        _install(connection, unit_id, ENERGY, heard=NOW - HOUR)
    _install(connection, device, ENERGY, heard=NOW - HOUR)
    _install(connection, device, WATER, heard=long_ago)
    _install(connection, silent, ENERGY, heard=long_ago)
    add_signal(connection, hazard, kind="leak", score=0.1, since=NOW - 26 * HOUR)
    add_signal(connection, hazard, score=0.9)
    add_signal(connection, high, score=POLICY.bands.high_from + 0.01)
    add_signal(connection, mid, score=POLICY.bands.high_from - 0.01)
    raise_leads(connection, books=BOOKS, now=NOW)
    upsert_absences(
        connection,
        [
            AbsenceRow(
                estate="HA",
                unit="1-1-0107",
                registered_at=NOW - 48 * HOUR,
                starts_at=NOW - 24 * HOUR,
                ends_at=NOW + 24 * HOUR,
                reason="住院",
            )
        ],
    )
    found = _look(connection)
    states = {tile.unit_id: tile.state for tile in found.tiles}
    assert [states[unit_id] for unit_id in units] == list(STATES)
    assert found.counts == dict.fromkeys(STATES, 1)
    assert (found.silent, found.heard_at, found.newest_sweep) == (1, NOW - HOUR, SWEPT)
    since = {tile.unit_id: tile.since for tile in found.tiles}
    assert since[hazard] == NOW - 26 * HOUR
    assert since[silent] == since[device] == long_ago
    assert since[away] == NOW - 24 * HOUR
    assert since[calm] is since[bare] is None
    assert next(tile.silent_channels for tile in found.tiles if tile.unit_id == device) == [WATER]


def test_a_silent_home_with_a_lead_is_counted_as_silent_too(connection: Connection) -> None:
    unit_id = build_estates(connection, "HA")["HA"][0]
    _install(connection, unit_id, ENERGY, heard=None)
    add_signal(connection, unit_id, score=0.99)
    raise_leads(connection, books=BOOKS, now=NOW)
    found = _look(connection)
    assert (found.counts["high"], found.counts["silent"], found.silent) == (1, 0, 1)


def test_a_lead_that_the_newest_sweep_no_longer_finds_alarms_nobody(connection: Connection) -> None:
    unit_id = build_estates(connection, "HA")["HA"][0]
    add_signal(connection, unit_id, kind="leak", as_of=SWEPT - timedelta(days=1))
    add_signal(connection, build_estates(connection, "HB")["HB"][0])
    raise_leads(connection, books=BOOKS, now=NOW)
    assert _tile(connection, unit_id).state == "mid"


def test_forged_and_misdated_messages_do_not_end_a_silence(connection: Connection) -> None:
    unit_id = build_estates(connection, "HA")["HA"][0]
    device_id = _install(connection, unit_id, ENERGY, heard=NOW - 240 * HOUR)
    _hear(connection, device_id, ENERGY, NOW - HOUR, Quality.IDENTITY_UNPROVEN)
    _hear(connection, device_id, ENERGY, NOW + HOUR, Quality.CLOCK_SUSPECT)
    tile = _tile(connection, unit_id)
    assert (tile.state, tile.since) == ("silent", NOW - 240 * HOUR)


def test_a_door_has_its_own_patience(connection: Connection) -> None:
    unit_id = build_estates(connection, "HA")["HA"][0]
    between = NOW - (POLICY.silence.meter_after + POLICY.silence.lock_after) / 2
    _install(connection, unit_id, ENERGY, heard=NOW - HOUR)
    _install(connection, unit_id, EVENTS, heard=between)
    assert _tile(connection, unit_id).state == "calm"


def test_a_lock_that_reports_its_battery_is_well_though_nobody_passes(connection: Connection) -> None:
    unit_id = build_estates(connection, "HA")["HA"][0]
    _install(connection, unit_id, ENERGY, heard=NOW - HOUR)
    lock = _install(connection, unit_id, EVENTS, heard=NOW - 2 * POLICY.silence.lock_after)
    assert _tile(connection, unit_id).state == "device"
    _hear(connection, lock, BY_NAME["battery_pct"].code, NOW - 5 * HOUR)
    assert _tile(connection, unit_id).state == "calm"


def test_a_removed_or_retired_device_covers_nothing(connection: Connection) -> None:
    removed, retired = build_estates(connection, "HA")["HA"][:2]
    _install(connection, removed, ENERGY, heard=NOW - HOUR, valid_to=NOW - HOUR)
    device_id = _install(connection, retired, ENERGY, heard=NOW - HOUR)
    connection.execute("UPDATE device SET status = 'retired' WHERE id = %s", [device_id])
    assert _tile(connection, removed).state == _tile(connection, retired).state == "none"


def test_an_absence_that_is_not_yet_known_pauses_nothing(connection: Connection) -> None:
    unit_id = build_estates(connection, "HA")["HA"][0]
    _install(connection, unit_id, ENERGY, heard=NOW - HOUR)
    row = AbsenceRow(
        estate="HA",
        unit="1-1-0101",
        registered_at=NOW + HOUR,
        starts_at=NOW - HOUR,
        ends_at=NOW + HOUR,
        reason="出差",
    )
    upsert_absences(connection, [row])
    assert _tile(connection, unit_id).state == "calm"


def test_another_estate_does_not_exist_for_its_outsiders(connection: Connection) -> None:
    units = build_estates(connection)
    _install(connection, units["HA"][0], ENERGY, heard=NOW - HOUR)
    outside = Scope(estate_ids=(estate_id(connection, "HB"),))
    with pytest.raises(NotFound):
        _look(connection, outside)
    silence = POLICY.silence
    (source,) = sources_of_unit(connection, units["HA"][0], scope=EVERYTHING, silence=silence, now=NOW)
    assert (source.channel, source.heard_at, source.silent) == (ENERGY, NOW - HOUR, False)
    assert sources_of_unit(connection, units["HA"][0], scope=outside, silence=silence, now=NOW) == []


def _tile(connection: Connection, unit_id: int):
    return next(tile for tile in _look(connection).tiles if tile.unit_id == unit_id)


def add_water(connection: Connection, unit_id: int, litres: list[float | None]) -> None:
    """The water of the last hours of a home, the newest last; None: unknown."""
    end = NOW.replace(minute=0, second=0, microsecond=0)
    days: dict[date, tuple[list[float | None], list[int]]] = {}
    for back, value in enumerate(reversed(litres), start=1):
        at = end - back * HOUR
        amounts, covered = days.setdefault(at.date(), ([None] * 24, [0] * 24))
        amounts[at.hour], covered[at.hour] = value, 0 if value is None else 60
    for day, (amounts, covered) in days.items():
        connection.execute(
            "INSERT INTO usage (computed_at, day, unit_id, channel, amount, covered_min, lag_h)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [NOW, day, unit_id, WATER, [math.nan if a is None else a for a in amounts], covered, [1] * 24],
        )


def test_a_flow_that_has_stopped_alarms_nobody_and_says_when(connection: Connection) -> None:
    stopped, runs, unknown = build_estates(connection, "HA", units=3)["HA"]
    gap = POLICY.leak.bridge_hours + 1
    hours: dict[int, list[float | None]] = {
        stopped: [*[72.0] * 26, *[0.0] * 4],
        runs: [72.0 for _ in range(30)],
        unknown: [72.0] * (29 - gap) + [None] * gap + [0.0],
    }
    for unit_id, litres in hours.items():
        add_signal(connection, unit_id, kind="leak", score=0.9, since=NOW - 30 * HOUR)
        add_water(connection, unit_id, litres)
    raise_leads(connection, books=BOOKS, now=NOW)
    found = {tile.unit_id: (tile.state, tile.stopped_at) for tile in _look(connection).tiles}
    end = NOW.replace(minute=0, second=0, microsecond=0) - 4 * HOUR
    assert found == {stopped: ("mid", end), runs: ("hazard", None), unknown: ("hazard", None)}
    leads = list_leads(connection, scope=EVERYTHING)
    rules = {"anhe": POLICY.leak}
    marked = {one.unit_id: one.stopped_at for one in flows.marked(connection, leads, rules=rules, now=NOW)}
    assert marked == {stopped: end, runs: None, unknown: None}


@pytest.mark.parametrize(
    ("litres", "end"),
    [
        ([9, 9, 9], (3, False)),
        ([9, 9, 0, 9], (2, True)),
        ([0, 9], (0, True)),
        ([9, None, 9, 0], (3, True)),
        ([9, *[None] * (POLICY.leak.bridge_hours + 1), 0], (1, False)),
        ([9, *[None] * POLICY.leak.bridge_hours, 0], (1 + POLICY.leak.bridge_hours, True)),
        ([], (0, False)),
    ],
)
def test_a_run_ends_with_a_dry_hour_and_a_gap_proves_nothing(
    litres: list[float | None], end: tuple[int, bool]
) -> None:
    values = np.array([np.nan if value is None else value for value in litres], dtype=float)
    assert flows.run_end(values, POLICY.leak) == end
