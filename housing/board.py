"""The estate board: every home with its worst open state, in one query."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from psycopg.rows import class_row

from housing import flows
from housing.estates import Estate, estate
from housing.kinds import HAZARDS, LOT
from housing.leads import newest_sweep
from housing.scope import Scope
from policy.groups import Bands, Leak, Silence
from storage.pool import Connection
from storage.queries import load
from wire.quality import NOT_EVIDENCE

_SQL = load("housing", "board.sql")

#: Worst first. `none`: no live source, so nothing can be known; `calm`: nothing open.
STATES = ("hazard", "high", "mid", "device", "silent", "none", "pause", "calm")


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One home on the board."""

    unit_id: int
    unit: str
    building: str
    building_name: str
    stair: str
    floor: int
    door: str
    #: One of `STATES`.
    state: str
    #: Since when it is in this state; None where nothing has a start (none, calm).
    since: datetime | None
    #: The worst open lead, whatever the state; None also where the reader may not see leads.
    lead_id: int | None
    lead_kind: str | None
    #: The newest row of any source; None: never heard.
    heard_at: datetime | None
    #: True when no source was heard for the policy's time, whatever the state.
    is_silent: bool
    #: Channels (0: the door) whose source is silent, longest first.
    silent_channels: list[int]
    #: Of the registered absence that covers now.
    away_until: datetime | None
    away_reason: str | None
    #: Of a hazard whose flow is known to have stopped: when it did. The home then stands with other leads.
    stopped_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Board:
    """The board of one estate."""

    estate: Estate
    #: By building, stair, floor from the top, door.
    tiles: tuple[Tile, ...]
    #: State → homes; every state is there, and they add up to all homes.
    counts: Mapping[str, int]
    #: Homes that are silent, those in a worse state included.
    silent: int
    #: The newest row of any home.
    heard_at: datetime | None
    newest_sweep: date | None


@dataclass(frozen=True, kw_only=True)
class SourceState:
    """One live channel of one device in a home."""

    device: str
    serial: str
    profile: str
    #: `wire.channels` code; 0: events.
    channel: int
    valid_from: datetime
    #: None: never heard.
    heard_at: datetime | None
    #: Not heard for longer than the policy allows.
    silent: bool
    #: What is wrong with the device or this channel (`devices.conditions.Kind`), as of the newest look.
    conditions: list[str]


def board(
    connection: Connection,
    estate_id: int,
    *,
    scope: Scope,
    silence: Silence,
    bands: Bands,
    leak: Leak,
    with_leads: bool,
    now: datetime,
) -> Board:
    """Every home of an estate with its worst open state, since when, and the counters.

    Parameters
    ----------
    silence, bands, leak
        Of the policy in force in the estate's city.
    with_leads : bool
        Whether the reader may see which lead is behind a state.

    Raises
    ------
    NotFound
        No such estate, or outside the scope.
    """
    found = estate(connection, estate_id, scope=scope)
    newest = newest_sweep(connection)
    parameters = {
        **scope.parameters(),
        **_heard(silence),
        "estate_id": estate_id,
        "high_from": bands.high_from,
        "hazards": list(HAZARDS),
        "lot": LOT,
        "newest_sweep": newest,
        "with_leads": with_leads,
        "now": now,
    }
    with connection.cursor(row_factory=class_row(Tile)) as cursor:
        tiles = tuple(cursor.execute(_SQL["board"], parameters))
    tiles = _without_stopped(connection, tiles, leak=leak, now=now)
    counted = Counter(tile.state for tile in tiles)
    return Board(
        estate=found,
        tiles=tiles,
        counts={state: counted[state] for state in STATES},
        silent=sum(tile.is_silent for tile in tiles),
        heard_at=max((tile.heard_at for tile in tiles if tile.heard_at is not None), default=None),
        newest_sweep=newest,
    )


def _without_stopped(
    connection: Connection, tiles: tuple[Tile, ...], *, leak: Leak, now: datetime
) -> tuple[Tile, ...]:
    """What has stopped alarms nobody, and waits for a person like any other lead."""
    since = {tile.unit_id: tile.since for tile in tiles if tile.state == "hazard" and tile.since is not None}
    ends = flows.stopped(connection, since, rules=leak, now=now)
    return tuple(
        replace(tile, state="mid", stopped_at=ends[tile.unit_id]) if tile.unit_id in ends else tile
        for tile in tiles
    )


def sources_of_unit(
    connection: Connection, unit_id: int, *, scope: Scope, silence: Silence, now: datetime
) -> list[SourceState]:
    """The live sources of one home; none outside the scope."""
    parameters = {**scope.parameters(), **_heard(silence), "unit_id": unit_id, "now": now}
    with connection.cursor(row_factory=class_row(SourceState)) as cursor:
        return cursor.execute(_SQL["sources_of_unit"], parameters).fetchall()


def _heard(silence: Silence) -> dict[str, object]:
    return {
        "meter_after": silence.meter_after,
        "lock_after": silence.lock_after,
        "unit_after": silence.unit_after,
        "not_evidence": int(NOT_EVIDENCE),
    }
