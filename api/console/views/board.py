"""The estate board: which homes need a knock, which are unknown."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup

from api.console import words
from api.console.plots.hours import hours_spark
from api.console.texts import Catalogue
from api.console.views.common import Choice, band_of, sentence
from api.console.views.hours import Hours
from housing.board import STATES, Board, Tile
from housing.kinds import HAZARDS
from housing.leads import QueuedLead
from policy.book import Policy
from policy.groups import Leak
from wire.channels import BY_CODE, EVENTS

#: Up to so many homes side by side a building takes less room; from so many on a phone shows no words in
#: tiles; and from so many the table scrolls.
_NARROW, _WIDE, _HUGE = 2, 6, 7
_SOMETHING_OPEN = ("hazard", "high", "mid")
#: Rows of the attention list; the queue holds the rest.
ATTENTION = 8


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One home of a building's table."""

    unit: str
    door: str
    state: str
    #: Two or three characters that say why; empty when calm.
    word: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Stair:
    """One entrance: its name and how many homes stand side by side."""

    name: str
    columns: int


@dataclass(frozen=True, kw_only=True)
class Floor:
    """One floor: the homes of each entrance, None where there is none."""

    number: int
    stairs: tuple[tuple[Cell | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Building:
    """One building as people see it from the street."""

    id: str
    name: str
    #: narrow, wide, huge, or empty for most.
    size: str
    floors: int
    units: int
    open: int
    silent: int
    #: Homes with a silent device that are not silent as a whole.
    device: int
    none: int
    stairs: tuple[Stair, ...]
    rows: tuple[Floor, ...]


@dataclass(frozen=True, kw_only=True)
class Counter:
    """Legend, count and filter of one state."""

    state: str
    count: int
    pressed: bool


@dataclass(frozen=True, kw_only=True)
class Todo:
    """One row of the attention list."""

    href: str
    #: Colour: hazard or lead.
    tone: str
    #: Mark.
    state: str
    unit: str
    when: str
    sentence: str
    spark: Markup | None


@dataclass(frozen=True, kw_only=True)
class BoardView:
    """The page."""

    name: str
    #: `estate.code`
    code: str
    estates: tuple[Choice, ...]
    #: What is real and what is not, a sentence a line; empty: no demo.
    demo: tuple[str, ...]
    units: int
    #: flowing, late or nothing
    fresh: str
    age: str
    updated: str
    updated_iso: str
    #: The state that is picked out; empty: none.
    show: str
    counters: tuple[Counter, ...]
    silent: int
    none: int
    buildings: tuple[Building, ...]
    #: None: the reader may not see leads.
    todo: tuple[Todo, ...] | None
    #: Open leads that are in the queue.
    more: int
    more_href: str


def view(
    t: Catalogue,
    board: Board,
    *,
    estates: Sequence[Choice],
    demo: Sequence[str],
    attention: Sequence[QueuedLead] | None,
    open_leads: int,
    hours: Mapping[int, Hours],
    runs: Mapping[int, float],
    policy: Policy,
    show: str,
    now: datetime,
) -> BoardView:
    """Put the board into words.

    Parameters
    ----------
    attention : sequence of QueuedLead
        The head of the queue of this estate; None: the reader may not see leads.
    open_leads : int
        How long that queue is.
    hours : mapping of int to Hours
        The last hours of water of the homes in `attention` whose lead is a hazard, by unit.
    runs : mapping of int to float
        How many hours what is open has run, by lead.
    """
    zone = ZoneInfo(board.estate.time_zone)
    fresh, age = "nothing", ""
    if board.heard_at is not None:
        fresh = "flowing" if now - board.heard_at <= policy.silence.meter_after else "late"
        age = words.age(t, now - board.heard_at)
    todo = None
    if attention is not None:
        pressing = [(lead, band_of(lead, policy.bands)) for lead in attention]
        todo = tuple(
            _todo(t, lead, band, hours.get(lead.unit_id), rules=policy.leak, zone=zone, now=now)
            for lead, band in pressing
            if band in ("hazard", "high")
        )
    local = now.astimezone(zone)
    return BoardView(
        name=t.of(board.estate.name, board.estate.name_en or board.estate.name),
        code=board.estate.code,
        estates=tuple(estates),
        demo=tuple(demo),
        units=len(board.tiles),
        fresh=fresh,
        age=age,
        updated=f"{local:%H:%M:%S}",
        updated_iso=local.isoformat(timespec="seconds"),
        show=show if show in STATES else "",
        counters=tuple(
            Counter(state=state, count=board.counts[state], pressed=state == show) for state in STATES
        ),
        silent=board.silent,
        none=board.counts["none"],
        buildings=tuple(
            _building(t, tuple(tiles), runs, now=now)
            for _, tiles in groupby(board.tiles, lambda tile: tile.building)
        ),
        todo=todo,
        more=open_leads,
        more_href=f"/leads?{urlencode({'estate': board.estate.code})}",
    )


def building_name(t: Catalogue, code: str, name: str) -> str:
    """What people call a building: its own name, which is Chinese, or its number."""
    numbered = t("board.building", name=code)
    return t.of(name or numbered, numbered)


def tile_word(t: Catalogue, tile: Tile, runs: Mapping[int, float], now: datetime) -> str:
    """Why the tile is not blank, in a word that fits it."""
    if tile.state in _SOMETHING_OPEN:
        return _lead_word(t, tile, runs)
    if tile.state == "silent":
        return _span(t, "silent", tile.since, now) or t("tile.silent")
    if tile.state == "device":
        return _device_word(t, tile.silent_channels)
    return t.pick("tile", tile.state) if tile.state in ("none", "pause") else ""


def _device_word(t: Catalogue, channels: Sequence[int]) -> str:
    """The device that is silent, as short as a tile is narrow."""
    if EVENTS in channels[:1]:
        return t("tile.lock")
    name = BY_CODE[channels[0]].name if channels and channels[0] in BY_CODE else ""
    return t.pick("tile", name) if f"tile.{name}" in t.entries else t("tile.device")


def source_word(t: Catalogue, channel: int) -> str:
    """The device of a channel, as people call it."""
    if channel == EVENTS:
        return t("unit.lock")
    name = BY_CODE[channel].name if channel in BY_CODE else ""
    return t.pick("unit", name) if f"unit.{name}" in t.entries else t("unit.other_channel")


def _lead_word(t: Catalogue, tile: Tile, runs: Mapping[int, float]) -> str:
    kind = tile.lead_kind or ""
    if kind in HAZARDS and tile.state != "hazard":
        return t("tile.over")
    hours = int(runs.get(tile.lead_id or 0, 0))
    if kind == "leak" and hours:
        return t("tile.leak_hours", n=hours) if hours < 100 else t("tile.leak_days", n=hours // 24)
    return t.pick("tile", kind) if f"tile.{kind}" in t.entries else ""


def _span(t: Catalogue, name: str, since: datetime | None, now: datetime) -> str:
    if since is None:
        return ""
    hours = int((now - since) / timedelta(hours=1))
    return (
        t.pick("tile", f"{name}_days", n=hours // 24)
        if hours >= 48
        else t.pick("tile", f"{name}_hours", n=hours)
    )


def _todo(
    t: Catalogue,
    lead: QueuedLead,
    band: str,
    hours: Hours | None,
    *,
    rules: Leak,
    zone: ZoneInfo,
    now: datetime,
) -> Todo:
    if band == "hazard":
        when = t("board.since", when=words.stamp(t, lead.since, zone, now=now))
    else:
        when = t("leads.since", when=words.day(t, lead.since.astimezone(zone).date()))
    spark = None
    if hours is not None and hours.any_known:
        run, count = hours.run(lead.since, rules), hours.values.size
        label, right = t("board.spark_plain", n=count), t("board.now")
        if run is not None and run[1] == count and hours.mostly_known(run):
            length = count - run[0]
            label = t("board.spark_label", n=count, run=length)
            right = t("board.none_at_zero", n=length)
        spark = hours_spark(
            hours.values, run=run, label=label, left=t("board.hours_ago", n=count), right=right
        )
    return Todo(
        href=f"/leads/{lead.id}",
        tone="hazard" if band == "hazard" else "lead",
        state=band,
        unit=lead.unit,
        when=when,
        sentence=sentence(t, lead),
        spark=spark,
    )


def _building(t: Catalogue, tiles: tuple[Tile, ...], runs: Mapping[int, float], *, now: datetime) -> Building:
    by_stair = {name: list(group) for name, group in groupby(tiles, lambda tile: tile.stair)}
    columns = {name: sorted({_column(tile) for tile in group}) for name, group in by_stair.items()}
    places = {(tile.stair, tile.floor, _column(tile)): tile for tile in tiles}
    floors = sorted({tile.floor for tile in tiles}, reverse=True)
    first = tiles[0]
    return Building(
        id=re.sub(r"\W", "-", first.building),
        name=building_name(t, first.building, first.building_name),
        size=_size(sum(map(len, columns.values()))),
        floors=len(floors),
        units=len(tiles),
        open=sum(tile.state in _SOMETHING_OPEN for tile in tiles),
        silent=sum(tile.is_silent for tile in tiles),
        device=sum(bool(tile.silent_channels) and not tile.is_silent for tile in tiles),
        none=sum(tile.state == "none" for tile in tiles),
        stairs=tuple(
            Stair(name=t("board.stair", name=name) if name else "", columns=len(doors))
            for name, doors in columns.items()
        ),
        rows=tuple(
            Floor(
                number=floor,
                stairs=tuple(
                    tuple(_cell(t, places.get((name, floor, door)), runs, now) for door in doors)
                    for name, doors in columns.items()
                ),
            )
            for floor in floors
        ),
    )


def _size(side_by_side: int) -> str:
    if side_by_side >= _HUGE:
        return "huge"
    if side_by_side >= _WIDE:
        return "wide"
    return "narrow" if side_by_side <= _NARROW else ""


def _column(tile: Tile) -> str:
    """The same for homes above each other: the door without its floor."""
    rest = tile.door.removeprefix(f"{tile.floor:02d}")
    return rest if rest != tile.door else tile.door.removeprefix(str(tile.floor))


def _cell(t: Catalogue, tile: Tile | None, runs: Mapping[int, float], now: datetime) -> Cell | None:
    if tile is None:
        return None
    return Cell(
        unit=tile.unit,
        door=tile.door,
        state=tile.state,
        word=tile_word(t, tile, runs, now),
        href=f"/units/{tile.unit_id}",
    )
